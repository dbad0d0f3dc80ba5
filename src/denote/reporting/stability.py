"""Agreement of properties over searches, and of scores over object models and probe seeds, for the report."""

from __future__ import annotations

import polars as pl

from denote.figures.curves import curves, is_head
from denote.numbers import proportion
from denote.reporting.page import Column, Sheet, between, network, note, probe, share, sheet, text, whole

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
        seed_spread.filter(pl.col("probe") != "majority")
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
