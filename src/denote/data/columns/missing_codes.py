"""Texts that stand for no value: those that always do, and those that only the other values of a column tell."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

MISSING = (
    "", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "-NaN", "-nan", "NULL", "Null", "null", "<NA>", "NaT", "?",
    "#N/A", "#N/A N/A", "#NA", "#NULL!", "#VALUE!", "#DIV/0!", "#REF!", "#NUM!", "#NAME?",
)  # fmt: skip
"""Texts that stand for no value in every column, by default."""

_MARKS = ("-", "--", "---", "–", "—", ".", "..", "...", "…", "*", "??")
_WORDS = (
    "na", "n.a.", "n.a", "n/d", "nd", "n.d.", "none", "nil", "unk", "unknown", "missing", "empty", "blank", "void",
    "undefined", "unspecified", "not available", "not applicable", "not known", "not specified", "no data", "#n/a",
    "n/a", "nan", "null", "nat", "<na>", "\\n", "0000-00-00", "0000-00-00 00:00:00",
)  # fmt: skip
"""In small letters."""


_NUMBERS = (-9, -99, -999, -9999, -99999, 999, 9999, 99999, 999999)


def are_codes(texts: pl.Series) -> pl.Series:
    """Which texts stand for no value beside numbers and dates."""
    return texts.is_in(_MARKS) | texts.str.to_lowercase().is_in(_WORDS)


def are_marks(texts: pl.Series) -> pl.Series:
    """Which texts stand for no value beside names: dashes and points, where all others have a letter or a digit."""
    marks = texts.is_in(_MARKS)
    others = texts.filter(~marks)
    return marks if others.str.contains(r"[\p{L}\p{N}]").all() and len(others) else marks & False


def perhaps(texts: pl.Series) -> list[str]:
    """Texts that may be names or stand for no value: ``unknown``, ``none``."""
    return texts.filter(texts.str.to_lowercase().is_in(_WORDS)).sort().to_list()


def perhaps_number(column: pl.Series) -> float | None:
    """A number such as -999 that may stand for no value: in several rows, alone on its side of all others."""
    for code, others in ((column.min(), column.max()), (column.max(), column.min())):
        if code in _NUMBERS and code != others:
            rest = column.filter(column != code)
            apart = rest.min() >= 0 if code < 0 else rest.abs().max() < code / 2  # type: ignore[operator]
            if apart and len(column) - column.null_count() - len(rest) > 1:
                return code  # type: ignore[return-value]
    return None


def without_numbers(column: pl.Series, codes: Sequence[object]) -> pl.Series:
    """A column of numbers in which codes such as -9 are null, and NaN too."""
    if column.dtype.is_float():
        column = column.fill_nan(None)
    numbers = [number for code in codes if (number := _number(code)) is not None]
    if not numbers:
        return column
    found = column.cast(pl.Float64).is_in(numbers)
    return column.zip_with(~found.fill_null(False), pl.Series([None], dtype=column.dtype)) if found.any() else column


def _number(code: object) -> float | None:
    try:
        return float(str(code))
    except ValueError:
        return None
