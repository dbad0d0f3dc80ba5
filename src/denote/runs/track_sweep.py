"""The runs of a sweep as a whole: its own, and one for each of its curves over depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from denote.config.environment import as_written
from denote.evidence.rule import rule_of
from denote.reporting import dashboard, lineage
from denote.reporting.named_attributes import families_of
from denote.reporting.run_config import SETTINGS, Config, common, flat, options, swept
from denote.reporting.tracking import Tracker
from denote.reporting.tracking_guard import harmless

if TYPE_CHECKING:
    from denote.reporting.report import Picture
    from denote.reporting.tracked_run import Run
    from denote.runs.merge import Merged
    from denote.runs.outcome import Outcome

Jobs = Sequence[tuple[Path, Mapping[str, Any]]]
"""Folders of finished jobs with their records."""

Planned = tuple[Config, Sequence[str]]
"""Settings of a job, and what was typed for it."""

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
    named = tracker.named(families_of(merged.cells.sort("attribute")))
    settings = settings_of(merged, jobs)
    dashboard.log_curves(tracker, merged.tables, {key: settings[key] for key in OF_ALL if key in settings}, named)
    with suppress(SweepFailedError), tracker.run("sweep", name, f"sweep {name}", settings) as run:
        dashboard.log_sweep(run, merged.tables, pictures, rule, named)
        fingerprints = [str(record.get("fingerprint")) for _, record in jobs]
        lineage.log_merged(run, name, results, fingerprints)
        _count(run, outcome)


def track_failed(outcome: Outcome, planned: Sequence[Planned]) -> None:
    """Track a sweep in which no job finished, so that there is nothing to merge.

    Args:
        outcome: The sweep.
        planned: Its jobs.
    """
    name, configs = outcome.folder.name, [as_written(config) for config, _ in planned]
    with harmless(f"sweep {name}"), suppress(SweepFailedError):
        settings = _of_configs(configs, [overrides for _, overrides in planned], {})
        with Tracker.of(configs[0], outcome.folder).run("sweep", name, f"sweep {name}", settings) as run:
            _count(run, outcome)


def _count(run: Run | None, outcome: Outcome) -> None:
    """Say how many jobs have results.

    Raises:
        SweepFailedError: where some have none.
    """
    done, failed = len(outcome.finished), len(outcome.failed)
    if run is not None:
        run.summarize({"n_jobs": done, "n_failed": failed})
    if failed:
        raise SweepFailedError(f"{failed} of {done + failed} jobs failed")


OF_ALL = ("attribute", "probe", "control", "evidence")
"""Settings of a sweep that the runs of its curves have, too."""


def settings_of(merged: Merged, jobs: Jobs) -> dict[str, Any]:
    """Return the settings of a sweep's run: comma lists over its jobs, the keys that were swept, and what all share.

    Args:
        merged: The sweep's tables.
        jobs: Its finished jobs.
    """
    observed = [merged.tables[name].select(OF_TABLES).unique() for name in ("cells", "layers")]
    of_tables = pl.concat(observed).to_dict(as_series=False)
    return _of_configs(
        [record["config"] for _, record in jobs], [record.get("overrides") or [] for _, record in jobs], of_tables
    )


def _of_configs(
    configs: Sequence[Config], overrides: Sequence[Sequence[str]], observed: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    chosen: dict[str, list[Any]] = {}
    for config in configs:
        for key, values in options(config).items():
            chosen.setdefault(key, []).extend(values)
    return {**flat({**observed, **chosen}), "swept": swept(overrides), SETTINGS: common(configs)}


class SweepFailedError(Exception):
    """Leaves the sweep's run marked as failed where a job failed; nothing else went wrong."""
