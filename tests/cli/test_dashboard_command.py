"""``denote-dashboard``: panels of what runs log, and one view and one report however often it is run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws
from command_line import Sweep
from drills.wandb_server import DEAD, NEVER, SLOWLY, WELL, WandbServer
from wandb_files import Logged, runs_in
from wandb_project import Project

from denote.cli import commands, dashboard_command
from denote.reporting import panels, wandb_health, wandb_views
from denote.reporting.curve_records import PER_FAMILY
from denote.reporting.panels import Bars, Lines, Parallel, Pictures, Scatter, Section, Table
from denote.reporting.run_config import FLAT

KEY = "0" * 40


@pytest.fixture(scope="module")
def runs(sweep: Sweep) -> list[Logged]:
    """The runs of the sweep of 8 jobs."""
    return runs_in(sweep.folder / "wandb")


@pytest.fixture
def _online(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_MODE", "WANDB_PROJECT", "WANDB_ENTITY", "WANDB_RUN_GROUP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)


def logged(runs: list[Logged]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for run in runs:
        if run.job_type != "object_model":
            found.setdefault(run.job_type, set()).update(key for row in run.history for key in row)
    return found


def drawn(section: Section) -> Iterator[tuple[str, str]]:
    """Where a key of a section's panels stands, and its name."""
    for column in section.columns:
        where, _, name = column.partition(":")
        yield where, name.removesuffix(".value")
    for panel in section.panels:
        match panel:
            case Lines():
                yield from (("history", key) for key in (panel.x, *panel.keys))
                yield "config", panel.by
            case Scatter():
                yield from (("summary", key) for key in (panel.x, panel.y))
            case Parallel():
                yield from (("config", key) for key in panel.settings)
                yield from (("summary", key) for key in panel.numbers)
            case Bars():
                yield from (("summary", key) for key in panel.numbers)
                yield "config", panel.by
            case Pictures():
                yield from (("history", key) for key in panel.keys)
            case Table():
                yield "history", panel.key


UNDEFINED = {"error", "verdict"}
"""Numbers that this sweep has none of: nothing failed, and two layers make no verdict."""


def test_every_key_is_one_that_runs_log(runs: list[Logged]) -> None:
    made = wandb_views.panels_of(logged(runs))
    for section in made:
        of = [run for run in runs if run.job_type in section.job_types]
        held: dict[str, set[str]] = {
            "history": {key for run in of for row in run.history for key in row},
            "summary": {key for run in of for key in run.summary} | UNDEFINED,
            "config": {key for run in of for key in run.config} & set(FLAT),
            "run": {"state", "jobType"},
        }
        for where, name in drawn(section):
            is_undefined = where == "history" and name.rpartition("/")[2] in PER_FAMILY
            assert name in held[where] or is_undefined, (section.title, where, name)
    titles = [getattr(panel, "title", "table") for section in made for panel in section.panels]
    assert titles == [
        "AUROC against depth, by attribute",
        "AUROC against relative depth, by architecture",
        "AUROC of trained and untrained networks",
        "AUROC of each attribute against depth",
        "Share of decisive cells against depth, by sweep",
        "Folded label proportion against depth, by sweep",
        "Share of live neurons that denote, against depth, by sweep",
        "Dataset, architecture, attribute, depth, best AUROC",
        "Object accuracy against share denoting",
        "Mean AUROC by probe",
        "Jobs that failed, by sweep",
        *["table"] * len([panel for section in made for panel in section.panels if isinstance(panel, Table)]),
        "Heat maps of linear observers",
        "Figures",
    ]


def test_several_probes_poolings_and_families_have_lines_and_unlogged_ones_none() -> None:
    of_probes = ["linear/mean/auroc", "linear/max/auroc", "neuron/mean/auroc", "linear/max/auroc/odd"]
    keys = [*of_probes, "named/share_denoting"]
    every = [panel for section in panels.sections(keys) for panel in section.panels]
    by_title = {panel.title: panel for panel in every if isinstance(panel, Lines)}
    by_attribute = by_title["AUROC against depth, by attribute"]
    assert by_attribute.keys == ("linear/max/auroc", "linear/mean/auroc", "neuron/mean/auroc")
    assert by_title["AUROC of each attribute against depth"].keys == ("linear/max/auroc/odd",)
    assert by_title["Folded label proportion against depth, by sweep"].keys == ("named/folded",)
    assert [section.title for section in panels.sections([])] == ["Runs side by side", "Runs that failed"]
    first, *_ = panels.sections(keys, jobs=False)
    assert first.job_types == ("curve",)


def ran(*arguments: str) -> int:
    return commands._command("denote-dashboard", list(arguments))


@pytest.mark.usefixtures("_online")
def test_the_same_command_again_updates_one_view_and_one_report(
    sweep: Sweep, runs: list[Logged], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project("denote", runs)
    with WandbServer(WELL, more=project) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        assert ran(f"sweep={sweep.folder}") == 0
        first = capsys.readouterr().out
        before = project.of_type("project-view"), project.of_type("runs")
        assert ran(str(sweep.folder), "project=denote", "entity=drill") == 0
        assert capsys.readouterr().out == first
        assert project.upserts == [
            (new, kind, "denote sweep t") for new in (True, False) for kind in ("project-view", "runs")
        ]
        assert [tuple(map(_without_ids, each)) for each in before] == [
            tuple(map(_without_ids, project.of_type(kind))) for kind in ("project-view", "runs")
        ]
        assert ran("project=denote") == 0
        assert [title for _, _, title in project.upserts[4:]] == ["denote project denote"] * 2
        assert len(project.views) == 4
        assert ran("project=another") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("project: Could not find project another")
    assert KEY not in first + line


def _without_ids(value: Any) -> Any:
    """Panels and sets of runs have new random ids whenever they are saved."""
    if isinstance(value, dict):
        return {key: _without_ids(of) for key, of in value.items() if key not in ("id", "__id__", "name")}
    return [_without_ids(each) for each in value] if isinstance(value, list) else value


@pytest.mark.usefixtures("_online")
def test_what_is_saved_is_what_the_library_reads_back(
    runs: list[Logged], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with WandbServer(WELL, more=(project := Project("denote", runs))) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        api = wandb_views.prepare()
        place = wandb_views.Place("denote", "drill", 'it\'s "t"')
        assert wandb_views.logged(api, place) == {}
        found = wandb_views.logged(api, wandb_views.Place("denote", "drill", "t"))
        assert found == logged(runs)
        made = wandb_views.panels_of(found)
        view = ws.Workspace.from_url(wandb_views.save_view(place, made, found))
        wandb_views.save_report(api, place, made)
        (held,) = project.of_type("runs")
        report = wr.Report.from_url(f"{server.url}/drill/denote/reports/t--{held['id']}")
        wandb_views.close()
    assert [section.name for section in view.sections] == [section.title for section in made]
    first = view.sections[0].panels[0]
    assert (first.x, first.groupby) == (wr.Metric("depth"), wr.Config("attribute"))
    grids = [block for block in report.blocks if isinstance(block, wr.PanelGrid)]
    assert [grid.runsets[0].name for grid in grids] == [section.title for section in made]
    assert [len(grid.panels) for grid in grids] == [len(section.panels) for section in made]
    (failed,) = [grid.runsets[0] for grid in grids if grid.runsets[0].name == "Runs that failed"]
    wanted = held["spec"]["blocks"]
    filters = next(
        block["metadata"]["runSets"][0]["filters"]["filters"]
        for block in wanted
        if block["type"] == "panel-grid" and block["metadata"]["runSets"][0]["name"] == failed.name
    )
    assert {each["key"]["name"]: each["value"] for each in filters} == {
        "jobType": ["object_model", "job", "curve", "sweep"],
        "group": [place.group],
        "state": ["failed", "crashed", "killed"],
    }


FAULTS = {
    DEAD: "is not reached (Connection refused); run the same command again",
    NEVER: "gives no answer in 1 s; run the same command again",
    SLOWLY: "gives no answer in 1 s; run the same command again",
    "401": "Failed to verify credentials",
    "500": "answers 500 (Internal Server Error); run the same command again",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.usefixtures("_online")
def test_a_server_of_no_use_is_one_line(
    fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wandb_health, "REACH", 1)
    with WandbServer(fault) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        assert ran("project=denote") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("W&B failed: ")
    assert FAULTS[fault] in line
    assert KEY not in line
    assert "Runs" not in server.requests  # nobody is logged in


@pytest.mark.usefixtures("_online")
def test_a_server_that_dies_later_is_one_line_too(
    runs: list[Logged], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(wandb_views, "LIMIT", 1)
    project = Project("denote", runs)

    def hanging(kind: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        if kind == "UpsertView2":
            server.behaviour = NEVER
        return project(kind, asked)

    with WandbServer(WELL, more=hanging) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        assert ran("project=denote") == 1
    said = capsys.readouterr()
    assert [line.partition(":")[0] for line in said.err.splitlines()] == ["W&B failed"]
    assert [upsert[1] for upsert in project.upserts] == ["project-view"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "denote-dashboard: neither project nor sweep came; allowed: denote-dashboard project=NAME"),
        (["denote"], "denote: there is no such folder; allowed: the folder of a sweep"),
        (["a", "sweep=b"], "denote-dashboard: a and b came; allowed: one folder"),
        (["--project"], "--project: no such flag of denote-dashboard"),
        (["projct=a"], "projct: no such key of denote-dashboard; did you mean 'project'?"),
        (["project="], "project: has no value"),
        (["sweep=nowhere"], "nowhere: there is no such folder"),
        (["sweep=."], "holds no jobs"),
    ],
)
@pytest.mark.usefixtures("_online")
def test_mistakes_are_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(*arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.usefixtures("_online")
def test_what_a_dashboard_needs_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert ran("project=denote") == 2
    assert "sent by denote-sync multirun/NAME" in capsys.readouterr().err
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.delenv("WANDB_API_KEY")
    assert ran("project=denote") == 2
    assert "denote-sync multirun/NAME" in capsys.readouterr().err
    monkeypatch.setattr(dashboard_command, "find_spec", lambda _: None)
    assert ran("project=denote") == 2
    assert ".[dashboard]" in capsys.readouterr().err
