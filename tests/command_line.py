"""Running the command line for tests: in a process of its own, and one small sweep that many tests read."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TINY = [
    "architecture.layers=2", "architecture.width=16", "trainer.max_epochs=3", "trainer.progress=false",
    "control.shuffled.draws=2", "control.shuffled.neuron_draws=1", "control.untrained.twins=1",
    "control.rotated.rotations=1", "evidence.permutations=20", "evidence.bootstraps=20",
]  # fmt: skip
"""The smallest job that still has every control."""

NEEDED = {
    "control/control_task": ["control.control_task.column=loops"],
    "dataset/mnist": ["dataset.root=somewhere"],
    "dataset/table": ["dataset.path=table.csv", "dataset.target=class"],
    "dataset/images": ["dataset.root=somewhere", "dataset.table=table.csv", "dataset.target=class"],
    "dataset/arrays": ["dataset.path=values.npy", "dataset.table=table.csv", "dataset.target=class"],
    "dataset/conllu": ["dataset.path=text.conllu"],
    "experiment/tagger": ["dataset.path=text.conllu"],
    "dataset/states": ["dataset.path=acts.npz", "dataset.table=table.csv"],
    "dataset/huggingface": ["dataset.path=a/b", "dataset.kind=image", "dataset.inputs=image", "dataset.target=label"],
    "architecture/planted": ["dataset=planted"],
    "experiment/audit": ["dataset.path=table.csv", "dataset.target=class", "dataset.attributes=[age]"],
    "architecture/checkpoint": ["architecture.class_path=denote.object_models.mlp.MLP", "architecture.path=weights.pt"],
    **{f"architecture/{library}": ["architecture.name=some"] for library in ("huggingface", "timm", "torchvision")},
}
"""What an option has no default for."""

HEAVY = ("torch", "pytorch_lightning", "lightning", "polars", "wandb", "matplotlib", "sklearn", "scipy", "numba")

SPOKEN = f"""
import json, os, sys
from denote.cli import commands as cli
command, *arguments = sys.argv[1:]
sys.argv = [command, *arguments]
code = None
if os.environ.get("UNPAINTED"):
    from matplotlib.figure import Figure
    from denote.figures import canvas
    blank = canvas._render(Figure(figsize=(0.1, 0.1)), ("png", "svg", "pdf"))
    canvas._render = lambda _, formats: dict((kind, blank[kind]) for kind in formats)
try:
    {{"denote": cli.main, "denote-train": cli.train, "denote-report": cli.report}}[command]()
except SystemExit as stop:
    code = stop.code
print("\\nHEAVY", json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
sys.exit(code)
"""
"""A command in a process of its own, which says in its last line what it imported."""


def composed(*overrides: str) -> dict[str, Any]:
    """Return the config that a job with these overrides gets."""
    from hydra import compose, initialize_config_module
    from hydra.core.global_hydra import GlobalHydra

    from denote.cli import build

    build.register_resolvers()
    GlobalHydra.instance().clear()
    with initialize_config_module("denote.conf", version_base="1.3"):
        return build.plain(compose("config", list(overrides)))


@dataclass(frozen=True)
class Answer:
    """What a command said.

    Attributes:
        code: Exit code.
        out: Standard output.
        err: Standard error.
        heavy: Slow libraries it imported; None where it ran in this process.
    """

    code: int
    out: str
    err: str
    heavy: list[str] | None = None


Command = Callable[..., Answer]


def spoken(folder: Path, command: str, *arguments: str, environment: dict[str, str] | None = None) -> Answer:
    """Run a command in a process of its own, in ``folder``."""
    kept = {name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"}
    done = subprocess.run(
        [sys.executable, "-c", SPOKEN, command, *arguments],
        cwd=folder, capture_output=True, text=True, check=False, timeout=300, env={**kept, **(environment or {})},
    )  # fmt: skip
    out, _, heavy = done.stdout.rpartition("\nHEAVY ")
    return Answer(done.returncode, out, done.stderr, json.loads(heavy) if heavy else None)


@dataclass(frozen=True)
class Sweep:
    """One small sweep, run twice and reported once.

    Attributes:
        folder: ``multirun/t``.
        first: The sweep.
        second: The same command again.
        report: ``denote-report`` on its folder, after its ``report.html`` was removed.
        before: Modification times of the jobs' records after the first run, in ns, by folder.
        after: The same after the second.
        ids: Ids of the W&B runs that the first run left.
        ids_after: Ids after everything.
    """

    folder: Path
    first: Answer
    second: Answer
    report: Answer
    before: dict[str, int]
    after: dict[str, int]
    ids: list[str]
    ids_after: list[str]


ARGUMENTS = [
    "-m", "layer.select=0,1", "attribute=odd,prime", "seed=0,1", *TINY, "sweep_name=t",
]  # fmt: skip


def _records(folder: Path) -> dict[str, int]:
    return {path.parent.name: path.stat().st_mtime_ns for path in sorted(folder.glob("*/run.json"))}


def wandb_ids(folder: Path) -> list[str]:
    """Ids of the offline runs in a sweep's folder; a rerun of one id leaves a second folder."""
    return sorted({path.name.rpartition("-")[2] for path in (folder / "wandb").glob("offline-run-*")})


PLANTED_KEY = "0123456789" * 4
"""A key of W&B's that is in the environment and must stand nowhere."""


def make_sweep(place: Path) -> None:
    folder = place / "multirun" / "t"
    offline = {"WANDB_MODE": "offline", "OMP_NUM_THREADS": "1", "WANDB_API_KEY": PLANTED_KEY}
    first = spoken(place, "denote", *ARGUMENTS, environment=offline | {"UNPAINTED": "1"})  # the report is painted
    before, ids = _records(folder), wandb_ids(folder)
    second = spoken(place, "denote", *ARGUMENTS, environment=offline)
    after = _records(folder)
    (folder / "sweep" / "report.html").unlink(missing_ok=True)
    report = spoken(place, "denote-report", "sweep=multirun/t", environment=offline)
    account = {
        "first": vars(first), "second": vars(second), "report": vars(report), "before": before, "after": after,
        "ids": ids, "ids_after": wandb_ids(folder),
    }  # fmt: skip
    (place / "account.json").write_text(json.dumps(account), encoding="utf-8")
