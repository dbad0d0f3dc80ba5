"""Where attributes become decisive, for people."""

from __future__ import annotations

import polars as pl

from denote.figures.curves import some
from denote.numbers import NULL, count
from denote.reporting.page import Column, Row, Sheet, network, note, probe, share, sheet, text, whole, yes

MOST_NAMED = 10
CURVE = ["dataset", "architecture", "trained", "epoch", "probe", "k"]


def first_decisive_sentences(first: pl.DataFrame) -> list[str]:
    """Of every trained network and probe the attributes with the depth at which they become decisive.

    Args:
        first: Columns of ``tables.FIRST_DECISIVE``.
    """
    known = first.filter("trained", pl.col("n_censored").is_not_null(), pl.col("n_models") > 0)
    sentences = []
    for (dataset, architecture, _, epoch, kind, k), own in known.group_by(CURVE, maintain_order=True):
        reached = own.filter(pl.col("first_depth").is_not_null())
        where = [f"{row['attribute']} {_depth(row)}" for row in reached.iter_rows(named=True)]
        at = f", epoch {epoch}" if epoch is not None and known["epoch"].n_unique() > 1 else ""
        name = f"{dataset}, {architecture}{at}, {kind}{'' if k is None else f' (k = {k})'}"
        unequal = "" if own["equal_rows"].all() else "; numbers of rows differ, which moves it too"
        sentences.append(
            f"{name}: {len(reached)} of {count(len(own), 'attribute')} become decisive before the last hidden layer, "
            f"by the median over networks of the first of two decisive layers in a row: "
            f"{some(where, MOST_NAMED) or 'none'}{unequal}."
        )
    return sentences


def first_decisive_sheet(first: pl.DataFrame) -> Sheet:
    """One row per attribute and probe.

    Args:
        first: Columns of ``tables.FIRST_DECISIVE``.
    """
    columns: list[Column] = [
        ("attribute", text("attribute")), ("probe", probe), ("of", network),
        ("label proportion", share("label_proportion")), ("models", whole("n_models")), ("never", whole("n_censored")),
        ("first depth", _depth), ("layer", text("first_layer")), ("relative", share("first_relative_depth")),
        ("equal rows", yes("equal_rows")), ("note", note),
    ]  # fmt: skip
    caption = (
        "The first of two decisive layers in a row, heads left out: median over object models and an interval of 95 % "
        "or more between order statistics; > is later than the last layer. never: networks without two in a row. "
        "Compare attributes only where rows are equal (evidence.equal_rows)."
    )
    rows = first.iter_rows(named=True)
    return sheet("Where attributes become decisive", caption, columns, rows, "first_decisive.parquet")


def _depth(row: Row) -> str:
    """``2 [1, 3.5]``; an end that lies beyond the last layer is ``>``."""
    if row["n_censored"] is None or not row["n_models"]:
        return NULL
    median, low, high = (_written(row[f"first_depth{end}"]) for end in ("", "_low", "_high"))
    without = row["n_models"] < 6
    return median if without else f"{median} [{low}, {high}]"


def _written(depth: float | None) -> str:
    return ">" if depth is None else f"{depth:g}"
