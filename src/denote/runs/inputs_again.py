"""Inputs of a finished job: kept after all, or removed, as ``report.inputs`` asks; nothing is observed again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from denote.config.report_settings import REPORT, ReportSettings
from denote.digests import FILES
from denote.errors import DenoteError
from denote.progress import step
from denote.runs.figure_folder import FIGURES, INPUTS_SHOWN, formats_in, remove_stale
from denote.runs.record import PAGE, REPORT_FILE, read_record, result_files, with_digests, write_record

if TYPE_CHECKING:
    from denote.runs.job import Job

log = logging.getLogger(__name__)


def change_inputs(folder: Path, report: ReportSettings, make: Callable[[], Job], *, in_sweep: bool) -> None:
    """Store the inputs that the examples of a finished job name, or remove all that its folder holds of them.

    Figures and report of before go, since they may show inputs; whoever is asked for them makes them again.

    Args:
        folder: The job's folder, which this process has for itself.
        report: What is asked.
        make: Builds the job, whose data is read where inputs are to be stored.
        in_sweep: Whether other jobs follow, which a mistake here does not end.
    """
    try:
        with step("inputs shown"):
            _change(folder, report, make)
    except DenoteError as error:
        if not in_sweep:
            raise
        log.error("%s: its inputs could not be stored: %s", folder.name, error)


def _change(folder: Path, report: ReportSettings, make: Callable[[], Job]) -> None:
    from denote.denotation.atlas import with_targets
    from denote.observation.inputs_shown import InputsShown, shown_inputs
    from denote.tables import read_table, write_table

    examples = read_table(folder, "examples")
    if report.inputs:
        info = make().prepare().info
        shown = shown_inputs(info, examples)
        examples = with_targets(examples, info.classes, info.class_names)
    else:
        shown, examples = InputsShown.withheld(), with_targets(examples, None, ())
    record = _unsealed(folder)
    write_table(folder, "examples", examples)
    shown.write(folder)
    (folder / REPORT_FILE).unlink(missing_ok=True)
    if formats_in(folder):
        remove_stale(folder, folder.name, INPUTS_SHOWN)
    record |= {REPORT: report.as_held(), FIGURES: None}
    record["config"] = {**record["config"], REPORT: {**(record["config"].get(REPORT) or {}), **report.as_held()}}
    write_record(folder, with_digests(record, folder, result_files(folder)))
    log.info("%s: finished before, %s", folder.name, "now with inputs" if report.inputs else "now without inputs")


def _unsealed(folder: Path) -> dict[str, Any]:
    """Return the record of a job, which from here on promises neither a report nor content of files that change.

    A process that is killed meanwhile leaves a job that does not hold what is asked, and the next one goes on.
    """
    record: Mapping[str, Any] = read_record(folder) or {}
    changing = {
        "examples.parquet",
        "inputs.parquet",
        "inputs.png",
        "inputs.safetensors",
        "examples.safetensors",
        REPORT_FILE,
    }
    files = {name: file for name, file in (record.get(FILES) or {}).items() if name not in changing}
    unsealed = {**{name: value for name, value in record.items() if name != PAGE}, FILES: files}
    write_record(folder, unsealed)
    return unsealed
