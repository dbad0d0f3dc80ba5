"""Texts that are perhaps one value written in several ways, or stand for no value."""

from __future__ import annotations

import logging
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

import polars as pl

from denote.data.columns.missing_codes import MISSING, are_marks, perhaps

log = logging.getLogger(__name__)

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
    """Warn of texts that are alike, and of such as often stand for a missing value: each is a value of its own."""
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
