"""``status.json`` of a sweep's merged results: which jobs they cover, and whether that is up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from denote.config.figure_settings import FigureSettings
from denote.config.keys import SCHEMA, digest
from denote.config.paper_settings import PAPER
from denote.config.report_settings import REPORT, ReportSettings
from denote.digests import FILES, DamagedError, damaged_files, digests_of, read_sealed, write_sealed
from denote.runs.figure_folder import FIGURES
from denote.runs.outcome import Outcome, levels_of
from denote.runs.record import now, read_record, sound_record, versions

MERGED = "sweep"
"""Folder of the merged results inside the sweep's folder."""
STATUS = "status.json"
WITHHELD = "without_inputs"
"""Key in it of the jobs that showed no inputs when the figures were drawn."""


def merge_key(outcome: Outcome) -> str:
    """Key of what a merge is made of: which jobs finished, and when, since a job may be redone."""
    jobs = []
    for job in outcome.jobs:
        record = sound_record(outcome.folder / job.name) or {}
        held = [record[REPORT]] if record.get(REPORT) else []  # inputs may come and go without a run
        jobs.append([job.name, job.status, str(record.get("fingerprint")), str(record.get("ended")), *held])
    return digest([SCHEMA, *sorted(jobs)])


def is_merged(outcome: Outcome, figures: FigureSettings) -> bool:
    """Return whether the merged results cover exactly these jobs, with at least these figures."""
    status, place = status_of_merge(outcome), outcome.folder / MERGED
    is_current = status.get("merge_key") == merge_key(outcome) and figures.is_met(status.get(FIGURES))
    return is_current and bool(status.get(FILES)) and not damaged_files(place, status)


def write_status(
    outcome: Outcome,
    folder: Path,
    command: str,
    doubts: Sequence[str] = (),
    drawn: Mapping[str, Any] | None = None,
    files: Sequence[str] = (),
    paper: Mapping[str, Any] | None = None,
) -> None:
    """Save ``status.json``: every job, how it ended and why, and the files beside it.

    Args:
        outcome: The sweep.
        folder: The folder of its merged results.
        command: What the user typed.
        doubts: Warnings.
        drawn: Which figures are there.
        files: Paths of all other files in the folder.
        paper: Under which settings a paper was written.
    """
    write_sealed(
        folder / STATUS,
        {
            "sweep": outcome.folder.name,
            "merge_key": merge_key(outcome),
            "written": now(),
            "command": command,
            "finished": len(outcome.finished),
            "failed": len(outcome.failed),
            "jobs": [asdict(job) for job in outcome.jobs],
            "warnings": list(doubts),
            "evidence": levels_of(outcome),
            FIGURES: drawn,
            PAPER: paper,
            WITHHELD: without_inputs(outcome),
            "versions": versions(),
            FILES: digests_of(folder, files),
        },
    )


def without_inputs(outcome: Outcome) -> list[str]:
    """Return the jobs whose inputs nobody may see."""
    records = {job.name: read_record(outcome.folder / job.name) or {} for job in outcome.finished}
    return sorted(name for name, record in records.items() if not ReportSettings.of(record).inputs)


def status_of_merge(outcome: Outcome) -> dict[str, Any]:
    """Return the status of the folder's last merge; empty where there was none, or it is damaged."""
    path = outcome.folder / MERGED / STATUS
    try:
        return read_sealed(path) if path.is_file() else {}
    except DamagedError:
        return {}
