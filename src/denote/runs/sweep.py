"""A sweep's folder: the finished jobs' tables merged, corrected as one family of tests, drawn and reported."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from denote.config.figure_settings import FigureSettings
from denote.config.keys import SCHEMA, digest
from denote.config.levels import LEVELS
from denote.config.paper_settings import PAPER, PaperSettings
from denote.config.report_settings import REPORT, ReportSettings
from denote.denotation.depth.plan import analysis_of
from denote.digests import FILES, DamagedError, damaged_files, digests_of, read_sealed, set_aside, write_sealed
from denote.errors import StoreError
from denote.evidence.rule import rule_of
from denote.files import atomic_folder, remove_temporaries, settle_folder
from denote.locks import locked
from denote.progress import step
from denote.reporting.jobs import OLDER, REFUSED, Job
from denote.runs.figure_folder import FIGURES, INPUTS_SHOWN, TABLES, formats_in, say_stale, show_others
from denote.runs.fingerprint import disagreement
from denote.runs.leftovers import clear_leftovers
from denote.runs.record import RECORD, now, older_jobs, read_record, sound_record, versions
from denote.runs.single import draw_again, say_undrawn, status_by, status_of, write_page

if TYPE_CHECKING:
    from denote.reporting.report import Picture
    from denote.runs.merge import Merged

log = logging.getLogger(__name__)

MERGED = "sweep"
"""Folder of the merged results inside the sweep's folder."""
STATUS = "status.json"
WITHHELD = "without_inputs"
"""Key in it of the jobs that showed no inputs when the figures were drawn."""
LOCK = ".merge.lock"
"""Lock of a sweep's folder while its merged results are read and written."""

TRIES = 3
"""Times that a merge begins: another process may redo a job while its tables are read."""

UNTOLD = frozenset({"controls", "histograms", "pairs"})
"""Large tables of which a terminal tells nothing."""

OURS = (STATUS, "report.html")
"""Files by which the results of a sweep are known; other folders of that name are not replaced."""


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
    figures = figures or FigureSettings.of(_config(outcome))
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
        figures = FigureSettings.again(_config(outcome), asked or {})
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


def _config(outcome: Outcome) -> Mapping[str, Any]:
    """The settings of the first finished job: a sweep's jobs agree on what is asked here."""
    config: Mapping[str, Any] = (read_record(outcome.folder / outcome.finished[0].name) or {})["config"]
    return config


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
    status, place = _status(outcome), outcome.folder / MERGED
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
            WITHHELD: _without_inputs(outcome),
            "versions": versions(),
            FILES: digests_of(folder, files),
        },
    )


def _without_inputs(outcome: Outcome) -> list[str]:
    """Return the jobs whose inputs nobody may see."""
    records = {job.name: read_record(outcome.folder / job.name) or {} for job in outcome.finished}
    return sorted(name for name, record in records.items() if not ReportSettings.of(record).inputs)


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


def write_merged(
    outcome: Outcome,
    command: str,
    figures: FigureSettings,
    asked: Mapping[str, Any] | None = None,
    *,
    tracked: bool = False,
) -> None:
    """Write tables, figures, report and paper into a folder beside, then put it in place of the old one.

    Args:
        outcome: The sweep.
        command: What runs it again.
        figures: What to draw.
        asked: Keys that were given to ``denote-report``; of a paper that is there all formats are written again.
        tracked: Whether the merged results are logged to where the jobs were tracked.
    """
    # These take seconds to import, which a sweep that has nothing to do should not wait for.
    from denote.reporting.answer.table_warnings import table_warnings
    from denote.reporting.tracking import Tracker
    from denote.reporting.tracking_guard import harmless
    from denote.reporting.undrawn import how_to_draw, undrawn
    from denote.runs.merge import merge
    from denote.runs.paper import done_in, fill_again, fill_paper
    from denote.runs.reports import report_of
    from denote.runs.track_sweep import track

    check_agreement(outcome)
    place = outcome.folder / MERGED
    _check_replaceable(place)
    before = _heal(place, _status(outcome))
    command = command or str(before.get("command", ""))
    jobs = [(outcome.folder / job.name, read_record(outcome.folder / job.name) or {}) for job in outcome.finished]
    rule = rule_of(jobs[0][1]["config"])
    if tracked:
        with harmless(f"sweep {outcome.folder.name}"):
            Tracker.of(jobs[0][1]["config"], outcome.folder).load("sweep")
    with step(f"merge of {len(jobs)} jobs"):
        merged = merge([folder for folder, _ in jobs], rule, analysis_of(jobs[0][1]["config"]))
    with atomic_folder(place) as fresh:
        merged.write(fresh)
        figures = figures.adding(formats_in(place))
        pictures = _draw(merged, fresh / FIGURES, jobs, figures) if figures.is_asked else _keep(outcome, fresh, before)
        doubts = table_warnings(merged.tables)
        missing = [how_to_draw(outcome.folder)]
        if figures.is_asked or pictures:
            missing = undrawn(merged.tables, figures.networks)
        with step("report"):
            report = report_of(
                outcome.folder,
                merged.tables,
                jobs,
                outcome.jobs,
                figures=pictures,
                warnings=doubts,
                undrawn=missing,
                command=command,
            )
            report.write(fresh)
        paper = PaperSettings.of(before, jobs[0][1]["config"], asked or {})
        done = partial(done_in, merged.tables, [record for _, record in jobs])
        if now_asked := [name for name in (asked or {}).get("format") or () if name in paper.formats]:  # html is not
            fill_paper(fresh / PAPER, done(), paper, now_asked)
        elif paper.formats:
            paper = fill_again(fresh / PAPER, done, paper, outcome.folder)
        captions = {picture.path.stem: picture.caption for picture in pictures}
        drawn = figures.as_drawn() or (
            {**(before.get(FIGURES) or {}), "formats": formats_in(fresh)} if pictures else None
        )
        drawn = drawn and {**drawn, "captions": captions}
        files = [file.relative_to(fresh).as_posix() for file in fresh.rglob("*") if file.is_file()]
        write_status(outcome, fresh, command, doubts, drawn, files, paper.as_written())
    if tracked:
        pictures = [replace(picture, path=place / picture.path.relative_to(fresh)) for picture in pictures]
        track(outcome, merged, jobs, pictures, place)


def _check_replaceable(place: Path) -> None:
    """Refuse to replace a folder that holds other things than merged results."""
    if place.is_dir() and any(place.iterdir()) and not any((place / name).is_file() for name in OURS):
        problem = "holds no results of a sweep, which would replace it"
        raise StoreError(str(place), problem, "move it, or another folder")


def _heal(place: Path, status: dict[str, Any]) -> dict[str, Any]:
    """Move damaged files of merged results out of their folder, which is replaced; return what its status says."""
    for file, problem in damaged_files(place, status).items():
        set_aside(file, problem, place.parent)
    if not status and (place / STATUS).is_file():
        set_aside(place / STATUS, "is damaged", place.parent)
    return status


def _draw(
    merged: Merged, folder: Path, jobs: Sequence[tuple[Path, Mapping[str, Any]]], figures: FigureSettings
) -> list[Picture]:
    """Draw a sweep's figures, side by side in processes: only the command line comes here."""
    from denote.runs.drawing import save_drawings, usable_processes
    from denote.runs.present import draw_figures

    drawings = draw_figures(merged, jobs, figures)
    return save_drawings(drawings, folder, figures.formats, usable_processes(), dark=figures.is_dark)


def _keep(outcome: Outcome, fresh: Path, status: Mapping[str, Any]) -> list[Picture]:
    """Take the figures of a sweep over to its fresh results, unless they show other tables or other inputs.

    Tables alone do not tell of inputs: they may be equal with and without them.
    """
    from denote.runs.reports import pictures_of

    place = outcome.folder / MERGED
    if not formats_in(place):
        return []
    if status.get(WITHHELD, []) != _without_inputs(outcome):
        say_stale(outcome.folder.name, INPUTS_SHOWN)
        return []
    if show_others(place, fresh):
        say_stale(outcome.folder.name, TABLES)
        return []
    shutil.copytree(place / FIGURES, fresh / FIGURES)
    return pictures_of(fresh, status)


def _status(outcome: Outcome) -> dict[str, Any]:
    """Return the status of the folder's last merge; empty where there was none, or it is damaged."""
    path = outcome.folder / MERGED / STATUS
    try:
        return read_sealed(path) if path.is_file() else {}
    except DamagedError:
        return {}


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
        rule=rule_of(_config(outcome)),
        command=str(status.get("command") or ""),
        remark=f"Nothing to do: {skipped} of {skipped} jobs were finished before and are merged." if done else "",
        verbose=verbose,
    )
