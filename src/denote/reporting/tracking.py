"""Tracked runs: one per object model, job, curve over depth and sweep; offline where W&B has no key.

Whatever the logger, results are the same: nothing here is read back, nothing fails a job (`tracking_guard`), and W&B's
own code runs in another process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from denote.reporting import wandb_environment as environment
from denote.reporting import whereabouts
from denote.reporting.local_run import Opened
from denote.reporting.local_runs import LOCAL
from denote.reporting.named_attributes import Families, first_of, named
from denote.reporting.run_end import FINISHED, end, error_of, status_after
from denote.reporting.tracked_run import Run, Together
from denote.reporting.tracking_guard import harmless
from denote.reporting.wandb_names import run_id, shortened, sync_command
from denote.reporting.wandb_session import Session
from denote.reporting.wandb_sessions import session_of_process

LIMIT = 5.0
"""Seconds that W&B may hold up a job, unless the config says otherwise."""

NETWORK = "object_model"
"""Type of the run of a network."""

OF_JOBS = (NETWORK, "job")
"""Types of runs of which a sweep has as many as jobs."""


@dataclass(frozen=True)
class Tracker:
    """Place where runs are tracked.

    Attributes:
        kinds: Where, names of ``config.settings.TRACKERS``.
        folder: The sweep's folder.
        sweep: The sweep's name.
        group: W&B's group.
        project: W&B project.
        entity: W&B team or user; None for the default one.
        tags: Words that label every run.
        limit: Seconds that W&B may hold up a job.
        per_job: Whether jobs and networks have runs, too.
        artifacts: Whether files are sent, too.
    """

    kinds: tuple[str, ...]
    folder: Path
    sweep: str
    group: str
    project: str = environment.PROJECT
    entity: str | None = None
    tags: tuple[str, ...] = ()
    limit: float = LIMIT
    per_job: bool = True
    artifacts: bool = True

    @classmethod
    def of(cls, config: Mapping[str, Any], folder: Path) -> Tracker:
        """The tracker that a resolved config and W&B's environment ask for, for the sweep in ``folder``."""
        logger = config["logger"]
        return cls(
            environment.kinds_of(logger),
            folder,
            sweep=folder.name,
            group=environment.setting(logger, "group") or shortened(folder.name),
            project=environment.setting(logger, "project") or environment.PROJECT,
            entity=environment.setting(logger, "entity"),
            tags=tuple(environment.tags(config["tags"])),
            limit=logger.get("limit", LIMIT),
            per_job=logger.get("per_job", True),
            artifacts=logger.get("artifacts", True),
        )

    @contextmanager
    def run(
        self, job_type: str, key: str, name: str, config: Mapping[str, Any], *, alone: bool = False
    ) -> Iterator[Run | None]:
        """A run that ends as its body does; None where nothing is tracked.

        Nothing here waits until W&B has it, see `denote.reporting.wandb_sessions.settle`. The run of a job that is
        alone is the one that W&B's agent asks for, if an agent started this command.

        Args:
            job_type: ``object_model``, ``job``, ``curve``, ``sweep`` or ``compare``.
            key: What makes this run itself: with the sweep it gives the run's id, so running again continues it.
            name: What people read in the dashboard.
            config: Settings, of which those beside ``settings`` are scalars or comma lists.
            alone: Whether a job belongs to no sweep, so that its run is the only one.
        """
        run = None
        if self.tracks(job_type, alone=alone):
            with harmless(name):
                run = self._opened(job_type, key, name, config, alone=alone)
        if run is None:
            yield None
            return
        try:
            yield run
        except BaseException as error:
            end(run, status_after(error), error_of(error))
            raise
        end(run, FINISHED)

    def ended(
        self, job_type: str, key: str, name: str, config: Mapping[str, Any], *, status: str, error: str | None
    ) -> None:
        """Track a run of which nothing is known but how it ended. What goes wrong in it is said in one warning.

        Args:
            job_type: See `run`.
            key: See `run`.
            name: See `run`.
            config: See `run`.
            status: One of `denote.reporting.run_end.EXIT_CODES`.
            error: From `denote.reporting.run_end.error_line`.
        """
        if self.tracks(job_type):
            with harmless(name):
                end(self._opened(job_type, key, name, config, alone=False), status, error)

    def _opened(self, job_type: str, key: str, name: str, config: Mapping[str, Any], *, alone: bool) -> Together:
        agent = environment.agent() if alone and job_type == "job" else None
        opened = Opened(
            self.place.parent,
            self.project,
            self.group,
            job_type,
            agent.run_id if agent else run_id(self.sweep, job_type, key),
            shortened(name),
            [*self.tags, *_level_tags(config)],
            {**(agent.parameters if agent else {}), "sweep": self.sweep, **config},
        )
        runs: dict[str, Run] = {}
        for kind in self.kinds:
            with harmless(what := f"{opened.name} in {kind}"):
                if kind == environment.WANDB:
                    runs[what] = self._in_wandb(opened, agent.sweep_id if agent else None)
                else:
                    run = LOCAL[kind](opened)
                    whereabouts.note(kind, run.where)
                    runs[what] = run
        return Together(opened.key, runs)

    def _in_wandb(self, opened: Opened, sweep_id: str | None) -> Run:
        session = session_of_process(self.limit)
        given = {
            "project": opened.project,
            "entity": self.entity,
            "dir": str(opened.folder.absolute()),  # W&B's process may stand elsewhere
            "group": opened.group,
            "job_type": opened.job_type,
            "name": opened.name,
            "id": opened.key,
            "tags": list(opened.tags),
            "config": dict(opened.config),
            "sweep_id": sweep_id,
            "mode": os.environ.get(environment.MODE) or "online",  # for a session that is online
        }
        run = session.start(opened.key, given)
        run.files = self.place / "artifacts" / opened.key if self.artifacts else None
        # A network's run opens inside its job's, whose page says more.
        whereabouts.note("W&B", lambda: _where(session, opened.key, self.place), is_part=opened.job_type == NETWORK)
        return run

    def note_others(self) -> None:
        """Tell of the runs that other processes have kept offline, where this process has none in W&B to tell of."""
        if environment.WANDB in self.kinds and any(self.place.glob("offline-run-*")):
            whereabouts.note("W&B", lambda: sync_command(self.place), is_part=True)

    @property
    def is_used(self) -> bool:
        """True where anything is tracked."""
        return bool(self.kinds)

    def tracks(self, job_type: str, *, alone: bool = False) -> bool:
        """Return whether runs of a type are tracked.

        Args:
            job_type: See `run`.
            alone: Whether a job belongs to no sweep.
        """
        return self.is_used and (self.per_job or job_type not in OF_JOBS or (alone and job_type == "job"))

    @property
    def place(self) -> Path:
        """Folder of the runs, ``wandb/``."""
        return environment.folder(self.folder) / "wandb"

    def load(self, job_type: str) -> None:
        """Begin to load W&B, while something else is done.

        Args:
            job_type: That of the run to come.
        """
        if environment.WANDB in self.kinds and self.tracks(job_type):
            with harmless(f"sweep {self.sweep}"):
                session_of_process(self.limit).load(self.place)

    def logged(self, job_type: str, key: str) -> bool:
        """Return whether this machine has a run of this id already, wherever runs are tracked.

        Trackers that write elsewhere leave an empty folder of a run that went well, see `LocalRun.mark`.
        """
        key, folder = run_id(self.sweep, job_type, key), self.place.parent
        places = {kind: f"{kind}/{job_type}/*-{key}" for kind in LOCAL} | {environment.WANDB: f"wandb/*run-*-{key}"}
        return all(any(folder.glob(places[kind])) for kind in self.kinds)

    def named(self, families: Families, *, alone: bool = False) -> list[str]:
        """Return the attributes that have keys of their own: the first of the sweep, whichever job asks.

        Args:
            families: Attributes of a job, or of all, each with its family.
            alone: Whether a job belongs to no sweep, so that its own attributes come first.
        """
        if not self.is_used:
            return []
        if alone:
            return first_of(families)
        return named(self.place.parent / self.kinds[0], self.sweep, families)


def _where(session: Session, key: str, place: Path) -> str | None:
    """Return a run's page, or the command that sends it."""
    if session.online:
        return session.addresses.get(key)
    return None if session.has_given_up else sync_command(place)


def _level_tags(config: Mapping[str, Any]) -> list[str]:
    """Tag of a run whose config has a level of evidence: ``evidence=quick``."""
    level = config.get("evidence")
    return [f"evidence={level}"] if level else []
