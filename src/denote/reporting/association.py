"""Attributes that stand in for each other, and neurons that several attributes share, for the report."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from denote.figures.curves import some
from denote.numbers import proportion
from denote.reporting.sheet import NOTES, OF, Column, Row, Sheet, amount, share, sheet, text, whole

EXACT = 1e-9
"""Distance of phi from 1 below which two attributes split the rows alike."""
NETWORK = ["dataset", "architecture", "trained", "epoch"]
LAYER = [*NETWORK, "layer", "depth"]
MOST_LAYERS = 12

_FOLDED = 0.5 + (pl.col("best_auroc") - 0.5).abs()
"""An AUROC whatever its direction: means of .99 and .01 would read as chance."""


def correlation_sheet(correlation: pl.DataFrame, cells: pl.DataFrame) -> Sheet:
    """Pairs of attributes, the most strongly related first, and how they are tied where they are.

    Args:
        correlation: Columns of ``tables.ATTRIBUTE_CORRELATION``.
        cells: Columns of ``tables.CELLS``; they know how many test rows have an attribute.
    """
    sizes = cells.select("dataset", "attribute", "n_positive_test", "n_test").unique(["dataset", "attribute"])
    pairs = correlation
    for column in ("attribute", "other"):
        pairs = pairs.join(
            sizes.rename({"attribute": column, "n_positive_test": f"n_{column}", "n_test": f"known_{column}"}),
            on=["dataset", column],
            how="left",
            maintain_order="left",
        )
    strongest = pairs.sort(pl.col("phi").abs(), descending=True, nulls_last=True, maintain_order=True)
    columns: list[Column] = [
        *text("attribute", "other", "dataset"),
        *share(phi="phi", jaccard="Jaccard"),
        *whole(n_both="rows with both", n_rows="rows"),
        ("tied how", _tie),
        NOTES,
    ]
    return sheet("correlation", columns, strongest)


def uncompared_sentences(correlation: pl.DataFrame, cells: pl.DataFrame) -> list[str]:
    """That attributes were not compared where there are several and no pair of them; nothing otherwise.

    Args:
        correlation: Columns of ``tables.ATTRIBUTE_CORRELATION``.
        cells: Columns of ``tables.CELLS``.
    """
    several = cells.group_by("dataset").agg(pl.col("attribute").n_unique() > 1)["attribute"].any()
    if not several or not correlation.is_empty():
        return []
    return [
        "Attributes of different jobs are not compared with each other, so nothing here shows which may stand in for "
        "which; ask for them in one job (attribute=[a,b])."
    ]


def _tie(row: Row) -> str:
    """Say how two attributes are tied by their making, seen on the test rows."""
    phi, both = row["phi"], row["n_both"]
    if phi is None:
        return ""
    if abs(phi) > 1 - EXACT:
        return "the same rows" if phi > 0 else "complements"
    if both == 0:
        return "disjoint"
    whole_rows = {row["n_rows"]} == {row["known_attribute"], row["known_other"]}
    if whole_rows and both == row["n_attribute"]:
        return f"nested: {row['attribute']} lies in {row['other']}"
    if whole_rows and both == row["n_other"]:
        return f"nested: {row['other']} lies in {row['attribute']}"
    return ""


def mixing_sheet(neurons: pl.DataFrame) -> Sheet:
    """Count the attributes that the live neurons of each layer pass and carry.

    Args:
        neurons: Columns of ``tables.NEURONS``; the numbers are the same in every family's row of a neuron.
    """
    live = neurons.filter("live").unique([*LAYER, "object_model", "pooling", "neuron"], maintain_order=True)
    numbers = {"passed": "attributes_passed", "carried": "attributes_carried"}
    rows = live.group_by(LAYER, maintain_order=True).agg(
        pl.len().alias("n_live"),
        *(pl.col(column).mean().alias(f"{name}_mean") for name, column in numbers.items()),
        *(pl.col(column).max().alias(f"{name}_max") for name, column in numbers.items()),
        *((pl.col(column) == 0).mean().alias(f"{name}_none") for name, column in numbers.items()),
        *((pl.col(column) == 1).mean().alias(f"{name}_one") for name, column in numbers.items()),
        *((pl.col(column) > 1).mean().alias(f"{name}_several") for name, column in numbers.items()),
    )
    columns = [OF, *text("layer"), *whole(n_live="live neurons")]
    for name in numbers:
        columns += share(**{f"{name}_none": f"{name}: none", f"{name}_one": "one", f"{name}_several": "several"})
        columns += amount(**{f"{name}_mean": "mean"}) + whole(**{f"{name}_max": "most"})
    rows = rows.sort("depth", nulls_last=True, maintain_order=True)
    return sheet("mixing", columns, rows)


def carrying_sheet(scan: pl.DataFrame) -> Sheet:
    """List the share of live neurons that carries each attribute, layer by layer.

    Args:
        scan: Columns of ``tables.SCAN``.
    """
    key = [*NETWORK, "attribute", "family"]
    layers = (
        scan.group_by([*key, "layer", "depth"], maintain_order=True)
        .agg(carrying=pl.col("n_carrying").sum() / pl.col("n_tests").sum(), best=_FOLDED.mean())
        .sort("depth", nulls_last=True, maintain_order=True)
    )
    rows = layers.group_by(key, maintain_order=True).agg("layer", "carrying", "best")
    columns: list[Column] = [
        *text("attribute"),
        OF,
        ("neurons that carry it", by_layer("carrying")),
        ("AUROC of the best neuron, either direction, chosen on test", by_layer("best")),
    ]
    return sheet("carrying", columns, rows)


def by_layer(key: str) -> Callable[[Row], str]:
    """Write a list of proportions beside the names of their layers."""
    return lambda row: some(
        [f"{name} {proportion(value)}" for name, value in zip(row["layer"], row[key], strict=True)], MOST_LAYERS
    )
