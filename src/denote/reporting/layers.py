"""What layers are like as a whole, for people."""

from __future__ import annotations

import polars as pl

from denote.reporting.page import Column, Sheet, amount, network, share, sheet, text, yes

CURVE = ["dataset", "architecture", "trained", "epoch", "layer", "depth", "pooling"]


def layers_sheet(layers: pl.DataFrame, by_depth: pl.DataFrame) -> Sheet:
    """Means over object models of every layer.

    Args:
        layers: Columns of ``tables.LAYERS``.
        by_depth: Columns of ``tables.LABEL_PROPORTION_BY_DEPTH``, for the entropy of what is denoted.
    """
    means = pl.col("n_live", "participation_ratio", "active_share").mean()
    flags = pl.col("sign_identified", "is_head").first()
    rows = layers.group_by(CURVE, maintain_order=True).agg(
        pl.n_unique("object_model").alias("models"), pl.col("n_neurons").first(), means, flags
    )
    columns: list[Column] = [
        ("layer", text("layer")), ("depth", text("depth")), ("of", network), ("models", text("models")),
        ("neurons", text("n_neurons")), ("live", amount("n_live")),
        ("participation ratio", amount("participation_ratio")), ("active share", share("active_share")),
        ("sign means something", yes("sign_identified")), ("head", yes("is_head")),
    ]  # fmt: skip
    key = ["dataset", "architecture", "trained", "epoch", "layer"]
    known = by_depth.filter(pl.col("property_entropy_mean").is_not_null())
    for family in known["family"].unique(maintain_order=True):
        entropy = known.filter(pl.col("family") == family).select(*key, pl.col("property_entropy_mean").alias(family))
        rows = rows.join(entropy, on=key, how="left", nulls_equal=True, maintain_order="left")
        columns.append((f"entropy of {family} (bits)", amount(family)))
    caption = (
        "Means over object models. live: neurons that vary on fit. participation ratio: how many directions the state "
        "spreads over, at most the live neurons. active share: test rows above 0, mean over live neurons. entropy: of "
        "the properties that denoting neurons have. Where a sign means nothing only folded label proportions do."
    )
    return sheet("Layers", caption, columns, rows.iter_rows(named=True), "layers.parquet")
