"""A sweep's folder: the finished jobs' tables merged, corrected as one family of tests, drawn and reported."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from denote.errors import StoreError
from denote.keys import digest
from denote.runs.record import FINISHED, RECORD, RUNNING, now, read_json, read_record, versions, write_json
from denote.runs.fingerprint import disagreement

if TYPE_CHECKING:
    import polars as pl

log = logging.getLogger(__name__)

MERGED = "sweep"
"""Folder of the merged results inside the sweep's folder."""
STATUS = "status.json"


@dataclass
class JobStatus:
    """How one job ended.

    Attributes:
        name: Its folder's name.
        status: ``finished``, ``failed``, ``refused``, ``interrupted``, ``running`` or ``not started``.
        reason: Why it did not finish.
        seconds: How long it took.
        fingerprint: Key of what shaped its results.
    """

    name: str
    status: str
    reason: str = ""
    seconds: float | None = None
    fingerprint: str = ""


@dataclass
class Outcome:
    """How a sweep ended.

    Attributes:
        folder: The sweep's folder.
        jobs: Every job that is in the folder or was to be in it.
        changed: False if the merged results were up to date already.
    """

    folder: Path
    jobs: list[JobStatus] = field(default_factory=list)
    changed: bool = True

    @property
    def finished(self) -> list[JobStatus]:
        """Jobs with results."""
        return [job for job in self.jobs if job.status == FINISHED]

    @property
    def failed(self) -> list[JobStatus]:
        """Jobs without."""
        return [job for job in self.jobs if job.status != FINISHED]


def statuses(folder: Path, expected: Sequence[Path] = (), refused: Mapping[str, str] | None = None) -> list[JobStatus]:
    """The state of every job in a sweep's folder, of those that never left a record, and of those refused."""
    found = {path.parent for path in folder.glob(f"*/{RECORD}")} | set(expected)
    jobs = [_status(job) for job in sorted(found)]
    known = {job.name for job in jobs}
    jobs += [JobStatus(name, "refused", why) for name, why in (refused or {}).items() if name not in known]
    for job in jobs:
        if refused and job.name in refused and job.status != FINISHED:
            job.status, job.reason = "refused", refused[job.name]
    return jobs


def _status(folder: Path) -> JobStatus:
    record = read_record(folder)
    if record is None:
        return JobStatus(folder.name, "not started")
    status = str(record.get("status"))
    reason = str((record.get("error") or {}).get("message", ""))
    if status == RUNNING:
        reason = "ended without a word: killed, or still running"
    seconds = (record.get("timings") or {}).get("total")
    return JobStatus(folder.name, status, reason, seconds, str(record.get("fingerprint", "")))


def close_sweep(
    folder: Path, expected: Sequence[Path], refused: Mapping[str, str], *, skipped: int = 0,
    interrupted: bool = False, command: str = "",
) -> Outcome:  # fmt: skip
    """Merge what is finished, track and report it, and print what was found and where to look.

    Args:
        folder: The sweep's folder.
        expected: Job folders of this call that should be finished now.
        refused: Jobs that could not start, with the reason.
        skipped: How many of this call's jobs were finished before.
        interrupted: Whether the user ended the sweep early.
        command: What the user typed, for the report.
    """
    outcome = Outcome(folder, statuses(folder, expected, refused))
    if interrupted:
        log.warning("interrupted: %d of %d jobs are finished; the same command goes on", len(outcome.finished), len(outcome.jobs))
    if not outcome.finished:
        if outcome.jobs:
            write_status(outcome, command)
        show(outcome, skipped=skipped)
        return outcome
    outcome.changed = not is_merged(outcome)
    if outcome.changed:
        merged = write_merged(outcome, command)
        track(outcome, merged)
    show(outcome, skipped=skipped)
    return outcome


def report_sweep(folder: Path) -> Outcome:
    """Write a sweep's tables, figures and report again from its jobs' saved evidence.

    Raises:
        StoreError: if there is no such folder, nothing in it is finished, or its jobs do not agree.
    """
    if not folder.is_dir():
        raise StoreError(f"sweep={folder}", "there is no such folder", "allowed: the folder of a sweep, multirun/NAME")
    outcome = Outcome(folder, statuses(folder))
    if not outcome.finished:
        raise StoreError(f"sweep={folder}", "holds no finished job", "allowed: a folder with jobs that finished")
    write_merged(outcome, "")
    show(outcome)
    return outcome


def merge_key(outcome: Outcome) -> str:
    """Key of what a merge is made of: which jobs finished, and when, since a job may be redone."""
    jobs = []
    for job in outcome.jobs:
        record = read_record(outcome.folder / job.name) or {}
        jobs.append([job.name, job.status, job.fingerprint, str(record.get("ended"))])
    return digest(sorted(jobs))


def is_merged(outcome: Outcome) -> bool:
    """Whether the merged results cover exactly these jobs."""
    path = outcome.folder / MERGED / STATUS
    return path.is_file() and read_json(path).get("merge_key") == merge_key(outcome)


def write_status(outcome: Outcome, command: str) -> None:
    """Save ``sweep/status.json``: every job, how it ended and why."""
    write_json(
        outcome.folder / MERGED / STATUS,
        {
            "sweep": outcome.folder.name, "merge_key": merge_key(outcome), "written": now(), "command": command,
            "finished": len(outcome.finished), "failed": len(outcome.failed),
            "jobs": [vars(job) for job in outcome.jobs], "versions": versions(),
        },
    )  # fmt: skip


def check_agreement(outcome: Outcome) -> None:
    """Refuse to merge jobs that were not asked the same question.

    Raises:
        StoreError: naming the keys that differ.
    """
    agreed: dict[str, Any] | None = None
    for job in outcome.finished:
        record = read_record(outcome.folder / job.name) or {}
        ours = dict(record.get("agreement") or {})
        keys = disagreement(ours, agreed) if agreed is not None else []
        if keys:
            raise StoreError(
                f"{outcome.folder.name}/{job.name}", f"differs from the folder's other jobs in {', '.join(keys)}",
                "only jobs that agree can be merged",
            )  # fmt: skip
        agreed = {**ours, **(agreed or {})}


def write_merged(outcome: Outcome, command: str) -> Merged:
    """Write tables, figures and report into a folder beside, then put it in place of the old one."""
    from denote.runs.merge import merge, rule_of
    from denote.runs.present import draw_sweep, write_sweep_report

    check_agreement(outcome)
    records = [read_record(outcome.folder / job.name) or {} for job in outcome.finished]
    rule = rule_of(records[0]["config"])
    merged = merge([outcome.folder / job.name for job in outcome.finished], rule)
    place = outcome.folder / MERGED
    fresh = outcome.folder / f".{MERGED}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    merged.write(fresh)
    figures = draw_sweep(merged, outcome, fresh / "figures")
    write_sweep_report(fresh, outcome, merged, figures, records, rule, command)
    shutil.rmtree(place, ignore_errors=True)
    fresh.replace(place)
    write_status(outcome, command)
    return merged
