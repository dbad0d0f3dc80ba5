"""Fill the disk at many points of a sweep, its redo and its report; then free it and run the same command again.

python scripts/drills/full_disk.py [--points 20] [--keep FOLDER]

Each trial runs on a small file system in memory, which only root can mount. A file takes all of it but a share of the
bytes that the command writes, so that the disk is full there. The command must end with exit code 1 and one line,
without a traceback. Without that file the same command must end with 0, and the tables must be those of a sweep that
met no full disk, bit for bit. Exits with 1 where a trial fails.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from forked_commands import run

SIZE = 256 << 20
"""Bytes of the file system."""

SETTINGS = ("debug=fast", "evidence=quick", "logger=none", "progress=none", "architecture.layers=2", "seed=0,1")
SWEEP = ("denote", "-m", *SETTINGS, "attribute=odd", "probe=[linear,neuron]", "sweep_name=full")
COMMANDS = {
    "sweep": SWEEP,
    "redo": (*SWEEP, "on_existing=redo"),
    "report": ("denote-report", "sweep=multirun/full", "progress=none"),
}
"""Commands to run; all but the first begin with a finished sweep."""


SIGNS = ("Traceback", "Logging error", "Exception ignored")
"""Signs of an error that nobody named."""


@dataclass(frozen=True)
class Trial:
    """The end of a command on a full disk, and of the same command afterwards.

    Attributes:
        command: Which.
        share: Bytes that were free, as a share of those that it writes.
        exit_code: Of the command on the full disk.
        said: What it wrote.
        again: Exit code of the same command with space.
        equal: Whether the tables are those of the reference afterwards.
    """

    command: str
    share: float
    exit_code: int
    said: str
    again: int
    equal: bool

    @property
    def lines(self) -> list[str]:
        """The lines that say what is wrong: one for the command, or for each job that could not be run."""
        return [line for line in self.said.splitlines() if "no space left" in line]

    @property
    def is_clean(self) -> bool:
        """True if it ended as a command on a full disk should."""
        return self.exit_code == 1 and bool(self.lines) and not any(sign in self.said for sign in SIGNS)

    @property
    def is_healed(self) -> bool:
        """True if the same command completed."""
        return self.again == 0 and self.equal

    @property
    def passed(self) -> bool:
        """True if all is as it should be."""
        return self.is_clean and self.is_healed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all trials; return 0 where all pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=20, help="trials in all")
    parser.add_argument("--keep", type=Path, help="folder for what failed trials printed")
    asked = parser.parse_args(arguments)
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        print("skipped: only root can mount a file system in memory")
        return 0
    trials = []
    with tempfile.TemporaryDirectory(prefix="denote-full-") as folder:
        reference, disk = Path(folder) / "reference", Path(folder) / "disk"
        reference.mkdir()
        disk.mkdir()
        ran = run(SWEEP, reference)
        if ran.exit_code != 0:
            print(ran.err)
            return 1
        for name, share in shares(asked.points):
            with mounted(disk):
                trials.append(attempt(name, share, disk, reference))
            print(f"{len(trials)} of {asked.points}: {row(trials[-1])}", flush=True)
            if asked.keep is not None and not trials[-1].passed:
                asked.keep.mkdir(parents=True, exist_ok=True)
                (asked.keep / f"{len(trials)}.txt").write_text(trials[-1].said)
    clean, again = sum(trial.is_clean for trial in trials), sum(trial.is_healed for trial in trials)
    print(f"\n{len(trials)} full disks: {clean} with one line and exit code 1, {again} completed by the same command")
    return 0 if all(trial.passed for trial in trials) else 1


def shares(points: int) -> list[tuple[str, float]]:
    """Return what is run, and which share of the bytes it writes is free: evenly spread, a third redo and report."""
    others = points // 6
    counts = {"sweep": points - 2 * others, "redo": others, "report": others}
    return [(name, (place + 0.5) / count) for name, count in counts.items() for place in range(count)]


def attempt(name: str, share: float, disk: Path, reference: Path) -> Trial:
    """Run a command on a disk with little space, and again with enough."""
    if name != "sweep":
        shutil.copytree(reference, disk, dirs_exist_ok=True)
    fill(disk, int(share * written(name, reference)))
    full = run(COMMANDS[name], disk)
    (disk / "filler").unlink()
    again = run(COMMANDS[name], disk)
    compare = (sys.executable, str(Path(__file__).parents[1] / "compare_tables.py"), str(reference), str(disk))
    same = subprocess.run(compare, capture_output=True, text=True, check=False)  # noqa: S603
    said = f"{full.out}\n{full.err}"
    if again.exit_code != 0:
        said += f"\n--- again ---\n{again.out}\n{again.err}"
    return Trial(name, share, full.exit_code, said, again.exit_code, same.returncode == 0)


def written(name: str, reference: Path) -> int:
    """Return the bytes that a command writes beside what is there."""
    multirun = reference / "multirun"
    parts = {"sweep": [multirun], "redo": [*multirun.glob("full/*-*")], "report": [multirun / "full" / "sweep"]}[name]
    return sum(-(-file.stat().st_size // 4096) * 4096 for part in parts for file in part.rglob("*") if file.is_file())


@contextmanager
def mounted(disk: Path) -> Iterator[None]:
    """Mount an empty file system in memory inside the block."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk)], check=True)  # noqa: S603, S607
    try:
        yield
    finally:
        subprocess.run(["umount", str(disk)], check=True)  # noqa: S603, S607


def fill(disk: Path, free: int) -> None:
    """Leave so many bytes of a file system free."""
    with (disk / "filler").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - free)


def row(trial: Trial) -> str:
    """Return a trial as a line."""
    said = f"{len(trial.lines)} lines name it" if trial.is_clean else "NOT CLEAN"
    after = "completed" if trial.is_healed else f"THEN exit {trial.again}, tables equal: {trial.equal}"
    return f"{trial.command:<7}{trial.share:>5.0%} exit {trial.exit_code}, {said}; {after}"


if __name__ == "__main__":
    sys.exit(main())
