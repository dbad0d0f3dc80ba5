"""Processes: what they and all they start cost, run alone, or beside processes that keep the cores busy."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import Any

from denote.errors import ConfigError

EVERY = 0.1
"""Seconds between two looks at a process tree."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
"""What torch, its BLAS, NumPy's BLAS and numba read when they are imported."""


@dataclass(frozen=True)
class Usage:
    """What a command and all it started took.

    Attributes:
        wall: Seconds of the clock.
        cpu: Seconds of the processors; of what it started, that which it waited for.
        peak: The most bytes that they held together; pages that they share count once for each.
        code: Exit code.
        said: What it printed.
    """

    wall: float
    cpu: float
    peak: int
    code: int
    said: str

    @property
    def last_line(self) -> str:
        """The last line that it printed, which is the error of one that failed."""
        return (self.said.strip().splitlines() or [f"ended with {self.code}"])[-1]


def measured(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> Usage:
    """Run a command in a folder and wait for it."""
    done, peak = Event(), 0
    with tempfile.TemporaryFile("w+") as output:
        start = perf_counter()
        running = subprocess.Popen(  # noqa: S603  (our own command)
            list(command), cwd=folder, env=dict(environment), stdout=output, stderr=subprocess.STDOUT
        )

        def look() -> None:
            nonlocal peak
            while not done.wait(EVERY):
                peak = max(peak, resident(running.pid))

        watcher = Thread(target=look, daemon=True)
        watcher.start()
        _, status, used = os.wait4(running.pid, 0)
        wall = perf_counter() - start
        running.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for already
        done.set()
        watcher.join()
        output.seek(0)
        return Usage(wall, used.ru_utime + used.ru_stime, peak, running.returncode, output.read())


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Run that many processes that do nothing but count, so that every core is wanted by someone else, too."""
    with ExitStack() as stack:
        for _ in range(count):
            one = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(one.kill)  # before it is waited for
        yield


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def with_threads(count: int) -> dict[str, str]:
    """Environment of a process whose libraries use that many threads."""
    return os.environ | dict.fromkeys(THREADS, str(count))


def resident(process: int) -> int:
    """Bytes that a process and all it started hold at the moment; pages that they share count once for each."""
    parents = {int(file.parent.name): _parent(file) for file in Path("/proc").glob("[0-9]*/stat")}
    tree = {process}
    while more := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return sum(_of_one(each) for each in tree)


def _of_one(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)


def _parent(file: Path) -> int | None:
    """Of the process whose status a file is; the name in it may hold spaces and brackets."""
    try:
        return int(file.read_text(errors="replace").rpartition(")")[2].split()[1])
    except OSError:  # it has ended
        return None


def alone(module: str, threads: int | None = None, **asked: object) -> dict[str, Any]:
    """Run a module of the benchmarks in a process of its own: JSON in, JSON out.

    Args:
        module: Its name.
        threads: Of the libraries in that process; None leaves them as they are here.
        **asked: What is handed to it.

    Raises:
        ConfigError: with its last line, if it fails.
    """
    command, scripts = [sys.executable, "-m", f"benchmarks.{module}", json.dumps(asked)], Path(__file__).parents[1]
    environment = None if threads is None else with_threads(threads)
    ran = subprocess.run(  # noqa: S603  (our own)
        command, capture_output=True, text=True, check=False, cwd=scripts, env=environment
    )
    if ran.returncode:
        raise ConfigError("benchmark", (ran.stderr.strip().splitlines() or [f"ended with {ran.returncode}"])[-1])
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def most_resident() -> int:
    """The most bytes that this process has held so far."""
    file = Path("/proc/self/status")
    lines = file.read_text(encoding="ascii", errors="replace").splitlines() if file.exists() else []
    found = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)
    unit = 1 if sys.platform == "darwin" else 1024
    return found or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def forget_peak() -> None:
    """Let `most_resident` start anew, where the system can."""
    file = Path("/proc/self/clear_refs")
    if file.exists():
        file.write_text("5", encoding="ascii")
