"""Effort of reading attributes, for the report: description length, few fit rows, removed neurons."""

from __future__ import annotations

import polars as pl

from denote.numbers import count, proportion
from denote.reporting.association import LAYER, NETWORK
from denote.reporting.page import Column, Row, Sheet, amount, network, sheet, text, whole

TITLES = {"fit_rows": "Score by number of fit rows", "removed": "Redundancy: score after removing neurons"}
CAPTIONS = {
    "fit_rows": "x is the number of fit rows with a label",
    "removed": "x is the number of neurons that were taken away, those the observer relied on most, before it was "
    "fitted again; a score that stays is carried by many",
}


def reading_sheets(cells: pl.DataFrame, curves: pl.DataFrame) -> list[Sheet]:
    """The tables of this module that have rows.

    Args:
        cells: Columns of ``tables.CELLS``.
        curves: Columns of ``tables.CURVES``.
    """
    coded = cells.filter(pl.col("compression").is_not_null())
    found = [] if coded.is_empty() else [description_sheet(coded)]
    for curve in TITLES:
        points = curves.filter(pl.col("curve") == curve, pl.col("auroc").is_not_null())
        found += [] if points.is_empty() else [curve_sheet(points, curve)]
    return found


def description_sheet(cells: pl.DataFrame) -> Sheet:
    """Description length of every attribute at every layer, mean over object models.

    Args:
        cells: Columns of ``tables.CELLS``; only those with a code.
    """
    numbers = ("description_bits", "intercept_bits", "compression")
    rows = (
        cells.group_by([*LAYER, "attribute", "probe"], maintain_order=True)
        .agg(pl.col("object_model").n_unique().alias("n_models"), *(pl.col(number).mean() for number in numbers))
        .sort("attribute", "depth", nulls_last=True, maintain_order=True)
    )
    columns: list[Column] = [
        ("attribute", text("attribute")),
        ("probe", text("probe")),
        ("of", network),
        ("layer", text("layer")),
        ("models", whole("n_models")),
        *((number.replace("_", " "), amount(number)) for number in numbers),
    ]
    caption = (
        "Bits to send the labels of fit with an online code of the observer, and with one that knows only how frequent "
        "the label is. compression: the second over the first; 1 or less: the observer's probabilities, at this "
        "penalty and learned from few rows at first, do not shorten the code, however well it ranks. Means over object "
        "models."
    )
    return sheet("Description length", caption, columns, rows.iter_rows(named=True), "cells.parquet")


def curve_sheet(points: pl.DataFrame, curve: str) -> Sheet:
    """A reading curve per attribute and probe, at the layer where its best point is highest.

    Args:
        points: Columns of ``tables.CURVES``, those of one curve with a score.
        curve: A key of `TITLES`.
    """
    key = [*NETWORK, "attribute", "probe"]
    means = points.group_by([*key, "layer", "depth", "x"], maintain_order=True).agg(pl.col("auroc").mean())
    layers = means.sort("x").group_by([*key, "layer", "depth"], maintain_order=True).agg("x", "auroc")
    best = (
        layers.sort(pl.col("auroc").list.max(), descending=True, maintain_order=True)
        .unique(key, keep="first", maintain_order=True)
        .sort("attribute", "probe", maintain_order=True)
    )
    columns: list[Column] = [
        ("attribute", text("attribute")),
        ("probe", text("probe")),
        ("of", network),
        ("layer", text("layer")),
        ("x: held-out AUROC", _points),
    ]
    caption = (
        f"{CAPTIONS[curve]}. Means over object models, at the layer where the best point is highest (chosen by the "
        "score it shows)."
    )
    return sheet(TITLES[curve], caption, columns, best.iter_rows(named=True), "curves.parquet")


def _points(row: Row) -> str:
    return ", ".join(f"{count(x)}: {proportion(y)}" for x, y in zip(row["x"], row["auroc"], strict=True))
