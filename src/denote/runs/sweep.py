"""A sweep's folder: the finished jobs' tables merged, corrected as one family of tests, drawn and reported."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from denote.config.figure_settings import FigureSettings
from denote.config.paper_settings import PAPER
from denote.config.report_settings import ReportSettings
from denote.digests import DamagedError, read_sealed
from denote.errors import StoreError
from denote.evidence.rule import rule_of
from denote.files import remove_temporaries, settle_folder
from denote.locks import locked
from denote.reporting.jobs import REFUSED
from denote.runs.figure_folder import FIGURES
from denote.runs.leftovers import clear_leftovers
from denote.runs.merge_status import MERGED, STATUS, is_merged, write_status
from denote.runs.merged_results import write_merged
from denote.runs.outcome import Outcome, again, config_of, statuses
from denote.runs.record import RECORD, read_record
from denote.runs.single import draw_again, say_undrawn, write_page

log = logging.getLogger(__name__)

LOCK = ".merge.lock"
"""Lock of a sweep's folder while its merged results are read and written."""

TRIES = 3
"""Times that a merge begins: another process may redo a job while its tables are read."""

UNTOLD = frozenset({"controls", "histograms", "pairs"})
"""Large tables of which a terminal tells nothing."""


def close_sweep(
    folder: Path,
    expected: Sequence[Path],
    refused: Mapping[str, str],
    *,
    skipped: Sequence[Path] = (),
    unstarted: Mapping[str, tuple[str, str]] | None = None,
    interrupted: bool = False,
    command: str = "",
    figures: FigureSettings | None = None,
    verbose: bool = False,
    pages: bool = False,
) -> Outcome:
    """Merge what is finished, track and report it, and print what was found and where to look.

    Args:
        folder: The sweep's folder.
        expected: Job folders of this call that should be finished now.
        refused: Jobs that could not start, with the reason.
        skipped: Those of them that were finished before.
        unstarted: Jobs that did not begin, with status and reason.
        interrupted: Whether the user ended the sweep early.
        command: What the user typed, for the report.
        figures: What to draw; None: as the sweep's first job says.
        verbose: Print everything that the answer rests on, too.
        pages: Whether every job is to have a report of its own.
    """
    ran = [again(job.name) for job in expected if job not in skipped]
    asked = frozenset([*(job.name for job in expected), *ran, *refused])

    def close() -> Outcome:
        untold = {**(unstarted or {}), **{name: (REFUSED, reason) for name, reason in refused.items()}}
        outcome = Outcome(folder, statuses(folder, expected, untold), asked=asked)
        if interrupted:
            done, of = len(outcome.finished), sum(not job.again for job in outcome.jobs)
            log.warning("interrupted: %d of %d jobs are finished; the same command goes on", done, of)
        if outcome.finished:
            _merge_what_is_new(outcome, command, figures, pages=pages)
        elif any((folder / job.name / RECORD).is_file() for job in outcome.jobs):
            write_status(outcome, folder / MERGED, command)
        show(outcome, skipped=len(skipped) if len(skipped) == len(expected) else 0, verbose=verbose)
        return outcome

    return _alone(folder, close)


def _merge_what_is_new(outcome: Outcome, command: str, figures: FigureSettings | None, *, pages: bool) -> None:
    """Bring merged results up to date, where they are not."""
    figures = figures or FigureSettings.of(config_of(outcome))
    if figures.is_asked_of_jobs:
        _draw_jobs(outcome, figures)
    has_new_pages = pages and _write_pages(outcome)
    outcome.changed = has_new_pages or not is_merged(outcome, figures)
    if outcome.changed:
        write_merged(outcome, command, figures, tracked=True)


def _write_pages(outcome: Outcome) -> bool:
    """Write the reports of jobs that have none; return whether there were any, to which the sweep's report links."""
    written = [write_page(outcome.folder / job.name) for job in outcome.finished]
    return any(written)


def _alone(folder: Path, act: Callable[[], Outcome]) -> Outcome:
    """Read and write merged results while no other process does; begin again where a job is redone meanwhile.

    Where this process may only read, nothing is locked: what is merged can be shown.
    """
    if not os.access(folder, os.W_OK):
        return act()
    with locked(folder / LOCK, f"merge of {folder.name}"):
        _tidy(folder)
        for _ in range(TRIES - 1):
            try:
                return act()
            except DamagedError as error:
                log.debug("%s; the merge begins again", error)
        return act()


def _tidy(folder: Path) -> None:
    """Remove what killed processes left in a sweep's folder and those of its jobs."""
    settle_folder(folder / MERGED)
    remove_temporaries(folder / MERGED)
    for record in folder.glob(f"*/{RECORD}"):
        clear_leftovers(record.parent)


def report_sweep(
    folder: Path, asked: Mapping[str, Any] | None = None, *, verbose: bool = False, printed: bool = True
) -> Outcome:
    """Write a sweep's tables, figures and report again from its jobs' saved evidence.

    Args:
        folder: The sweep's folder.
        asked: Keys that begin with ``figure``, of which formats are added to those that are there; ``report.per_job``,
            ``format`` and ``paper_width``.
        verbose: Print everything that the answer rests on, too.
        printed: Print what was found, and where the files are.

    Raises:
        StoreError: if there is no such folder, nothing in it is finished, or its jobs do not agree.
    """
    if not folder.is_dir():
        raise StoreError(f"sweep={folder}", "there is no such folder", "allowed: the folder of a sweep, multirun/NAME")

    def report() -> Outcome:
        outcome = Outcome(folder, statuses(folder))
        if not outcome.finished:
            raise StoreError(f"sweep={folder}", "holds no finished job", "allowed: a folder with jobs that finished")
        figures = FigureSettings.again(config_of(outcome), asked or {})
        if figures.is_asked_of_jobs:
            for job in outcome.finished:
                draw_again(folder / job.name, figures)
        if ReportSettings.of(asked or {}).per_job:
            _write_pages(outcome)
        write_merged(outcome, "", figures, asked)
        if printed:
            show(outcome, verbose=verbose)
            _say_paper(folder / MERGED / PAPER, asked or {})
        return outcome

    return _alone(folder, report)


def _say_paper(folder: Path, asked: Mapping[str, Any]) -> None:
    """Name the files of a paper that was asked for."""
    if asked.get("format") and folder.is_dir():
        from denote.runs.paper import say_paper

        say_paper(folder)


def _draw_jobs(outcome: Outcome, figures: FigureSettings) -> None:
    """Draw the figures of jobs that finished without them."""
    for job in outcome.finished:
        folder = outcome.folder / job.name
        if not figures.is_met((read_record(folder) or {}).get(FIGURES)):
            draw_again(folder, figures)


def show(outcome: Outcome, *, skipped: int = 0, verbose: bool = False) -> None:
    """Print what a sweep found from its saved tables.

    Args:
        outcome: The sweep.
        skipped: Jobs of this call, if all of them were finished before.
        verbose: Print everything that the answer rests on, too.
    """
    from denote.reporting.terminal import MOST_LISTED, print_summary
    from denote.tables import SWEEP_TABLES, read_tables

    place = outcome.folder / MERGED
    if not outcome.finished:
        for job in outcome.failed[:MOST_LISTED]:
            log.error("%s %s: %s", job.name, job.status, job.told(outcome.folder))
        if (more := len(outcome.failed) - MOST_LISTED) > 0:
            log.error("and %d more", more)
        return
    done = skipped and not outcome.changed and not outcome.unsuccessful
    tables = read_tables(place, SWEEP_TABLES.keys() - UNTOLD)
    status = read_sealed(place / STATUS)
    if verbose:
        say_undrawn(outcome.folder, place, status)
    print_summary(
        tables,
        outcome.jobs,
        folder=place,
        rule=rule_of(config_of(outcome)),
        command=str(status.get("command") or ""),
        remark=f"Nothing to do: {skipped} of {skipped} jobs were finished before and are merged." if done else "",
        verbose=verbose,
    )
