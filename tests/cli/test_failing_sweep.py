"""A sweep in which jobs fail: the others run, every failure has its reason, and the exit code tells."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from command_line import TINY, Command

from denote.runs import present
from denote.runs.job import Job
from denote.tables import JOB_TABLES

TABLES = {f"{name}.parquet" for name in JOB_TABLES}
ALIKE = [*TINY, "attribute=odd", "layer.select=0", "logger=none", "sweep_name=f"]


@pytest.fixture(autouse=True)
def _no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of a small job's time and is not what is tested here."""
    monkeypatch.setattr(present, "draw_figures", lambda *_: [])


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"store.path={tmp_path_factory.mktemp('store')}"


def fail(monkeypatch: pytest.MonkeyPatch, errors: dict[int, BaseException]) -> None:
    """Make the jobs of some seeds raise."""
    run = Job.run

    def failing(self: Job, prepared: Any = None) -> Any:
        if self.config["seed"] in errors:
            raise errors[self.config["seed"]]
        return run(self, prepared)

    monkeypatch.setattr(Job, "run", failing)


def status_of(folder: Path) -> dict[str, dict[str, Any]]:
    """The jobs of ``status.json`` by the seed in their name."""
    status = json.loads((folder / "sweep" / "status.json").read_text(encoding="utf-8"))
    return {job["name"].split("seed=")[1].split("-")[0]: job for job in status["jobs"]}


def test_an_error_and_an_exit_end_only_their_own_jobs(
    denote: Command, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, {1: RuntimeError("planted"), 2: SystemExit(3)})
    answer = denote("-m", "seed=0,1,2", store, *ALIKE)
    assert answer.code == 1, answer
    folder = Path("multirun/f")
    jobs = status_of(folder)
    assert {seed: job["status"] for seed, job in jobs.items()} == {"0": "finished", "1": "failed", "2": "failed"}
    assert "RuntimeError: planted" in jobs["1"]["reason"]
    assert "sys.exit(3)" in jobs["2"]["reason"]
    told = " ".join(answer.out.split())
    assert "2 of 3 jobs are missing: failed (RuntimeError: planted" in told
    assert "sys.exit(3)" in told
    for seed in ("1", "2"):
        left = folder / jobs[seed]["name"]
        assert not any(path.match("*.parquet*") or path.match("*.safetensors*") for path in left.rglob("*"))
        record = json.loads((left / "run.json").read_text(encoding="utf-8"))
        assert record["status"] == "failed"
        assert "failing" in record["error"]["traceback"]
    done = folder / jobs["0"]["name"]
    assert {path.name for path in done.glob("*.parquet*")} == TABLES | {"inputs.parquet"}
    assert pl.read_parquet(folder / "sweep" / "cells.parquet")["seed"].unique().to_list() == [0]
    assert jobs["1"]["name"] in (folder / "sweep" / "report.html").read_text(encoding="utf-8")


def test_failed_jobs_run_again_and_finished_ones_do_not(
    denote: Command, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail(patch, {1: RuntimeError("planted")})
        assert denote("-m", "seed=0,1", store, *ALIKE).code == 1
    first = {path.parent.name: path.stat().st_mtime_ns for path in Path("multirun/f").glob("*/run.json")}
    answer = denote("-m", "seed=0,1", store, *ALIKE)
    assert answer.code == 0, answer
    jobs = status_of(Path("multirun/f"))
    assert {job["status"] for job in jobs.values()} == {"finished"}
    changed = {name for name, when in first.items() if Path("multirun/f", name, "run.json").stat().st_mtime_ns != when}
    assert changed == {jobs["1"]["name"]}
    merged = pl.read_parquet("multirun/f/sweep/cells.parquet")
    assert sorted(merged["seed"].unique()) == [0, 1]
    assert merged["n_tests"].unique().to_list() == [merged.height - merged["p_value"].null_count()]


def test_a_sweep_in_which_everything_fails_says_why(
    denote: Command, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, {0: RuntimeError("one thing"), 1: RuntimeError("another")})
    answer = denote("-m", "seed=0,1", store, *ALIKE)
    assert answer.code == 1
    assert "one thing" in answer.out + answer.err
    assert "another" in answer.out + answer.err
    assert {job["status"] for job in status_of(Path("multirun/f")).values()} == {"failed"}


def test_a_job_that_does_not_agree_is_refused_naming_the_key(denote: Command, store: str) -> None:
    answer = denote("-m", "evidence.q=0.05,0.1", store, *ALIKE)
    assert answer.code == 1, answer
    status = json.loads(Path("multirun/f/sweep/status.json").read_text(encoding="utf-8"))
    assert sorted(job["status"] for job in status["jobs"]) == ["finished", "refused"]
    refused = next(job for job in status["jobs"] if job["status"] == "refused")
    assert "evidence.q" in refused["reason"]
    assert not Path("multirun/f", refused["name"]).exists()
    cells = Path("multirun/f/sweep/cells.parquet").read_bytes()

    alone = denote("-m", "seed=0,1", "evidence.q=0.1", store, *ALIKE)
    assert alone.code == 2
    assert len(alone.err.splitlines()) == 1
    assert "evidence.q" in alone.err
    assert Path("multirun/f/sweep/cells.parquet").read_bytes() == cells


def test_an_interrupt_keeps_and_merges_what_is_finished(
    denote: Command, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, {1: KeyboardInterrupt()})
    answer = denote("-m", "seed=0,1,2", store, *ALIKE)
    assert answer.code == 1, answer
    jobs = status_of(Path("multirun/f"))
    assert {seed: job["status"] for seed, job in jobs.items()} == {
        "0": "finished", "1": "interrupted", "2": "missing",
    }  # fmt: skip
    assert pl.read_parquet("multirun/f/sweep/cells.parquet")["seed"].unique().to_list() == [0]
    assert not list(Path("multirun/f", jobs["1"]["name"]).glob("*.parquet*"))


def test_a_plan_cannot_be_made_afterwards(denote: Command, store: str) -> None:
    single = [store, *[option for option in ALIKE if not option.startswith("sweep_name")]]
    planned = "analysis.family=named"
    for again in (single, ["-m", *single, "sweep_name=planned"]):
        assert denote(*again).code == 0
        refused = denote(*again, planned)
        assert refused.code == 2
        assert "analysis.family" in refused.err
        assert "finished under another plan" in refused.err
    assert denote(*single, planned, "on_existing=redo").code == 0
    assert denote(*single, planned).code == 0


def test_on_existing(denote: Command, store: str) -> None:
    single = [store, *[option for option in ALIKE if not option.startswith("sweep_name")]]
    assert denote(*single).code == 0
    (record,) = Path("multirun/single").glob("*/run.json")
    when = record.stat().st_mtime_ns
    assert denote(*single).code == 0
    assert record.stat().st_mtime_ns == when
    refused = denote(*single, "on_existing=fail")
    assert refused.code == 2
    assert "on_existing" in refused.err
    assert record.stat().st_mtime_ns == when
    assert denote(*single, "on_existing=redo").code == 0
    assert record.stat().st_mtime_ns > when
    assert not list(Path("multirun/single").glob("wandb"))


def test_a_job_name_of_the_users_own_changes_nothing(denote: Command, store: str, tmp_path: Path) -> None:
    answer = denote("-m", *ALIKE, store, "hydra.job.name=mine", "seed=0,1")
    assert answer.code == 0, answer
    assert set(status_of(tmp_path / "multirun" / "f")) == {"0", "1"}
    assert denote("-m", *ALIKE, store, "hydra.job.name=mine", "evidence.q=2", "seed=0,1").code == 2
