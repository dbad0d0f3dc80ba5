"""Merge a sweep of many jobs, and start it again when all of it is finished: seconds, memory and sizes.

One tiny job is run. The others are copies of it under other seeds: their settings, fingerprints, keys of networks and
digests are those of jobs of their own; the numbers in their tables are not. Every step runs in a process of its own.

    python scripts/drills/many_jobs.py --jobs 1000 --folder /tmp/many
    python scripts/drills/many_jobs.py --jobs 10000 --folder /tmp/many --steps make merge same plan
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from denote.config.keys import digest
from denote.runs.fingerprint import fingerprint, job_name
from denote.runs.record import RECORD, read_record, result_files, with_digests, write_record

NAME = "many"
TINY = [
    *("debug=fast", "logger=none", "figures=none", "control=[]", "attribute=odd", "probe=linear", f"sweep_name={NAME}"),
    *("architecture.layers=2", "architecture.width=8", "progress=none"),
]
STEPS = ("make", "merge", "same", "plan")
"""Copy the jobs; merge them; the same command when they are finished and merged; its plan."""

FEW = 8
"""Jobs of a sweep that costs as much as one of few jobs: what a process costs by itself."""


@dataclass(frozen=True)
class Cost:
    """Cost of a step: seconds on the clock and of the processors, MB at most, and its exit code."""

    wall: float
    cpu: float
    peak: float
    code: int
    last: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the steps and print what they took; return 1 where one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1000, help="count of jobs (default: 1000)")
    parser.add_argument("--folder", type=Path, help="where to work, kept afterwards (default: a temporary folder)")
    parser.add_argument("--steps", nargs="*", default=STEPS, choices=STEPS, help="what to do; make first, once")
    asked = parser.parse_args(arguments)
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="many_jobs"))
    folder.mkdir(parents=True, exist_ok=True)
    sweep = folder / "multirun" / NAME
    print(f"{asked.jobs} jobs in {sweep}\n{'step':24}{'wall s':>9}{'CPU s':>9}{'ms a job':>10}{'peak MB':>9}  exit")
    failed = False
    for name in asked.steps:
        for label, jobs, command in steps(name, sweep, asked.jobs):
            cost = measured(command, folder)
            failed |= cost.code != 0
            per_job = 1000 * cost.cpu / jobs
            print(f"{label:24}{cost.wall:9.1f}{cost.cpu:9.1f}{per_job:10.2f}{cost.peak:9.0f}  {cost.code} {cost.last}")
    print(f"jobs: {described([path for path in sweep.glob('*-*') if path.is_dir()])}")
    print(f"merged: {described([sweep / 'sweep'])}")
    if asked.folder is None:
        shutil.rmtree(folder)
    return int(failed)


def steps(name: str, sweep: Path, jobs: int) -> list[tuple[str, int, list[str]]]:
    """Return what a step is made of: what it is called, the jobs that share its cost, and the command."""
    python, run = sys.executable, "from denote.cli.commands import main; main()"
    swept = [python, "-c", run, "-m", *TINY, f"seed=range({jobs})"]
    few = [python, "-c", run, "-m", *TINY, f"seed=range({min(FEW, jobs)})"]
    report = "from denote.cli.commands import report; report()"
    if name == "make":
        copy = [python, __file__, "--copy", str(sweep), str(jobs)]
        return [("one job", 1, [python, "-c", run, "-m", *TINY, "seed=0"]), ("copies", jobs, copy)]
    if name == "merge":
        return [("merge", jobs, [python, "-c", report, f"sweep={sweep}", "figures=none", "progress=none"])]
    if name == "plan":
        return [
            (f"plan=true, {FEW} jobs", min(FEW, jobs), [*few, "plan=true"]),
            ("plan=true", jobs, [*swept, "plan=true"]),
        ]
    return [("same command", jobs, swept), ("same command again", jobs, swept)]


def measured(command: Sequence[str], folder: Path) -> Cost:
    """Run a command in a folder and return what it took; what it printed goes to a file beside."""
    start = time.perf_counter()
    with (folder / "printed.txt").open("w+", encoding="utf-8") as printed:
        process = subprocess.Popen(command, cwd=folder, stdout=printed, stderr=subprocess.STDOUT)  # noqa: S603
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        lines = printed.read().splitlines()
    said = lines[-1] if process.returncode and lines else ""
    peak = used.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return Cost(time.perf_counter() - start, used.ru_utime + used.ru_stime, peak, process.returncode, said)


def copy(sweep: Path, jobs: int) -> None:
    """Copy the first job of a sweep under other seeds."""
    [first] = [path.parent for path in sweep.glob(f"*/{RECORD}") if path.parent.name != "sweep"][:1]
    record = read_record(first) or {}
    names = result_files(first)
    frames = {name: pl.read_parquet(first / name) for name in names if name.endswith(".parquet")}
    for seed in range(jobs):
        _copy(first, record, frames, names, seed)


def _copy(first: Path, record: dict[str, Any], frames: dict[str, pl.DataFrame], names: list[str], seed: int) -> None:
    config = {**record["config"], "seed": seed}
    folder = first.parent / job_name(config)
    if folder == first:
        return
    folder.mkdir(exist_ok=True)
    network = digest([record["object_model"], seed])
    changed = {"seed": seed, "object_model": network}
    for name in names:
        frame = frames.get(name)
        columns = {} if frame is None else {key: value for key, value in changed.items() if key in frame.columns}
        if frame is None or not columns or not frame.height:
            shutil.copyfile(first / name, folder / name)
            continue
        values = {key: pl.lit(value, frame.schema[key]) for key, value in columns.items()}
        frame.with_columns(**values).write_parquet(folder / name)
    key = {"name": folder.name, "fingerprint": fingerprint(config), "object_model": network, "config": config}
    mine = {**record, **key, "seeds": {**record["seeds"], "seed": seed}}
    write_record(folder, with_digests(mine, folder, names))


def described(folders: Sequence[Path]) -> str:
    """Return how many files folders hold, and how large they are."""
    sizes = [path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file()]
    return f"{len(folders):,} folders, {len(sizes):,} files, {sum(sizes) / 1e6:,.1f} MB"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--copy"]:
        copy(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        sys.exit(main())
