"""The reports of a sweep, of one of its jobs and of a single run, from their tables and records."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from denote.denotation.judging.decisions import sensitivity_table
from denote.digests import described, read_sealed
from denote.evidence.rule import rule_of
from denote.observation.inputs_shown import InputsShown
from denote.reporting.jobs import FINISHED, Job
from denote.reporting.page.bundle import Relevance
from denote.reporting.page.repeat import Recipe
from denote.reporting.report import NAME, Picture, Report
from denote.runs.figure_folder import FIGURES
from denote.runs.merge_status import MERGED, STATUS
from denote.runs.outcome import statuses
from denote.runs.record import evidence_level, finished_jobs, now, versions

if TYPE_CHECKING:
    from denote.observation.result import Observation
    from denote.runs.relied import Relied

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
    other: tuple[str, Path] | None = None,
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
        other: Title and path of another report, that of a job's sweep.
    """
    config: Mapping[str, Any] = jobs[0][1]["config"]
    typed, sources = _from_here(folder), data_sources(jobs, tables["neurons"])
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
        again=f"denote-report sweep={shlex.quote(typed)}",
        undrawn=undrawn,
        recipes=[_recipe(job, record, folder) for job, record in jobs],
        relevance=relevance(jobs, tables["cells"]),
        inputs=held_inputs(jobs, sources),
        sources=sources,
        created=_day(max(str(record.get("ended") or record.get("started") or "") for _, record in jobs)),
        other=other,
    )


def write_job_page(
    folder: Path,
    record: Mapping[str, Any],
    tables: Mapping[str, pl.DataFrame],
    figures: Sequence[Picture],
    *,
    in_sweep: bool = False,
) -> dict[str, Any]:
    """Write the report of one job into its folder.

    Args:
        folder: The job's folder, which this process has for itself.
        record: Its record.
        tables: Its tables, those that a sweep adds among them.
        figures: Those that lie in it.
        in_sweep: Whether a sweep is run, whose report will lie beside the jobs.

    Returns:
        What the record says of it under ``record.PAGE``.
    """
    from denote.reporting.undrawn import how_to_draw, undrawn

    total = (record.get("timings") or {}).get("total")
    job = Job(folder.name, FINISHED, evidence=evidence_level(record), seconds=total)
    sweep = folder.parent / MERGED / NAME
    report = report_of(
        folder,
        tables,
        [(folder, record)],
        [job],
        figures=figures,
        undrawn=undrawn(tables) if figures else [how_to_draw(Path(_from_here(folder)))],
        other=(f"the sweep {folder.parent.name}", sweep) if in_sweep or sweep.is_file() else None,
    )
    return described(report.write(folder))


def pictures_of(results: Path, record: Mapping[str, Any]) -> list[Picture]:
    """Return the figures that lie beside results, in the order and with the captions that their record has.

    Args:
        results: The folder of a job, or of a sweep's merged results.
        record: Its record, or ``status.json``.
    """
    captions = (record.get(FIGURES) or {}).get("captions") or {}
    files = {file.stem: file for file in sorted((results / FIGURES).glob("*.png"))}
    order = [*(name for name in captions if name in files), *(name for name in files if name not in captions)]
    return [Picture(files[name], captions.get(name, name)) for name in order]


def data_sources(jobs: Jobs, neurons: pl.DataFrame) -> dict[str, str]:
    """Return by network a name of its data that no other data has: two files may give a data set the same name.

    Args:
        jobs: Folders of the finished jobs with their records.
        neurons: With the columns ``object_model dataset``.
    """
    datasets = dict(neurons.select("object_model", "dataset").drop_nulls().unique().iter_rows())
    seen: dict[str, list[Any]] = {}
    sources = {}
    for _, record in jobs:
        network, asked = str(record.get("object_model")), (record.get("config") or {}).get("dataset")
        if (dataset := datasets.get(network)) is not None:
            alike = seen.setdefault(dataset, [])
            if asked not in alike:
                alike.append(asked)
            place = alike.index(asked)
            sources[network] = f"{dataset} ({place + 1})" if place else dataset
    return sources


def held_inputs(jobs: Jobs, sources: Mapping[str, str]) -> Iterator[tuple[str, InputsShown | None]]:
    """Read what jobs hold of their inputs, one after the other, as the page asks for them.

    Args:
        jobs: Folders of the finished jobs with their records.
        sources: As `data_sources` returns them.
    """
    for folder, record in jobs:
        if (source := sources.get(str(record.get("object_model")))) is not None:
            yield source, InputsShown.read(folder)


def _from_here(folder: Path) -> str:
    """Return a folder as it is typed from the working folder, by its name alone from elsewhere."""
    folder, here = folder.absolute(), Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) and folder != here else folder.name


def _recipe(job: Path, record: Mapping[str, Any], folder: Path) -> Recipe:
    own = job / NAME if job != folder and (job / NAME).is_file() else None
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
    from denote.runs.relied import heat_map_attributes, relied_on  # loads matplotlib

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


def observation_report(observation: Observation, title: str) -> Report:
    """Return the report of one observation in memory.

    Args:
        observation: What was observed.
        title: How it is called.
    """
    from denote.runs.merge import Merged
    from denote.runs.relied import Reading, heat_map_attributes, networks_with_maps, put_together  # loads matplotlib

    tables = Merged.of(observation).tables
    networks = networks_with_maps(observation.cells)
    relied = put_together(networks[0], [Reading.of(observation)], observation.cells) if networks else None
    datasets = [*tables["neurons"]["dataset"].drop_nulls().unique(), *tables["cells"]["dataset"].drop_nulls().unique()]
    return Report(
        title=title,
        status=(),
        tables={**tables, "sensitivity": sensitivity_table(tables["neurons"])},
        figures=(),
        rule=observation.rule,
        versions=versions(),
        relevance=[] if relied is None else relevance_of(relied, heat_map_attributes(observation.cells)),
        inputs=[(dataset, observation.inputs_shown) for dataset in dict.fromkeys(datasets)],
        created=_day(now()),
    )


def sweep_report(folder: Path, tables: Mapping[str, pl.DataFrame]) -> Report:
    """Return the report of a sweep whose merged results lie in its folder.

    Args:
        folder: The sweep's folder.
        tables: Its tables.
    """
    status, jobs = _status(folder), list(finished_jobs(folder))
    figures = pictures_of(folder / MERGED, status)
    warnings, command = status.get("warnings") or (), str(status.get("command") or "")
    return report_of(folder, tables, jobs, statuses(folder), figures=figures, warnings=warnings, command=command)


def _status(folder: Path) -> Mapping[str, Any]:
    file = folder / MERGED / STATUS
    return read_sealed(file) if file.is_file() else {}
