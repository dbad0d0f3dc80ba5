"""Ends of jobs in real sweeps: killed, stopped, too long, tried again; `scripts/drills/job_ends.py` in small."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from command_line import Command
from drills import job_ends

from denote.config.trust import Trust
from denote.runs.job import Job


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
    assert f"killed ({ends['dies']['reason']})" in " ".join(answer.out.split())
    cells = (folder / "sweep" / "neurons.parquet").read_bytes()
    assert pl.read_parquet(cells)["architecture"].unique().to_list() == ["mlp-first"]

    again = faulty(*jobs)  # in this process, which it does not end
    assert again.code == 1, again
    assert listed(folder)["dies"]["reason"] == ends["dies"]["reason"]
    assert (folder / "sweep" / "neurons.parquet").read_bytes() == cells
    assert not list(folder.glob(".*"))


ALIKE = ["architecture.trained=false", "attribute=odd", "probe=majority", "control=[]", "debug=fast", "logger=none"]


def planted(monkeypatch: pytest.MonkeyPatch, acts: dict[int, Callable[[], object]]) -> list[int]:
    """Let the jobs of some seeds do something first; return the seeds in the order in which jobs run."""
    run, seeds = Job.run, list[int]()

    def acting(self: Job, prepared: Any = None) -> Any:
        seeds.append(self.config["seed"])
        acts.get(seeds[-1], lambda: None)()
        return run(self, prepared)

    monkeypatch.setattr(Job, "run", acting)
    return seeds


def by_seed(folder: Path) -> dict[int, tuple[str, str]]:
    status = json.loads((folder / "sweep" / "status.json").read_text(encoding="utf-8"))
    return {int(job["name"].split("seed=")[1].split("-")[0]): (job["status"], job["reason"]) for job in status["jobs"]}


def fails() -> None:
    raise RuntimeError("planted")


def test_sigterm_is_an_interruption_and_what_is_finished_is_merged(
    denote: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(monkeypatch, {1: lambda: signal.raise_signal(signal.SIGTERM)})
    answer = denote("-m", "seed=0,1,2", "sweep_name=f", "figures=none", *ALIKE)
    assert answer.code == 1, answer
    assert by_seed(Path("multirun/f")) == {
        0: ("finished", ""), 1: ("interrupted", "stopped by SIGTERM"), 2: ("missing", "was not started"),
    }  # fmt: skip
    assert pl.read_parquet("multirun/f/sweep/cells.parquet")["seed"].unique().to_list() == [0]


def test_a_sweep_stops_at_the_first_failure_if_it_is_told_to(denote: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = planted(monkeypatch, {0: fails})
    answer = denote("-m", "seed=0,1,2", "sweep_name=f", "sweep.on_error=stop", "figures=none", *ALIKE)
    assert (answer.code, seeds) == (1, [0]), answer
    ends = by_seed(Path("multirun/f"))
    assert {status for seed, (status, _) in ends.items() if seed} == {"skipped"}
    assert ends[1][1].startswith("stopped after ")
    assert ends[0] == ("failed", "RuntimeError: planted")


def test_a_failed_job_is_tried_again_after_the_others(denote: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = iter([fails, fails, lambda: None])
    seeds = planted(monkeypatch, {0: lambda: next(tries)()})
    answer = denote("-m", "seed=0,1", "sweep_name=f", "sweep.retries=2", "figures=none", *ALIKE)
    assert (answer.code, seeds) == (0, [0, 1, 0, 0]), answer
    assert "Traceback" in next(Path("multirun/f").glob("*seed=0*/denote.log")).read_text(encoding="utf-8")


def test_a_job_whose_time_is_over_fails_with_the_key(denote: Command) -> None:
    answer = denote("-m", "seed=0", "sweep_name=f", "sweep.job_timeout=0.001", "figures=none", *ALIKE)
    assert answer.code == 1, answer
    assert by_seed(Path("multirun/f"))[0] == ("timed out", "took longer than sweep.job_timeout=0.001 s")


def test_a_redo_that_fails_is_a_failure(denote: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["-m", "seed=0", "sweep_name=f", "figures=none", *ALIKE]
    assert denote(*command).code == 0
    cells = Path("multirun/f/sweep/cells.parquet").read_bytes()
    planted(monkeypatch, {0: fails})
    answer = denote(*command, "on_existing=redo")
    assert answer.code == 1, answer
    assert "1 job could not be made again, and earlier results stay: failed (" in " ".join(answer.out.split())
    assert Path("multirun/f/sweep/cells.parquet").read_bytes() == cells
