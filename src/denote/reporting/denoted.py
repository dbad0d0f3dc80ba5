"""Denoted properties one by one, and neurons that abstain, for the report."""

from __future__ import annotations

import polars as pl

from denote.numbers import count
from denote.reporting.page import Column, Row, Sheet, network, share, sheet, text, whole

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
