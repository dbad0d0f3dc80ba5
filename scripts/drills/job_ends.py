"""One sweep in which jobs end in every way there is; the others finish and are merged, under any launcher.

Six jobs: two finish, one raises, one calls sys.exit(3), one kills its process, one outlasts its time. Prints the final
listing and checks it, the exit code and the merged tables. Run it anywhere:

    python scripts/drills/job_ends.py --launcher basic|isolated|joblib|submitit_local|submitit_slurm|ray [overrides]

Under ``basic`` the job that is killed takes the command with it; the same command, given again, names it and goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LAUNCHERS = {
    "basic": [],
    "isolated": ["sweep.isolate=true"],
    "joblib": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
    "submitit_local": ["hydra/launcher=submitit_local"],
    "submitit_slurm": ["hydra/launcher=submitit_slurm"],
    "ray": ["hydra/launcher=ray"],
}
"""How each is asked for."""

FAULTS = '''
import os
import signal
import sys
import time
from math import prod

from torch import nn


class Faulty(nn.Module):
    """One hidden layer; its training ends in the way that its setting says."""

    observed_layers = ("hidden",)

    def __init__(self, input_shape, n_classes, fault):
        super().__init__()
        self.fault, self.readable_id = fault, f"mlp-{fault}"
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(prod(input_shape), 8), nn.ReLU())
        self.logits = nn.Linear(8, n_classes)

    def forward(self, inputs):
        if self.training or self.fault == "dies":
            self.end()
        return self.logits(self.hidden(inputs))

    def end(self):
        if self.fault == "raises":
            raise RuntimeError("made to raise")
        if self.fault == "exits":
            sys.exit(3)
        if self.fault == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "lasts":
            time.sleep(600)
        while self.fault == "hangs":
            try:
                time.sleep(1)
            except BaseException:
                pass
'''
"""An architecture of a user's own."""

OPTION = """
_target_: faulty.Faulty
fault: none        # how its training ends
trained: true      # false: at initialisation
epoch: null        # the epoch with the lowest validation loss
save_epochs: []    # further epochs whose weights are kept
"""

ENDS = {
    "first": ("finished", ""),
    "raises": ("failed", "RuntimeError: made to raise"),
    "exits": ("failed", "the job called sys.exit(3)"),
    "dies": ("killed", "killed by signal 9 (SIGKILL): out of memory?"),
    "lasts": ("timed out", "took longer than sweep.job_timeout="),
    "last": ("finished", ""),
}
"""How each job is to end: its status, and how its reason begins."""

LOST = {"submitit_local": "its process ended early", "submitit_slurm": "its process ended early", "ray": "Ray: "}
"""How the reason begins of the job that dies, where it is the launcher's to say."""

JOB = [
    *("architecture=faulty", "attribute=odd", "layer.select=hidden", "probe=neuron", "control=[]"),
    *("trainer.progress=false", "debug=fast", "logger=none", "figures=none"),
]
"""The smallest job."""


def swept(launcher: str, timeout: float, overrides: list[str]) -> list[str]:
    """Return the command of the sweep.

    Args:
        launcher: One of `LAUNCHERS`.
        timeout: Seconds that a job may take; the two that finish take a tenth of a second once imports are done.
        overrides: Added to it.
    """
    main = "import sys; from denote.cli.commands import main; sys.exit(main())"
    return [
        *(sys.executable, "-c", main, "-m", "--config-dir", "mine/conf", "code_dir=mine", "sweep_name=ends", *JOB),
        *(f"architecture.fault={','.join(ENDS)}", f"sweep.job_timeout={timeout:g}", *LAUNCHERS[launcher], *overrides),
    ]


def prepare(folder: Path) -> None:
    """Write the faulty class and its option into a folder."""
    option = folder / "mine" / "conf" / "architecture" / "faulty.yaml"
    option.parent.mkdir(parents=True, exist_ok=True)
    option.write_text(OPTION, encoding="utf-8")
    (folder / "mine" / "faulty.py").write_text(FAULTS, encoding="utf-8")


def run(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder."""
    environment = {name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"}
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, check=False)  # noqa: S603


def listed(folder: Path) -> dict[str, dict[str, object]]:
    """Return the jobs of ``status.json`` by how they were to end."""
    status = json.loads((folder / "multirun/ends/sweep/status.json").read_text(encoding="utf-8"))
    records = {job["name"]: folder / "multirun/ends" / job["name"] / "run.json" for job in status["jobs"]}
    faults = {
        name: json.loads(record.read_text(encoding="utf-8"))["config"]["architecture"]["fault"]
        for name, record in records.items()
        if record.is_file()
    }
    return {faults.get(job["name"], job["name"]): job for job in status["jobs"]}


def problems(folder: Path, code: int, launcher: str) -> list[str]:
    """Return in what the sweep differs from what it promises."""
    import polars as pl

    ends = listed(folder)
    said = [] if code == 1 else [f"exit code {code}, not 1"]
    for fault, (status, reason) in ENDS.items():
        job = ends.get(fault, {"status": "not listed", "reason": ""})
        if fault == "dies":
            reason = LOST.get(launcher, reason)
        if job["status"] != status or not str(job["reason"]).startswith(reason):
            said.append(f"the job that {fault}: {job['status']}: {job['reason']}")
        log = job.get("log")
        if status == "failed" and "Traceback" not in (folder / "multirun/ends" / str(log)).read_text(encoding="utf-8"):
            said.append(f"the job that {fault}: no traceback in {log}")
    merged = set(pl.read_parquet(folder / "multirun/ends/sweep/neurons.parquet")["architecture"])
    if merged != {f"mlp-{fault}" for fault, (status, _) in ENDS.items() if status == "finished"}:
        said.append(f"merged: {merged}")
    left = [path.name for path in (folder / "multirun/ends").glob(".*") if path.name != ".submitit"]  # logs
    return said + ([f"left over: {left}"] if left else [])


def main() -> int:
    """Run the drill."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--launcher", choices=list(LAUNCHERS), default="joblib")
    parser.add_argument("--timeout", type=float, default=60, help="seconds that a job may take (60)")
    parser.add_argument("--folder", type=Path, help="where to work; none: a temporary folder, removed at the end")
    arguments, overrides = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        prepare(folder)
        command = swept(arguments.launcher, arguments.timeout, overrides)
        answer = run(folder, command)
        if answer.returncode < 0 and arguments.launcher == "basic":
            print(f"the command was killed with its job (signal {-answer.returncode}); again:")
            answer = run(folder, command)
        print(answer.stdout[answer.stdout.rfind("6 jobs:") :] or answer.stderr)
        for fault, job in listed(folder).items():
            print(f"{fault:10} {job['status']:10} {job['attempts']} attempt(s)  {job['reason'] or '-'}")
        said = problems(folder, answer.returncode, arguments.launcher)
        print("\n".join(said) or f"as it should be under {arguments.launcher}")
    return bool(said)


if __name__ == "__main__":
    sys.exit(main())
