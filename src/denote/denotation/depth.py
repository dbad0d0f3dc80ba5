"""Label proportion of what neurons denote, layer by layer; the unit is the object model (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from denote.denotation.by_model import LEAST_DISTINCT, numbers
from denote.denotation.power import smallest_detectable_proportion
from denote.denotation.rule import realised_cutoffs
from denote.evidence.intervals import t_interval
from denote.evidence.rule import Rule
from denote.tables import INTEGER, LABEL_PROPORTION_BY_DEPTH, LABEL_PROPORTION_BY_DEPTH_KEY, note, table

KEY = list(LABEL_PROPORTION_BY_DEPTH_KEY)
COUNTS = ("n_neurons", "n_live", "n_denoting", "n_distinct")
ONE, HALF = (0.0, 1.0), (0.0, 0.5)
INTERVALS = {
    # column of a model: (mean, what its interval's columns begin with, between which numbers the mean lies)
    "label_proportion": ("label_proportion_mean", "label_proportion", ONE),
    "folded": ("folded_mean", "folded", HALF),
    "rotated_label_proportion": ("rotated_label_proportion_mean", "rotated_label_proportion", ONE),
    "rotated_folded": ("rotated_folded_mean", "rotated_folded", HALF),
    "untrained_label_proportion": ("untrained_label_proportion_mean", "untrained_label_proportion", ONE),
    "untrained_folded": ("untrained_folded_mean", "untrained_folded", HALF),
    "share_denoting": ("share_denoting_mean", "share_denoting", ONE),
    "rotated_share_denoting": ("rotated_share_denoting", "rotated_share", ONE),
    "untrained_share_denoting": ("untrained_share_denoting", "untrained_share", ONE),
}
MEANS = {
    "majority_side_share": "majority_side_share", "on_proportion": "on_proportion_mean",
    "active_share": "active_share_mean", "unconditional_label_proportion": "unconditional_label_proportion_mean",
    "unconditional_folded": "unconditional_folded_mean", "property_entropy": "property_entropy_mean",
    "n_members": "n_members_mean", "n_live": "n_live_mean", "participation_ratio": "participation_ratio_mean",
}  # fmt: skip
Values = Mapping[str, Float[np.ndarray, " model"]]


def label_proportion_by_depth(by_model: pl.DataFrame, neurons: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Average over object models what their neurons denote; neurons are never pooled.

    Args:
        by_model: Columns of ``tables.LABEL_PROPORTION_BY_MODEL``. Several poolings or probe seeds of one object model
            are averaged first, since they are no replication of it.
        neurons: Columns of ``tables.NEURONS``, decided: for what the rule can detect.
        rule: Thresholds of the rule.

    Returns:
        Columns of ``tables.LABEL_PROPORTION_BY_DEPTH``, by depth. Numbers of neurons and of distinct properties are
        sums over models.
    """
    models = one_per_model(by_model)
    detectable = _detectable(neurons, rule)
    rows = []
    for key, group in models.group_by(KEY, maintain_order=True):
        rows.append({**dict(zip(KEY, key, strict=True)), **_layer(group, detectable[key])})
    return table(rows, LABEL_PROPORTION_BY_DEPTH).sort(
        "dataset", "architecture", "trained", "epoch", "family", "depth", "layer"
    )


def one_per_model(by_model: pl.DataFrame) -> pl.DataFrame:
    """One row per object model, layer and family: means over poolings and probe seeds."""
    key = [*KEY, "object_model", "seed", "depth", "relative_depth"]
    flags = pl.col("sign_identified", "is_head").first()
    return by_model.group_by(key, maintain_order=True).agg(pl.col(numbers()).mean(), flags)


def _layer(group: pl.DataFrame, detectable: float | None) -> dict[str, Any]:
    values = {
        name: group[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        for name in {*INTERVALS, *MEANS, *COUNTS}
    }  # fmt: skip
    first = group.row(0, named=True)
    counts = {name: int(np.round(np.nansum(values[name]))) for name in COUNTS}
    row: dict[str, Any] = {
        "depth": first["depth"], "relative_depth": first["relative_depth"], "n_models": group.height, **counts,
        "share_denoting": counts["n_denoting"] / counts["n_live"] if counts["n_live"] else None,
        "smallest_detectable_proportion": detectable,
        "sign_identified": first["sign_identified"], "is_head": first["is_head"], "note": _note(values, detectable),
    }  # fmt: skip
    for name, (mean, bounds, within) in INTERVALS.items():
        row |= t_interval(values[name], within=within).columns(mean, bounds)
    return row | {column: _mean(values[name]) for name, column in MEANS.items()}


def _mean(values: Float[np.ndarray, " model"]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _note(values: Values, detectable: float | None) -> str | None:
    n = len(values["folded"])
    gaps = int(np.isnan(values["folded"]).sum())
    return note(
        f"{gaps} of {n} models a gap: fewer than {LEAST_DISTINCT} distinct denoted properties" if gaps else None,
        "no interval: fewer than 2 models" if n - gaps < 2 else None,
        _why_null("rotated", values),
        _why_null("untrained", values),
        None if detectable is not None else "no label proportion can be detected with these rows",
    )


def _why_null(control: str, values: Values) -> str | None:
    if np.isnan(values[f"{control}_share_denoting"]).all():
        return f"{control}: not run"
    if np.isnan(values[f"{control}_folded"]).all():
        return f"{control}: fewer than {LEAST_DISTINCT} distinct denoted properties"
    return None


def _detectable(neurons: pl.DataFrame, rule: Rule) -> dict[tuple[Any, ...], float | None]:
    """The smallest label proportion that the rule can see in every layer of a curve, for its median rows."""
    cutoffs = realised_cutoffs(neurons, rule)
    rows = neurons.group_by(KEY, maintain_order=True).agg(
        pl.col("n_fit", "n_test").filter(pl.col("live")).median().cast(INTEGER)
    )
    return {
        key: None if None in (fit, test) else smallest_detectable_proportion(fit, test, cutoffs[key[-1]], rule)
        for *names, fit, test in rows.iter_rows() if (key := tuple(names)) is not None
    }  # fmt: skip
