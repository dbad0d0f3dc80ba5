"""The depth at which an attribute becomes decisive, over object models (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from denote.estimate import Estimate
from denote.evidence.order_statistics import median_interval
from denote.tables import FIRST_DECISIVE, LAYERS_KEY, note, table

CURVE = ["dataset", "architecture", "trained", "epoch", "probe", "k"]
"""What attributes are compared within."""

ATTRIBUTE = [*CURVE, "attribute", "family"]
LAYER = ["depth", "relative_depth", "layer"]
ROWS = ("n_fit", "n_positive_fit", "n_test", "n_positive_test")
UNEQUAL = "attributes have unequal numbers of rows, which by itself moves where they become decisive"
BEYOND = "later than the last layer"

Row = dict[str, Any]


def first_decisive(cells: pl.DataFrame, layers: pl.DataFrame) -> pl.DataFrame:
    """Find the first of two consecutive layers at which every attribute is decisive, and its median over models.

    One pass may be luck where many layers are looked at, two in a row hardly. An object model in which there are none
    is censored: the depth lies beyond its last layer. Every layer that was observed counts but for heads, whose
    attributes are given by the task, and for all layers side by side.

    Args:
        cells: Columns of ``tables.CELLS``, decided.
        layers: Columns of ``tables.LAYERS``, which say what is a head; a layer without a row is none.

    Returns:
        Columns of ``tables.FIRST_DECISIVE``, the earliest attributes of every curve first.
    """
    heads = layers.filter("is_head").select(LAYERS_KEY)
    observed = cells.filter(pl.col("probe") != "majority", pl.col("depth").is_not_null())
    hidden = observed.join(heads, on=LAYERS_KEY, how="anti", maintain_order="left")
    equal = _equal_rows(hidden)
    rows = [
        {**dict(zip(ATTRIBUTE, key, strict=True)), **_attribute(own, equal[key[: len(CURVE)]])}
        for key, own in hidden.group_by(ATTRIBUTE, maintain_order=True)
    ]
    order = ("first_depth", "n_censored", "attribute")
    return table(rows, FIRST_DECISIVE).sort(*CURVE, *order, nulls_last=True, maintain_order=True)


def _equal_rows(cells: pl.DataFrame) -> dict[tuple[Any, ...], bool]:
    """Whether all attributes of a curve that have a score were observed on the same numbers of rows of each label."""
    scored = pl.struct(ROWS).filter(pl.col("decisive").is_not_null())
    kinds = cells.group_by(CURVE, maintain_order=True).agg(kinds=scored.n_unique())
    return {tuple(row[:-1]): row[-1] <= 1 for row in kinds.iter_rows()}


def _attribute(own: pl.DataFrame, equal: bool) -> Row:
    scored = own.filter(pl.col("decisive").is_not_null().any().over("object_model"))
    known: Row = {"label_proportion": own["label_proportion"].mean(), "equal_rows": equal}
    if scored.is_empty():
        return {**known, "n_models": 0, "n_censored": 0, "note": "no cell has a score"}
    if scored["depth"].n_unique() == 1:
        models = scored["object_model"].n_unique()
        return {**known, "n_models": models, "note": "one layer: there are no two in a row"}
    firsts = [_first(model) for _, model in scored.group_by("object_model", maintain_order=True)]
    depth, relative = (median_interval([first[name] for first in firsts]) for name in ("depth", "relative_depth"))
    return {
        **known, "n_models": len(firsts), "n_censored": sum(np.isinf(first["depth"]) for first in firsts),
        **_seen(depth).columns("first_depth"), **_seen(relative).columns("first_relative_depth"),
        "first_layer": next((first["layer"] for first in firsts if first["depth"] == depth.value), None),
        "note": note(*_beyond(depth, len(firsts)), _gaps(scored), None if equal else UNEQUAL),
    }  # fmt: skip


def _first(model: pl.DataFrame) -> Row:
    """The first of two consecutive layers that are decisive; of several probe seeds or poolings half are enough."""
    passes = pl.col("decisive").fill_null(value=False).mean() >= 0.5
    layers = model.group_by(LAYER).agg(passes=passes).sort("depth", "layer")
    found = layers.filter(pl.col("passes") & pl.col("passes").shift(-1, fill_value=False))
    if found.is_empty():
        return {"depth": np.inf, "relative_depth": np.inf, "layer": None}
    return found.row(0, named=True)


def _seen(estimate: Estimate[float]) -> Estimate[float]:
    """Undefined where it lies beyond the last layer."""
    ends = (estimate.value, estimate.low, estimate.high)
    return Estimate(*(end if np.isfinite(end) else float("nan") for end in ends))


def _beyond(depth: Estimate[float], n_models: int) -> Sequence[str]:
    """Why numbers are null."""
    ends = {"first_depth": depth.value, "first_depth_low": depth.low, "first_depth_high": depth.high}
    later = [name for name, end in ends.items() if np.isinf(end)]
    return [
        *([f"{', '.join(later)}: {BEYOND}"] if later else []),
        *([f"no interval: {n_models} models, 6 needed"] if np.isnan(depth.low) else []),
    ]


def _gaps(scored: pl.DataFrame) -> str | None:
    """Whether two in a row need not be neighbours in the network."""
    steps = scored["depth"].unique().sort().diff().drop_nulls()
    return "layers in between were not observed" if (steps > 1).any() else None
