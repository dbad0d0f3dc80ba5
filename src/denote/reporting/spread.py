"""How scores spread over object models and probe seeds, for the report."""

from __future__ import annotations

import polars as pl

from denote.reporting.page import Column, Sheet, between, network, note, probe, share, sheet, text, whole

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
        ("attribute", text("attribute")), ("probe", probe), ("of", network), ("layer", text("layer")),
        ("models", whole("n_models")), ("probe seeds", whole("n_probe_seeds")),
    ]  # fmt: skip
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
