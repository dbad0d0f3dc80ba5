"""Label proportion of what neurons denote, layer by layer; the unit is the object model (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from denote.denotation.depth.plan import FEW_OF_CONTROL, GAP
from denote.denotation.judging.decisions import realised_cutoffs, smallest_detectable_proportion
from denote.evidence.intervals import t_interval
from denote.evidence.rule import Rule
from denote.notes import Note, note
from denote.numbers import count
from denote.tables import LABEL_PROPORTION_BY_DEPTH, LABEL_PROPORTION_BY_DEPTH_KEY, table

KEY = list(LABEL_PROPORTION_BY_DEPTH_KEY)
PLACE = [*KEY, "depth", "relative_depth"]
Row = dict[str, Any]

ONE, HALF = (0.0, 1.0), (0.0, 0.5)
INTERVALS = {
    "share_denoting": ("share_denoting_mean", "share_denoting", ONE),
    "label_proportion": ("label_proportion_mean", "label_proportion", ONE),
    "folded": ("folded_mean", "folded", HALF),
    "rotated_share_denoting": ("rotated_share_denoting", "rotated_share", ONE),
    "rotated_label_proportion": ("rotated_label_proportion_mean", "rotated_label_proportion", ONE),
    "rotated_folded": ("rotated_folded_mean", "rotated_folded", HALF),
    "untrained_share_denoting": ("untrained_share_denoting", "untrained_share", ONE),
    "untrained_label_proportion": ("untrained_label_proportion_mean", "untrained_label_proportion", ONE),
    "untrained_folded": ("untrained_folded_mean", "untrained_folded", HALF),
}
"""Columns by model, with the columns of their mean and of its interval, and where the mean can lie."""

MEANS = {
    "majority_side_share": "majority_side_share",
    **{
        name: f"{name}_mean"
        for name in (
            *("on_proportion", "unconditional_label_proportion", "unconditional_folded", "active_share"),
            *("property_entropy", "n_members", "n_live", "participation_ratio", "distinct_label_proportion"),
            *("distinct_folded", "rotated_distinct_folded"),
        )
    },
}
"""Columns by model, with the column of their mean."""
COUNTS = ("n_neurons", "n_live", "n_denoting", "n_distinct")


def label_proportion_by_depth(by_model: pl.DataFrame, neurons: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Average over object models what each denotes; neurons are never pooled.

    Args:
        by_model: Columns of ``tables.LABEL_PROPORTION_BY_MODEL``. Rows of several poolings or probe seeds of one object
            model are averaged first: they are no replicates.
        neurons: Columns of ``tables.NEURONS``, decided; what the rule could have seen follows from their rows.
        rule: Thresholds of the rule.

    Returns:
        Columns of ``tables.LABEL_PROPORTION_BY_DEPTH``, by depth. Numbers of neurons and of distinct properties are
        sums over models. ``n_models_with_value`` says how many models a mean label proportion is made of.
    """
    detectable, rows = _detectable(neurons, rule), []
    sums = {
        row[: len(KEY)]: dict(zip(COUNTS, row[len(KEY) :], strict=True))
        for row in by_model.group_by(KEY).agg(pl.col(COUNTS).sum()).select(*KEY, *COUNTS).iter_rows()
    }
    for key, models in averaged_within_models(by_model).group_by(KEY, maintain_order=True):
        rows.append({**dict(zip(KEY, key, strict=True)), **_layer(models, sums[key], detectable.get(key))})
    return table(rows, LABEL_PROPORTION_BY_DEPTH).sort(
        "dataset", "architecture", "trained", "epoch", "family", "depth", "layer"
    )


def averaged_within_models(by_model: pl.DataFrame, *, complete: bool = False) -> pl.DataFrame:
    """One row per object model, layer and family: means over poolings and probe seeds.

    Args:
        by_model: Columns of ``tables.LABEL_PROPORTION_BY_MODEL``.
        complete: Whether a mean is null where one of its numbers is. Else it is that of the others: another mixture at
            every layer, which may differ between layers although none of the numbers does.
    """
    columns = (*INTERVALS, *MEANS, "n_denoting", "rotated_n_denoting")
    means = pl.col(columns).mean()
    known = pl.col(columns).is_not_null().all() if complete else pl.lit(value=True)
    return by_model.group_by(*PLACE, "object_model", maintain_order=True).agg(
        pl.when(known).then(means),
        pl.col("is_head").any(),
        pl.col("sign_identified").all(ignore_nulls=False),
    )


def _layer(models: pl.DataFrame, counts: Mapping[str, int], detectable: float | None) -> Row:
    first, n_models, with_value = models.row(0, named=True), len(models), int(models["folded"].count())
    row: Row = {
        "depth": first["depth"],
        "relative_depth": first["relative_depth"],
        "n_models": n_models,
        **counts,
        "share_denoting": counts["n_denoting"] / counts["n_live"] if counts["n_live"] else None,
        "smallest_detectable_proportion": detectable,
        "is_head": bool(models["is_head"].any()),
        "n_models_with_value": with_value,
        "rotated_n_models_with_value": int(models["rotated_folded"].count()),
        "sign_identified": models["sign_identified"].all(ignore_nulls=False),
    }
    for name, (mean, bounds, within) in INTERVALS.items():
        row |= t_interval(models[name].drop_nulls(), within=within).columns(mean, bounds=bounds)
    row |= {mean: models[name].mean() for name, mean in MEANS.items()}
    row["note"] = note(
        _gap(n_models - with_value, n_models),
        Note.of("few_with_value") if with_value < 2 else None,
        _why_null("rotated", row),
        _why_null("untrained", row),
        *(_of_some(control, models) for control in ("rotated", "untrained")),
        None if detectable is not None else Note.of("no_proportion_detectable"),
    )
    return row


def _gap(without: int, n_models: int) -> str | None:
    """In how many networks too little is denoted for a label proportion."""
    return (
        Note.of("networks_without_value", without=without, networks=count(n_models, "network"), gap=GAP)
        if without
        else None
    )


def _why_null(control: str, row: Row) -> str | None:
    if row[f"{control}_share_denoting"] is None:
        return Note.of("control_not_run", control=control)
    return FEW_OF_CONTROL[control] if row[f"{control}_folded_mean"] is None else None


def _of_some(control: str, models: pl.DataFrame) -> str | None:
    """That a control was run for some of the networks, as where levels of evidence are mixed: means are of others."""
    run, asked = int(models[f"{control}_share_denoting"].count()), int(models["share_denoting"].count())
    if not 0 < run < asked:
        return None
    return Note.of("control_of_some_networks", control=control, run=run, networks=count(asked, "network"))


def _detectable(neurons: pl.DataFrame, rule: Rule) -> dict[tuple[Any, ...], float | None]:
    """Smallest detectable proportion of every layer, at its median numbers of rows."""
    cutoffs = realised_cutoffs(neurons, rule)
    rows = neurons.filter("live").group_by(KEY).agg(pl.col("n_fit", "n_test").median()).drop_nulls(["n_fit", "n_test"])
    return {
        tuple(row[name] for name in KEY): smallest_detectable_proportion(
            int(row["n_fit"]), int(row["n_test"]), cutoffs[row["family"]], rule
        )
        for row in rows.iter_rows(named=True)
    }
