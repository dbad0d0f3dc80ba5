"""Texts and numbers that stand for no value, or are perhaps one value written in several ways."""

from __future__ import annotations

import logging
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

import polars as pl

log = logging.getLogger(__name__)


_MISSING_TEXTS = (
    "NA N/A n/a NaN nan NAN -NaN -nan NULL Null null <NA> NaT ? #N/A #NA #NULL! #VALUE! #DIV/0! #REF! #NUM! #NAME?"
)
MISSING = ("", "#N/A N/A", *_MISSING_TEXTS.split())
"""Texts that stand for no value in every column, by default."""

_MARKS = ("-", "--", "---", "–", "—", ".", "..", "...", "…", "*", "??")
_SINGLE_WORDS = (
    "na n.a. n.a n/d nd n.d. none nil unk unknown missing empty blank void undefined unspecified "
    "#n/a n/a nan null nat <na> \\n 0000-00-00"
)
_SEVERAL_WORDS = ("not available", "not applicable", "not known", "not specified", "no data", "0000-00-00 00:00:00")
_WORDS = (*_SINGLE_WORDS.split(), *_SEVERAL_WORDS)
"""In small letters."""


_NUMBERS = (-9, -99, -999, -9999, -99999, 999, 9999, 99999, 999999)


def are_codes(texts: pl.Series) -> pl.Series:
    """Return which texts stand for no value beside numbers and dates."""
    return texts.is_in(_MARKS) | texts.str.to_lowercase().is_in(_WORDS)


def are_marks(texts: pl.Series) -> pl.Series:
    """Return which texts stand for no value beside names: dashes and points, where all others have a letter or a
    digit.
    """
    marks = texts.is_in(_MARKS)
    others = texts.filter(~marks)
    return marks if others.str.contains(r"[\p{L}\p{N}]").all() and len(others) else marks & False


def perhaps(texts: pl.Series) -> list[str]:
    """Return texts that may be names or stand for no value: ``unknown``, ``none``."""
    return texts.filter(texts.str.to_lowercase().is_in(_WORDS)).sort().to_list()


def perhaps_number(column: pl.Series) -> float | None:
    """Return a number such as -999 that may stand for no value: in several rows, alone on its side of all others."""
    for code, others in ((column.min(), column.max()), (column.max(), column.min())):
        if code in _NUMBERS and code != others:
            rest = column.filter(column != code)
            apart = rest.min() >= 0 if code < 0 else rest.abs().max() < code / 2  # type: ignore[operator]
            if apart and len(column) - column.null_count() - len(rest) > 1:
                return code  # type: ignore[return-value]
    return None


def without_numbers(column: pl.Series, codes: Sequence[object]) -> pl.Series:
    """Return a column of numbers in which codes such as -9 are null, and NaN too.

    Args:
        column: Of numbers.
        codes: What stands for no value; texts that are no numbers are passed over.
    """
    if column.dtype.is_float():
        column = column.fill_nan(None)
    numbers = [number for code in codes if (number := _number(code)) is not None]
    if not numbers:
        return column
    is_code = column.cast(pl.Float64).is_in(numbers).fill_null(False)
    null = pl.Series([None], dtype=column.dtype)
    return column.zip_with(~is_code, null) if is_code.any() else column


def _number(code: object) -> float | None:
    try:
        return float(str(code))
    except ValueError:
        return None


SHOWN = 5
"""Groups of texts that are named."""

_YES = {"yes", "y", "true", "t", "1"}
_NO = {"no", "n", "false", "f", "0"}


def alike(texts: Iterable[str]) -> list[list[str]]:
    """Return the groups of texts that differ in case, blanks or a full stop at the end only, each in order."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for text in sorted(set(texts)):
        # NFKC: a blank that does not break and letters of full width are written alike too.
        bare = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
        groups[bare.rstrip(". ") or bare].append(text)
    return [group for group in groups.values() if len(group) > 1]


def shown(groups: Sequence[Sequence[str]]) -> str:
    """Return the first groups of texts for a message."""
    told = ", ".join(" and ".join(map(repr, group)) for group in groups[:SHOWN])
    return f"{told}, ..." if len(groups) > SHOWN else told


def yes_and_no(texts: Iterable[str]) -> list[str]:
    """Return the texts where all of them say yes or no, in more than one way: ``yes``, ``no``, ``1``, ``0``."""
    different = sorted({text.casefold() for text in texts})
    return different if len(different) > 2 and set(different) <= _YES | _NO else []


def log_spellings(column: pl.Series, where: str) -> None:
    """Warn of texts that are alike, and of such as often stand for a missing value: each is a value of its own.

    Args:
        column: Any; only texts are looked at.
        where: What to name in the log.
    """
    if column.dtype != pl.String:
        return
    texts = column.drop_nulls().unique().to_list()
    if groups := alike(texts):
        log.warning(
            "%s: %s differ in case, blanks or a full stop only; they are read as different", where, shown(groups)
        )
    if words := yes_and_no(texts):
        log.warning("%s: %s are yes and no in several ways; they are read as different", where, _listed(words))
    if codes := _perhaps_missing(pl.Series(texts, dtype=pl.String)):
        rows = int(column.is_in(codes).sum())
        log.warning(
            "%s: %s in %d rows is read as a value; give None where it is not known", where, _listed(codes), rows
        )


def _perhaps_missing(texts: pl.Series) -> list[str]:
    """Return the texts that stand for no value in a file, or may do so there."""
    bare = texts.str.strip_chars()
    absent = bare.str.to_lowercase().is_in([text.casefold() for text in MISSING])
    return texts.filter(absent | are_marks(bare) | bare.is_in(perhaps(bare))).sort().to_list()


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(map(repr, texts))
