"""Runs of jobs that failed before they had one: which failed, and of what, is answered from runs alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from denote.config.environment import as_written
from denote.reporting import run_end
from denote.reporting.run_config import SETTINGS, Config, flat, options
from denote.reporting.tracking import Tracker
from denote.reporting.tracking_guard import harmless
from denote.runs.attempts import came_of
from denote.runs.fingerprint import fingerprint
from denote.runs.outcome import Outcome
from denote.runs.record import Status, sound_record
from denote.runs.track_sweep import Planned, track_failed

STATUS_OF_RUN = {
    Status.FAILED: run_end.FAILED,
    Status.TIMED_OUT: run_end.TIMED_OUT,
    Status.KILLED: run_end.CRASHED,
}
"""Status of the run of a job, by the job's."""


@contextmanager
def failure_tracked(settings: Config, folder: Path, known: Callable[[], Mapping[str, Any]]) -> Iterator[None]:
    """Track a job that fails within, before its own run is opened. An interrupted one has not failed.

    Args:
        settings: The job's resolved config.
        folder: Its folder.
        known: Gives the flat settings that are known by then beside those of the config.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(cause := came_of(error), KeyboardInterrupt):
            with harmless(folder.name):
                _track(settings, folder, known(), run_end.status_after(cause), run_end.error_of(cause))
        raise


def track_failures(outcome: Outcome, planned: Mapping[str, Planned]) -> None:
    """Track jobs of a sweep that could not do so themselves, and the sweep where no job finished.

    Args:
        outcome: How its jobs ended.
        planned: Its jobs by name; one whose config cannot be read is none of them.
    """
    for job in outcome.unsuccessful:
        if job.name in planned and job.status in STATUS_OF_RUN and not job.again:
            with harmless(job.name):
                _track_for_it(planned[job.name][0], outcome.folder / job.name, Status(job.status), job.reason)
    if planned and not outcome.finished:
        track_failed(outcome, list(planned.values()))


def _track_for_it(settings: Config, folder: Path, status: Status, reason: str) -> None:
    """Track a job unless it came to do so: it began, and its process lived to say how it ended or had opened a run."""
    record = sound_record(folder) or {}
    says_so = status == Status.FAILED and record.get("config")
    if not says_so and not Tracker.of(settings, folder.parent).logged("job", fingerprint(settings)):
        kind = str((record.get("error") or {}).get("kind") or status)
        _track(settings, folder, {}, STATUS_OF_RUN[status], run_end.error_line(kind, reason))


def _track(settings: Config, folder: Path, known: Mapping[str, Any], status: str, error: str) -> None:
    config = {**flat(options(settings)), **known, SETTINGS: as_written(settings)}
    tracker, key = Tracker.of(settings, folder.parent), fingerprint(settings)
    tracker.ended("job", key, folder.name, config, status=status, error=error)
