"""Run the jobs of a chunk in one process, one after the other, so that imports are paid for once."""

from __future__ import annotations

import logging
import os
import socket
import sys
from contextlib import redirect_stderr
from dataclasses import dataclass, field, fields, replace
from io import StringIO
from pathlib import Path
from typing import Any

from hydra.core.utils import JobRuntime, configure_log, filter_overrides, run_job, setup_globals
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict

from denote.cli.launchers.engine import Chunk, LaunchedJob
from denote.cli.task import Task
from denote.errors import ConfigError, NoSpaceError
from denote.locks import owner_of
from denote.runs.attempts import Attempt, described, end_for_it, latest, status_after
from denote.runs.record import LOCK, Status, sound_record

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SweepWork:
    """Runs chunks of a sweep's jobs; see `denote.cli.launchers.engine.Work`.

    Attributes:
        task: What Hydra runs.
        config: The sweep's config, of which each job's is made.
        context: Hydra's loader of configs.
        launch: Name of the command that runs the sweep.
        cwd: Absolute path of the folder in which the command was given; relative paths begin there on every host.
        stop: A file whose existence says that no further job is to start.
        limit: Seconds that a job may take; None for no limit.
        stops_after: Attempts after which a job that did not finish ends the sweep; None: none does.
        is_expendable: True in a process that serves this work alone.
        typed: The command with its arguments: what was typed is allowed more than what stands in files.
    """

    task: Task
    config: DictConfig
    context: HydraContext
    launch: str
    cwd: str
    stop: Path
    limit: float | None = None
    stops_after: int | None = None
    is_expendable: bool = False
    typed: tuple[str, ...] = field(default_factory=lambda: tuple(sys.argv))

    def __call__(self, chunk: Chunk) -> None:
        """Run the jobs of a chunk, until one is told to stop the sweep, or its time is over in a process for jobs."""
        setup_globals()
        for job in chunk:
            if self.stop.exists():
                return
            if self._has_ended(job):  # as some have in a chunk that its scheduler runs again
                continue
            if not job.waits and (owner := owner_of(job.folder / LOCK)) is not None:
                log.info("%s is being run by %s: left for the end", job.name, owner)
                continue
            self._run(job)
            if self.is_expendable and self._status(job) == Status.TIMED_OUT:
                sys.exit(f"{job.name} timed out: a module that it was importing would be half there for the next job")
            if self.stops_after is not None and job.attempt >= self.stops_after and not self._is_finished(job):
                request_stop(self.stop, job.name)

    def _run(self, job: LaunchedJob) -> None:
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        log.info("#%d : %s", job.number, " ".join(filter_overrides(job.overrides)))
        attempt = Attempt(self.launch, job.attempt, self.limit, self.is_expendable)
        try:
            config = self.context.config_loader.load_sweep_config(self.config, list(job.overrides))
            with open_dict(config):
                config.hydra.job.num = config.hydra.job.id = job.number
            ended = run_job(
                replace(self.task, attempt=attempt),
                config,
                job_dir_key="hydra.sweep.dir",
                job_subdir_key="hydra.sweep.subdir",
                hydra_context=self.context,
            )
            with redirect_stderr(StringIO()):  # to which Hydra says more of it
                _ = ended.return_value  # raises what Hydra caught: that an end could not be recorded
        except (Exception, SystemExit) as error:  # before the task began, which records its own end
            log.error("%s failed: %s", job.name, described(error)["message"])
            self._end_for_it(job, attempt, error)
        finally:
            configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)

    def _end_for_it(self, job: LaunchedJob, attempt: Attempt, error: BaseException) -> None:
        """Record how an attempt ended; if the disk is too full for that, tell a driver that is in this process."""
        try:
            end_for_it(job.folder, attempt, status_after(error), described(error))
        except NoSpaceError:
            if not self.is_expendable:
                raise

    def _has_ended(self, job: LaunchedJob) -> bool:
        entry = latest(sound_record(job.folder) or {}, self.launch) or {}
        going_on = (Status.RUNNING, Status.INTERRUPTED)
        return entry.get("attempt") == job.attempt and entry.get("status") not in going_on

    def _is_finished(self, job: LaunchedJob) -> bool:
        return self._status(job) == Status.FINISHED

    def _status(self, job: LaunchedJob) -> str:
        record = sound_record(job.folder) or {}
        return str((latest(record, self.launch) or record).get("status"))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to a process that serves this work alone, which is set up before anything of the work is read."""
        state = {each.name: getattr(self, each.name) for each in fields(self)}
        return _arrived, (self.cwd,), {**state, "is_expendable": True}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrive in a process that `_arrived` has set up."""
        vars(self).update(state)
        sys.argv = list(self.typed)
        JobRuntime.instance().set("name", self.config.hydra.job.name)


def request_stop(stop: Path, name: str) -> None:
    """Let no further job of a sweep start.

    Args:
        stop: The file that says so.
        name: The job after which the sweep stops.
    """
    stop.parent.mkdir(parents=True, exist_ok=True)
    stop.write_text(name, encoding="utf-8")


def _arrived(cwd: str) -> SweepWork:
    """Set up a process for work that comes to it from the command's own, and return work without content."""
    if not Path(cwd).is_dir():
        problem = f"there is no such folder on {socket.gethostname()}"
        raise ConfigError(cwd, problem, "start the sweep in a folder of a file system that all hosts share")
    os.chdir(cwd)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # see `denote.cli.commands`
    from denote.cli import sweeper

    sweeper.register()
    return object.__new__(SweepWork)
