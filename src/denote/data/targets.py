"""A column of a table as the classes that a network is trained on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from jaxtyping import Int64

from denote.errors import DataError

MOST_NUMBERS = 128
"""Different numbers that still count as classes; more is a quantity."""
MOST_NAMES = 1000
"""Different texts that still count as classes; more is an id or free text."""


def classes_of(
    column: pl.Series, where: str = "dataset.target", place: Callable[[int], str] = "row {} from 0".format
) -> tuple[Int64[np.ndarray, " sample"], tuple[str, ...]]:
    """Index of the class of every row, and the classes' names: numbers ascending, names by alphabet.

    Args:
        column: Integers, whole numbers, yes/no or text.
        where: What to name in an error.
        place: Says where a row is, for an error.

    Raises:
        DataError: for missing values, fewer than two classes, or values that are no classes.
    """
    name = column.name
    if column.dtype.is_float():
        column = column.fill_nan(None)
    elif column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if missing := column.null_count():
        first = place(int(column.is_null().arg_true()[0]))
        problem = f"column {name!r} is missing in {missing} of {len(column)} rows, the first is {first}"
        raise DataError(where, problem, "remove those rows")
    _check_kind(column, where)
    values = column.unique().sort()
    most = MOST_NAMES if column.dtype == pl.String else MOST_NUMBERS
    if not 2 <= len(values) <= most:
        shown = ", ".join(str(value) for value in values.head(3).to_list()) + (", ..." if len(values) > 3 else "")
        problem = f"column {name!r} has {len(values)} different values ({shown})"
        raise DataError(where, problem, f"a network learns classes: allowed: 2 to {most} values")
    codes = column.rank("dense").to_numpy().astype(np.int64) - 1
    return codes, tuple(str(value).lower() if column.dtype == pl.Boolean else str(value) for value in values.to_list())


def _check_kind(column: pl.Series, where: str) -> None:
    kind = column.dtype
    if kind.is_float() and not bool((column == column.floor()).all()):
        problem = f"column {column.name!r} holds numbers such as {column.filter(column != column.floor())[0]:g}"
        raise DataError(where, problem, "a network learns classes: allowed: whole numbers, yes/no or text")
    if not (kind.is_numeric() or kind in (pl.Boolean, pl.String)):
        raise DataError(where, f"column {column.name!r} holds {kind}", "allowed: whole numbers, yes/no or text")
