"""Runs of jobs whose process could not track how they ended."""

from pathlib import Path

import pytest
import yaml
from command_line import composed

from denote.reporting.jobs import Job
from denote.runs.outcome import Outcome
from denote.runs.record import Status, write_record
from denote.runs.track_failure import track_failures


@pytest.mark.parametrize(
    ("status", "recorded", "status_of_run"),
    [
        (Status.KILLED, True, "crashed"),
        (Status.TIMED_OUT, True, "timed out"),
        (Status.FAILED, False, "failed"),
        (Status.FAILED, True, None),  # its process has tracked it
        (Status.INTERRUPTED, True, None),
        ("refused", False, None),
    ],
)
def test_a_job_that_could_not_say_so_has_a_run(
    tmp_path: Path, status: str, recorded: bool, status_of_run: str | None
) -> None:
    settings = composed("logger=csv", "seed=3")
    if recorded:
        write_record(tmp_path / "a", {"config": settings, "status": status, "error": None})
    outcome = Outcome(tmp_path, [Job("a", status, "its process ended")])
    track_failures(outcome, {"a": (settings, ["seed=3"])})
    held = [yaml.safe_load(file.read_text()) for file in tmp_path.glob("csv/job/a-*/hparams.yaml")]
    assert [run["summary.status"] for run in held] == ([status_of_run] if status_of_run else [])
    for run in held:
        assert run["summary.error"] == f"{status}: its process ended"
        assert (run["seed"], run["attribute"], run["settings.trainer.batch_size"]) == (3, "classes", 64)
    (whole,) = (yaml.safe_load(file.read_text()) for file in tmp_path.glob("csv/sweep/*/hparams.yaml"))
    assert whole["summary.error"] == "SweepFailedError: 1 of 1 jobs failed"
