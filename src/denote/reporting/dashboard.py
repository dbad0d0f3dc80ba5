"""Jobs and sweeps in W&B: tables, figures, curves over depth, and numbers to compare runs by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from denote.evidence.rule import Rule
from denote.figures.curves import one_size
from denote.reporting.chance import families, one_p_value, value_range
from denote.reporting.findings import shares
from denote.reporting.wandb_session import TrackedRun

Tables = Mapping[str, pl.DataFrame]

MAX_TABLE_ROWS = 10_000
"""Rows of a W&B table: the dashboard shows no more."""

BESIDE = (
    *("scan", "null_check", "seed_spread", "curves", "properties", "first_decisive", "duplicates"),
    *("depth_description", "depth_parts", "depth_tests", "depth_verdicts"),
)
"""Tables that are logged as they are, where they have rows."""

DEPTH_CURVES = (
    *("share_denoting", "untrained_share_denoting", "rotated_share_denoting", "on_proportion_mean"),
    *("label_proportion_mean", "folded_mean", "rotated_folded_mean"),
)


def log_job(
    run: TrackedRun | None, tables: Tables, figures: Mapping[str, Path], rule: Rule | None = None, *more: str
) -> None:
    """Log one job: its tables, its figures, and a handful of summary numbers.

    Args:
        run: An open W&B run, or None.
        tables: Those of ``tables.SWEEP_TABLES``.
        figures: Name -> picture.
        rule: The rule that decided the tables; the default one where None.
        *more: Further tables to be logged as they are.
    """
    if run is None:
        return
    run.define_metric("depth")
    run.define_metric("by_depth/*", step="depth")
    cells, neurons = tables["cells"], tables["neurons"]
    for row in depth_curves(cells, neurons):
        run.log(row)
    run.summarize(summary(tables, rule or Rule()))
    if tables["null_check"]["alarm"].is_not_null().any():  # in the config too, by which a dashboard filters runs
        run.configure({"null_check_alarm": bool(tables["null_check"]["alarm"].any())})
    shown = {name: tables[name] for name in ("cells", *BESIDE, *more)}
    shown["denoting_neurons"] = neurons.filter(pl.col("denotes").fill_null(value=False))
    filled = {name: as_table(frame) for name, frame in shown.items() if frame.height}
    if filled or figures:
        run.log({}, filled, {f"figures/{name}": path for name, path in figures.items()})


def log_sweep(run: TrackedRun | None, tables: Tables, figures: Mapping[str, Path], rule: Rule | None = None) -> None:
    """Log the merged sweep: label proportion and share denoting with depth as the x axis, tables and figures.

    Args:
        run: An open W&B run, or None.
        tables: Those of ``tables.SWEEP_TABLES``.
        figures: Name -> picture.
        rule: The rule that decided the tables; the default one where None.
    """
    if run is None:
        return
    curves = "label_proportion_by_depth"
    run.define_metric("depth")
    run.define_metric(f"{curves}/*", step="depth")
    by_depth = tables[curves].filter("trained", pl.col("depth").is_not_null()).sort("depth")
    for (depth,), rows in by_depth.group_by(["depth"], maintain_order=True):
        values = {
            f"{curves}/{row['architecture']}/{row['family']}/{curve}": row[curve]
            for row in rows.iter_rows(named=True)
            for curve in DEPTH_CURVES
            if row[curve] is not None
        }
        if values:
            run.log({"depth": depth, **values})
    log_job(run, tables, figures, rule, curves)


def depth_curves(cells: pl.DataFrame, neurons: pl.DataFrame) -> list[dict[str, Any]]:
    """One row per depth: mean held-out AUROC per probe and share of live neurons that denote per family.

    A handful of keys however many neurons there are: a metric per neuron would break a W&B project.
    """
    rows: dict[int, dict[str, Any]] = {}
    by_probe = one_size(cells).drop_nulls(["depth", "auroc"]).group_by("depth", "probe").agg(pl.col("auroc").mean())
    for row in by_probe.iter_rows(named=True):
        rows.setdefault(row["depth"], {})[f"by_depth/auroc/{row['probe']}"] = row["auroc"]
    by_family = (
        neurons.filter(pl.col("live").fill_null(value=False) & pl.col("depth").is_not_null())
        .group_by("depth", "family")
        .agg(pl.col("denotes").fill_null(value=False).mean())
    )
    for row in by_family.iter_rows(named=True):
        rows.setdefault(row["depth"], {})[f"by_depth/share_denoting/{row['family']}"] = row["denotes"]
    return [{"depth": depth, **rows[depth]} for depth in sorted(rows)]


def summary(tables: Tables, rule: Rule) -> dict[str, Any]:
    """Numbers by which runs are compared in the dashboard's table, a handful however much was observed.

    Counts are called ``n_...``: a plain ``cells`` is the table of that name.

    Args:
        tables: With ``cells``, ``neurons``, ``scan`` and ``null_check``, decided.
        rule: The rule that decided them.
    """
    neurons, cells = tables["neurons"], one_size(tables["cells"])
    live = neurons.filter(pl.col("live").fill_null(value=False))
    accuracy = neurons["object_accuracy"].drop_nulls()
    return {
        "object_accuracy": accuracy.mean() if accuracy.len() else None,
        "n_cells": cells.height,
        "n_decisive": int(cells["decisive"].fill_null(value=False).sum()),
        "n_neurons": _distinct(neurons),
        "n_live": _distinct(live),
        "n_denoting": int(neurons["denotes"].fill_null(value=False).sum()),
        **_range("power/detectable_auroc", cells["detectable_auroc"]),
        **_range("max_statistic/p_value", one_p_value(tables["scan"])),
        **_verdicts(tables["depth_verdicts"]),
        **_tests(tables, rule),
        **_null_check(tables["null_check"]),
        **shares(tables["duplicates"]),
    }


def _verdicts(verdicts: pl.DataFrame) -> dict[str, Any]:
    """The verdict on depth with the p-value of its primary test, of trained networks."""
    found: dict[str, Any] = {}
    for row in verdicts.filter(pl.col("trained").fill_null(value=True)).iter_rows(named=True):
        epoch = "" if row["epoch"] is None else f"/epoch {row['epoch']}"
        place = f"depth/{row['dataset']}/{row['family']}{epoch}"
        found |= {f"{place}/verdict": row["verdict"], f"{place}/p_value": row["p_value"]}
    return found


def _distinct(neurons: pl.DataFrame) -> int:
    """Count neurons, each once however many families searched it."""
    return neurons.unique(["object_model", "layer", "pooling", "neuron"]).height


def _range(name: str, values: pl.Series) -> dict[str, float]:
    """Least and largest of a column, absent where nothing is known."""
    span = value_range(values)
    return {} if span is None else {f"{name}/least": span[0], f"{name}/most": span[1]}


def _tests(tables: Tables, rule: Rule) -> dict[str, Any]:
    """Of every family of tests their number, hits and what chance would give."""
    return {
        f"tests/{family.name.replace(', ', '/')}/{name}": value
        for family in families(tables, rule)
        for name, value in {
            "n": family.n_tests,
            "hits": family.hits,
            "false_at_most": family.q * family.hits,
            "below_05": family.below[0],
            "expected_05": family.expected[0],
            "below_001": family.below[1],
            "expected_001": family.expected[1],
        }.items()
    }


def _null_check(null_check: pl.DataFrame) -> dict[str, Any]:
    """Of every scan the replicates with a hit, and whether the alarm rang; absent where nothing was checked."""
    found: dict[str, Any] = {}
    for (scan,), rows in null_check.filter(pl.col("n_replicates") > 0).group_by(["scan"], maintain_order=True):
        found |= {f"null_check/{scan}/{name}": rows[name].sum() for name in ("n_with_hit", "n_replicates", "expected")}
        found[f"null_check/{scan}/alarm"] = bool(rows["alarm"].any())
    return found


def as_table(frame: pl.DataFrame) -> dict[str, Any]:
    """Arguments of a W&B table of a frame, its first `MAX_TABLE_ROWS` rows."""
    shown = frame.head(MAX_TABLE_ROWS)
    return {"columns": shown.columns, "data": [list(row) for row in shown.iter_rows()]}
