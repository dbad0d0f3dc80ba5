"""Write the merged results of a sweep: tables, figures, report and paper, in place of those of before."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from denote.config.figure_settings import FigureSettings
from denote.config.paper_settings import PAPER, PaperSettings
from denote.denotation.depth.plan import analysis_of
from denote.digests import damaged_files, set_aside
from denote.errors import StoreError
from denote.evidence.rule import rule_of
from denote.files import atomic_folder
from denote.progress import step
from denote.runs.figure_folder import FIGURES, INPUTS_SHOWN, TABLES, formats_in, say_stale, show_others
from denote.runs.merge_status import MERGED, STATUS, WITHHELD, status_of_merge, without_inputs, write_status
from denote.runs.outcome import Outcome, check_agreement
from denote.runs.record import read_record

if TYPE_CHECKING:
    from denote.reporting.report import Picture
    from denote.runs.merge import Merged

OURS = (STATUS, "report.html")
"""Files by which the results of a sweep are known; other folders of that name are not replaced."""


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
    before = _heal(place, status_of_merge(outcome))
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
    if status.get(WITHHELD, []) != without_inputs(outcome):
        say_stale(outcome.folder.name, INPUTS_SHOWN)
        return []
    if show_others(place, fresh):
        say_stale(outcome.folder.name, TABLES)
        return []
    shutil.copytree(place / FIGURES, fresh / FIGURES)
    return pictures_of(fresh, status)
