"""Sweeps whose runs are read back from W&B's own files: how many, of which type, how they ended, with how many keys.

python scripts/drills/wandb_readback.py [--folder FOLDER] [--only WORD ...]

Runs, offline and one after the other: a sweep of 24 jobs, the same again, one with a failing job, two datasets at three
epochs, and a sweep whose jobs have no runs. Prints a line of each; ends with 1 where ids, names, groups, types, tags,
settings, exit codes or the number of keys are not as they should be.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from wandb_files import Logged, runs_in

SMALL = (
    *("debug=fast", "architecture.layers=3", "architecture.width=16", "trainer.progress=false", "progress=none"),
    *("control=[]", "figures=none", "tags=[drill]", "logger.limit=60"),
)
ONE = ("layer.select=0", "attribute=odd", "probe=linear")
SECRET = "0123456789" * 4
"""A key that stands in the environment and must stand nowhere else."""

MOST_KEYS = 300
FAIL = "trainer.lr=0.001,1e30"
"""A training whose loss is no number."""


@dataclass(frozen=True)
class Case:
    """A sweep and the runs that its folder has afterwards.

    Attributes:
        name: What is tried.
        sweep: The sweep's name.
        arguments: What is typed.
        types: Runs by type.
        exits: Runs by exit code.
        code: Exit code of the command.
    """

    name: str
    sweep: str
    arguments: Sequence[str]
    types: Mapping[str, int]
    exits: Mapping[int, int]
    code: int = 0


@dataclass
class Seen:
    """What all cases have shown.

    Attributes:
        keys: Names of metrics, tables and figures.
        wrong: Number of cases that are not as they should be.
    """

    keys: set[str] = field(default_factory=set)
    wrong: int = 0


JOBS = ("layer.select=0,1,2", "attribute=odd,prime", "probe=linear,neuron", "seed=0,1")
EPOCHS = (
    "dataset=digits,digits_2classes",
    "architecture.epoch=1,2,3",
    "architecture.save_epochs=[1,2,3]",
    "trainer.max_epochs=3",
)
ALL = {"job": 24, "object_model": 2, "curve": 1, "sweep": 1}
FAILING = {"job": 2, "object_model": 2, "curve": 1, "sweep": 1}
CASES = [
    Case("24 jobs", "many", JOBS, ALL, {0: 28}),
    Case("the same again", "many", JOBS, ALL, {0: 28}),
    Case("one of two jobs fails", "fails", (*ONE, FAIL), FAILING, {0: 3, 1: 3}, 1),
    Case(
        "two datasets at three epochs", "epochs", ("layer.select=0", "attribute=classes", "probe=linear", *EPOCHS),
        {"job": 6, "object_model": 2, "curve": 6, "sweep": 1}, {0: 15},
    ),
    Case(
        "no runs of jobs", "few", (*JOBS[:2], "probe=linear", "logger.per_job=false"), {"curve": 1, "sweep": 1}, {0: 2}
    ),
]  # fmt: skip


def main() -> int:
    """Run the cases; return 0 where all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the sweeps run and stay; a temporary one is removed")
    parser.add_argument("--only", nargs="*", metavar="WORD", help="cases whose names have one of these words")
    asked = parser.parse_args()
    seen = Seen()
    with kept(asked.folder) as folder:
        for case in CASES:
            if not asked.only or any(word in case.name for word in asked.only):
                tell(case, folder, seen)
    print(f"{len(seen.keys)} keys in all; {seen.wrong} cases are not as they should be")
    return 1 if seen.wrong or len(seen.keys) >= MOST_KEYS else 0


@contextmanager
def kept(folder: Path | None) -> Iterator[Path]:
    """A folder, or a temporary one."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def tell(case: Case, folder: Path, seen: Seen) -> None:
    """Run a case and print its line."""
    start = time.monotonic()
    environment = {**os.environ, "WANDB_MODE": "offline", "WANDB_API_KEY": SECRET}
    program = "from denote.cli.commands import main; main()"
    command = [sys.executable, "-c", program, "-m", *case.arguments, *SMALL, f"sweep_name={case.sweep}"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    seconds, place = time.monotonic() - start, folder / "multirun" / case.sweep / "wandb"
    runs = runs_in(place)
    problems = list(problems_of(case, runs, place))
    if done.returncode != case.code:
        problems.append(f"exit code {done.returncode}: {done.stderr.strip()[-200:]}")
    seen.keys |= {key for run in runs for key in run.keys}
    seen.wrong += bool(problems)
    types = ", ".join(f"{n} {job_type}" for job_type, n in sorted(Counter(run.job_type for run in runs).items()))
    exits = dict(sorted(Counter(run.exit_code for run in runs).items(), key=str))
    most = max((len(run.keys) for run in runs), default=0)
    said = "; ".join(problems) or "as it should be"
    print(f"{case.name}: {len(runs)} runs ({types}), exit codes {exits}, at most {most} keys, {seconds:.0f} s: {said}")
    print(f"  {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'nothing said'}", flush=True)


def problems_of(case: Case, runs: Sequence[Logged], place: Path) -> Iterator[str]:
    """Yield what is not as it should be."""
    if Counter(run.job_type for run in runs) != case.types:
        yield f"expected {dict(case.types)}"
    if Counter(run.exit_code for run in runs) != case.exits:
        yield f"expected exit codes {dict(case.exits)}"
    if len({run.id for run in runs}) != len(runs):
        yield "two folders of one id"
    if any(run.group != case.sweep or "drill" not in run.tags or len(run.name) > 128 for run in runs):
        yield "a group, tag or name"
    flat = [value for run in runs for key, value in run.config.items() if key not in ("_wandb", "settings", "swept")]
    if not all(isinstance(value, (str, int)) for value in flat):
        yield "settings are no scalars"
    if any(SECRET.encode() in file.read_bytes() for file in place.rglob("*") if file.is_file()):
        yield "a secret"
    lines = {(run.config["dataset"], run.config.get("epoch")): run.history for run in runs if run.job_type == "curve"}
    if len(lines) != case.types["curve"] or not all(lines.values()):
        yield "lines are missing"


if __name__ == "__main__":
    sys.exit(main())
