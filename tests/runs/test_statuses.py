"""What a sweep's folder says of its jobs."""

import os
from pathlib import Path

import pytest

from denote.runs import sweep
from denote.runs.outcome import Outcome, statuses
from denote.runs.record import Status, write_record
from denote.tables import JOB_TABLES


def test_a_job_whose_tables_are_gone_is_not_finished(tmp_path: Path) -> None:
    for name, status in (("whole", Status.FINISHED), ("robbed", Status.FINISHED), ("killed", Status.RUNNING)):
        write_record(tmp_path / name, {"status": status})
    for table in JOB_TABLES:
        (tmp_path / "whole" / f"{table}.parquet").touch()
    (tmp_path / "robbed" / "cells.parquet").touch()
    found = {job.name: job for job in statuses(tmp_path, [tmp_path / "never"], {"odd": ("refused", "why")})}
    assert {name for name, job in found.items() if not job.failed} == {"whole"}
    assert "tables are gone" in found["robbed"].reason
    assert found["killed"].status == "killed"
    assert found["odd"].status == "refused"
    assert found["odd"].reason == "why"
    assert found["never"].status == "missing"


def test_who_may_only_read_needs_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not (path == tmp_path and mode == os.W_OK))
    outcome = sweep._alone(tmp_path, lambda: Outcome(tmp_path, list(map(str, tmp_path.iterdir()))))  # type: ignore[arg-type]
    assert outcome.jobs == []
    assert list(tmp_path.iterdir()) == []
