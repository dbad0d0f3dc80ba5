"""The reports of a sweep, of one of its jobs and of a single run, from their tables and records."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from denote.denotation.judging.decisions import sensitivity_table
from denote.evidence.rule import rule_of
from denote.observation.inputs_shown import InputsShown
from denote.reporting.jobs import Job
from denote.reporting.page.bundle import Relevance
from denote.reporting.page.repeat import Recipe
from denote.reporting.report import NAME, Picture, Report
from denote.runs.record import evidence_level, versions

if TYPE_CHECKING:
    from denote.runs.present import Relied

Jobs = Sequence[tuple[Path, Mapping[str, Any]]]


def report_of(
    folder: Path,
    tables: Mapping[str, pl.DataFrame],
    jobs: Jobs,
    status: Sequence[Job],
    *,
    figures: Sequence[Picture] = (),
    warnings: Sequence[str] = (),
    undrawn: Sequence[str] = (),
    command: str = "",
) -> Report:
    """Return the report of a sweep or a job.

    Args:
        folder: Its folder.
        tables: Those of ``tables.SWEEP_TABLES``.
        jobs: Folders of the finished jobs with their records.
        status: How all jobs ended.
        figures: Those that lie beside it.
        warnings: What makes the numbers doubtful.
        undrawn: Which figures are not there, and why.
        command: What the user typed.
    """
    config: Mapping[str, Any] = jobs[0][1]["config"]
    return Report(
        title=folder.name,
        status=status,
        tables={**tables, "sensitivity": sensitivity_table(tables["neurons"])},
        figures=figures,
        rule=rule_of(config),
        warnings=warnings,
        config=config,
        versions=versions(),
        command=command,
        again=f"denote-report sweep={shlex.quote(str(folder))}",
        undrawn=undrawn,
        recipes=[_recipe(job, record, folder) for job, record in jobs],
        relevance=relevance(jobs, tables["cells"]),
        inputs=_inputs(jobs, tables["neurons"]),
        folder=str(folder),
        created=_day(max(str(record.get("ended") or "") for _, record in jobs)),
    )


def _inputs(jobs: Jobs, neurons: pl.DataFrame) -> Iterator[tuple[str, InputsShown | None]]:
    """Read what jobs hold of their inputs, one after the other, as the page asks for them."""
    datasets = dict(neurons.select("object_model", "dataset").unique().iter_rows())
    for folder, record in jobs:
        if (dataset := datasets.get(str(record.get("object_model")))) is not None:
            yield dataset, InputsShown.read(folder)


def _recipe(job: Path, record: Mapping[str, Any], folder: Path) -> Recipe:
    own = f"../{job.name}/{NAME}" if job != folder and (job / NAME).is_file() else None
    return Recipe(job.name, record.get("overrides") or (), record.get("seeds") or {}, evidence_level(record) or "", own)


def _day(moment: str) -> str:
    """``30 November 2026`` of a time as records hold it."""
    return f"{datetime.fromisoformat(moment):%d %B %Y}".lstrip("0") if moment else ""


def relevance(jobs: Jobs, cells: pl.DataFrame) -> list[Relevance]:
    """Return what observers of the first trained network rely on, the attributes in the order of their heat maps.

    Args:
        jobs: Folders of the finished jobs with their records.
        cells: Their cells.
    """
    from denote.runs.present import heat_map_attributes, relied_on  # loads matplotlib

    relied = relied_on(jobs, cells)
    return [] if relied is None else relevance_of(relied, heat_map_attributes(cells))


def relevance_of(relied: Relied, attributes: Sequence[str]) -> list[Relevance]:
    """Return relevance as pages take it: of some attributes first, then of all others."""
    order = [*(name for name in attributes if name in relied.relevance), *relied.relevance]
    return [
        Relevance(relied.object_model, layer, name, values, relied.bands.get(name, {}).get(layer))
        for name in dict.fromkeys(order)
        for layer, values in relied.relevance[name].items()
    ]
