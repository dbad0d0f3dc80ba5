"""The run of a comparison: what is compared, the numbers to sort by, its files, and the results it was made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from denote.comparison.compare import Comparison
from denote.comparison.flat_numbers import flat_numbers
from denote.config.settings import TRACKERS
from denote.reporting import wandb_environment as environment
from denote.reporting.dashboard import as_table
from denote.reporting.lineage import job_name, sweep_name
from denote.reporting.local_runs import check_installed
from denote.reporting.run_config import SETTINGS, comma_list, flat
from denote.reporting.tracking import Tracker
from denote.reporting.tracking_guard import harmless
from denote.reporting.wandb_names import artifact_name, shortened
from denote.runs.record import finished_jobs, sound_record

COMPARE = "compare"
"""Type of the run."""

INHERITED = ("project", "entity", "limit", "artifacts")
"""Settings of ``logger`` that a comparison takes from its baseline, so that its run stands beside the runs it is of."""

OF_CELLS = ("dataset", "architecture", "attribute", "probe", "seed", "object_model")
"""Columns of the compared cells that are settings of the run."""

MOST_NUMBERS = 100
"""Numbers in the summary: those of several results have keys of their own each; ``compare.parquet`` has all."""


@dataclass(frozen=True)
class Source:
    """A compared result, as its own runs name it.

    Attributes:
        sweep: Name of the sweep.
        artifact: Artifact that its run has made; None of a saved observation, which has no run.
        logger: Where its runs are tracked.
    """

    sweep: str
    artifact: str | None
    logger: Mapping[str, Any]


def source_of(folder: Path) -> Source:
    """Return what a result is to a tracker.

    Args:
        folder: That of a sweep, its ``sweep/``, a job or a saved observation.
    """
    folder = folder.resolve()
    record = sound_record(folder)
    if record is not None:
        logger = record.get("config", {}).get("logger")
        is_tracked = logger is not None
        return Source(folder.parent.name, job_name(str(record["fingerprint"])) if is_tracked else None, logger or {})
    sweep = folder.parent if folder.name == "sweep" else folder
    first: Mapping[str, Any] = next((record["config"] for _, record in finished_jobs(sweep)), {})
    return Source(sweep.name, sweep_name(sweep.name), first.get("logger", {}))


def tracker_of(kinds: Sequence[str], sources: Sequence[Source], name: str, to: Path) -> Tracker:
    """Return the tracker of a comparison.

    Args:
        kinds: Names of trackers.
        sources: What is compared, the baseline first.
        name: The comparison's.
        to: Its folder.

    Raises:
        ConfigError: if a package is missing, or W&B would refuse a name of its environment.
    """
    held = {key: value for key, value in sources[0].logger.items() if key in INHERITED}
    logger = {**held, "kinds": {kind: kind in kinds for kind in TRACKERS}}
    config = {"logger": logger, "tags": []}
    environment.check(config)
    check_installed(environment.kinds_of(logger))
    group = environment.setting(logger, "group") or shortened(name)
    return replace(Tracker.of(config, to), sweep=_sweeps(sources), group=group)


def _sweeps(sources: Iterable[Source]) -> str:
    return str(comma_list(source.sweep for source in sources))


def track(
    tracker: Tracker, comparison: Comparison, sources: Mapping[str, Source], key: str, files: Mapping[str, Path]
) -> None:
    """Track a comparison; what goes wrong here is said in one warning, and costs no result.

    Args:
        tracker: Where.
        comparison: What was found.
        sources: What was to be compared, by the names of the results; what was left out is none of its inputs.
        key: What makes this comparison itself: made again, it continues its run.
        files: What it has left, by name.
    """
    baseline, *others = [result.name for result in comparison.results]
    compared = [sources[result.name] for result in comparison.results]
    made_from = [source.artifact for source in compared if source.artifact is not None]
    name = f"{', '.join(others)} against {baseline}"
    with (
        harmless(name),
        tracker.run(COMPARE, key, name, {**settings_of(comparison), "sweep": _sweeps(compared)}) as run,
    ):
        if run is None:
            return
        for artifact in dict.fromkeys(made_from):
            run.use(artifact)
        run.log({}, {"comparison": as_table(comparison.table)})
        run.summarize(dict(islice(flat_numbers(comparison).items(), MOST_NUMBERS)))
        run.keep(artifact_name(COMPARE, run.key), "comparison", files, {"made_from": made_from})


def settings_of(comparison: Comparison) -> dict[str, Any]:
    """Return the settings of a comparison's run: what is compared, in which settings it differs, and what is read.

    Args:
        comparison: What was found.
    """
    baseline, *others = comparison.results
    differing = {contrast.other.name: contrast.settings for contrast in comparison.contrasts}
    cells = pl.concat([result.tables["cells"].select(OF_CELLS).unique() for result in comparison.results])
    return {
        "baseline": baseline.name,
        "compared": ",".join(other.name for other in others),
        "unit": comma_list(contrast.pairing.unit for contrast in comparison.contrasts),
        **flat({"differs": [setting.key for settings in differing.values() for setting in settings]}),
        **flat(cells.to_dict(as_series=False)),
        SETTINGS: {
            name: {setting.key: {"baseline": setting.baseline, "other": setting.other} for setting in settings}
            for name, settings in differing.items()
        },
    }
