"""The jobs of a sweep: how each ended, and what those with results agree on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from denote.config.levels import LEVELS
from denote.errors import StoreError
from denote.reporting.jobs import OLDER, REFUSED, Job
from denote.runs.fingerprint import disagreement
from denote.runs.record import RECORD, older_jobs, read_record
from denote.runs.single import status_by, status_of


@dataclass
class Outcome:
    """The jobs of a sweep and how they ended.

    Attributes:
        folder: The sweep's folder.
        jobs: Every job that is in the folder or was to be in it.
        changed: False if the merged results were up to date already.
        asked: Names of the jobs of this call; None where the whole folder is meant.
    """

    folder: Path
    jobs: list[Job] = field(default_factory=list)
    changed: bool = True
    asked: frozenset[str] | None = None

    @property
    def unsuccessful(self) -> list[Job]:
        """Jobs of this call without results; what failed in the folder before is no failure of this call."""
        return [job for job in self.failed if self.asked is None or job.name in self.asked or job.status == REFUSED]

    @property
    def finished(self) -> list[Job]:
        """Jobs with results."""
        return [job for job in self.jobs if job.counts]

    @property
    def failed(self) -> list[Job]:
        """Jobs without."""
        return [job for job in self.jobs if job.failed]


KEPT = "; its earlier results stay"


def again(name: str) -> str:
    """Name under which a job is listed that failed where its folder holds earlier results."""
    return f"{name} (again)"


def statuses(
    folder: Path, expected: Sequence[Path] = (), unstarted: Mapping[str, tuple[str, str]] | None = None
) -> list[Job]:
    """The state of every job in a sweep's folder, and of those that this call did not start.

    A job that could not be redone, or be made with more evidence, is listed twice: by its results and by that failure.

    Args:
        folder: The sweep's folder.
        expected: Folders of jobs that are listed whether they left a record or not.
        unstarted: Status and reason of jobs that were refused or did not begin, by name.
    """
    found = {path.parent for path in folder.glob(f"*/{RECORD}")} | set(expected)
    jobs = {job.name: status_of(job) for job in sorted(found)}
    for job in [job for job in jobs.values() if job.counts]:
        if (redo := (read_record(folder / job.name) or {}).get("redo")) is not None:
            made_again = status_by(redo, folder / job.name, again(job.name))
            jobs[again(job.name)] = replace(made_again, reason=f"{made_again.reason}{KEPT}", again=True)
    for name, (status, reason) in (unstarted or {}).items():
        if name in jobs and not jobs[name].failed:
            jobs[again(name)] = Job(name, status, f"{reason}{KEPT}", again=True)
        else:
            jobs[name] = Job(name, status, reason)
    records = {name: read_record(folder / name) or {} for name, job in jobs.items() if job.counts}
    older = {name: replace(jobs[name], status=OLDER, reason=reason) for name, reason in older_jobs(records).items()}
    return list({**jobs, **older}.values())


def config_of(outcome: Outcome) -> Mapping[str, Any]:
    """The settings of the first finished job: a sweep's jobs agree on what is asked here."""
    config: Mapping[str, Any] = (read_record(outcome.folder / outcome.finished[0].name) or {})["config"]
    return config


def levels_of(outcome: Outcome) -> str:
    """The levels of evidence of the finished jobs: ``quick, standard``."""
    used = {job.evidence for job in outcome.finished}
    return ", ".join(level for level in LEVELS if level in used)


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
                f"{outcome.folder.name}/{job.name}",
                f"differs from the folder's other jobs in {', '.join(keys)}",
                "only jobs that agree can be merged",
            )
        agreed = {**ours, **(agreed or {})}
