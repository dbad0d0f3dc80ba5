"""The same sweep under every launcher, each from nothing in a folder of its own; then all merged tables are compared.

    python scripts/drills/engines.py                         # basic, joblib, submitit_local, submitit_slurm, ray
    python scripts/drills/engines.py --launchers basic,ray --jobs 4

Ray runs on two simulated nodes, whose processes begin in different working folders with different folders for temporary
files. SLURM is used where a SLURM answers; `slurm_node.py` starts one with two nodes. A launcher that is not there is
listed as skipped. The exit code is 0 if all tables that were made are equal, bit for bit.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

LAUNCHERS = ("basic", "joblib", "submitit_local", "submitit_slurm", "ray")
SIZES = {
    24: ["seed=0,1,2", "attribute=odd,prime", "layer.select=0,1,2,3"],
    4: ["seed=0,1", "attribute=odd", "layer.select=0,1"],
}
"""Overrides of a sweep by its number of jobs; those of one seed share a training."""

JOB = [
    *("debug=fast", "evidence=quick", "logger=none", "figures=none", "progress=log"),
    *("architecture.layers=4", "architecture.width=16"),
]
MAIN = "import sys; from denote.cli.commands import main; sys.exit(main())"

NODES = """
import os, sys
from ray.cluster_utils import Cluster

cluster = None
for folder in sys.argv[1:]:
    os.makedirs(folder + "/tmp", exist_ok=True)
    os.chdir(folder)
    os.environ["TMPDIR"] = folder + "/tmp"
    node = {"num_cpus": 1, "object_store_memory": 80_000_000}
    if cluster is None:
        cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    else:
        cluster.add_node(**node)
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
"""A program that simulates a node of Ray for each folder until its input is closed."""


CLOSED = {"RAY_AUTH_MODE": "token", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
"""Environment in which the simulated nodes listen on 127.0.0.1, only to who knows their token."""


@dataclass
class Result:
    """How a sweep ended.

    Attributes:
        ending: ``exit code 0``, or why it was skipped.
        seconds: That it took.
        finished: Jobs.
        processes: Processes that jobs ran in.
        tables: Digest of each merged table, by name.
    """

    ending: str
    seconds: float = 0.0
    finished: int = 0
    processes: int = 0
    tables: dict[str, str] = field(default_factory=dict)


def main() -> int:
    """Run the sweeps and print how they compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--launchers", default=",".join(LAUNCHERS), help="some of them, separated by commas")
    parser.add_argument("--jobs", type=int, choices=sorted(SIZES), default=24)
    parser.add_argument("--folder", type=Path, help="where the sweeps are kept; otherwise they are removed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="engines-") as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        results = {name: sweep(name, folder / name, arguments.jobs) for name in arguments.launchers.split(",")}
    made = [result for result in results.values() if result.tables]
    first = made[0] if made else Result("")
    print(f"{'launcher':<16}{'ending':<40}{'seconds':>8}{'jobs':>6}{'processes':>11}  tables equal to the first's")
    for name, result in results.items():
        equal = sum(result.tables.get(table) == digest for table, digest in first.tables.items())
        numbers = f"{result.seconds:>8.0f}{result.finished:>6}{result.processes:>11}"
        print(
            f"{name:<16}{result.ending:<40}{numbers}  {equal} of {len(first.tables)}"
            if result.tables
            else f"{name:<16}{result.ending:<40}"
        )
    wrong = [result for result in made if result.tables != first.tables or result.finished != arguments.jobs]
    return 1 if wrong or not made else 0


def sweep(launcher: str, folder: Path, jobs: int) -> Result:
    """Run the sweep under a launcher, in an empty folder.

    Args:
        launcher: One of `LAUNCHERS`.
        folder: Where multirun/ and the store come to lie.
        jobs: One of `SIZES`.
    """
    reason = lacking(launcher)
    if reason:
        return Result(f"skipped: {reason}")
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **CLOSED, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with prepared(launcher, folder, environment) as options:
        command = [sys.executable, "-c", MAIN, "-m", *JOB, *SIZES[jobs], "sweep_name=drill", *options]
        begun = time.monotonic()
        with (folder / "output.txt").open("w", encoding="utf-8") as output:
            ran = subprocess.run(command, cwd=folder, env=environment, stdout=output, stderr=output, check=False)  # noqa: S603
    records = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("multirun/drill/*/run.json")]
    return Result(
        f"exit code {ran.returncode}",
        time.monotonic() - begun,
        sum(record["status"] == "finished" for record in records),
        len({record.get("pid") for record in records}),
        {file.name: digest(file) for file in sorted(folder.glob("multirun/drill/sweep/*.parquet"))},
    )


def lacking(launcher: str) -> str:
    """Return what a launcher lacks here."""
    package = {"joblib": "joblib", "submitit_local": "submitit", "submitit_slurm": "submitit", "ray": "ray"}
    if launcher in package and find_spec(package[launcher]) is None:
        return f"{package[launcher]} is not installed"
    if launcher == "submitit_slurm":
        try:
            if subprocess.run(["sinfo", "-h"], capture_output=True, timeout=20, check=False).returncode:  # noqa: S607
                return "no SLURM answers"
        except (OSError, subprocess.TimeoutExpired):
            return "no SLURM answers"
    return ""


@contextmanager
def prepared(launcher: str, folder: Path, environment: Mapping[str, str]) -> Iterator[list[str]]:
    """Start what a launcher needs, and yield the overrides that choose it."""
    chosen = [f"hydra/launcher={launcher}"]
    if launcher == "joblib":
        yield [*chosen, "hydra.launcher.n_jobs=2"]
    elif launcher == "submitit_local":
        yield [*chosen, "hydra.launcher.array_parallelism=2"]
    elif launcher == "ray":
        with nodes([folder / "node1", folder / "node2"], environment) as address:
            yield [*chosen, f"hydra.launcher.ray.init.address={address}"]
    else:
        yield chosen


@contextmanager
def nodes(folders: list[Path], environment: Mapping[str, str]) -> Iterator[str]:
    """Simulate a node of Ray for each folder, and yield the address of their cluster."""
    command = [sys.executable, "-c", NODES, *map(str, folders)]
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **piped) as running:  # type: ignore[call-overload]  # noqa: S603
        assert running.stdin is not None and running.stdout is not None  # noqa: S101, PT018  (asked for)
        yield running.stdout.readline().strip()
        running.stdin.close()
        running.wait(60)


def digest(file: Path) -> str:
    """Return the digest of a file's bytes."""
    return sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
