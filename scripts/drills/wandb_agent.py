"""Have W&B's own agent run ``scripts/wandb_sweep.yaml`` against a local server, and tell what the server was told.

python scripts/drills/wandb_agent.py [--count 2] [--folder FOLDER] [MORE ...]

The server deals out the first jobs of the grid, as W&B's does, with small networks and MORE settings behind the
command. It prints every run that was made: its id, its type, W&B's sweep, its parameters and how it ended. It ends with
1 unless each job's run is the one that was dealt out and no other run belongs to the sweep. Nothing but 127.0.0.1 is
spoken to.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from wandb_server import WandbServer

SWEEP = "drill001"
FILE = Path(__file__).parents[1] / "wandb_sweep.yaml"
SMALL = ("debug=fast", "architecture.layers=2", "architecture.width=16", "probe=linear", "control=[]", "figures=none")
LOGGED = ("logger.limit=60", "logger.artifacts=false")
"""A busy machine has time, and the server knows no artifacts that are used again."""


@dataclass
class Dealt:
    """A grid as W&B's server deals it out, to be the ``more`` of a `WandbServer`.

    Attributes:
        config: The sweep, as its file has it.
        count: Number of jobs that are dealt out.
        runs: What clients said of runs, by id.
        sent: Number of jobs dealt out so far.
    """

    config: dict[str, Any]
    count: int
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: int = 0

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """The parameters of the jobs, by name."""
        grid = {name: of["values"] for name, of in self.config["parameters"].items()}
        combinations = itertools.islice(itertools.product(*grid.values()), self.count)
        return [dict(zip(grid, values, strict=True)) for values in combinations]

    def __call__(self, kind: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        """Return the data of an answer, None of operations that have nothing to do with agents."""
        if kind == "UpsertBucket":
            self.runs.setdefault(asked["name"], {}).update({key: of for key, of in asked.items() if of is not None})
        if kind == "SweepWithRuns":
            held = {"id": "s", "name": SWEEP, "state": "RUNNING", "runs": {"edges": []}}
            return {"project": {"sweep": {**held, "config": yaml.safe_dump(self.config)}}}
        if kind == "CreateAgent":
            return {"createAgent": {"agent": {"id": "agent"}}}
        if kind == "Heartbeat":
            idle = not any(json.loads(asked["runState"]).values())
            return {"agentHeartbeat": {"agent": {"id": "agent"}, "commands": json.dumps(self._next() if idle else [])}}
        return None

    def _next(self) -> list[dict[str, Any]]:
        if self.sent == self.count:
            return [{"type": "exit"}]
        self.sent += 1
        parameters = {name: {"value": value} for name, value in self.jobs[self.sent - 1].items()}
        return [
            {"type": "run", "run_id": f"dealt{self.sent:03}", "program": self.config["program"], "args": parameters}
        ]


def drive(folder: Path, count: int, more: list[str]) -> tuple[Dealt, dict[str, int]]:
    """Run the agent.

    Args:
        folder: Where it stands.
        count: Number of jobs.
        more: Settings behind the command.

    Returns:
        What the server was told, and the exit codes of runs by their ids.
    """
    config = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    config["parameters"] = {name: of for name, of in config["parameters"].items() if "architecture" not in name}
    dealt = Dealt({**config, "command": [*config["command"], *SMALL, *LOGGED, *more]}, count)
    with WandbServer(more=dealt) as server:
        given = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": "0" * 40, "HOME": str(folder)}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        agent = [sys.executable, "-m", "wandb", "agent", "--count", str(count), f"drill/denote/{SWEEP}"]
        subprocess.run(agent, cwd=folder, env={**kept, **given, "PATH": path}, check=True)  # noqa: S603 # this Python
    return dealt, server.ended


def main() -> int:
    """Run the agent and print what the server was told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2, help="number of jobs")
    parser.add_argument("--folder", type=Path, help="where the agent stands; a temporary folder otherwise")
    parser.add_argument("more", nargs="*", help="settings behind the command")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        dealt, ended = drive(asked.folder or Path(temporary), asked.count, asked.more)
    wrong = []
    for key, said in dealt.runs.items():
        config = {name: of["value"] for name, of in json.loads(said["config"]).items() if name != "_wandb"}
        parameters = {name: config.get(name) for name in dealt.jobs[0]}
        print(f"{key} {said.get('jobType')} sweep={said.get('sweep')} {parameters} exit code {ended.get(key)}")
        is_dealt = key.startswith("dealt")
        if is_dealt != (said.get("sweep") == SWEEP) or is_dealt != (said.get("jobType") == "job"):
            wrong.append(key)
        if is_dealt and parameters != dealt.jobs[int(key.removeprefix("dealt")) - 1]:
            wrong.append(key)
    missing = {f"dealt{place + 1:03}" for place in range(asked.count)} - dealt.runs.keys()
    return 1 if wrong or missing else 0


if __name__ == "__main__":
    sys.exit(main())
