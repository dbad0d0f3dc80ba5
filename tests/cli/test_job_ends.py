"""A job that kills its process, in a real sweep: the drill `scripts/drills/job_ends.py` in small."""

import json
from pathlib import Path

import polars as pl
import pytest
from command_line import Command
from drills import job_ends

from denote.config.trust import Trust


@pytest.fixture
def faulty(denote: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """``denote -m`` with jobs whose endings are named, some of which would end this process under ``basic``."""
    job_ends.prepare(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield lambda *arguments: denote("-m", "--config-dir", "mine/conf", "code_dir=mine", "sweep_name=f", *arguments)
    Trust().grant()


def listed(folder: Path) -> dict[str, dict[str, object]]:
    status = json.loads((folder / "sweep" / "status.json").read_text(encoding="utf-8"))
    faults = {}
    for job in status["jobs"]:
        record = json.loads((folder / job["name"] / "run.json").read_text(encoding="utf-8"))
        faults[record["config"]["architecture"]["fault"]] = job
    return faults


def test_a_killed_job_is_named_and_merged_around_then_and_afterwards(faulty: Command) -> None:
    folder, jobs = Path("multirun/f"), [*job_ends.JOB, "architecture.trained=false", "architecture.fault=first,dies"]
    answer = faulty(*jobs, "hydra/launcher=joblib", "hydra.launcher.n_jobs=1")
    assert answer.code == 1, answer
    ends = listed(folder)
    assert {fault: job["status"] for fault, job in ends.items()} == {"first": "finished", "dies": "killed"}
    assert ends["dies"]["reason"] == "killed by signal 9 (SIGKILL): out of memory?"
    assert (folder / str(ends["dies"]["log"])).is_file()
    assert f"{ends['dies']['reason']} (see {ends['dies']['log']})" in answer.out
    cells = (folder / "sweep" / "neurons.parquet").read_bytes()
    assert pl.read_parquet(cells)["architecture"].unique().to_list() == ["mlp-first"]

    again = faulty(*jobs)  # in this process, which it does not end
    assert again.code == 1, again
    assert listed(folder)["dies"]["reason"] == ends["dies"]["reason"]
    assert (folder / "sweep" / "neurons.parquet").read_bytes() == cells
    assert not list(folder.glob(".*"))
