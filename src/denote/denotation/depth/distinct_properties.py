"""The distinct properties that layers denote: each counted once, a property and its complement as one."""

from __future__ import annotations

import numpy as np
import polars as pl
from jaxtyping import Float, Int
from scipy.special import gammaln

from denote.denotation.search.properties import affirmed
from denote.tables import NEURONS_KEY, PROPERTIES, TEXT

LAYER = [column for column in NEURONS_KEY if column != "neuron"]
PLACE = ["dataset", "architecture", "trained", "epoch", "seed", "depth", "relative_depth"]
BEST = ["fit_balanced_accuracy", "balanced_accuracy", "shrinkage", "label_proportion_range", "nested_properties"]
ORDER = (
    *("dataset", "architecture", "trained", "epoch", "family", "seed", "object_model", "depth", "layer"),
    *("pooling", "probe_seed", "label_proportion", "property"),
)
CURVE = ["dataset", "architecture", "trained", "epoch", "layer", "pooling", "family", "property"]


def _affirmed(names: pl.Series) -> pl.Series:
    distinct = names.drop_nulls().unique()
    return (
        names.replace_strict(distinct, [affirmed(name) for name in distinct], default=None) if len(distinct) else names
    )


PAIR = pl.col("property").map_batches(_affirmed, return_dtype=TEXT)
"""The name that a property and its complement share; not to be evaluated inside of groups."""


def denoted_properties(neurons: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Return the distinct denoted properties within each ``key``, in the columns of neurons.

    ``pair`` names a property and its complement alike, so that they can be counted once.
    """
    return (
        neurons.filter(pl.col("denotes").fill_null(value=False))
        .unique([*key, "property"], keep="first", maintain_order=True)
        .with_columns(pair=PAIR)
    )


def denoted(neurons: pl.DataFrame) -> pl.DataFrame:
    """The distinct properties that the neurons of every layer denote.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided.

    Returns:
        Columns of ``tables.PROPERTIES``, by network, depth and label proportion; no rows where nothing denotes.
    """
    inverted, p = pl.col("property") != PAIR, pl.col("label_proportion")
    denoting = (
        neurons.filter(pl.col("denotes").fill_null(value=False))
        .with_columns(
            PAIR.alias("property"),
            pl.when(inverted).then(1 - p).otherwise(p).alias("label_proportion"),
            inverted=inverted,
        )
        .sort("inverted", "fit_balanced_accuracy", "neuron", descending=[False, True, False], nulls_last=True)
    )
    distinct = denoting.group_by(*LAYER, "property", maintain_order=True).agg(
        pl.col(*PLACE, "label_proportion", "folded_label_proportion").first(),
        (~pl.col("inverted")).sum().cast(pl.Int64).alias("n_neurons"),
        pl.col("inverted").sum().cast(pl.Int64).alias("n_complement"),
        pl.col("neuron").first().alias("best_neuron"),
        pl.col(*BEST).first(),
        pl.col("fit_agreement", "threshold_agreement").mean(),
    )
    models = distinct.group_by(CURVE).agg(pl.col("object_model").n_unique().cast(pl.Int64).alias("n_models"))
    return distinct.join(models, on=CURVE, how="left", nulls_equal=True).select(*PROPERTIES).sort(ORDER)


def inclusion_probability(
    holders: Int[np.ndarray, " property"], total: Int[np.ndarray, " property"], n_drawn: Int[np.ndarray, " property"]
) -> Float[np.ndarray, " property"]:
    """Return the chance that a property is among those of some neurons, drawn without replacement.

    w = 1 - C(N - m, n) / C(N, n) for a property that m of N neurons denote (Hurlbert 1971). A mean over distinct
    properties with these weights is that of a layer of n denoting neurons, however many there are: the plain mean
    depends on their number, since common properties are found first.

    Args:
        holders: m, neurons that denote the property, at least 1.
        total: N, denoting neurons of its layer.
        n_drawn: n, from 1 to N.

    Returns:
        Weights in (0, 1].
    """
    rest = total - holders
    possible = rest >= n_drawn
    missed = np.zeros(len(holders))
    missed[possible] = np.exp(
        _log_choose(rest[possible], n_drawn[possible]) - _log_choose(total[possible], n_drawn[possible])
    )
    return 1.0 - missed


def _log_choose(n: Int[np.ndarray, " property"], k: Int[np.ndarray, " property"]) -> Float[np.ndarray, " property"]:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))
