"""Sections of the report on neurons: denoted properties, abstentions, agreement over searches and models."""

from __future__ import annotations

import polars as pl

from denote.figures.curves import curves, is_head
from denote.numbers import count, proportion
from denote.observers.kinds import reads_state
from denote.reporting.page import Column, Row, Sheet, between, network, note, probe, share, sheet, text, whole

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
    columns: list[Column] = [
        ("layer", text("layer")), ("of", network), ("family", text("family")), ("against", text("against")),
        ("pairs", whole("n_pairs")), ("denoting neurons", whole("n_neurons")),
        ("properties", between("property_jaccard")), ("each neuron's", between("neuron_jaccard")),
        ("same property", share("same_property_share")), ("note", note),
    ]  # fmt: skip
    caption = (
        "Jaccard indices of what the layer denotes with what another search finds, means and 95 % t-intervals over "
        "object models. second fit: the same search on the rows of test. thresholds: with half as many. seed: another "
        "network of the same kind; its interval is rough, as pairs share networks. properties: sets of distinct "
        "denoted properties, a complement as the same. each neuron's: the test rows of its two properties."
    )
    return sheet("Is it found again?", caption, columns, stability.iter_rows(named=True), "stability.parquet")


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
    columns: list[Column] = [
        ("attribute", text("attribute")),
        ("probe", probe),
        ("of", network),
        ("layer", text("layer")),
        ("models", whole("n_models")),
        ("probe seeds", whole("n_probe_seeds")),
    ]
    for name, score in SCORES:
        columns += [
            (name, between(f"{score}_mean", score)),
            ("SD models", share(f"{score}_sd_models", 3)),
            ("SD probe seeds", share(f"{score}_sd_probe_seeds", 3)),
        ]
    caption = (
        "Mean and 95 % t-interval over object models at the layer with the best mean AUROC (chosen by the score it "
        "shows). SD models: how much networks trained from other seeds differ. SD probe seeds: how much observers of "
        "the same network do; no error of what such networks do on average."
    )
    return sheet(
        "Spread over seeds", caption, [*columns, ("note", note)], best.iter_rows(named=True), "seed_spread.parquet"
    )


NETWORK = ["dataset", "architecture", "trained", "epoch"]
NEURON = ["object_model", "layer", "pooling", "family", "neuron"]
"""Key of a neuron without the seed of the controls, which no property depends on."""
LAYER = [*NETWORK, "family", "layer", "depth"]
MEANS = [
    "label_proportion",
    "fit_balanced_accuracy",
    "balanced_accuracy",
    "shrinkage",
    "fit_agreement",
    "threshold_agreement",
]


def denoted_sheets(properties: pl.DataFrame, neurons: pl.DataFrame) -> list[Sheet]:
    """List what is denoted where, and how many neurons of each layer abstain; nothing where no neuron was searched.

    Args:
        properties: Columns of ``tables.PROPERTIES``.
        neurons: Columns of ``tables.NEURONS``, decided.
    """
    live = neurons.filter(pl.col("live").fill_null(value=False))
    return [
        *([] if properties.is_empty() else [_properties(properties)]),
        *([] if live.is_empty() else [_abstaining(live)]),
    ]


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
        ("property", text("property")), ("layer", text("layer")), ("of", network), ("family", text("family")),
        ("label proportion", share("label_proportion")), ("neurons", whole("n_neurons")),
        ("complement", whole("n_complement")), ("networks", whole("n_models")),
        ("fit score", share("fit_balanced_accuracy")), ("held-out score", share("balanced_accuracy")),
        ("shrinkage", share("shrinkage", 3)), ("agreement", share("fit_agreement")),
        ("at other thresholds", share("threshold_agreement")), ("nested", _nested),
    ]  # fmt: skip
    caption = (
        "Each property once in a layer, a property and its complement together, those of most neurons first. neurons "
        "and complement: how many denote it, or that it is not there, over all networks. Scores are balanced "
        "accuracies of the neuron that did best on fit, means over networks. agreement: overlap with what the same "
        "search finds on other rows. nested: other subsets that pass on fit with the same neuron, with their label "
        "proportions."
    )
    return sheet("What is denoted", caption, columns, together.iter_rows(named=True), "properties.parquet")


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
    columns: list[Column] = [
        ("of", network), ("family", text("family")), ("layer", text("layer")), ("live neurons", whole("n_live")),
        ("denote", whole("n_denoting")), ("abstain", whole("n_abstaining")), ("share abstaining", share("share")),
    ]  # fmt: skip
    total = int(layers["n_abstaining"].sum())
    caption = (
        f"{count(total, 'row')} of live neurons (once per family) abstain: the best property found for them does not "
        "pass the rule, and says no more than that it was the best."
    )
    return sheet("Abstaining neurons", caption, columns, layers.iter_rows(named=True), "neurons.parquet")
