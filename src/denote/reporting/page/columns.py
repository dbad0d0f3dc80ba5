"""Tables as columns of JSON: numbers rounded, text coded by its levels, nothing that JSON does not know."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import polars as pl

DECIMALS = 4
"""Of proportions: two more than are shown."""
DIGITS = 4
"""Of numbers without a fixed range, such as activations and p-values."""

Frame = dict[str, Any]
"""``{"n": rows, "columns": {name: values}}``."""


def frame(table: pl.DataFrame, free: Collection[str] = ()) -> Frame:
    """Return a table as its page reads it.

    Args:
        table: Columns of numbers, flags and text.
        free: Columns whose numbers have no fixed range.
    """
    return {"n": len(table), "columns": {name: column(table[name], name in free) for name in table.columns}}


def column(values: pl.Series, is_free: bool = False) -> Any:
    """Return a column's values; null where they are undefined, so never NaN or an infinity.

    Args:
        values: Of one column.
        is_free: Whether numbers have no fixed range, and keep `DIGITS` digits in place of `DECIMALS` decimals.
    """
    if values.dtype == pl.String:
        return coded(values)
    if not values.dtype.is_float():
        return values.to_list()
    finite = values.set(~values.is_finite().fill_null(value=False), None)
    if is_free:  # polars' own rounding of digits leaves 2.8699999999999997e-33
        return [None if number is None else float(f"{number:.{DIGITS}g}") for number in finite]
    return rounded(finite).to_list()


def rounded(values: pl.Series) -> pl.Series:
    """Round proportions; one that is not 1, 0 or -1 never becomes it."""
    near, step = values.round(DECIMALS), 10**-DECIMALS
    for limit, inside in ((1.0, 1 - step), (-1.0, step - 1)):
        near = near.set(((near == limit) & (values.abs() < 1)).fill_null(value=False), inside)
    for sign in (1.0, -1.0):
        near = near.set(((near == 0) & (values * sign > 0)).fill_null(value=False), sign * step)
    return near


def coded(values: pl.Series) -> dict[str, list[Any]]:
    """Return text as its levels, in order of appearance, and the place of every value among them."""
    levels = values.drop_nulls().unique(maintain_order=True)
    codes = values.replace_strict(levels, range(len(levels)), default=None, return_dtype=pl.Int64)
    return {"levels": levels.to_list(), "codes": codes.to_list()}
