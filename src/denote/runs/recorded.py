"""Running a job so that its folder tells the truth: finished with results, failed with a reason, or not there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from denote.config.environment import as_written
from denote.config.figure_settings import NONE, FigureSettings
from denote.config.keys import SCHEMA
from denote.config.levels import holds, level_of
from denote.config.paper_settings import PAPER
from denote.config.report_settings import REPORT, ReportSettings
from denote.digests import DamagedError, damaged_files, set_aside
from denote.errors import DenoteError
from denote.files import remove_folder
from denote.locks import locked
from denote.progress import discount, step
from denote.runs.attempts import Attempt, begin, came_of, described, end, is_finished, new_launch, status_after
from denote.runs.figure_folder import FIGURES, formats_in, remove_stale, show_others
from denote.runs.fingerprint import agreement, check_plan, fingerprint
from denote.runs.inputs_again import change_inputs
from denote.runs.leftovers import RESULTS_ASIDE, remove_leftovers
from denote.runs.record import (
    LOCK,
    PAGE,
    RECORD,
    REPORT_FILE,
    Status,
    damage_of_results,
    evidence_level,
    finished_before,
    now,
    read_record,
    refused_as_finished,
    result_files,
    versions,
    write_record,
)

if TYPE_CHECKING:
    from denote.observation.result import Observation
    from denote.runs.job import Job, Prepared

log = logging.getLogger(__name__)


def run_recorded(
    settings: Mapping[str, Any],
    folder: Path,
    make: Callable[[], Job],
    *,
    overrides: Sequence[str],
    in_sweep: bool,
    attempt: Attempt | None = None,
) -> None:
    """Run one job in its folder, once, however many processes are asked to.

    A job whose folder holds equal results is left alone, as ``on_existing`` says; results of a lower level of evidence,
    and those that are redone, are replaced once the new ones are to be written: whatever ends the job before then
    leaves them, and their record, as they were. In a sweep a failure, `SystemExit` included, ends only this job.
    Alone, a user's mistake is raised and leaves no folder behind.

    Args:
        settings: The resolved config.
        folder: The job's folder, which exists.
        make: Builds the job from the settings.
        overrides: What the user typed, for the record.
        in_sweep: Whether other jobs follow.
        attempt: Who runs it; None: a command of its own.
    """
    key = fingerprint(settings)
    report = ReportSettings.of(settings)
    if _is_done(folder, key, settings) and report.is_met(read_record(folder) or {}):
        discount()  # what has nothing to do waits for nobody
        return
    with locked(folder / LOCK, f"job {folder.name}"):
        _heal(folder)
        if _is_done(folder, key, settings):  # by the process that held the lock, or but for its inputs
            if not report.is_met(read_record(folder) or {}):
                change_inputs(folder, report, make, in_sweep=in_sweep)
            discount()
        else:
            attempt = attempt or Attempt(new_launch())
            _run_recorded(settings, folder, make, key, attempt, overrides=overrides, in_sweep=in_sweep)


def _run_recorded(
    settings: Mapping[str, Any],
    folder: Path,
    make: Callable[[], Job],
    key: str,
    attempt: Attempt,
    *,
    overrides: Sequence[str],
    in_sweep: bool,
) -> None:
    """Run one job in its folder, which this process has for itself."""
    record: dict[str, Any] = {
        "status": Status.RUNNING,
        "schema": SCHEMA,
        "name": folder.name,
        "fingerprint": key,
        "started": now(),
        "ended": None,
        **attempt.entry(),
        "overrides": list(overrides),
        "config": as_written(settings),
        "agreement": agreement(settings),
        "analysis": settings.get("analysis"),
        "evidence_level": level_of(settings).name,
        "seeds": {"seed": settings["seed"], "probe_seed": settings["probe_seed"], "split": settings["split"]["seed"]},
        "versions": versions(),
        "timings": {},
        "error": None,
    }
    start, before = time.perf_counter(), read_record(folder)
    begin(folder, record, keeps=is_finished(before) and not damage_of_results(folder, before))
    job: Job | None = None

    def ended(status: Status, error: dict[str, Any] | None = None) -> None:
        timings: dict[str, float] = {} if job is None else job.timings
        record["timings"] = {**timings, "total": round(time.perf_counter() - start, 3)}
        record["error"] = error
        end(folder, record, status, error)

    def known() -> dict[str, Any]:
        return {} if job is None else job.known_so_far()

    try:
        with step("loading libraries", once=True):
            from denote.runs.track_failure import failure_tracked
        with failure_tracked(settings, folder, known) if in_sweep else nullcontext():
            with step("loading libraries", once=True):
                job = make()
            job.tracker.load("job")
            prepared = job.prepare()  # alone, a mistake that it finds leaves nothing in anybody's dashboard
        _run(job, prepared, folder, record, in_sweep=in_sweep)
    except BaseException as error:
        ended(status_after(error), described(error))
        if isinstance(stop := came_of(error), KeyboardInterrupt):
            raise stop from None
        if not in_sweep:
            if isinstance(error, DenoteError) and before is None:
                (folder / RECORD).unlink()  # nothing was made, so there is nothing to remember
            if not isinstance(error, Exception):  # whatever the code of an exit, the job has no results
                raise RuntimeError(record["error"]["message"]) from error
            raise
        log.error("%s %s: %s", folder.name, status_after(error), record["error"]["message"])
        discount()
        return
    ended(Status.FINISHED)


def _heal(folder: Path) -> None:
    """Move what is damaged in a job's folder aside, and remove what a killed process left half-written."""
    remove_leftovers(folder)
    try:
        record = read_record(folder)
    except DamagedError as error:
        set_aside(error.file, error.damage)
        return
    for file, problem in damaged_files(folder, record or {}).items():
        set_aside(file, problem)


def _is_done(folder: Path, key: str, settings: Mapping[str, Any]) -> bool:
    before, on_existing = finished_before(folder, key), settings["on_existing"]
    if before is None:
        return False
    if on_existing == "fail":
        raise refused_as_finished(folder, before, settings)
    if on_existing == "redo":
        if not holds(settings, before["config"]):
            log.warning(
                "%s: made again with less evidence: its results at evidence=%s go", folder.name, evidence_level(before)
            )
        return False
    check_plan(settings, before, folder)
    level = evidence_level(before)
    if not holds(before["config"], settings):
        asked = level_of(settings).name
        now_made = f"made with what evidence={asked} adds" if asked != level else "made with what is asked on top"
        log.info("%s: finished before at evidence=%s, now %s", folder.name, level, now_made)
        return False
    log.info("%s: finished before at evidence=%s, nothing to do", folder.name, level)
    return True


def _run(job: Job, prepared: Prepared, folder: Path, record: dict[str, Any], *, in_sweep: bool) -> None:
    from denote.reporting import dashboard, lineage
    from denote.reporting.named_attributes import families_of
    from denote.reporting.run_config import SETTINGS
    from denote.reporting.tracking_guard import harmless
    from denote.runs.merge import Merged
    from denote.runs.reports import pictures_of, write_job_page
    from denote.runs.single import draw_job, drawn_of

    key, config = record["fingerprint"], job.tracked_as(prepared)
    with job.tracker.run("job", key, folder.name, {**config, SETTINGS: record["config"]}, alone=not in_sweep) as run:
        observation = job.run(prepared)
        network, store = config.get("network"), Path(job.config["store"]["path"])
        with harmless(f"{folder.name}: what it was made from"):
            lineage.log_inputs(run, store, job.stored, network)
        settings = FigureSettings.of(record["config"]).adding(formats_in(folder))
        if in_sweep and not settings.is_asked_of_jobs:
            settings = replace(settings, figures=NONE)
        with step("tables"):
            _put_results(observation, folder, record, draws=settings.is_asked)
        record[REPORT] = ReportSettings.of(record["config"]).as_held()
        record["object_model"], record["stored"] = observation.object_model, job.stored
        record["object_score"] = None if job.score is None else asdict(job.score)
        record["layers"] = [asdict(layer) for layer in observation.layers]
        record["attributes"], record["input_shape"] = list(observation.attributes), list(observation.input_shape)
        with step("merge"):
            merged = Merged.of(observation)
        if not in_sweep:
            merged.write_added(folder)  # the same command again reads them, and computes nothing
        with job.timed("figures"):
            pictures = draw_job(folder, record, merged, settings)
        record[FIGURES] = drawn_of(settings, pictures) or ({"formats": kept} if (kept := formats_in(folder)) else None)
        if not in_sweep or ReportSettings.of(record["config"]).per_job:
            with step("report"):
                shown = pictures or pictures_of(folder, record)
                record[PAGE] = write_job_page(folder, record, merged.tables, shown, in_sweep=in_sweep)
        with harmless(folder.name):
            named = job.tracker.named(families_of(observation.cells), alone=not in_sweep)
            dashboard.log_job(run, merged.tables, pictures, observation.rule, named)
            lineage.log_cells(run, key, folder, job.stored, network)


def _put_results(observation: Observation, folder: Path, record: Mapping[str, Any], *, draws: bool) -> None:
    """Write what was found into the job's folder, in place of all that is there of earlier results.

    They are written aside first, so that what ends the job meanwhile leaves the earlier ones whole.

    Args:
        observation: What was found.
        folder: The job's folder.
        record: Its record.
        draws: Whether figures are drawn next; otherwise those of other tables go here.
    """
    aside = folder / RESULTS_ASIDE
    remove_folder(aside)
    try:
        observation.write(aside)
        write_record(folder, record)  # from here on it is not finished: files of both would lie side by side
        if not draws and show_others(folder, aside):
            remove_stale(folder, folder.name)
        remove_folder(folder / PAPER)
        for earlier in (*result_files(folder), REPORT_FILE):  # a report of earlier results would be wrong
            (folder / earlier).unlink(missing_ok=True)
        for result in aside.iterdir():
            result.replace(folder / result.name)
    finally:
        remove_folder(aside)
