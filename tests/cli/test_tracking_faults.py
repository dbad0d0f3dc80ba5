"""A job whose tracker hangs or raises, and one that is not tracked: the same tables, exit code 0 and one warning."""

import logging
import os
from pathlib import Path

import polars as pl
import pytest
from command_line import Command
from drills.wandb_server import NEVER, WELL, WandbServer

from denote.reporting import wandb_session
from denote.reporting.tracking import Tracker
from denote.reporting.wandb_sessions import settle
from denote.runs import present
from denote.runs.record import read_record

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
        settle()
    check_same_tables(Path("a/job"), Path("b/job"))
    (warning,) = warnings
    assert warning.endswith("denote-sync b")


def check_same_tables(one: Path, other: Path) -> None:
    tables = sorted(path.name for path in one.glob("*.parquet"))
    assert len(tables) > 3
    for name in tables:
        assert pl.read_parquet(one / name).equals(pl.read_parquet(other / name)), name


def failing(*_: object, **__: object) -> None:
    raise OSError("the disk is full")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("denote.reporting.dashboard.log_job", "job"),
        ("denote.reporting.lineage.log_inputs", "job: what it was made from"),
        ("denote.runs.job.log_network", "digits mlp-2x16-relu seed 0"),
        ("denote.reporting.local_runs.CsvRun.begin", "in csv"),
        ("denote.reporting.local_runs.CsvRun.write", "in csv"),
        ("denote.reporting.local_runs.CsvRun.end", "in csv"),
        ("denote.reporting.tracking.Tracker.named", "job"),
        ("denote.reporting.tracking.Tracker._opened", ""),
    ],
)
def test_a_tracker_that_raises_costs_no_result_of_a_job(
    denote: Command, monkeypatch: pytest.MonkeyPatch, place: str, said: str
) -> None:
    monkeypatch.setattr(present, "draw_figures", lambda *_: [])
    assert denote(*JOB, "logger=none", "hydra.run.dir=a/job").code == 0
    monkeypatch.setattr(place, failing)
    monkeypatch.setattr(logging.getLogger("denote.reporting.tracking_guard"), "warning", lambda _, *of: told.append(of))
    told: list[tuple[str, str]] = []
    assert denote(*JOB, "logger=csv", "hydra.run.dir=b/job").code == 0
    check_same_tables(Path("a/job"), Path("b/job"))
    assert read_record(Path("b/job"))["status"] == "finished"  # type: ignore[index]
    assert told
    assert all(said in what and why == "OSError: the disk is full" for what, why in told)


def test_a_tracker_that_raises_costs_no_result_of_a_sweep(denote: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(present, "draw_figures", lambda *_: [])
    load = Tracker.load
    monkeypatch.setattr(Tracker, "load", lambda tracker, of: failing() if of == "sweep" else load(tracker, of))
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(logging.getLogger("denote.reporting.tracking_guard"), "warning", lambda _, *of: told.append(of))
    monkeypatch.setattr("denote.runs.track_sweep.settings_of", failing)
    assert denote("-m", *JOB, "seed=0", "logger=csv", "sweep_name=s").code == 0
    assert Path("multirun/s/sweep/report.html").is_file()
    assert told == [("sweep s", "OSError: the disk is full")] * 2
