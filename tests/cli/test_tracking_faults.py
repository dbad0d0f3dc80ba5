"""A job whose W&B server hangs, and one that is not tracked: the same tables, exit code 0 and one warning."""

import os
from pathlib import Path

import polars as pl
import pytest
from command_line import Command
from drills.wandb_server import NEVER, WELL, WandbServer

from denote.reporting import tracking, wandb_session
from denote.runs import present

JOB = [
    *("debug=fast", "architecture.layers=2", "architecture.width=16", "trainer.progress=false", "attribute=odd"),
    *("layer.select=0", "control=[]", "store.path=store"),
]


def test_a_server_that_hangs_changes_nothing(denote: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(present, "draw_figures", lambda *_: [])
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    assert denote(*JOB, "logger=none", "hydra.run.dir=a/job").code == 0
    warnings: list[str] = []
    monkeypatch.setattr(wandb_session.log, "warning", lambda _, message: warnings.append(message))
    with WandbServer(WELL, then=NEVER) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        assert denote(*JOB, "logger.limit=3", "hydra.run.dir=b/job").code == 0
        tracking.settle()
    tables = sorted(path.name for path in Path("a/job").glob("*.parquet"))
    assert len(tables) > 3
    for name in tables:
        assert pl.read_parquet(f"a/job/{name}").equals(pl.read_parquet(f"b/job/{name}")), name
    (warning,) = warnings
    assert warning.endswith("denote-sync b")
