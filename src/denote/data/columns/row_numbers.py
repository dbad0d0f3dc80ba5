"""Columns that number the rows: in a file that is sorted by class they give the class away, else they teach nothing."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from jaxtyping import Int, Shaped

from denote.data.columns.text_numbers import LARGEST_EXACT

FEWEST_ROWS = 10
"""Rows from which numbers that rise by one are no chance."""
REPEATS = 10
"""Equal pairs that numbers drawn at random would have: where they have none, they are numbers of rows (p < e^-10)."""

_INDEX = re.compile(r"__index_level_\d+__")
_PERHAPS_INDEX = re.compile(
    r"Unnamed: \d+(_level_\d+)?|index|level_\d+|row_?(names?|numbers?|id|nr)|\.\.\.1|X1?", re.IGNORECASE
)
_UNNAMED = re.compile(r"Unnamed: \d+(_level_\d+)?")
_YEAR = re.compile(r"(^|[\W_])(year|yr)s?([\W_]|$)|[a-z]Year$", re.IGNORECASE)
_YEARS = (1700, 2100)
_ID = re.compile(r"(^|[\W_])(id|ids|idx|uuid|guid|key)([\W_]|$)|[a-z](Id|ID)$", re.IGNORECASE)


def is_index(column: pl.Series) -> bool:
    """Return whether a column is the index that a data frame left behind: by its name alone, or by name and numbers."""
    if _INDEX.fullmatch(column.name) or not _PERHAPS_INDEX.fullmatch(column.name):
        return bool(_INDEX.fullmatch(column.name))
    numbers = _whole(column)
    return numbers is not None and len(numbers) > 1 and bool((np.diff(numbers) == 1).all())


def as_row_number(column: pl.Series) -> str:
    """Return why a column numbers the rows; empty for one that does not, or where there is no telling."""
    examples = ", ".join(str(value) for value in column.head(3))
    values = column.drop_nulls()
    if len(values) >= FEWEST_ROWS and 2 * len(values) > len(column):
        if not column.dtype.is_numeric():
            are_ids = column.dtype == pl.String and values.n_unique() == len(values)
            return f"has another text in every row ({examples}, ...), an id" if are_ids else ""
        # A table with a row per year has a column of years.
        if _YEAR.search(column.name) and values.is_between(*_YEARS).all():
            return ""
        numbers, rows = _whole(values), column.is_not_null().arg_true().to_numpy().astype(np.int64)
        if numbers is not None and (why := _as_number(column.name, numbers, rows, examples)):
            return why
    largest = column.abs().max() if column.dtype.is_integer() else None
    if isinstance(largest, int) and largest > LARGEST_EXACT:
        return f"holds whole numbers such as {largest}, of more digits than an input holds: an id"
    return ""


def goes_with_rows(column: pl.Series) -> bool:
    """Return whether numbers or dates rise, or fall, through all rows, most from one to the next: a sorted time,
    perhaps.
    """
    values = column.drop_nulls()
    if len(values) < FEWEST_ROWS or not (column.dtype.is_numeric() or column.dtype.is_temporal()):
        return False
    steps = np.diff(values.to_physical().cast(pl.Float64).to_numpy())
    is_sorted = (steps >= 0).all() or (steps <= 0).all()
    return bool(is_sorted and 3 * (steps != 0).sum() >= len(steps))


def _as_number(name: str, numbers: Shaped[np.ndarray, " row"], rows: Int[np.ndarray, " row"], examples: str) -> str:
    n, steps, step_of_rows = len(numbers), np.diff(numbers), np.diff(rows)
    if (steps == step_of_rows).all() or (steps == -step_of_rows).all():
        return f"numbers the rows ({examples}, ...)"
    if n < 2 * FEWEST_ROWS:
        return ""
    if (steps > 0).all() or (steps < 0).all():
        return f"rises or falls from every row to the next ({examples}, ...), as numbers of rows do"
    _, times = np.unique(numbers, return_counts=True)
    equal = float((times * (times - 1) / 2).sum())
    span = float(numbers.max()) - float(numbers.min()) + 1
    if n * (n - 1) / 2 / span >= REPEATS * (1 + equal):
        often = "another whole number in every row" if not equal else "another whole number in nearly every row"
        return f"has {often}, nearly without gaps ({examples}, ...), as numbers of rows do"
    is_id = not equal and (_ID.search(name) or _UNNAMED.fullmatch(name))
    return f"has another number in every row ({examples}, ...), an id" if is_id else ""


def _whole(column: pl.Series) -> np.ndarray | None:
    if not column.dtype.is_numeric() or column.null_count():
        return None
    if column.dtype in (pl.Int128, pl.UInt128):
        column = column.cast(pl.Float64)  # NumPy has no such type
    numbers = column.to_numpy()
    if column.dtype.is_float() and not bool((column == column.floor()).all()):
        return None
    return numbers.astype(np.float64) if numbers.dtype.kind in "uf" else numbers
