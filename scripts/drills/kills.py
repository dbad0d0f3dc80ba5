"""Kill commands of denote at every file operation, and run the same command again.

    python scripts/drills/kills.py                      # all cases
    python scripts/drills/kills.py --only merge,redo --every

A process is killed (SIGKILL, by itself) just before its k-th file operation below the folder of its results: before a
file is opened to be written, renamed, linked, removed, or a folder made, removed or flushed, as Python's audit events
announce them. It does so for every line of code that makes any, with all that called it, in turns at the first and the
last of its operations; with ``--every`` for every k. Then the same command has to end with exit code 0 and with the
tables of a run that nobody disturbed, bit for bit; no job that was finished at the kill may be made again; and no
temporary file, lock or half folder may be left. It needs Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from trials import (
    TINY,
    Around,
    copied,
    differing,
    finished,
    leftovers,
    load,
    made_again,
    results,
    run,
    seconds,
    side_by_side,
    table,
    tail,
)

SWEEP = ("denote", "-m", *TINY, "architecture.layers=2", "layer.select=0", "attribute=odd", "sweep_name=t")
MERGE = " sweep.py:"
"""Part of the lines of code that lead to an operation of a merge."""

OPERATIONS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Case:
    """A command that is killed.

    Attributes:
        name: What it does.
        command: The command.
        prepare: Makes the folder in which it begins.
        again: Whether the command makes finished jobs again.
        exchanges: False: as on a file system that cannot exchange the names of two folders.
        merges: False: the merge at the end is left to other cases.
    """

    name: str
    command: Sequence[str]
    prepare: Callable[[Path], None]
    again: bool = False
    exchanges: bool = True
    merges: bool = True


def of_jobs(*arguments: str, without: str = "") -> Callable[[Path], None]:
    """Return what makes a folder by running a sweep, and removing a folder of it."""

    def prepare(folder: Path) -> None:
        expect_done(folder, [*SWEEP, *arguments])
        if without:
            shutil.rmtree(folder / "multirun" / without)

    return prepare


def merged_before_the_last_job(folder: Path) -> None:
    """Make a folder whose merged results lack a job."""
    expect_done(folder, [*SWEEP, "seed=0"])
    merged = folder / "multirun" / "t" / "sweep"
    kept = merged.rename(folder / "kept")
    expect_done(folder, [*SWEEP, "seed=0,1"])
    shutil.rmtree(merged)
    kept.rename(merged)


def expect_done(folder: Path, command: Sequence[str]) -> None:
    """Run a command that has to end well.

    Raises:
        RuntimeError: if it does not.
    """
    if code := run(folder, command):
        raise RuntimeError(f"{' '.join(command)}: exit code {code}\n{tail(folder)}")


def a_job(folder: Path) -> str:
    """Return the folder of the first job of the sweep, below the folder of the trial."""
    return min(path.parent.relative_to(folder).as_posix() for path in folder.glob("multirun/t/*/run.json"))


JOB = "the folder of a job"
CASES = [
    Case("merge", [*SWEEP, "seed=0,1"], of_jobs("seed=0,1", without="t/sweep")),
    Case("merge again", [*SWEEP, "seed=0,1"], merged_before_the_last_job),
    Case("merge without exchange", [*SWEEP, "seed=0,1"], merged_before_the_last_job, exchanges=False),
    Case("report", ["denote-report", "figures=none", "sweep=multirun/t"], of_jobs("seed=0,1")),
    Case("report of a job", ["denote-report", "figures=none", f"sweep={JOB}"], of_jobs("seed=0")),
    Case("redo", [*SWEEP, "seed=0", "on_existing=redo"], of_jobs("seed=0"), again=True, merges=False),
    Case(
        "more evidence",
        [*SWEEP, "seed=0", "evidence=standard"],
        of_jobs("seed=0", "evidence=quick"),
        again=True,
        merges=False,
    ),
    Case("another epoch", [*SWEEP, "seed=0", "architecture.epoch=1"], of_jobs("seed=0"), merges=False),
    Case("from nothing", [*SWEEP, "seed=0"], lambda _: None, merges=False),
]


class Aim:
    """Watches the file operations of a process below a folder, and kills it before one of them.

    Args:
        folder: The folder.
        at: Number of the operation, from 0; None kills nobody.
    """

    def __init__(self, folder: Path, at: int | None = None) -> None:
        self.root, self.at = f"{os.path.realpath(folder)}/", at
        self.sites: list[str] = []
        self.process = 0

    def begin(self) -> None:
        """Watch this process."""
        self.process = os.getpid()
        sys.addaudithook(self._hook)

    def points(self, *, every: bool, merges: bool) -> list[int]:
        """Return the operations to kill at.

        Args:
            every: True: all; False: one for each line of code, in turns its first and its last.
            merges: False: without those of the merge.
        """
        sites = [(number, site) for number, site in enumerate(self.sites) if merges or MERGE not in site]
        first, last = {site: number for number, site in reversed(sites)}, {site: number for number, site in sites}
        one = [(first, last)[turn % 2][site] for turn, site in enumerate(last)]
        return [number for number, _ in sites] if every else sorted(one)

    def _hook(self, event: str, values: tuple[Any, ...]) -> None:
        if event == "open":
            path, place = values[0], -1
            if not isinstance(path, str | bytes) or not (values[2] & WRITES or Path(os.fsdecode(path)).is_dir()):
                return
        elif event in OPERATIONS:
            path, place = values[0], values[-1]
        else:
            return
        if os.getpid() != self.process or threading.current_thread() is not threading.main_thread():
            return
        base = Path(f"/proc/self/fd/{place}").readlink() if isinstance(place, int) and place >= 0 else Path.cwd()
        if str(base / os.fsdecode(path)).startswith(self.root):
            if len(self.sites) == self.at:
                os.kill(self.process, signal.SIGKILL)
            self.sites.append(f"{event} {_lines_of_denote()}")


def _lines_of_denote() -> str:
    """Return which lines of denote are being executed, the innermost first."""
    frame, lines = sys._getframe(2), list[str]()
    while frame is not None:
        if "/denote/" in frame.f_code.co_filename:
            lines.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")
        frame = frame.f_back
    return " ".join(lines)


def settings(case: Case) -> None:
    """Prepare the process of a command.

    A job that was killed runs in the command's own process, too: starting Python for each of hundreds takes longer than
    all else.
    """
    from denote import files
    from denote.cli import sweeper

    sweeper.was_killed = lambda _: False
    if not case.exchanges:
        files._exchange = lambda *_: False


def drill(case: Case, folder: Path, workers: int, *, every: bool, most: int) -> dict[str, Any]:
    """Kill one command at its operations, and return the counts.

    Args:
        case: The command.
        folder: Where trials run.
        workers: Trials side by side.
        every: See `Aim.points`.
        most: Kills, at most, spread over all operations.
    """
    begun = seconds()
    template, whole, said = folder / "template", folder / "whole", folder / "sites.json"
    template.mkdir(parents=True)
    case.prepare(template)
    copied(template, whole)
    command = [word.replace(JOB, a_job(template)) if JOB in word else word for word in case.command]
    aim = Aim(whole / "multirun")

    def begin(aim: Aim) -> None:
        settings(case)
        aim.begin()

    tell = Around(partial(begin, aim), lambda: said.write_text(json.dumps(aim.sites), encoding="utf-8") and None)
    if code := run(whole, command, tell):
        raise RuntimeError(f"{case.name}: exit code {code} of an undisturbed run\n{tail(whole)}")
    aim.sites = json.loads(said.read_text(encoding="utf-8"))
    expected, points = results(whole), aim.points(every=every, merges=case.merges)
    points = points[:: -(-len(points) // most)]

    def work(number: int) -> None:
        with (folder / f"outcomes-{number}").open("w", encoding="utf-8") as out:
            for at in points[number::workers]:
                place = copied(template, folder / f"trial-{number}")
                code = run(place, command, Around(partial(begin, Aim(place / "multirun", at))))
                before = finished(place)
                again = run(place, command, Around(partial(settings, case)))
                outcome = {
                    "at": at,
                    "site": aim.sites[at],
                    "killed": code == -signal.SIGKILL,
                    "exit": again,
                    "differing": differing(expected, results(place)),
                    "made again": [] if case.again else made_again(before, finished(place)),
                    "left": leftovers(place),
                }
                if again or outcome["differing"] or outcome["made again"] or outcome["left"]:
                    outcome["said"] = tail(place)
                    copied(place, folder / f"failed-{at}")
                out.write(json.dumps(outcome) + "\n")
                out.flush()

    side_by_side(workers, work)
    told = [(folder / f"outcomes-{number}").read_text(encoding="utf-8") for number in range(workers)]
    outcomes = [json.loads(line) for line in "".join(told).splitlines()]
    for outcome in outcomes:
        if "said" in outcome:
            print(f"{case.name}: {json.dumps(outcome, indent=1)}", file=sys.stderr)
    return {
        "case": case.name,
        "operations": len(aim.sites),
        "lines of code": len(set(aim.sites)),
        "kills": sum(outcome["killed"] for outcome in outcomes),
        "exit 0 after": sum(outcome["exit"] == 0 for outcome in outcomes),
        "tables equal": sum(not outcome["differing"] for outcome in outcomes),
        "nothing made again": sum(not outcome["made again"] for outcome in outcomes),
        "nothing left": sum(not outcome["left"] for outcome in outcomes),
        "healed": f"{sum('said' not in outcome for outcome in outcomes)} of {len(outcomes)}",
        "seconds": round(seconds() - begun),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drill; return 0 if every kill healed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", default="", help="names of cases, with commas between: " + ", ".join(c.name for c in CASES)
    )
    parser.add_argument("--every", action="store_true", help="kill at every operation, also at equal ones in a row")
    parser.add_argument("--most", type=int, default=100_000, help="kills of a case, at most (default: all)")
    parser.add_argument("--workers", type=int, default=2, help="trials side by side (default: 2)")
    parser.add_argument("--folder", type=Path, help="where trials run (default: a temporary folder)")
    chosen = parser.parse_args(arguments)
    names = [name for name in chosen.only.split(",") if name]
    load()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="kills-"))
    rows = []
    for case in CASES:
        if not names or case.name in names:
            place = folder / case.name.replace(" ", "-")
            shutil.rmtree(place, ignore_errors=True)
            rows.append(drill(case, place, chosen.workers, every=chosen.every, most=chosen.most))
            print(table(rows[-1:]), flush=True)
    print(table(rows))
    if chosen.folder is None:
        shutil.rmtree(folder)
    return 0 if all(len(set(row["healed"].split(" of "))) == 1 for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
