"""The runs of a sweep as a whole: its own, and one for each of its curves over depth."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from denote.evidence.rule import rule_of
from denote.reporting import dashboard, lineage
from denote.reporting.run_config import SETTINGS, common, flat, options, swept
from denote.reporting.tracking import Tracker
from denote.reporting.tracking_guard import harmless

if TYPE_CHECKING:
    from denote.reporting.report import Picture
    from denote.runs.merge import Merged
    from denote.runs.outcome import Outcome

log = logging.getLogger(__name__)

Jobs = Sequence[tuple[Path, Mapping[str, Any]]]
"""Folders of finished jobs with their records."""

OF_TABLES = ("dataset", "architecture", "epoch", "layer", "depth", "seed", "object_model")
"""Columns of cells and of layers, which are also there where no cell is, that are settings of a sweep's run."""


def track(outcome: Outcome, merged: Merged, jobs: Jobs, pictures: Sequence[Picture], results: Path) -> None:
    """Track merged results; what goes wrong here is said in one warning, and costs no result.

    Args:
        outcome: The sweep.
        merged: Its tables.
        jobs: Its finished jobs.
        pictures: Its figures.
        results: Folder of its merged results.
    """
    with harmless(f"sweep {outcome.folder.name}"):
        _track(outcome, merged, jobs, pictures, results)


def _track(outcome: Outcome, merged: Merged, jobs: Jobs, pictures: Sequence[Picture], results: Path) -> None:
    config = jobs[0][1]["config"]
    tracker, rule, name = Tracker.of(config, outcome.folder), rule_of(config), outcome.folder.name
    if not tracker.is_used:
        return
    named = tracker.named(sorted(merged.cells["attribute"].unique()))
    settings = settings_of(merged, jobs)
    dashboard.log_curves(tracker, merged.tables, {key: settings[key] for key in OF_ALL if key in settings}, named)
    try:
        with tracker.run("sweep", name, f"sweep {name}", settings) as run:
            dashboard.log_sweep(run, merged.tables, pictures, rule, named)
            if run is not None:
                run.summarize({"n_jobs": len(outcome.finished), "n_failed": len(outcome.failed)})
            fingerprints = [str(record.get("fingerprint")) for _, record in jobs]
            lineage.log_merged(run, name, results, fingerprints)
            if outcome.failed:
                raise SweepFailedError
    except SweepFailedError:
        log.debug("the sweep's run is marked as failed")


OF_ALL = ("attribute", "probe", "control", "evidence")
"""Settings of a sweep that the runs of its curves have, too."""


def settings_of(merged: Merged, jobs: Jobs) -> dict[str, Any]:
    """Return the settings of a sweep's run: comma lists over its jobs, the keys that were swept, and what all share.

    Args:
        merged: The sweep's tables.
        jobs: Its finished jobs.
    """
    configs = [record["config"] for _, record in jobs]
    chosen: dict[str, list[Any]] = {}
    for config in configs:
        for key, values in options(config).items():
            chosen.setdefault(key, []).extend(values)
    observed = [merged.tables[name].select(OF_TABLES).unique() for name in ("cells", "layers")]
    of_tables = pl.concat(observed).to_dict(as_series=False)
    overrides = [record.get("overrides") or [] for _, record in jobs]
    return {**flat({**of_tables, **chosen}), "swept": swept(overrides), SETTINGS: common(configs)}


class SweepFailedError(Exception):
    """Leaves the sweep's run marked as failed where a job failed; nothing else went wrong."""
