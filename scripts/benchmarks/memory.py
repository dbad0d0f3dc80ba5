"""Memory of processes, as Linux tells it."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from time import perf_counter
from typing import Any

from denote.errors import ConfigError

EVERY = 0.1
"""Seconds between two looks at a process tree."""


def resident(process: int) -> int:
    """Bytes that a process and all it started hold at the moment; pages that they share count once for each."""
    parents = {int(file.parent.name): _parent(file) for file in Path("/proc").glob("[0-9]*/stat")}
    tree = {process}
    while more := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return sum(_of_one(each) for each in tree)


def watched(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[float, int]:
    """Run a command; seconds, and the most that it and all it started held together.

    Raises:
        ConfigError: with its last line, if it fails.
    """
    start, done, peak = perf_counter(), Event(), 0
    with subprocess.Popen(  # noqa: S603  (our own command)
        list(command), cwd=folder, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:

        def look() -> None:
            nonlocal peak
            while not done.wait(EVERY):
                peak = max(peak, resident(running.pid))

        watcher = Thread(target=look, daemon=True)
        watcher.start()
        said, _ = running.communicate()
        done.set()
        watcher.join()
    if running.returncode:
        raise ConfigError("benchmark", (said.strip().splitlines() or [f"ended with {running.returncode}"])[-1])
    return perf_counter() - start, peak


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


def alone(module: str, **asked: object) -> dict[str, Any]:
    """Run a module of the benchmarks in a process of its own: JSON in, JSON out.

    Raises:
        ConfigError: with its last line, if it fails.
    """
    command, scripts = [sys.executable, "-m", f"benchmarks.{module}", json.dumps(asked)], Path(__file__).parents[1]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=scripts)  # noqa: S603  (our own)
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
