"""Commands of denote run in forked processes, and what is looked at in the folders that they leave: for the drills.

Importing denote's libraries takes seconds and running a tiny job takes one. So a drill imports them once, and forks a
process for every command. It must not run any of them itself: their threads would be missing in a forked process.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from forked_commands import here, load_libraries

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(name, "1")  # before the libraries are loaded

TINY = (
    *("debug=fast", "logger=none", "figures=none", "progress=none", "control=untrained", "control.untrained.twins=1"),
    *("architecture.width=8", "trainer.max_epochs=2"),
)
"""Settings of the smallest job, whose numbers mean nothing."""

LEFT = (".tmp", ".new", ".old", ".partial", ".clock", ".lock")
"""Ends of the names of files and folders that nobody may leave behind."""

RESULTS = (".parquet", ".safetensors", "inputs.png")


def load() -> None:
    """Import what commands need, so that forked processes need not; and read their configs with the fast parser."""
    yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    load_libraries()


@dataclass(frozen=True)
class Around:
    """Calls in the process of a command: before it begins and after it has ended."""

    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None


PLAIN = Around()


def start(folder: Path, command: Sequence[str], around: Around = PLAIN) -> int:
    """Fork a process, the first of a group of its own, that runs a command; return its number.

    Args:
        folder: Where it runs; its output is added to ``log`` there.
        command: The command and its arguments.
        around: Called in the process.
    """
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        log = os.open("log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        around.before()
        code = here(command)
        around.after()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def end(process: int) -> int:
    """Wait for a process and return its exit code; that of a killed one is negative."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def run(folder: Path, command: Sequence[str], around: Around = PLAIN) -> int:
    """Run a command in a process of its own and return its exit code; see `start`."""
    return end(start(folder, command, around))


def side_by_side(count: int, work: Callable[[int], None]) -> None:
    """Call a function with 0, 1, ... in as many processes, and wait for all.

    Raises:
        RuntimeError: if one of them failed.
    """
    processes = []
    for number in range(count):
        process = os.fork()
        if not process:
            code = 1
            try:
                work(number)
                code = 0
            finally:
                os._exit(code)
        processes.append(process)
    codes = [end(process) for process in processes]
    if any(codes):
        raise RuntimeError("a process of the drill itself failed")


def results(folder: Path) -> dict[str, str]:
    """Return the digest of every table and observer of all jobs and merges, by path."""
    files = (file for file in sorted((folder / "multirun").rglob("*")) if file.name.endswith(RESULTS))
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if ".store" not in file.parts
    }


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Return the files in which two folders differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def leftovers(folder: Path) -> list[str]:
    """Return the files and folders that should not be there when no command runs."""
    names = (path.relative_to(folder).as_posix() for path in (folder / "multirun").rglob("*"))
    return sorted(name for name in names if name.endswith(LEFT) or ".lock." in name or ".damaged" in name)


def finished(folder: Path) -> dict[str, tuple[str, int]]:
    """Return when each finished job was started, and the time of its tables' last change, by the job's folder."""
    found = {}
    for path in sorted((folder / "multirun").glob("*/*/run.json")):
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if record["status"] == "finished":
            found[path.parent.name] = (record["started"], (path.parent / "cells.parquet").stat().st_mtime_ns)
    return found


def made_again(before: dict[str, tuple[str, int]], after: dict[str, tuple[str, int]]) -> list[str]:
    """Return the jobs that were finished and have been made again, by what `finished` gave earlier and later."""
    return [job for job in before if before[job] != after.get(job)]


def trainings(folder: Path) -> int:
    """Return how many trainings lie in the store."""
    return len(list((folder / "multirun" / ".store" / "models").glob("*/model.json")))


def copied(template: Path, folder: Path) -> Path:
    """Copy a folder with its files' times, in place of what is there."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder, symlinks=True)
    return folder


def tail(folder: Path, lines: int = 12) -> str:
    """Return the last lines that the commands in a folder printed."""
    return "\n".join((folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as lines of equally wide columns."""
    names = list(rows[0])
    cells = [names, *([str(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def seconds() -> float:
    """Return seconds of a clock that runs evenly."""
    return time.monotonic()


def children(process: int) -> list[int]:
    """Return the processes that a process has started, the oldest first."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            values = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(values[1]) == process and values[0] not in "ZX":
            found.append(int(stat.parent.name))
    return sorted(found)


def is_alive(process: int) -> bool:
    """Return whether a process runs."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
