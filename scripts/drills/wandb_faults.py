"""Run a small job under every fault of Weights & Biases, and tell what it cost.

python scripts/drills/wandb_faults.py [--only WORD ...] [--repeats 1] [--folder FOLDER]

Each case runs ``denote`` in a folder of its own, against a server on 127.0.0.1 that misbehaves, or with a service,
package, folder or setting that is broken. The table has the exit code, the seconds that jobs waited for W&B, the
seconds that they took longer than with ``logger=none`` (the medians of the repeats; on a busy machine mostly noise),
the lines that speak of W&B, and whether the tables are equal to the last bit. It ends with 1 where an exit code, a
table, the number of warnings or the limit is not as it should be. Nothing but 127.0.0.1 is spoken to.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import polars as pl
import pytorch_lightning  # noqa: F401 # once, not in every job
from wandb_server import DEAD, NEVER, SLOWLY, WELL, WandbServer

import denote.runs.job  # noqa: F401 # likewise
from denote.cli.commands import main as main_of_denote

FORK = multiprocessing.get_context("fork")

HEARD = "hydra.verbose=[denote.reporting.wandb_session]"
"""Has the job say how long W&B held it up."""

JOB = (
    *("debug=fast", "architecture.layers=2", "architecture.width=16", "attribute=odd", "probe=linear", "control=[]"),
    *("figures=none", "progress=none", HEARD),
)
SWEEP = ("-m", "seed=0,1,2", "sweep_name=drill")
LIMIT = 5.0
"""Seconds that W&B may cost a job."""

KEY = "0" * 40
WHERE = "W&B: "
"""Begins the line that says where runs are, which is no warning."""
HELD_UP = re.compile(r"W&B held up this job for ([0-9.]+) s")


@dataclass(frozen=True)
class Case:
    """One fault.

    Attributes:
        name: What is wrong.
        server: How the server behaves at first, and once a run was created; None for no server and no key.
        service: A signal that W&B's service gets as soon as it runs.
        package: Source of a package ``wandb`` that stands in the place of the real one.
        prepare: Breaks something in the folder in which the job will run, whose path it gets.
        environment: Further variables, in which ``{folder}`` is that folder.
        arguments: Further arguments of ``denote``.
        code: The exit code that is right.
        warnings: The number of lines on W&B that is right.
    """

    name: str
    server: tuple[str, str | None] | None = (WELL, None)
    service: signal.Signals | None = None
    package: str | None = None
    prepare: Callable[[Path], None] = lambda folder: None
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    code: int = 0
    warnings: int = 1


RAISING = """
class Settings:
    def __init__(self, **given): pass
class Run:
    dir, url = ".", None
    summary = config = {{}}
    def log_artifact(self, *a, **k): pass
    def use_artifact(self, *a, **k): pass
    def define_metric(self, *a, **k): pass
    def log(self, *a, **k): pass
    def finish(self, *a, **k): pass
    def {method}(self, *a, **k): raise RuntimeError("{method} on purpose")
class Artifact:
    def __init__(self, *a, **k): pass
    def add_file(self, *a, **k): pass
def init(*a, **k): return Run()
Table = Image = lambda *a, **k: None
"""


def a_file(folder: Path) -> None:
    """Put a file where W&B wants a folder."""
    (folder / "multirun/drill").mkdir(parents=True)
    (folder / "multirun/drill/wandb").write_text("")


def a_broken_netrc(folder: Path) -> None:
    """Put a file of logins that cannot be read."""
    (folder / "netrc").write_bytes(b"machine \xff\xfe password\n")


CASES = [
    Case("no key", None, warnings=0),
    Case("a server as it should be", arguments=("logger.limit=60",), warnings=0),
    Case("nothing listens", (DEAD, None)),
    Case("never answers", (NEVER, None)),
    Case("answers after 3 s", (SLOWLY, None)),
    *[Case(f"answers {status}", (status, None)) for status in ("401", "403", "500")],
    Case("dies when the run began", (WELL, DEAD)),
    Case("hangs when the run began", (WELL, NEVER)),
    Case("slow when the run began", (WELL, SLOWLY)),
    *[Case(f"answers {status} when the run began", (WELL, status)) for status in ("403", "500")],
    Case("W&B's service is killed", service=signal.SIGKILL),
    Case("W&B's service hangs", service=signal.SIGSTOP),
    Case("W&B's service is killed, no key", None, service=signal.SIGKILL, warnings=0),
    Case("a file in the place of wandb/", prepare=a_file),
    Case("wandb cannot be imported", package="raise ImportError('cannot import name runtime_version')"),
    Case("wandb ends its process", package="import os; os._exit(3)"),
    *[
        Case(f"{method} raises", package=RAISING.format(method=method))
        for method in ("__init__", "define_metric", "log", "finish")
    ],
    Case("a broken netrc", None, prepare=a_broken_netrc, environment={"NETRC": "{folder}/netrc"}),
    Case("an unknown WANDB_MODE", environment={"WANDB_MODE": "on-line"}, code=2, warnings=0),
    Case("a tag of 80 characters", arguments=(f"tags=[{'x' * 80}]",), code=2, warnings=0),
    Case("three jobs, nothing listens", (DEAD, None), arguments=SWEEP),
    Case("three jobs, never answers", (NEVER, None), arguments=SWEEP),
    Case("three jobs, hangs at once", (WELL, NEVER), arguments=SWEEP),
]


@dataclass
class Result:
    """How a job ended.

    Attributes:
        code: Its exit code.
        seconds: How long it took.
        held_up: Seconds that each of its jobs, and the sweep, waited for W&B.
        said: Its lines that speak of W&B.
        folder: Where it ran.
    """

    code: int
    seconds: float
    held_up: list[float]
    said: list[str]
    folder: Path


def main() -> int:
    """Print the table; return 0 where all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", metavar="WORD", help="cases whose names have one of these words")
    parser.add_argument("--repeats", type=int, default=1, help="runs of a case, whose median time is told")
    parser.add_argument("--folder", type=Path, help="where the jobs run and stay; a temporary one is removed")
    asked = parser.parse_args()
    cases = [case for case in CASES if not asked.only or any(word in case.name for word in asked.only)]
    with kept(asked.folder) as folder:
        return table(cases, folder, asked.repeats)


@contextmanager
def kept(folder: Path | None) -> Iterator[Path]:
    """A folder, or a temporary one."""
    if folder is not None:
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def table(cases: list[Case], folder: Path, repeats: int) -> int:
    """Run all cases and print a line of each."""
    without = Case("none", None, arguments=("logger=none",), warnings=0)
    run(without, folder / "first")  # compiles kernels and fills the caches of the file system
    plain = {
        jobs: [run(without, folder / f"none-{jobs}-{at}", arguments=arguments) for at in range(repeats)]
        for jobs, arguments in {1: (), 3: SWEEP}.items()
        if any((jobs == 3) == ("-m" in case.arguments) for case in cases)
    }
    width = max(len(case.name) for case in cases)
    print(f"{'case':{width}}  exit  waited s  longer s  warnings  tables  said")
    wrong = 0
    for case in cases:
        jobs = 3 if "-m" in case.arguments else 1
        results = [run(case, folder / f"{CASES.index(case)}-{at}") for at in range(repeats)]
        result, before = results[0], plain[jobs][0]
        longer = median(results) - median(plain[jobs])
        equal = case.code != 0 or all(in_fork(same_tables, each.folder, before.folder) for each in results)
        fine = all(each.code == case.code and len(each.said) == case.warnings for each in results)
        waited = max((sum(each.held_up) for each in results), default=0)
        fine &= equal and all(seconds <= LIMIT + 0.1 for each in results for seconds in each.held_up)
        wrong += not fine
        took = f"{result.code:4}  {waited:8.2f}  {longer:8.1f}  {len(result.said):8}"
        said = "; ".join(line.replace(str(result.folder), ".") for line in result.said)[:300]
        mark = "" if fine else "  <- WRONG"
        print(f"{case.name:{width}}  {took}  {'equal' if equal else 'DIFFER':6}  {said}{mark}", flush=True)
    print(f"{len(cases) - wrong} of {len(cases)} as they should be")
    return 1 if wrong else 0


def median(results: list[Result]) -> float:
    """Seconds of the middle one."""
    return statistics.median(result.seconds for result in results)


def run(case: Case, folder: Path, arguments: tuple[str, ...] = ()) -> Result:
    """Run the job of a case in a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    case.prepare(folder)
    more = (*arguments, *case.arguments)
    where = () if "-m" in more else ("hydra.run.dir=multirun/drill/job",)
    command = ["denote", *more, *JOB, *where]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    environment |= {"HOME": str(folder), "NETRC": str(folder / "netrc")} | {
        name: value.format(folder=folder) for name, value in case.environment.items()
    }
    if case.package is not None:
        (folder / "broken/wandb").mkdir(parents=True)
        (folder / "broken/wandb/__init__.py").write_text(case.package)
        environment["PYTHONPATH"] = str(folder / "broken")
    with WandbServer(*(case.server or (DEAD, None))) as server:
        if case.server is not None:
            environment |= {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": KEY}
        start = time.monotonic()
        process = FORK.Process(target=run_denote, args=(command, folder, environment))
        process.start()
        if case.service is not None:
            threading.Thread(target=harm, args=(process, case.service), daemon=True).start()
        process.join()
        seconds = time.monotonic() - start
    lines = [*(folder / "out").read_text().splitlines(), *(folder / "err").read_text().splitlines()]
    said = [line for line in lines if "W&B" in line and not HELD_UP.search(line) and not line.startswith(WHERE)]
    held_up = [float(found[1]) for line in lines if (found := HELD_UP.search(line))]
    return Result(process.exitcode or 0, seconds, held_up, said, folder)


def run_denote(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a command in this process, which is a fork: libraries take longer to load than the job runs."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for stream, name in ((sys.stdout, "out"), (sys.stderr, "err")):
        with (folder / name).open("w") as file:
            os.dup2(file.fileno(), stream.fileno())
    sys.argv = command
    main_of_denote()


def harm(process: BaseProcess, harmful: signal.Signals) -> None:
    """Send a signal to W&B's service of a job as soon as it runs."""
    while process.is_alive():
        for ours in children(process.pid or 0):
            for service in children(ours):
                if "wandb-core" in Path(f"/proc/{service}/cmdline").read_text():
                    time.sleep(0.5)
                    os.kill(service, harmful)
                    return
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """Processes that a process started and that run, as Linux tells."""
    try:
        return [
            int(child)
            for thread in Path(f"/proc/{pid}/task").iterdir()
            for child in (thread / "children").read_text().split()
        ]
    except OSError:
        return []


def in_fork(holds: Callable[..., bool], *given: Path) -> bool:
    """Ask in another process: polars begins threads here, without which the next fork would wait for them for ever."""
    process = FORK.Process(target=lambda: sys.exit(not holds(*given)))
    process.start()
    process.join()
    return process.exitcode == 0


def same_tables(one: Path, other: Path) -> bool:
    """Return whether two folders hold the same tables, and some."""
    found = [
        {path.relative_to(folder): path for path in folder.glob("multirun/drill/*/*.parquet")}
        for folder in (one, other)
    ]
    equal = found[0].keys() == found[1].keys() and len(found[0]) > 0
    return equal and all(
        pl.read_parquet(path).equals(pl.read_parquet(found[1][name])) for name, path in found[0].items()
    )


if __name__ == "__main__":
    sys.exit(main())
