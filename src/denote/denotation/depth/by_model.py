"""Summarise what every object model denotes, layer by layer, and the distinct properties among it."""

from __future__ import annotations

import numpy as np
import polars as pl
import scipy
from jaxtyping import Float, Int

from denote import tables
from denote.denotation.depth.plan import FEW_OF_CONTROL, GAP, LEAST_DISTINCT, LEAST_LAYERS, LEAST_NEURONS, models_needed
from denote.denotation.property_names import affirmed
from denote.notes import Note
from denote.tables import (
    NotePart,
    joined_notes,
    remark,
)

LAYER = [column for column in tables.NEURONS_KEY if column != "neuron"]
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


PAIR = pl.col("property").map_batches(_affirmed, return_dtype=tables.TEXT)
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
    return distinct.join(models, on=CURVE, how="left", nulls_equal=True).select(*tables.PROPERTIES).sort(ORDER)


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
    log_gamma = scipy.special.gammaln
    return np.asarray(log_gamma(n + 1.0) - log_gamma(k + 1.0) - log_gamma(n - k + 1.0))


MODEL_LAYER = [
    *("dataset", "architecture", "trained", "epoch", "seed", "object_model", "object_accuracy"),
    *("layer", "depth", "relative_depth", "pooling", "family", "probe_seed"),
]
KEY = ["dataset", "architecture", "trained", "epoch", *tables.LABEL_PROPORTION_BY_MODEL_KEY]
"""An object model at initialisation may stand in several curves, so its key alone is not enough."""

MEASURES = ("share_denoting", "label_proportion", "folded")
"""Measures that the controls have, too."""


OF_LAYERS = ["active_share", "participation_ratio", "sign_identified", "is_head"]


def label_proportion_by_model(neurons: pl.DataFrame, controls: pl.DataFrame, layers: pl.DataFrame) -> pl.DataFrame:
    """Summarise what the neurons of every object model denote, layer by layer (METHOD section 6).

    Label proportions are means over denoting neurons: a mean over distinct properties depends on how many neurons
    denote, as common properties are found first. With fewer than ``LEAST_NEURONS`` denoting neurons or
    ``LEAST_DISTINCT`` distinct properties, complements counted once, a layer has no value (a gap). The mean over
    distinct properties stands beside it, rarefied to as many neurons at every layer.

    Args:
        neurons: Columns of ``tables.NEURONS``, decided.
        controls: Columns of ``tables.CONTROLS``, decided; neurons of ``rotated`` and ``untrained`` are used. They
            carry the identity of the object model they stand beside. Directions of all draws are pooled; untrained
            twins are summarised one by one, then averaged.
        layers: Columns of ``tables.LAYERS``; what it does not know is null, but for ``is_head``, which is then the
            layer at relative depth 1.

    Returns:
        Columns of ``tables.LABEL_PROPORTION_BY_MODEL``, by depth.
    """
    beside = controls.filter(pl.col("neuron").is_not_null() & pl.col("layer").is_not_null())
    rotated, untrained = (beside.filter(pl.col("control") == control) for control in ("rotated", "untrained"))
    known = layers.select(*tables.LAYERS_KEY, *OF_LAYERS).unique(tables.LAYERS_KEY, keep="first")
    summaries = _summaries(neurons, KEY).join(
        neurons.unique(KEY, keep="first", maintain_order=True).select(MODEL_LAYER), on=KEY, how="left", nulls_equal=True
    )
    for control in (_of_directions(rotated), _of_twins(untrained)):
        summaries = summaries.join(control, on=KEY, how="left", nulls_equal=True)
    summaries = summaries.join(known, on=tables.LAYERS_KEY, how="left", nulls_equal=True).with_columns(
        is_head=pl.coalesce("is_head", (pl.col("relative_depth") == 1).fill_null(value=False)),
        **joined_notes(*_notes()),
    )
    order = ("dataset", "architecture", "trained", "epoch", "family", "seed", "object_model", "depth", "layer")
    return (
        summaries.join(_rarefied(neurons, rotated, summaries), on=KEY, how="left", nulls_equal=True)
        .select(*tables.LABEL_PROPORTION_BY_MODEL)
        .sort(order, maintain_order=True)
    )


def _summaries(neurons: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Make one row per key: counts, shares and means over denoting neurons; null where a number is undefined."""
    live = pl.col("live").fill_null(value=False)
    denoting = live & pl.col("denotes").fill_null(value=False)
    return (
        neurons.with_columns(pair=PAIR)
        .group_by(key, maintain_order=True)
        .agg(
            n_neurons=pl.len().cast(tables.INTEGER),
            n_live=live.sum().cast(tables.INTEGER),
            n_denoting=denoting.sum().cast(tables.INTEGER),
            n_distinct=pl.col("property").filter(denoting).n_unique().cast(tables.INTEGER),
            n_distinct_folded=pl.col("pair").filter(denoting).n_unique().cast(tables.INTEGER),
            on_proportion=pl.col("on_proportion").filter(live).mean(),
            unconditional_label_proportion=pl.col("label_proportion").filter(live).mean(),
            unconditional_folded=pl.col("folded_label_proportion").filter(live).mean(),
            property_entropy=_entropy(pl.col("pair").filter(denoting)),
            label_proportion=pl.col("label_proportion").filter(denoting).mean(),
            folded=pl.col("folded_label_proportion").filter(denoting).mean(),
            majority_side_share=(pl.col("label_proportion").filter(denoting) > 0.5).mean(),
            n_members=pl.col("n_members").filter(denoting).cast(tables.NUMBER).mean(),
        )
        .with_columns(
            pl.when(HAS_VALUE).then(pl.col("label_proportion", "folded", "majority_side_share")),
            pl.when(pl.col("n_denoting") > 0).then("property_entropy"),
            share_denoting=pl.when(pl.col("n_live") > 0).then(pl.col("n_denoting") / pl.col("n_live")),
        )
    )


HAS_VALUE = (pl.col("n_denoting") >= LEAST_NEURONS) & (pl.col("n_distinct_folded") >= LEAST_DISTINCT)
"""True where enough is denoted for a label proportion."""


def _of_directions(rotated: pl.DataFrame) -> pl.DataFrame:
    """Summarise random directions, those of all draws pooled; no rows where the control was not run."""
    live = pl.col("live").fill_null(value=False)
    denoting = live & pl.col("denotes").fill_null(value=False)
    enough = pl.col("rotated_n_denoting") >= LEAST_NEURONS
    return (
        rotated.group_by(KEY, maintain_order=True)
        .agg(
            rotated_n_denoting=denoting.sum().cast(tables.INTEGER),
            n_live=live.sum(),
            rotated_label_proportion=pl.col("label_proportion").filter(denoting).mean(),
            rotated_folded=pl.col("folded_label_proportion").filter(denoting).mean(),
        )
        .with_columns(
            pl.when(enough).then(pl.col("rotated_label_proportion", "rotated_folded")),
            rotated_share_denoting=pl.when(pl.col("n_live") > 0).then(pl.col("rotated_n_denoting") / pl.col("n_live")),
        )
        .drop("n_live")
    )


def _of_twins(untrained: pl.DataFrame) -> pl.DataFrame:
    """Summarise untrained twins and average over those that have a number; no rows where the control was not run."""
    twins = _summaries(untrained.select(*KEY, *_NEEDED, "draw"), [*KEY, "draw"])
    return twins.group_by(KEY).agg(pl.col(MEASURES).mean().name.prefix("untrained_"))


_OF_PROPERTY = ("property", "n_members", "label_proportion", "folded_label_proportion")
_NEEDED = ("live", "denotes", "on_proportion", *_OF_PROPERTY)
_MODEL = [column for column in KEY if column != "layer"]
_CURVE = [column for column in _MODEL if column != "object_model"]


def _rarefied(neurons: pl.DataFrame, rotated: pl.DataFrame, summaries: pl.DataFrame) -> pl.DataFrame:
    """Means over distinct properties, all layers and rotations of a model rarefied to one number of neurons.

    It is the least number of denoting neurons at any compared layer, after each rotation too. Layers are compared where
    enough models of the architecture have a value. A model that leaves fewer than ``LEAST_NEURONS`` has no means.
    """
    needed = models_needed_of(pl.col("object_model").n_unique().over(_CURVE))
    hidden = summaries.filter(~pl.col("is_head"))
    known, both = pl.col("folded").is_not_null(), pl.all_horizontal(pl.col("folded", "rotated_folded").is_not_null())
    often, strict = (of.sum().over([*_CURVE, "layer"]) >= needed for of in (known, both))
    n_strict = pl.col("layer").filter(strict).n_unique().over(_CURVE)
    # As `Profiles.compared`: after rotation too, unless that leaves too few layers.
    compared = hidden.filter(known & pl.when(n_strict >= LEAST_LAYERS).then(strict).otherwise(often)).select(KEY)
    of_neurons = neurons.select(*KEY, *_NEEDED, draw=pl.lit(None, tables.INTEGER))
    every = pl.concat([of_neurons, rotated.select(of_neurons.columns)])
    is_denoting = (pl.col("live") & pl.col("denotes")).fill_null(value=False)
    of_compared = every.join(compared, on=KEY, how="semi", nulls_equal=True).with_columns(
        total=is_denoting.sum().over([*KEY, "draw"]).cast(tables.INTEGER)
    )
    # The least total comes before the filter: a rotation in which nothing denotes counts, too.
    enough = of_compared.with_columns(rarefied_to=pl.col("total").min().over(_MODEL)).filter(
        pl.col("rarefied_to") >= LEAST_NEURONS, is_denoting
    )
    denoting = enough.with_columns(pair=PAIR)
    raw = _weighted_means(denoting, "property", "label_proportion", "distinct_label_proportion")
    folded = _weighted_means(denoting, "pair", "folded_label_proportion", "distinct_folded")
    is_real = pl.col("draw").is_null()
    directions = folded.filter(~is_real).group_by(KEY).agg(rotated_distinct_folded=pl.col("distinct_folded").mean())
    means = raw.filter(is_real).join(folded.filter(is_real).drop("draw", "rarefied_to"), on=KEY, nulls_equal=True)
    return means.drop("draw").join(directions, on=KEY, how="left", nulls_equal=True)


def models_needed_of(n_models: pl.Expr) -> pl.Expr:
    """`models_needed` of a column."""
    return n_models.map_batches(
        lambda counts: pl.Series([models_needed(number) for number in counts], dtype=pl.Int64), return_dtype=pl.Int64
    )


def _weighted_means(denoting: pl.DataFrame, name: str, value: str, mean: str) -> pl.DataFrame:
    """Weighted mean over the properties of each layer and draw."""
    place = [*KEY, "draw", "rarefied_to"]
    properties = denoting.group_by(*place, name, maintain_order=True).agg(
        pl.len().alias("holders"), pl.col("total").first(), pl.col(value).mean()
    )
    counts = (properties[column].to_numpy().astype(int) for column in ("holders", "total", "rarefied_to"))
    return (
        properties.with_columns(weight=pl.Series(inclusion_probability(*counts)))
        .group_by(place, maintain_order=True)
        .agg(((pl.col(value) * pl.col("weight")).sum() / pl.col("weight").sum()).alias(mean))
    )


def _entropy(names: pl.Expr) -> pl.Expr:
    return names.unique_counts().cast(tables.NUMBER).entropy(base=2) + 0.0  # without names it is -0


def _notes() -> list[NotePart]:
    without, few = [], []
    for control, reason in FEW_OF_CONTROL.items():
        ran, value = pl.col(f"{control}_share_denoting").is_not_null(), pl.col(f"{control}_folded")
        without.append(remark(Note.of("control_not_run", control=control), ~ran))
        few.append(remark(reason, ran & value.is_null()))
    return [remark(Note.of("no_value", gap=GAP), pl.col("folded").is_null()), *without, *few]
