"""Rows that lack an attribute's value, for people: nothing that is said of the attribute is about them."""

from __future__ import annotations

import polars as pl

from denote.figures.curves import some
from denote.numbers import count

MOST_NAMED = 10
EQUAL_ROWS = "equal rows"
"""What the note of a cell says whose rows were drawn, so that their number says nothing of missing values."""


def missing_sentences(cells: pl.DataFrame) -> list[str]:
    """Which attributes have fewer test rows than others of their dataset.

    Args:
        cells: Columns of ``tables.CELLS``.
    """
    whole = cells.filter(~pl.col("note").fill_null("").str.contains(EQUAL_ROWS, literal=True))
    rows = whole.group_by("dataset", "attribute", maintain_order=True).agg(pl.col("n_test").max())
    rows = rows.with_columns(missing=pl.col("n_test").max().over("dataset") - pl.col("n_test"))
    sentences = []
    for (dataset,), own in rows.filter(pl.col("missing") > 0).group_by("dataset", maintain_order=True):
        most = count(int((own["n_test"] + own["missing"]).max()), "test row")  # type: ignore[arg-type]
        named = [f"{row['attribute']} {count(row['missing'])}" for row in own.iter_rows(named=True)]
        sentences.append(f"{dataset}: missing in at least so many of {most}, which are left out of what is said of "
                         f"the attribute: {some(named, MOST_NAMED)}.")  # fmt: skip
    return sentences
