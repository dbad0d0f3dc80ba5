"""A project as W&B's server has it: the runs in it, and the views and reports that clients save."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wandb_files import Logged


@dataclass
class Project:
    """Answers what W&B's client and ``wandb-workspaces`` ask of a project; to be the ``more`` of a `WandbServer`.

    Attributes:
        name: Its name.
        runs: Its runs.
        views: Saved views and reports, by their ids: ``type``, ``name``, ``displayName``, ``spec`` and so on.
        upserts: What clients saved, in order: whether it was new, its type and its name.
    """

    name: str
    runs: Sequence[Logged]
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    upserts: list[tuple[bool, str, str]] = field(default_factory=list)

    def __call__(self, kind: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        """Return the data of an answer, None of operations that are no project's."""
        answers = {
            "Runs": self._runs,
            "View": self._view,
            "SpecificReport": lambda asked: {"view": self.views[asked["reportId"]]},
            "ProjectViews": self._reports,
            "GetProjects": self._projects,
            "ProjectInternalId": lambda _: {"project": {"id": "p", "internalId": "UHJvamVjdEludGVybmFsSWQ6MQ=="}},
            "UpsertView2": self._upsert,
            "upsertView": self._upsert,
        }
        return answers[kind](asked) if kind in answers else None

    def of_type(self, view_type: str) -> list[dict[str, Any]]:
        """Return the views of a type, with their specifications read."""
        return [{**view, "spec": json.loads(view["spec"])} for view in self.views.values() if view["type"] == view_type]

    def _runs(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["project"] != self.name:
            return {"project": None}
        wanted = json.loads(asked["filters"])
        found = [run for run in self.runs if all(_has(run, key, value) for key, value in wanted.items())]
        nodes = [{"cursor": run.id, "node": _node(run)} for run in found[: asked["perPage"]]]
        page = {"endCursor": None, "hasNextPage": False}
        held = {"edges": nodes, "pageInfo": page}
        return {"project": {"internalId": "p", "runCount": len(found), "readOnly": False, "runs": held}}

    def _view(self, asked: dict[str, Any]) -> dict[str, Any]:
        named = [view for view in self.views.values() if view["name"] == asked["viewName"]]
        return {"project": {"allViews": {"edges": [{"node": view} for view in named]}}}

    def _reports(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert asked.get("viewType", "runs") == "runs"
        edges = [{"node": view, "cursor": view["id"]} for view in self.views.values() if view["type"] == "runs"]
        return {"project": {"allViews": {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}}}

    def _projects(self, asked: dict[str, Any]) -> dict[str, Any]:
        node = {"__typename": "Project", "id": "p", "name": self.name, "entityName": asked["entity"], "user": None}
        page = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
        of_time = {"createdAt": "2026-01-01T00:00:00Z", "isBenchmark": False}
        return {"models": {"pageInfo": page, "edges": [{"node": {**node, **of_time}}]}}

    def _upsert(self, asked: dict[str, Any]) -> dict[str, Any]:
        key = asked.get("id") or f"Vmlldzo{len(self.views)}"
        is_new = key not in self.views
        project = {"id": "p", "name": asked["projectName"], "entityName": asked["entityName"]}
        said = {name: asked[name] for name in ("type", "name", "displayName", "description", "spec")}
        of_time = {"createdAt": "2026-01-01T00:00:00", "updatedAt": "2026-01-01T00:00:00"}
        self.views[key] = {"id": key, **said, "project": project, "user": {}, **of_time}
        self.upserts.append((is_new, asked["type"], asked["displayName"]))
        return {"upsertView": {"view": self.views[key], "inserted": is_new}}


def _has(run: Logged, key: str, value: Any) -> bool:
    return {"jobType": run.job_type, "group": run.group}[key] == value


def _node(run: Logged) -> dict[str, Any]:
    keys = {key for row in run.history for key in row}
    told = dict.fromkeys(("sweepName", "commit", "description", "notes"))
    return {
        **told,
        **{"id": run.id, "name": run.id, "displayName": run.name, "projectId": "1", "state": "finished"},
        **{"group": run.group, "jobType": run.job_type, "tags": run.tags, "readOnly": False},
        **{"createdAt": "2026-01-01T00:00:00", "heartbeatAt": None, "historyLineCount": len(run.history)},
        "config": json.dumps({key: {"value": value} for key, value in run.config.items()}),
        "summaryMetrics": json.dumps(run.summary, default=str),
        "systemMetrics": "{}",
        "user": {"name": "drill", "username": "drill"},
        "historyKeys": {"keys": {key: {} for key in keys}, "lastStep": len(run.history) - 1},
    }
