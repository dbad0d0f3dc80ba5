"""One finished job by itself, shown as if it were a sweep: its tables, its figures and a short account."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from denote.config.figure_settings import FigureSettings
from denote.config.paper_settings import PAPER, PaperSettings
from denote.denotation.depth.plan import analysis_of
from denote.digests import FILES, DamagedError, damage_of
from denote.errors import StoreError
from denote.evidence.rule import rule_of
from denote.files import atomic_folder
from denote.locks import locked, owner_of
from denote.reporting.jobs import MISSING, RUNNING, Job
from denote.runs.figure_folder import FIGURES, formats_in, remove_stale, show_others
from denote.runs.leftovers import ADDED_ASIDE, remove_leftovers
from denote.runs.record import (
    LOCK,
    PAGE,
    RECORD,
    REPORT_FILE,
    Status,
    damage_of_results,
    evidence_level,
    read_record,
    with_digests,
    write_record,
)

if TYPE_CHECKING:
    import polars as pl

    from denote.observation.result import Evidence
    from denote.reporting.report import Picture


_AGAIN = "run the same command again"


def status_of(folder: Path) -> Job:
    """The state of one job, by its record."""
    try:
        record = read_record(folder)
    except DamagedError as error:
        return Job(folder.name, MISSING, f"{RECORD} {error.damage}: {_AGAIN}")
    return Job(folder.name, MISSING, "was not started") if record is None else status_by(record, folder, folder.name)


def status_by(entry: Mapping[str, Any], folder: Path, name: str) -> Job:
    """The state of one job, by what its record says of an attempt.

    Args:
        entry: The record, or what it says of running the job again.
        folder: The job's folder.
        name: What to call it.
    """
    status = str(entry.get("status"))
    reason = str((entry.get("error") or {}).get("message", ""))
    if status == Status.FINISHED and (damage := damage_of_results(folder, entry)):
        status, reason = MISSING, f"{damage}: {_AGAIN}"
    if status == Status.RUNNING:
        owner = owner_of(folder / LOCK)
        status = Status.KILLED if owner is None else RUNNING
        reason = "its process ended without a word: killed?" if owner is None else f"is being run by {owner}"
    log = folder / str(entry.get("log") or "")
    return Job(
        name,
        status,
        reason,
        seconds=(entry.get("timings") or {}).get("total"),
        evidence=evidence_level(entry) if status == Status.FINISHED else None,
        log=f"{folder.name}/{log.name}" if log.is_file() else None,
        attempts=int(entry.get("attempt") or 1),
    )


def draw_job(folder: Path, record: Mapping[str, Any], evidence: Evidence, settings: FigureSettings) -> list[Picture]:
    """Draw the figures of one job in place of those it has, which stay until all are drawn.

    Args:
        folder: The job's folder.
        record: Its record.
        evidence: Its tables, those that a sweep adds among them.
        settings: What is asked, in all formats that the figures are to have; without figures those it has stay.
    """
    if not settings.is_asked:
        return []
    # Drawing takes a second to import, which a job that has nothing to draw should not wait for.
    from denote.runs.drawing import save_drawings
    from denote.runs.present import draw_figures

    place = folder / FIGURES
    with atomic_folder(place) as fresh:
        drawings = draw_figures(evidence, [(folder, record)], settings)
        pictures = save_drawings(drawings, fresh, settings.formats, dark=settings.is_dark)
    return [replace(picture, path=place / picture.path.name) for picture in pictures]


def show_job(folder: Path, settings: FigureSettings, *, verbose: bool = False) -> None:
    """Print what one finished job found, corrected over that job alone; draw what is asked and not there.

    Args:
        folder: The job's folder.
        settings: What is to be drawn.
        verbose: Print everything that the answer rests on, too.
    """
    from denote.reporting.terminal import print_summary

    record = read_record(folder) or {}
    if not settings.is_met(record.get(FIGURES)):
        draw_again(folder, settings)
    tables = tables_of(folder, record["config"])
    if os.access(folder, os.W_OK):
        write_page(folder, tables)
    if verbose:
        say_undrawn(folder, folder, read_record(folder) or {})
    command = _command_of(record)
    print_summary(
        tables,
        [status_of(folder)],
        folder=folder,
        rule=rule_of(record["config"]),
        command=command,
        verbose=verbose,
    )


def _command_of(record: Mapping[str, Any]) -> str:
    """Return what the user typed; of a saved observation, which no command made, what stands for its call."""
    from denote.reporting.answer.next_step import OBSERVE

    if "dataset" not in record["config"]:
        return OBSERVE
    return shlex.join(["denote", *record["overrides"]]) if record.get("overrides") is not None else ""


def write_page(folder: Path, tables: Mapping[str, pl.DataFrame] | None = None) -> bool:
    """Write the report of a finished job where it is not there, or damaged; return whether it was.

    Args:
        folder: The job's folder.
        tables: Its tables as if it were a sweep; None: they are read.
    """
    if _has_page(folder):
        return False
    from denote.runs.reports import pictures_of, write_job_page

    with locked(folder / LOCK, f"report of {folder.name}"):
        record = read_record(folder) or {}
        tables = tables_of(folder, record["config"]) if tables is None else tables
        page = write_job_page(folder, record, tables, pictures_of(folder, record))
        write_record(folder, {**record, PAGE: page})
    return True


def _has_page(folder: Path) -> bool:
    held = (read_record(folder) or {}).get(PAGE)
    return held is not None and damage_of(folder / REPORT_FILE, held) is None


def _forget_page(folder: Path) -> None:
    """Have the report of a job written again when the job is shown."""
    record = read_record(folder) or {}
    write_record(folder, {name: value for name, value in record.items() if name != PAGE})


def drawn_of(settings: FigureSettings, pictures: Sequence[Picture]) -> dict[str, Any] | None:
    """Return what a record says of figures that were just drawn: their formats and captions; None where none were."""
    drawn = settings.as_drawn()
    return drawn and {**drawn, "captions": {picture.path.stem: picture.caption for picture in pictures}}


def say_undrawn(folder: Path, results: Path, status: Mapping[str, Any]) -> None:
    """Print how figures are drawn, where none were asked for.

    Args:
        folder: That of the sweep or of the job.
        results: Where its figures would be.
        status: Its record or ``status.json``.
    """
    if status.get(FIGURES) is None and not (results / FIGURES).is_dir():
        from denote.reporting.undrawn import how_to_draw

        print(how_to_draw(folder))


def report_job(folder: Path, asked: Mapping[str, Any], *, verbose: bool = False) -> None:
    """Make the tables that a sweep adds, and the figures, again from a job's saved evidence.

    Args:
        folder: The job's folder.
        asked: Keys that begin with ``figure``, whose formats are added to those that are there; ``format`` and
            ``paper_width``.
        verbose: Print everything that the answer rests on, too.

    Raises:
        StoreError: if it is not finished.
    """
    job = status_of(folder)
    if not job.counts:
        raise StoreError(f"sweep={folder}", f"this job is {job.status}", "allowed: one that finished, or a sweep")
    with locked(folder / LOCK, f"report of {folder.name}"):
        remove_leftovers(folder)
        config = (read_record(folder) or {})["config"]
        settings = FigureSettings.again(config, asked)
        _write_added(folder, config, settings)
        _draw_again(folder, settings)
        _forget_page(folder)
        _write_paper(folder, asked)
    show_job(folder, settings, verbose=verbose)
    if asked.get("format") and (folder / PAPER).is_dir():
        from denote.runs.paper import say_paper

        say_paper(folder / PAPER)


def _write_paper(folder: Path, asked: Mapping[str, Any]) -> None:
    """Write the paper of a job that is asked for, in all formats of the one that is there."""
    record = read_record(folder) or {}
    settings = PaperSettings.of(record, record["config"], asked)
    if not settings.formats:
        return
    from denote.runs.paper import done_in, fill_paper

    done = done_in(tables_of(folder, record["config"]), [record])
    with atomic_folder(folder / PAPER) as fresh:
        fill_paper(fresh, done, settings, asked.get("format") or ())
    write_record(folder, {**record, PAPER: settings.as_written()})


def _write_added(folder: Path, config: Mapping[str, Any], settings: FigureSettings) -> None:
    """Write what a sweep adds; without new figures those of other tables go."""
    aside = folder / ADDED_ASIDE
    _merged(folder, config).write_added(aside)
    record, added = read_record(folder) or {}, sorted(file.name for file in aside.iterdir())
    is_stale = not settings.is_asked and show_others(folder, aside)
    if is_stale:
        record[FIGURES] = None
    files = record.get(FILES) or {}
    # A process that is killed from here on leaves less than a sweep adds, which counts as nothing, and no damage.
    record[FILES] = {name: file for name, file in files.items() if name not in added}
    write_record(folder, record)
    if is_stale:
        remove_stale(folder, folder.name)
    for name in added:
        (folder / name).unlink(missing_ok=True)
    for name in added:
        (aside / name).replace(folder / name)
    aside.rmdir()
    write_record(folder, with_digests(record, folder, added))


def tables_of(folder: Path, config: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
    """Return the tables of one job as if it were a sweep; a job of a sweep has not saved what a sweep adds."""
    from denote.tables import SWEEP_TABLES, has_tables, read_tables

    if has_tables(folder, SWEEP_TABLES):
        return read_tables(folder, SWEEP_TABLES)
    return dict(_merged(folder, config).tables)


def _merged(folder: Path, config: Mapping[str, Any]) -> Any:
    from denote.runs.merge import merge

    return merge([folder], rule_of(config), analysis_of(config))


def draw_again(folder: Path, settings: FigureSettings) -> None:
    """Draw the figures of a finished job from its saved evidence, where any are asked, and say so in its record.

    Args:
        folder: The job's folder; a job that is made again just now is waited for.
        settings: What is asked.
    """
    if settings.is_asked:
        with locked(folder / LOCK, f"figures of {folder.name}"):
            remove_leftovers(folder)
            _draw_again(folder, settings)


def _draw_again(folder: Path, settings: FigureSettings) -> None:
    """Draw again in a folder that this process has for itself."""
    if not settings.is_asked or not status_of(folder).counts:
        return
    from denote.observation.result import Evidence

    record, settings = read_record(folder) or {}, settings.adding(formats_in(folder))
    pictures = draw_job(folder, record, Evidence(tables_of(folder, record["config"])), settings)
    write_record(folder, {**record, FIGURES: drawn_of(settings, pictures)})
