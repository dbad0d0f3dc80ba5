"""Texts that are perhaps one value written in several ways, or stand for no value."""

from __future__ import annotations

import logging
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

import polars as pl

from denote.data.missing_codes import MISSING

log = logging.getLogger(__name__)

SHOWN = 5
"""Groups of texts that are named."""


def alike(texts: Iterable[str]) -> list[list[str]]:
    """Return the groups of texts that differ in case, blanks or a full stop at the end only, each in order."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for text in sorted(set(texts)):
        # NFKC: a blank that does not break and letters of full width are written alike too.
        bare = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
        groups[bare.rstrip(". ") or bare].append(text)
    return [group for group in groups.values() if len(group) > 1]


def log_spellings(column: pl.Series, where: str) -> None:
    """Warn of texts that are alike, and of such as often stand for a missing value: each is a value of its own."""
    if column.dtype != pl.String:
        return
    texts = column.drop_nulls().unique().to_list()
    if groups := alike(texts):
        shown = ", ".join(" and ".join(map(repr, group)) for group in groups[:SHOWN])
        log.warning("%s: %s differ in case, blanks or a full stop only; they are read as different", where, shown)
    absent = {text.casefold() for text in MISSING}
    if codes := sorted(text for text in texts if text.strip().casefold() in absent):
        rows = int(column.is_in(codes).sum())
        shown = ", ".join(map(repr, codes))
        log.warning("%s: %s in %d rows is read as a value; give None where it is not known", where, shown, rows)
