"""Sections of the report on neurons: denoted properties, abstentions, agreement over searches and models."""

from __future__ import annotations

import polars as pl

from denote.figures.curves import curves, is_head
from denote.numbers import count, proportion
from denote.observers.kinds import reads_state
from denote.reporting.sheet import NOTES, OF, PROBE, Column, Row, Sheet, between, fine_share, share, sheet, text, whole

AGAINST = {
    "second fit": "on other rows",
    "thresholds": "with half as many thresholds",
    "seed": "in another network",
}


def stability_sentences(stability: pl.DataFrame) -> list[str]:
    """Of every curve the range over hidden layers of how much is found again, one sentence each.

    Args:
        stability: Columns of ``tables.STABILITY``.
    """
    hidden = stability.filter(
        pl.col("depth").is_not_null(), ~is_head().fill_null(value=False), pl.col("property_jaccard").is_not_null()
    )
    sentences = []
    for curve in curves(hidden):
        own = curve.of(hidden)
        found = [
            f"{_range(own.filter(pl.col('against') == against)['property_jaccard'])} {words}"
            for against, words in AGAINST.items()
            if against in own["against"]
        ]
        sentences.append(
            f"{curve.title}: of the properties that either of two searches of a hidden layer lets denote, both do for "
            f"{', '.join(found)}."
        )
    return sentences


def stability_sheet(stability: pl.DataFrame) -> Sheet:
    """Agreement per layer, family and other search.

    Args:
        stability: Columns of ``tables.STABILITY``.
    """
    columns = [
        *text("layer"),
        OF,
        *text("family", "against"),
        *whole(n_pairs="pairs", n_neurons="denoting neurons"),
        *between(property_jaccard="properties", neuron_jaccard="each neuron's"),
        *share(same_property_share="same property"),
        NOTES,
    ]
    return sheet("stability", columns, stability)


def _range(values: pl.Series) -> str:
    low, high = proportion(values.min()), proportion(values.max())  # type: ignore[arg-type]
    return low if low == high else f"{low} to {high}"


SCORES = (("AUROC", "auroc"), ("balanced accuracy", "balanced_accuracy"), ("selectivity", "selectivity"))


def spread_sheet(seed_spread: pl.DataFrame) -> Sheet:
    """Of every attribute and probe the layer with the best mean AUROC.

    Args:
        seed_spread: Columns of ``tables.SEED_SPREAD``.
    """
    key = ["dataset", "architecture", "trained", "epoch", "attribute", "probe", "k"]
    best = (
        seed_spread.filter(reads_state())
        .sort("auroc_mean", descending=True, nulls_last=True, maintain_order=True)
        .unique(key, keep="first", maintain_order=True)
    )
    columns = [*text("attribute"), PROBE, OF, *text("layer"), *whole(n_models="models", n_probe_seeds="probe seeds")]
    for name, score in SCORES:
        columns += between(score, None, 2, **{f"{score}_mean": name})
        columns += fine_share(**{f"{score}_sd_models": "SD models", f"{score}_sd_probe_seeds": "SD probe seeds"})
    return sheet("spread", [*columns, NOTES], best)


NETWORK = ["dataset", "architecture", "trained", "epoch"]
NEURON = ["object_model", "layer", "pooling", "family", "neuron"]
"""Key of a neuron without the seed of the controls, which no property depends on."""
LAYER = [*NETWORK, "family", "layer", "depth"]
MEANS = [
    *("label_proportion", "fit_balanced_accuracy", "balanced_accuracy", "shrinkage"),
    *("fit_agreement", "threshold_agreement"),
]


def denoted_sheets(properties: pl.DataFrame, neurons: pl.DataFrame) -> list[Sheet]:
    """List what is denoted where, and how many neurons of each layer abstain; nothing where no neuron was searched.

    Args:
        properties: Columns of ``tables.PROPERTIES``.
        neurons: Columns of ``tables.NEURONS``, decided.
    """
    live = neurons.filter(pl.col("live").fill_null(value=False))
    made = ((_properties, properties), (_abstaining, live))
    return [make(frame) for make, frame in made if not frame.is_empty()]


def _properties(properties: pl.DataFrame) -> Sheet:
    """Properties with the layers that denote them, those of most neurons first; networks of a curve together."""
    together = (
        properties.unique([*NEURON[:-1], "property"], keep="first", maintain_order=True)
        .sort("fit_balanced_accuracy", descending=True, nulls_last=True, maintain_order=True)
        .group_by(*LAYER, "pooling", "property", maintain_order=True)
        .agg(
            pl.col("n_neurons", "n_complement").sum(),
            pl.col("n_models").first(),
            pl.col(*MEANS).mean(),
            pl.col("nested_properties").drop_nulls().first(),
        )
        .sort(pl.col("n_neurons") + pl.col("n_complement"), descending=True, maintain_order=True)
    )
    columns: list[Column] = [
        *text("property", "layer"),
        OF,
        *text("family"),
        *share("label_proportion"),
        *whole(n_neurons="neurons", n_complement="complement", n_models="networks"),
        *share(fit_balanced_accuracy="fit score", balanced_accuracy="held-out score"),
        *fine_share("shrinkage"),
        *share(fit_agreement="agreement", threshold_agreement="at other thresholds"),
        ("nested", _nested),
    ]
    return sheet("properties", columns, together)


def _nested(row: Row) -> str:
    """Writes the nested subsets, where there are any."""
    return str(row["nested_properties"] or "")


def _abstaining(live: pl.DataFrame) -> Sheet:
    """Count the live neurons of each layer that denote and abstain."""
    denotes = pl.col("denotes").fill_null(value=False)
    layers = (
        live.unique(NEURON, keep="first", maintain_order=True)
        .group_by(LAYER, maintain_order=True)
        .agg(n_live=pl.len(), n_denoting=denotes.sum(), n_abstaining=(~denotes).sum())
        .with_columns(share=pl.col("n_abstaining") / pl.col("n_live"))
        .sort(*NETWORK, "family", "depth", nulls_last=True, maintain_order=True)
    )
    columns = [
        OF,
        *text("family", "layer"),
        *whole(n_live="live neurons", n_denoting="denote", n_abstaining="abstain"),
        *share(share="share abstaining"),
    ]
    total = int(layers["n_abstaining"].sum())
    return sheet("abstaining", columns, layers, abstaining=count(total, "row"))
