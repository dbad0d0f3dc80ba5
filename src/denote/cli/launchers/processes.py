"""Engines of this machine: the command's own process, and processes that it starts and outlives.

A pool of a library takes all its jobs down when one of them kills its process. Here every process has a pipe of its
own: one that dies takes its one job with it, its signal is known, and another process goes on with the next job.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from denote.cli.launchers.engine import NORMAL, Chunk, LaunchedJob, Work, one_by_one
from denote.stops import LONGEST_GRACE, Stopped, stopped_by_signals

THREADS = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "NUMBA")
"""Libraries that read the number of their threads from ``..._NUM_THREADS``; torch reads the first."""


class ThisProcess:
    """Runs jobs one after the other in the command's own process, in the order of the sweep."""

    def chunks(self, jobs: Sequence[LaunchedJob]) -> list[Chunk]:
        """See `Engine`."""
        return [(job,) for job in jobs]

    def run(self, chunks: Sequence[Chunk], work: Work) -> Iterator[tuple[int, str]]:
        """See `Engine`."""
        for index, chunk in enumerate(chunks):
            work(chunk)
            yield index, NORMAL


@dataclass(frozen=True)
class Processes:
    """Runs jobs side by side in processes of this machine.

    Attributes:
        count: How many processes, at least 1.
        threads: Threads of each one's numerical libraries; None: as many as they would take in this process.
        fresh: True gives every chunk a process of its own; False keeps a process until it dies.
    """

    count: int
    threads: int | None = None
    fresh: bool = False

    def chunks(self, jobs: Sequence[LaunchedJob]) -> list[Chunk]:
        """See `Engine`."""
        return one_by_one(jobs)

    def run(self, chunks: Sequence[Chunk], work: Work) -> Iterator[tuple[int, str]]:
        """See `Engine`."""
        waiting = deque(enumerate(chunks))
        idle: list[_Process] = []
        busy: list[_Process] = []
        try:
            while waiting or busy:
                while waiting and len(busy) < self.count:
                    process = idle.pop() if idle else self._start(work)
                    busy.append(process)
                    process.take(*waiting.popleft())
                for process in _ready(busy):
                    busy.remove(process)
                    ending = process.answer()
                    if ending == NORMAL and not self.fresh:
                        idle.append(process)
                    else:
                        _end([process])
                    yield process.index, ending
        except KeyboardInterrupt as interrupt:
            _end(busy, signal.SIGTERM if isinstance(interrupt, Stopped) else signal.SIGINT)
            raise
        finally:
            _end([*idle, *busy])

    def _start(self, work: Work) -> _Process:
        with _environment(_limits(self.threads)):
            return _Process(work)


@dataclass
class _Process:
    """A process that takes one chunk after another."""

    work: Work
    index: int = -1
    pipe: Connection = field(init=False)
    process: SpawnProcess = field(init=False)

    def __post_init__(self) -> None:
        context = multiprocessing.get_context("spawn")  # forking would copy locks and threads of libraries
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other,), name="denote-worker")
        self.process.start()
        other.close()
        with suppress(OSError):  # it is dead already: then that is its answer
            self.pipe.send(self.work)

    def take(self, index: int, chunk: Chunk) -> None:
        """Begin with a chunk."""
        self.index = index
        with suppress(OSError):
            self.pipe.send(chunk)

    def answer(self) -> str:
        """Return how the process ended with its chunk."""
        try:
            self.pipe.recv_bytes()
        except (EOFError, OSError):
            self.process.join(LONGEST_GRACE)
            return exit_reason(self.process.exitcode)
        return NORMAL

    def signal_group(self, number: int) -> None:
        """Send a signal to the process and to those that it has started."""
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid or 0, number)
            else:
                os.kill(self.process.pid or 0, number)


def exit_reason(code: int | None) -> str:
    """Return why a process ended before its jobs did.

    Args:
        code: Its exit code, negative for a signal; None where it is not known.
    """
    if code is None:
        return "its process does not answer"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
        return f"killed by signal {-code} ({name})" + (": out of memory?" if name == "SIGKILL" else "")
    return f"its process ended without a word, with exit code {code}"


def _ready(busy: Sequence[_Process]) -> list[_Process]:
    """Wait until processes have answered or are gone, and return them."""
    ready = set(wait([process.pipe for process in busy]))
    return [process for process in busy if process.pipe in ready]


def _end(processes: Sequence[_Process], number: int = signal.SIGTERM) -> None:
    """End processes: those without work at once, the others when their job has recorded that it was interrupted.

    Args:
        processes: Those to end; one that has ended is left alone.
        number: The signal by which they learn of it.
    """
    processes = [process for process in processes if not process.pipe.closed]
    for process in processes:
        process.pipe.close()
        if process.process.is_alive():
            process.signal_group(number)
    deadline = time.monotonic() + LONGEST_GRACE
    for process in processes:
        process.process.join(max(0.0, deadline - time.monotonic()))
    for process in processes:
        if hasattr(signal, "SIGKILL"):
            process.signal_group(signal.SIGKILL)  # also what it has left behind
        process.process.join()
        process.process.close()


def _limits(threads: int | None) -> dict[str, str]:
    """Variables that limit the threads of a process, as far as the user has not set them."""
    if threads is None:
        return {}
    names = [*(f"{library}_NUM_THREADS" for library in THREADS), "POLARS_MAX_THREADS"]
    return {name: str(threads) for name in names if name not in os.environ}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables that were not set, for processes that are started inside the block."""
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


def _serve(pipe: Connection) -> None:
    """Run chunks that come through a pipe, until it is closed."""
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C reaches the command alone, which tells its processes to end
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    with stopped_by_signals():
        try:
            work: Work = pipe.recv()
            while True:
                work(pipe.recv())
                pipe.send_bytes(b"")
        except (EOFError, BrokenPipeError, KeyboardInterrupt):
            return  # what was interrupted is recorded


def _end_with_parent() -> None:
    """End this process when the command's own is gone, whatever ended that."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LONGEST_GRACE)
    os.killpg(0, signal.SIGKILL) if hasattr(os, "killpg") else os._exit(1)
