"""Run chunks of jobs by submitit: in processes of this machine, or in arrays of a SLURM.

submitit carries a chunk to its process and requeues it where the scheduler says so. It is not asked for results, which
would raise for the first lost job: how jobs ended stands in their records, and how processes ended the scheduler says.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from denote.cli.launchers.chunk_order import ChunkOrder
from denote.cli.launchers.engine import NORMAL, Chunk, LaunchedJob, Work, by_training
from denote.config.settings import COUNT, NAME, POSITIVE, SWITCH, Value, listed, number
from denote.errors import ConfigError, first_line, install
from denote.progress import step
from denote.stops import Stopped, stopped_by_signals

if TYPE_CHECKING:
    from submitit import Job
    from submitit.core.core import PicklingExecutor
    from submitit.helpers import DelayedSubmission

FIRST_PAUSE, LONGEST_PAUSE, PAUSE_SHARE = 0.5, 15.0, 0.05
"""Seconds between two looks at how processes stand: a share of the time since the last of them was started."""

LONGEST_LINE = 200
"""Characters of a log's line that are shown."""

ONE_PROCESS = Value(
    "1: one process runs a job, and starts those that trainer.devices asks for", lambda value: value == 1
)
AT_LEAST_ONE_OR_NULL = number(1, whole=True, or_else=(None,))
COMMANDS = listed("a list of commands, or null", NAME, or_else=(None,))

ALL_DEVICES = "all"
"""Value of `SubmittedChunk.devices` for no limit."""


@dataclass(frozen=True)
class SubmittedChunk:
    """A chunk as submitit carries it to its process.

    Attributes:
        chunk: The jobs to run.
        work: Runs those that have not ended.
        devices: ``CUDA_VISIBLE_DEVICES`` of its process, or `ALL_DEVICES`; None: as submitit or SLURM sets it.
        ends_with_parent: True where the process has to end with the one that started it.
    """

    chunk: Chunk
    work: Work
    devices: str | None = None
    ends_with_parent: bool = False

    def __call__(self) -> None:
        """Run the jobs in this process."""
        if self.devices == ALL_DEVICES:
            os.environ.pop("CUDA_VISIBLE_DEVICES", None)
        elif self.devices is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = self.devices
        if self.ends_with_parent:
            threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
        with stopped_by_signals(), scheduler_stops():
            self.work(self.chunk)

    def checkpoint(self) -> DelayedSubmission:
        """Return what submitit runs once the scheduler has given it another process."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _end_with(parent: int) -> None:
    """End this process once its parent has ended."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


@contextmanager
def scheduler_stops() -> Iterator[None]:
    """Let a job that the scheduler ends be interrupted, not failed; then exit as submitit would have.

    submitit hears the signal before a time limit, writes what is left to a file, has it requeued and calls `sys.exit`
    inside the job, which would be taken for the job's own.
    """
    number = signal.Signals[f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}"]
    theirs = signal.getsignal(number)
    exits: list[SystemExit] = []

    def hear(received: int, frame: FrameType | None) -> None:
        if not callable(theirs):
            return
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # SLURM sends it next, while the job records its interruption
        try:
            theirs(received, frame)
        except SystemExit as stop:
            exits.append(stop)
            raise Stopped("its scheduler, which runs it again") from None
        except RuntimeError as error:  # submitit says why it does not requeue
            raise Stopped(f"its scheduler: {first_line(error)}") from None

    signal.signal(number, hear)
    try:
        yield
    except Stopped:
        if exits:
            raise exits[0] from None
        raise
    finally:
        signal.signal(number, theirs)


@dataclass(frozen=True)
class Running:
    """A chunk that submitit has taken.

    Attributes:
        job: submitit's.
        since: When it was submitted, by `time.monotonic`.
    """

    job: Job[None]
    since: float = field(default_factory=time.monotonic)

    @property
    def log(self) -> Path:
        """The file with what its process wrote to standard error, or the one with all that it wrote."""
        paths = self.job.paths
        return paths.stderr if paths.stderr.exists() else paths.stdout

    @property
    def last_words(self) -> str:
        """Return the path of its log, and the last error in it: ``log: FILE: srun: error: node2: task 0: Killed``."""
        error = f": {errors[-1][:LONGEST_LINE]}" if (errors := self._errors()) else ""
        return f"log: {os.path.relpath(self.log)}{error}"

    @property
    def has_errors(self) -> bool:
        """Return whether its log tells of an error."""
        return bool(self._errors())

    def _errors(self) -> list[str]:
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return []
        return [line for line in lines if "error" in line.lower()]

    def clear(self) -> None:
        """Remove the pickles that carried it; its logs stay."""
        for path in (self.job.paths.submitted_pickle, self.job.paths.result_pickle):
            path.unlink(missing_ok=True)


@dataclass(kw_only=True)
class SubmititEngine(ABC):
    """The part that both engines share; its attributes are keys of ``conf/hydra/launcher/submitit_*.yaml``.

    Attributes:
        submitit_folder: Where submitit keeps what it carries, and logs; ``%j`` stands for the number of a job.
        timeout_min: Minutes that a process may take, above 0.
        cpus_per_task: Processors of a process, at least 1; None: as the scheduler sets it.
        gpus_per_node: GPUs of a process, at least 0; None: as the scheduler sets it.
        tasks_per_node: 1; the key is known from other launchers.
        nodes: 1; likewise.
        mem_gb: Memory of a process in GB, above 0; None: as the scheduler sets it.
        name: Of submitit's jobs.
        array_parallelism: Processes at a time, at least 1; None: as many as this machine has processors for.
        jobs_per_process: Jobs that a process runs one after the other, at least 1; None: all jobs spread evenly.
        signal_delay_s: Seconds before the time limit at which a process is told to end.
        max_num_timeout: How often a chunk goes on in another process after its time limit.
        stderr_to_stdout: Write one log instead of two.
        setup: Commands that a process begins with.
    """

    submitit_folder: Annotated[str, NAME]
    timeout_min: Annotated[float, POSITIVE]
    cpus_per_task: Annotated[int | None, AT_LEAST_ONE_OR_NULL]
    gpus_per_node: Annotated[int | None, number(0, whole=True, or_else=(None,))]
    tasks_per_node: Annotated[int, ONE_PROCESS]
    nodes: Annotated[int, ONE_PROCESS]
    mem_gb: Annotated[float | None, number(0, open_at="low", or_else=(None,))]
    name: Annotated[str, NAME]
    array_parallelism: Annotated[int | None, AT_LEAST_ONE_OR_NULL]
    jobs_per_process: Annotated[int | None, AT_LEAST_ONE_OR_NULL]
    signal_delay_s: Annotated[int, COUNT]
    max_num_timeout: Annotated[int, COUNT]
    stderr_to_stdout: Annotated[bool, SWITCH]
    setup: Annotated[list[str] | None, COMMANDS]

    @property
    def parallel(self) -> int:
        """Processes at a time."""
        return self.array_parallelism or max(1, (os.cpu_count() or 1) // (self.cpus_per_task or 1))

    def chunks(self, jobs: Sequence[LaunchedJob]) -> list[Chunk]:
        """See `Engine`; jobs that share a training share a process where they fit."""
        if self.jobs_per_process is None:
            return by_training(jobs, at_most=self.parallel)
        return by_training(jobs, at_most=len(jobs), least=self.jobs_per_process)

    def run(self, chunks: Sequence[Chunk], work: Work) -> Iterator[tuple[int, str]]:
        """See `Engine`."""
        executor, order = self._executor(), ChunkOrder(chunks)
        waiting, running = list(range(len(chunks))), dict[int, Running]()
        try:
            with step(self.where) as shown:
                while waiting or running:
                    for index in order.made_elsewhere(waiting):
                        waiting.remove(index)
                        yield index, NORMAL
                    part = self._next(order.ready(waiting, running), len(running))
                    jobs = self._submit(executor, [self._carried(chunks[index], work) for index in part], len(running))
                    running |= {index: Running(job) for index, job in zip(part, jobs, strict=False)}
                    waiting = [index for index in waiting if index not in running]
                    ends = self._ends(running)
                    shown.detail = self._counts(running, waiting)
                    for index, reason in ends.items():
                        running.pop(index).clear()
                        yield index, reason
                    if not ends and (waiting or running):
                        time.sleep(_pause(running.values()))
        finally:
            if running:
                self._cancel(running)

    where: ClassVar[str]
    """Where processes run, for messages."""

    def _carried(self, chunk: Chunk, work: Work) -> SubmittedChunk:
        return SubmittedChunk(chunk, work)

    def _parameters(self) -> dict[str, Any]:
        """Return submitit's parameters that are set."""
        names = (
            "timeout_min",
            "cpus_per_task",
            "gpus_per_node",
            "mem_gb",
            "name",
            "signal_delay_s",
            "stderr_to_stdout",
        )
        values = {name: getattr(self, name) for name in (*names, "setup")}
        return {name: value for name, value in values.items() if value is not None}

    @abstractmethod
    def _executor(self) -> PicklingExecutor: ...

    @abstractmethod
    def _next(self, ready: Sequence[int], n_running: int) -> Sequence[int]:
        """Return the chunks of those that are ready that are submitted now."""

    @abstractmethod
    def _submit(
        self, executor: PicklingExecutor, carried: Sequence[SubmittedChunk], n_running: int
    ) -> Sequence[Job[None]]:
        """Submit chunks; the first ones, or none, where not all can be submitted now."""

    @abstractmethod
    def _ends(self, running: Mapping[int, Running]) -> dict[int, str]:
        """Return how processes ended that have ended, and note how the others stand."""

    @abstractmethod
    def _counts(self, running: Mapping[int, Running], waiting: Sequence[int]) -> str:
        """Say how processes stand: ``2 running, 5 pending (Resources)``."""

    @abstractmethod
    def _cancel(self, running: Mapping[int, Running]) -> None:
        """End processes."""


def _pause(running: Collection[Running]) -> float:
    since = max((one.since for one in running), default=time.monotonic())
    return min(LONGEST_PAUSE, max(FIRST_PAUSE, PAUSE_SHARE * (time.monotonic() - since)))


def load_submitit() -> ModuleType:
    """Import submitit.

    Raises:
        ConfigError: if it is not installed.
    """
    try:
        return import_module("submitit")
    except ImportError as error:
        raise ConfigError("hydra/launcher", "submitit is not installed", install("slurm")) from error
