"""What every object model denotes, layer by layer: the numbers that curves and tests of depth are made of."""

from __future__ import annotations

import polars as pl

from denote.denotation.properties import affirmed
from denote.tables import (
    INTEGER,
    LABEL_PROPORTION_BY_MODEL,
    LABEL_PROPORTION_BY_MODEL_KEY,
    LAYERS_KEY,
    NUMBER,
    TEXT,
)

LEAST_DISTINCT = 5
"""Distinct denoted properties below which a (model, layer) is a gap."""

PLACE = [
    "dataset", "architecture", "trained", "epoch", "seed", "object_model", "object_accuracy", "layer", "depth",
    "relative_depth", "pooling", "family", "probe_seed",
]  # fmt: skip
KEY = ["dataset", "architecture", "trained", "epoch", *LABEL_PROPORTION_BY_MODEL_KEY]
"""An object model at initialisation may stand in several curves, so its key alone is not enough."""

MEASURES = ("share_denoting", "label_proportion", "folded")
"""What is asked of the controls, too."""


def _affirmed(names: pl.Series) -> pl.Series:
    known = names.drop_nulls().unique()
    return names.replace_strict(known, [affirmed(name) for name in known], default=None) if len(known) else names


PAIR = pl.col("property").map_batches(_affirmed, return_dtype=TEXT)
"""What a property and its complement share; not inside of groups."""

OF_LAYERS = ["active_share", "participation_ratio", "sign_identified", "is_head"]


def label_proportion_by_model(neurons: pl.DataFrame, controls: pl.DataFrame, layers: pl.DataFrame) -> pl.DataFrame:
    """Summarise what the neurons of every object model denote, layer by layer (METHOD section 6).

    A property that several neurons of a layer denote counts once; for the folded value so does a complement. With fewer
    than ``LEAST_DISTINCT`` distinct denoted properties a layer is a gap of its model: its label proportions are null.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided.
        controls: Columns of ``tables.CONTROLS``, decided; neurons of ``rotated`` and ``untrained`` are used. They
            carry the identity of the object model they stand beside; draws are summarised one by one, then averaged.
        layers: Columns of ``tables.LAYERS``; what it does not know is null, but for ``is_head``, which is then the
            layer at relative depth 1.

    Returns:
        Columns of ``tables.LABEL_PROPORTION_BY_MODEL``, by depth.
    """
    beside = controls.filter(pl.col("neuron").is_not_null() & pl.col("layer").is_not_null())
    found = _summaries(neurons, KEY).join(
        neurons.unique(KEY, keep="first", maintain_order=True).select(PLACE), on=KEY, how="left", nulls_equal=True
    )
    for control in ("rotated", "untrained"):
        own = _of_draws(beside.filter(pl.col("control") == control), control)
        found = found.join(own, on=KEY, how="left", nulls_equal=True)
    known = layers.select(*LAYERS_KEY, *OF_LAYERS).unique(LAYERS_KEY, keep="first")
    return (
        found.join(known, on=LAYERS_KEY, how="left", nulls_equal=True)
        .with_columns(
            is_head=pl.coalesce("is_head", (pl.col("relative_depth") == 1).fill_null(value=False)),
            note=pl.concat_str(*_notes(), separator="; ", ignore_nulls=True).replace("", None),
        )
        .select(*LABEL_PROPORTION_BY_MODEL)
        .sort("dataset", "architecture", "trained", "epoch", "family", "seed", "object_model", "depth", "layer")
    )


def denoted_properties(neurons: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """The distinct denoted properties within each ``key``, in the columns of neurons.

    ``pair`` names a property and its complement alike, so that the folded value counts them once.
    """
    return (
        neurons.filter(pl.col("denotes").fill_null(value=False))
        .unique([*key, "property"], keep="first", maintain_order=True)
        .with_columns(pair=PAIR)
    )


def _summaries(neurons: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """One row per key: counts, shares and means; null where a number is undefined."""
    live, denotes = pl.col("live").fill_null(value=False), pl.col("denotes").fill_null(value=False)
    counts = (
        neurons.with_columns(pair=PAIR)
        .group_by(key, maintain_order=True)
        .agg(
            n_neurons=pl.len().cast(INTEGER),
            n_live=live.sum().cast(INTEGER),
            n_denoting=(live & denotes).sum().cast(INTEGER),
            on_proportion=pl.col("on_proportion").filter(live).mean(),
            unconditional_label_proportion=pl.col("label_proportion").filter(live).mean(),
            unconditional_folded=pl.col("folded_label_proportion").filter(live).mean(),
            property_entropy=_entropy(pl.col("pair").filter(live & denotes)),
        )
    )
    distinct = denoted_properties(neurons, key)
    once = distinct.unique([*key, "pair"], keep="first", maintain_order=True).group_by(key)
    of_properties = distinct.group_by(key).agg(
        n_distinct=pl.len().cast(INTEGER),
        label_proportion=pl.col("label_proportion").mean(),
        majority_side_share=(pl.col("label_proportion") > 0.5).mean(),
        n_members=pl.col("n_members").cast(NUMBER).mean(),
    )
    joined = counts
    for other in (of_properties, once.agg(folded=pl.col("folded_label_proportion").mean())):
        joined = joined.join(other, on=key, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(
        pl.col("n_distinct").fill_null(0),
        pl.when(pl.col("n_distinct").fill_null(0) >= LEAST_DISTINCT)
        .then(pl.col("label_proportion", "folded", "majority_side_share")),
        pl.when(pl.col("n_denoting") > 0).then("property_entropy"),
        share_denoting=pl.when(pl.col("n_live") > 0).then(pl.col("n_denoting") / pl.col("n_live")),
    )  # fmt: skip


def _of_draws(replicates: pl.DataFrame, control: str) -> pl.DataFrame:
    """A control's measures, averaged over the draws of each object model; no rows where the control was not run."""
    draws = _summaries(replicates.select(*KEY, *_NEEDED, "draw"), [*KEY, "draw"])
    return draws.group_by(KEY).agg(pl.col(MEASURES).mean().name.prefix(f"{control}_"))


_NEEDED = (
    "live", "denotes", "on_proportion", "label_proportion", "folded_label_proportion", "property", "n_members",
)  # fmt: skip


def _entropy(names: pl.Expr) -> pl.Expr:
    return names.unique_counts().cast(NUMBER).entropy(base=2) + 0.0  # without names it is -0


def _notes() -> list[pl.Expr]:
    few = f"fewer than {LEAST_DISTINCT} distinct denoted properties"
    controls = [
        expression
        for control in ("rotated", "untrained")
        for expression in (
            pl.when(pl.col(f"{control}_share_denoting").is_null()).then(pl.lit(f"{control}: not run")),
            pl.when(pl.col(f"{control}_share_denoting").is_not_null(), pl.col(f"{control}_folded").is_null())
            .then(pl.lit(f"{control}: {few}")),
        )
    ]  # fmt: skip
    return [pl.when(pl.col("folded").is_null()).then(pl.lit(f"a gap: {few}")), *controls]
