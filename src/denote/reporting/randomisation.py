"""Whether a map of what an observer relies on shows what the layer learned: the randomisation check, for the report."""

from __future__ import annotations

import polars as pl

from denote.numbers import proportion
from denote.reporting.association import LAYER
from denote.reporting.page import Column, Sheet, network, share, sheet, text, whole


def randomisation_sentences(cells: pl.DataFrame) -> list[str]:
    """One sentence on all layers, nothing where the check was not made.

    Args:
        cells: Columns of ``tables.CELLS``.
    """
    found = cells["randomised_similarity"].drop_nulls()
    if found.is_empty():
        return []
    median, low, high = (proportion(float(value)) for value in (found.median(), found.min(), found.max()))  # type: ignore[arg-type]
    return [
        f"Randomisation check: between a trained layer and one with random parameters, what observers rely on agrees "
        f"with median Spearman correlation {median} ({low} to {high}); near 1 the maps would look the same had the "
        "layer learned nothing; near 0 they depend on its parameters, which says little where units have no places."
    ]


def randomisation_sheet(cells: pl.DataFrame) -> Sheet:
    """Similarity of maps before and after randomisation, per layer and probe.

    Args:
        cells: Columns of ``tables.CELLS``; only those with a ``randomised_similarity``.
    """
    similarity = pl.col("randomised_similarity")
    rows = (
        cells.group_by([*LAYER, "probe"], maintain_order=True)
        .agg(pl.len().alias("n_maps"), similarity.median().alias("median"), similarity.min().alias("low"),
             similarity.max().alias("high"))
        .sort("depth", nulls_last=True, maintain_order=True)
    )  # fmt: skip
    columns: list[Column] = [
        ("of", network), ("layer", text("layer")), ("probe", text("probe")), ("maps", whole("n_maps")),
        ("median similarity", share("median")), ("least", share("low")), ("most", share("high")),
    ]  # fmt: skip
    caption = (
        "The layer and all above it get random parameters, the observer is fitted again, and its map is compared with "
        "the trained one: Spearman correlation of |weight x standard deviation| over live neurons, over all attributes "
        "and object models."
    )
    return sheet("Randomisation check", caption, columns, rows.iter_rows(named=True), "cells.parquet")
