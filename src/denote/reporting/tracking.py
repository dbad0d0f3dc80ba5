"""Tracked runs: one per object model, job, curve over depth and sweep; offline where W&B has no key.

Whatever the logger, results are the same: nothing here is read back, and W&B's own code runs in another process.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING, Any

from denote.progress import step
from denote.reporting import wandb_environment as environment
from denote.reporting.curve_records import MOST_NAMED
from denote.reporting.local_runs import LOCAL, Opened
from denote.reporting.named_attributes import named
from denote.reporting.run_config import EPOCH
from denote.reporting.tracked_run import Run, Together
from denote.reporting.wandb_names import run_id, shortened, sync_command
from denote.reporting.wandb_session import Session, TrackedRun
from denote.stops import TimeLimitError

if TYPE_CHECKING:
    from denote.reporting.curve_logger import CurveLogger

log = logging.getLogger(__name__)

LIMIT = 5.0
"""Seconds that W&B may hold up a job, unless the config says otherwise."""

OF_JOBS = ("object_model", "job")
"""Types of runs of which a sweep has as many as jobs."""

STATUS, FINISHED, FAILED, INTERRUPTED, TIMED_OUT = "status", "finished", "failed", "interrupted", "timed out"
"""Key of a run's summary that says how it ended, and what it says; that of a killed process is ``crashed``."""

EXIT_CODES = {FINISHED: 0, FAILED: 1, TIMED_OUT: 1, INTERRUPTED: 255}
"""Exit codes of runs; 255 is what W&B shows as killed by its user."""


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

        Nothing here waits until W&B has it, see `settle`. The run of a job that is alone is the one that W&B's agent
        asks for, if an agent started this command.

        Args:
            job_type: ``object_model``, ``job``, ``curve`` or ``sweep``.
            key: What makes this run itself: with the sweep it gives the run's id, so running again continues it.
            name: What people read in the dashboard.
            config: Settings, of which those beside ``settings`` are scalars or comma lists.
            alone: Whether a job belongs to no sweep, so that its run is the only one.
        """
        if not self.tracks(job_type, alone=alone):
            yield None
            return
        agent = environment.agent() if alone and job_type == "job" else None
        opened = Opened(
            self.place.parent,
            self.project,
            self.group,
            job_type,
            agent.run_id if agent else run_id(self.sweep, job_type, key),
            shortened(name),
            [*self.tags, *_level_tags(config)],
            {**(agent.parameters if agent else {}), **config, "sweep": self.sweep},
        )
        runs: list[Run] = []
        if environment.WANDB in self.kinds:
            runs.append(self._in_wandb(opened, agent.sweep_id if agent else None))
        runs += [LOCAL[kind](opened) for kind in self.kinds if kind in LOCAL]
        run = runs[0] if len(runs) == 1 else Together(runs)
        try:
            yield run
        except BaseException as error:
            status = _status_after(error)
            run.summarize({STATUS: status, "error": type(error).__name__})
            run.finish(EXIT_CODES[status])
            raise
        run.summarize({STATUS: FINISHED})
        run.finish(EXIT_CODES[FINISHED])

    def _in_wandb(self, opened: Opened, sweep_id: str | None) -> TrackedRun:
        session = _session(self.limit)
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
        if opened.job_type != "object_model" or not _last:  # a network's run opens inside its job's, which is told
            _last[:] = [(session, opened.key, self.place)]
        return run

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
            _session(self.limit).load(self.place)

    def logged(self, job_type: str, key: str) -> bool:
        """Return whether this machine has a run of this id already, wherever runs are tracked.

        Trackers that write elsewhere leave an empty folder of a run that went well, see `LocalRun.mark`.
        """
        key, folder = run_id(self.sweep, job_type, key), self.place.parent
        places = {kind: f"{kind}/{job_type}/*-{key}" for kind in LOCAL} | {environment.WANDB: f"wandb/*run-*-{key}"}
        return all(any(folder.glob(places[kind])) for kind in self.kinds)

    def named(self, attributes: Sequence[str], *, alone: bool = False) -> list[str]:
        """Return the attributes that have keys of their own: the first of the sweep, whichever job asks.

        Args:
            attributes: Those of a job, or of all.
            alone: Whether a job belongs to no sweep, so that its own attributes come first.
        """
        if not self.is_used:
            return []
        if alone:
            return list(attributes)[:MOST_NAMED]
        return named(self.place.parent / self.kinds[0], self.sweep, attributes)


_sessions: dict[tuple[Any, ...], Session] = {}
"""The session of this process, by what it depends on."""

_last: list[tuple[Session, str, Path]] = []
"""Session, id and folder of the run that was opened last; of a job and its network, of the job's."""


def whereabouts() -> str | None:
    """Wait until runs are sent or kept, and say where: the last run's address, or the command that sends them.

    Returns:
        None where nothing was tracked.
    """
    settle()
    while _last:  # it is told once
        session, key, place = _last.pop()
        if session.online:
            return session.addresses.get(key)
        return None if session.has_given_up else sync_command(place)
    return None


def settle() -> None:
    """Wait until W&B has all runs of this process, or disk has them, for the seconds that are left to the last job.

    Ctrl-C ends the wait.
    """
    for (pid, *_), session in _sessions.items():
        if pid == os.getpid():
            with suppress(KeyboardInterrupt):
                session.settle()


def _session(limit: float) -> Session:
    """The session of this process, a new one where its environment has changed or it was forked."""
    names = [name for name in os.environ if name.startswith("WANDB_") or name in ("HOME", "NETRC")]
    made_of = (os.getpid(), limit, *sorted((name, os.environ[name]) for name in names))
    if made_of not in _sessions:
        settle()
        for (pid, *_), session in _sessions.items():
            if pid == os.getpid():
                session.close()
        _sessions.clear()
        # Unlike an exit handler it is also called in processes of `multiprocessing`; in a fork of this one it is not.
        Finalize(None, settle, exitpriority=0)
        _sessions[made_of] = Session(online=environment.is_online(), limit=limit)
    return _sessions[made_of]


def _status_after(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return TIMED_OUT if isinstance(error, TimeLimitError) else FAILED


def _level_tags(config: Mapping[str, Any]) -> list[str]:
    """Tag of a run whose config has a level of evidence: ``evidence=quick``."""
    level = config.get("evidence")
    return [f"evidence={level}"] if level else []


def lightning_logger(run: Run | None) -> CurveLogger | None:
    """Lightning's logger on a run that is already open, for live training curves."""
    if run is None:
        return None
    with step("loading Lightning", once=True):
        from denote.reporting.curve_logger import CurveLogger

    run.define_metric(EPOCH)
    run.define_metric("*", step=EPOCH)
    return CurveLogger(run)


def replay(run: Run | None, history: Sequence[Mapping[str, Any]], live: CurveLogger | None = None) -> None:
    """Log the epochs of a training that were not logged while it ran: all of a model that was loaded.

    Args:
        run: An open run, or None.
        history: One row per epoch.
        live: What logged the training.
    """
    if run is None:
        return
    logged = live.logged if live is not None else ()
    for row in history:
        if row[EPOCH] not in logged:
            run.log({key: value for key, value in row.items() if value is not None})
