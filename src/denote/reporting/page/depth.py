"""Curves of the page: label proportion over depth, raw, folded and the neurons' own, by mean and by network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from denote.evidence.intervals import t_interval
from denote.figures.curves import COLUMNS, Curve, curves, is_untested
from denote.reporting.page.columns import Frame, frame

Tables = Mapping[str, pl.DataFrame]

SHOWN = (
    *("curve", "layer", "depth", "relative_depth", "is_head", "n_models", "n_models_with_value", "n_denoting"),
    *("n_live", "label_proportion_mean", "label_proportion_low", "label_proportion_high", "folded_mean", "folded_low"),
    *("folded_high", "rotated_folded_mean", "rotated_folded_low", "rotated_folded_high"),
    *("rotated_label_proportion_mean", "untrained_folded_mean", "untrained_folded_low", "untrained_folded_high"),
    *("own_mean", "own_low", "own_high", "share_denoting", "share_denoting_low", "share_denoting_high"),
    *("rotated_share_denoting", "untrained_share_denoting", "on_proportion_mean", "note"),
)
OF_MODEL = (
    *("curve", "model", "layer", "depth", "label_proportion", "folded", "rotated_folded", "share_denoting"),
    *("rotated_share_denoting", "on_proportion", "is_head", "note"),
)


def shown_curves(by_depth: pl.DataFrame) -> list[Curve]:
    """Return the curves in the order of the page: trained networks first, then those where most denotes."""
    denoting = {row[:-1]: row[-1] for row in by_depth.group_by(COLUMNS).agg(pl.col("n_denoting").sum()).iter_rows()}

    def order(curve: Curve) -> tuple[bool, int]:
        key = (curve.dataset, curve.architecture, curve.trained, curve.epoch, curve.family)
        return (not curve.trained, -(denoting[key] or 0))

    return sorted(curves(by_depth), key=order)


def curves_frame(tables: Tables, shown: Sequence[Curve]) -> Frame:
    """Return the means over networks, layer by layer."""
    by_depth = _numbered(tables["label_proportion_by_depth"], shown)
    own = _own(_numbered(tables["label_proportion_by_model"], shown))
    joined = by_depth.join(own, on=["curve", "layer"], how="left", maintain_order="left")
    return frame(joined.with_columns(is_head=is_untested().fill_null(value=False)).select(SHOWN))


def by_model_frame(tables: Tables, shown: Sequence[Curve], models: pl.DataFrame) -> Frame:
    """Return the line of every network."""
    rows = _numbered(tables["label_proportion_by_model"], shown)
    return frame(rows.join(models.select("object_model", "model"), on="object_model").select(OF_MODEL))


def _numbered(table: pl.DataFrame, shown: Sequence[Curve]) -> pl.DataFrame:
    parts = [curve.of(table).with_columns(curve=pl.lit(number, pl.Int64)) for number, curve in enumerate(shown)]
    return pl.concat(parts or [table.head(0).with_columns(curve=pl.lit(0, pl.Int64))]).sort(
        "curve", "depth", "layer", nulls_last=True
    )


def _own(by_model: pl.DataFrame) -> pl.DataFrame:
    """Return what neurons have beyond random directions, folded, with its interval over networks."""
    within = by_model.group_by("curve", "layer", "object_model").agg(
        (pl.col("folded") - pl.col("rotated_folded")).mean().alias("own")
    )
    rows: list[dict[str, Any]] = []
    for (curve, layer), part in within.group_by("curve", "layer"):
        estimate = t_interval(part["own"].drop_nulls())
        rows.append({"curve": curve, "layer": layer, **estimate.columns("own_mean", bounds="own")})
    numbers = dict.fromkeys(("own_mean", "own_low", "own_high"), pl.Float64)
    return pl.DataFrame(rows, {"curve": pl.Int64, "layer": pl.String, **numbers})
