"""Run a sweep's jobs to their ends, whatever engine runs them and whatever becomes of its processes.

The driver learns from an engine when chunks have ended. How each job ended it reads in the job's own record; where that
still says "running", the job was killed, and the driver says so in it. Jobs that failed or were killed are tried again
as often as `sweep.retries` says, and jobs that never began because their process ended before are handed out again.
A job that another command runs is left for the end, so that commands on one sweep share its jobs.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from denote.cli.launchers.engine import NORMAL, Chunk, Engine, LaunchedJob, Work, one_by_one
from denote.cli.launchers.worker import request_stop
from denote.errors import DenoteError, NoSpaceError, told
from denote.locks import TIDYING, HeldError, locked
from denote.progress import step
from denote.progress.steps import Step
from denote.reporting.jobs import MISSING, SKIPPED
from denote.runs.attempts import LAUNCH, Attempt, end_for_it, latest, launch_folder
from denote.runs.record import Status, sound_record

log = logging.getLogger(__name__)

FRUITLESS = 2
"""How often a job is handed out again that did not begin."""

LOCK = ".lock"
CONFIG = "multirun.yaml"

LOOK = 5.0
"""Seconds between two looks at the records of jobs whose chunk has not ended."""

SILENT = "its process ended without a word: killed?"
CUT = "its process was ended with the sweep"


@dataclass(frozen=True)
class End:
    """How a job ended.

    Attributes:
        job: The job.
        status: One of `Status`, `SKIPPED` or `MISSING`.
        reason: Why it did not finish, in one line.
        is_mistake: True where it failed by a mistake of the user's.
    """

    job: LaunchedJob
    status: str
    reason: str = ""
    is_mistake: bool = False

    @property
    def is_told(self) -> bool:
        """True where the job's record says how it ended."""
        return self.status not in (SKIPPED, MISSING)


@dataclass
class Launch:
    """The jobs of one command and how they end.

    Attributes:
        name: Name of the command; see `denote.runs.attempts.new_launch`.
        sweep: Absolute path of the sweep's folder.
        retries: How often a job that failed or was killed is tried again.
        stops: True where no job starts any more once one has not finished.
        redoes: True where jobs are run whose folders hold finished results.
        config: Text of the sweep's config, which its folder keeps; nothing is kept of an empty one.
        ends: How each job ended, by its number.
    """

    name: str
    sweep: Path
    retries: int = 0
    stops: bool = False
    redoes: bool = False
    config: str = ""
    ends: dict[int, End] = field(default_factory=dict)
    _fruitless: dict[int, int] = field(default_factory=dict)
    _telling: threading.Lock = field(default_factory=threading.Lock)

    @property
    def folder(self) -> Path:
        """Folder of what this launch keeps until it ends."""
        return launch_folder(self.sweep, self.name)

    @property
    def stop(self) -> Path:
        """File whose existence says that no further job is to start."""
        return self.folder / "stop"

    def unsuccessful(self) -> list[End]:
        """Return how those jobs ended that did not finish."""
        return [end for _, end in sorted(self.ends.items()) if end.status != Status.FINISHED]

    def unstarted(self) -> dict[str, tuple[str, str]]:
        """Return status and reason of jobs that never began, by name: they have no record to tell."""
        return {end.job.folder.name: (end.status, end.reason) for end in self.ends.values() if not end.is_told}

    def run(self, jobs: Sequence[LaunchedJob], engine: Engine, alone: Engine, work: Work) -> None:
        """Run jobs until each has ended, and keep in `ends` how.

        Args:
            jobs: The jobs.
            engine: Runs them.
            alone: Gives every job a process of its own: for jobs that killed one before.
            work: Runs a chunk.

        Raises:
            KeyboardInterrupt: after what runs was stopped, with `ends` complete.
        """
        tidy(self.sweep)
        with locked(self.folder.with_suffix(LOCK), f"launch of {len(jobs)} jobs"), step("job", len(jobs)) as shown:
            try:
                if self.config:
                    self._keep_config()
                self._run(jobs, engine, alone, work, shown)
            finally:
                for job in jobs:
                    if job.number not in self.ends:
                        self.ends[job.number] = self._end_of(job, CUT) or End(job, MISSING, "was not started")
                shutil.rmtree(self.folder, ignore_errors=True)

    def _keep_config(self) -> None:
        """Write the sweep's config, by way of this launch's folder, where nothing is left of a killed process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        written = self.folder / CONFIG
        written.write_text(self.config, encoding="utf-8")
        written.replace(self.sweep / CONFIG)

    def _run(self, jobs: Sequence[LaunchedJob], engine: Engine, alone: Engine, work: Work, shown: Step) -> None:
        """Run jobs round by round, those that need a process of their own after the others."""
        waiting, risky = _apart(jobs)
        while waiting or risky:
            if waiting:
                again = self._round(engine.chunks(waiting), engine, work, shown)
            else:
                again, risky = self._round(one_by_one(risky), alone, work, shown), []
            waiting, killers = _apart(again)
            risky += killers

    def _round(self, chunks: Sequence[Chunk], engine: Engine, work: Work, shown: Step) -> list[LaunchedJob]:
        """Run chunks once; return the jobs to hand out again."""
        again: list[LaunchedJob] = []
        open_chunks = dict(enumerate(chunks))
        problem = NORMAL
        try:
            with closing(engine.run(chunks, work)) as ended, self._watched(open_chunks, shown):  # type: ignore[type-var]
                for index, reason in ended:
                    again += self._settled(open_chunks.pop(index), reason)
                    self._tell(open_chunks, shown)
        except DenoteError as error:
            if not self.ends and not again:
                raise
            problem = str(error)
        except Exception as error:
            log.exception("the launcher failed; its jobs are handed out again")
            problem = told(error)
        for chunk in open_chunks.values():
            again += self._settled(chunk, problem)
        return again

    def _settled(self, chunk: Chunk, reason: str) -> list[LaunchedJob]:
        """Keep how the jobs of a chunk ended that has ended; return those to hand out again."""
        ends = {job: self._end_of(job, reason) for job in chunk}
        began = any(end is not None for end in ends.values())
        again = []
        for job, end in ends.items():
            following = self._unbegun(job, reason, behind=began) if end is None else self._retried(end)
            if isinstance(following, End):
                self.ends[job.number] = following
            else:
                again.append(following)
        return again

    def _end_of(self, job: LaunchedJob, reason: str) -> End | None:
        """Return how a job ended whose process has ended, by its record; None where it did not begin."""
        record = sound_record(job.folder) or {}
        entry = latest(record, self.name)
        if entry is None:  # another command may have finished it meanwhile
            return End(job, Status.FINISHED) if record.get("status") == Status.FINISHED and not self.redoes else None
        if entry.get("attempt") != job.attempt:
            return None
        if entry.get("status") == Status.RUNNING:
            message = reason or SILENT
            error = {"kind": "Killed", "message": message, "mistake": False, "traceback": None}
            log.error("%s killed: %s", job.name, message)
            try:
                end_for_it(job.folder, Attempt(self.name, job.attempt), Status.KILLED, error)
            except NoSpaceError as full:
                log.error("%s: how it ended cannot be recorded: %s", job.name, full)
            return End(job, Status.KILLED, message)
        error = entry.get("error") or {}
        return End(job, str(entry.get("status")), str(error.get("message", "")), bool(error.get("mistake")))

    def _retried(self, end: End) -> LaunchedJob | End:
        """Return the job's next attempt, or its end where it has finished or was tried often enough."""
        if end.status in (Status.FINISHED, Status.INTERRUPTED) or end.is_mistake:
            return end
        if end.job.attempt <= self.retries:
            log.warning("%s: tried again, %d of %d", end.job.name, end.job.attempt, self.retries)
            is_risky = end.job.is_risky or end.status == Status.KILLED
            return replace(end.job, attempt=end.job.attempt + 1, is_risky=is_risky)
        if self.stops and not self.stop.exists():
            request_stop(self.stop, end.job.name)
        return end

    def _unbegun(self, job: LaunchedJob, reason: str, *, behind: bool) -> LaunchedJob | End:
        """Return a job to be handed out again that did not begin, or its end where that would be in vain.

        Args:
            job: The job.
            reason: How its process ended.
            behind: True where others of its chunk have begun before; otherwise it may be this job that ends processes.
        """
        if self.stop.exists():
            return End(job, SKIPPED, f"stopped after {self.stop.read_text(encoding='utf-8')} failed")
        if reason == NORMAL and not job.waits:  # another command was running it
            return replace(job, waits=True)
        if behind:
            return job
        times = self._fruitless[job.number] = self._fruitless.get(job.number, 0) + 1
        if times > FRUITLESS:
            return End(job, MISSING, f"did not begin: {reason or SILENT}")
        return replace(job, is_risky=True)

    @contextmanager
    def _watched(self, chunks: dict[int, Chunk], shown: Step) -> Iterator[None]:
        """Count the jobs of chunks that have not ended, while they end."""
        if all(len(chunk) == 1 for chunk in chunks.values()):
            yield
            return
        over = threading.Event()

        def look() -> None:
            while not over.wait(LOOK):
                self._tell(chunks, shown)

        thread = threading.Thread(target=look, name="jobs", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _tell(self, chunks: dict[int, Chunk], shown: Step) -> None:
        """Show how many jobs have ended; of chunks that are under way their records tell."""
        with self._telling:
            under_way = [job for chunk in list(chunks.values()) if len(chunk) > 1 for job in chunk]
            done = len(self.ends) + sum(self._says_its_end(job) for job in under_way)
            if done > shown.done:
                shown.advance(done - shown.done)

    def _says_its_end(self, job: LaunchedJob) -> bool:
        entry = latest(sound_record(job.folder) or {}, self.name)
        return entry is not None and entry.get("attempt") == job.attempt and entry.get("status") != Status.RUNNING


def _apart(jobs: Sequence[LaunchedJob]) -> tuple[list[LaunchedJob], list[LaunchedJob]]:
    """Return the jobs that may share a process, and those that get one of their own."""
    return [job for job in jobs if not job.is_risky], [job for job in jobs if job.is_risky]


def tidy(sweep: Path) -> None:
    """Remove from a sweep's folder what launches have left there whose process was killed.

    Args:
        sweep: The folder.
    """
    launches = {file.name.partition(LOCK)[0] for file in sweep.glob(f"{LAUNCH}*")}
    for folder in (sweep / name for name in sorted(launches)):
        # Under its lock: a launch that only seemed dead, or begins just now, keeps its folder.
        with suppress(HeldError), locked(folder.with_suffix(LOCK), TIDYING, wait=False):
            shutil.rmtree(folder, ignore_errors=True)
