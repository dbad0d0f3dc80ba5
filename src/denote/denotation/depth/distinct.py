"""What a layer's neurons denote, each property once: neurons that denote the same share a row, as do complements."""

from __future__ import annotations

import polars as pl

from denote.denotation.depth.by_model import PAIR
from denote.tables import NEURONS_KEY, PROPERTIES

LAYER = [column for column in NEURONS_KEY if column != "neuron"]
PLACE = ["dataset", "architecture", "trained", "epoch", "seed", "depth", "relative_depth"]
BEST = [
    "fit_balanced_accuracy", "balanced_accuracy", "shrinkage", "label_proportion_range", "nested_properties",
]  # fmt: skip
CURVE = ["dataset", "architecture", "trained", "epoch", "layer", "pooling", "family", "property"]


def denoted(neurons: pl.DataFrame) -> pl.DataFrame:
    """The distinct properties that the neurons of every layer denote.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided.

    Returns:
        Columns of ``tables.PROPERTIES``, by network, depth and label proportion; no rows where nothing denotes.
    """
    inverted, p = pl.col("property") != PAIR, pl.col("label_proportion")
    found = (
        neurons.filter(pl.col("denotes").fill_null(value=False))
        .with_columns(
            PAIR.alias("property"),
            pl.when(inverted).then(1 - p).otherwise(p).alias("label_proportion"),
            inverted=inverted,
        )
        .sort("inverted", "fit_balanced_accuracy", "neuron", descending=[False, True, False], nulls_last=True)
    )
    distinct = found.group_by(*LAYER, "property", maintain_order=True).agg(
        pl.col(*PLACE, "label_proportion", "folded_label_proportion").first(),
        (~pl.col("inverted")).sum().cast(pl.Int64).alias("n_neurons"),
        pl.col("inverted").sum().cast(pl.Int64).alias("n_complement"),
        pl.col("neuron").first().alias("best_neuron"),
        pl.col(*BEST).first(),
        pl.col("fit_agreement", "threshold_agreement").mean(),
    )
    models = distinct.group_by(CURVE).agg(pl.col("object_model").n_unique().cast(pl.Int64).alias("n_models"))
    return (
        distinct.join(models, on=CURVE, how="left", nulls_equal=True)
        .select(*PROPERTIES)
        .sort(
            "dataset", "architecture", "trained", "epoch", "family", "seed", "object_model", "depth", "layer",
            "pooling", "probe_seed", "label_proportion", "property",
        )
    )  # fmt: skip
