"""What a sweep's folder says of its jobs."""

from pathlib import Path

from denote.runs.record import Status, write_record
from denote.runs.sweep import statuses
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
