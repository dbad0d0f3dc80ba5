"""Jobs and sweeps as tracked runs: numbers to compare by, lines over depth, tables, figures, and where they come from.

The numbers are made elsewhere (`run_config`, `run_summary`, `curve_records`) and know nothing of W&B.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from denote.evidence.rule import Rule
from denote.reporting.curve_records import PLACE, Curve, curves, depth_records
from denote.reporting.report import Picture
from denote.reporting.run_config import flat
from denote.reporting.run_summary import checks, summary
from denote.reporting.tracked_run import Run
from denote.reporting.tracking import Tracker

Tables = Mapping[str, pl.DataFrame]

MAX_TABLE_ROWS = 10_000
"""Rows of a W&B table: the dashboard shows no more."""

MOST_PICTURES = 50
"""Pictures of one kind in a run."""

BESIDE = (
    *("scan", "null_check", "seed_spread", "curves", "properties", "first_decisive", "duplicates"),
    *("depth_description", "depth_parts", "depth_tests", "depth_verdicts"),
)
"""Tables that are logged as they are, where they have rows."""

OF_SWEEPS = "label_proportion_by_depth"
"""Table that is logged of sweeps, too."""

DEPTH = "depth"
"""The x axis of lines."""


def log_job(
    run: Run | None, tables: Tables, pictures: Sequence[Picture], rule: Rule, named: Sequence[str] = ()
) -> None:
    """Log one job: its lines over depth, numbers to compare by, tables and figures.

    Args:
        run: An open run, or None.
        tables: Those of ``tables.SWEEP_TABLES``.
        pictures: Its figures.
        rule: The rule that decided the tables.
        named: Attributes that have keys of their own.
    """
    if run is None:
        return
    for curve in curves(tables):  # one, as a job has one network
        _log_curve(run, curve, named)
    _log_results(run, tables, pictures, rule, named)


def log_sweep(
    run: Run | None, tables: Tables, pictures: Sequence[Picture], rule: Rule, named: Sequence[str] = ()
) -> None:
    """Log the merged sweep: numbers to compare by, tables and figures. Its lines are runs of their own: `log_curves`.

    Args:
        run: An open run, or None.
        tables: Those of ``tables.SWEEP_TABLES``.
        pictures: Its figures.
        rule: The rule that decided the tables.
        named: Attributes that have keys of their own.
    """
    if run is not None:
        _log_results(run, tables, pictures, rule, named, OF_SWEEPS)


def log_curves(tracker: Tracker, tables: Tables, config: Mapping[str, Any], named: Sequence[str] = ()) -> None:
    """Log one run per dataset, architecture and epoch, whose lines are means over networks, with depth as the x axis.

    Args:
        tracker: Where runs are tracked.
        tables: Those of ``tables.SWEEP_TABLES``.
        config: Settings of the sweep that all of its runs have.
        named: Attributes that have keys of their own.
    """
    for curve in curves(tables) if tracker.is_used else ():
        with tracker.run("curve", curve.key, curve.name, {**config, **_config_of(curve)}) as run:
            if run is not None:
                _log_curve(run, curve, named)
                run.summarize(summary(curve.tables, named))


def _config_of(curve: Curve) -> dict[str, Any]:
    """Settings of a line, from its rows."""
    cells, layers = curve.tables["cells"], curve.tables["layers"]
    of_layers = {name: layers[name] for name in ("layer", DEPTH, "seed", "object_model")}
    return flat(
        {
            "dataset": [curve.dataset],
            "architecture": [curve.architecture],
            "epoch": [curve.epoch],
            "probe": cells["probe"],
            **of_layers,
        }
    )


def _log_curve(run: Run, curve: Curve, named: Sequence[str]) -> None:
    records = depth_records(curve.tables, named)
    for name in PLACE if records else ():
        run.define_metric(name, in_summary=False)
    groups = {key.partition("/")[0] for record in records for key in record} - set(PLACE)
    for group in sorted(groups):
        run.define_metric(f"{group}/*", step=DEPTH, in_summary=False)  # the last layer's value is no summary
    for record in records:
        run.log(record)


def _log_results(
    run: Run, tables: Tables, pictures: Sequence[Picture], rule: Rule, named: Sequence[str], *more: str
) -> None:
    shown = {name: tables[name] for name in ("cells", *BESIDE, *more)}
    shown["denoting_neurons"] = tables["neurons"].filter(pl.col("denotes").fill_null(value=False))
    filled = {name: as_table(frame) for name, frame in shown.items() if frame.height}
    if filled or pictures:
        run.log({}, filled, by_kind(pictures))
    run.summarize({**checks(tables, rule), **summary(tables, named)})


def by_kind(pictures: Sequence[Picture]) -> dict[str, list[tuple[Path, str]]]:
    """Return files and captions by ``figures/KIND``: one key a kind, however many networks are drawn.

    Args:
        pictures: Saved figures, of which only PNG files are logged.
    """
    found: dict[str, list[tuple[Path, str]]] = defaultdict(list)
    for picture in pictures:
        kind, _, of = picture.path.stem.partition("-")
        if picture.path.suffix == ".png" and len(found[f"figures/{kind}"]) < MOST_PICTURES:
            found[f"figures/{kind}"].append((picture.path, f"{of}: {picture.caption}" if of else picture.caption))
    return dict(found)


def as_table(frame: pl.DataFrame) -> dict[str, Any]:
    """Arguments of a W&B table of a frame, its first `MAX_TABLE_ROWS` rows."""
    shown = frame.head(MAX_TABLE_ROWS)
    return {"columns": shown.columns, "data": [list(row) for row in shown.iter_rows()]}
