"""Which remarks of a row's note are worth repeating where the row is put into words; the tables keep all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from denote.notes import NEXT_REMARK, codes_in, codes_of_section
from denote.tables import NotePart, says, without

INAPPLICABLE = "does not apply"
"""Stands in reports and on cards for the number of such a control."""

CAUSAL = "not tested"
"""Value of ``causal_evidence``: nothing here intervenes on a neuron."""

MORE, LESS, UNDECIDED = "more than the input", "less than the input", "undecided"
"""Verdicts on what a layer gives an observer, beside the raw input."""


def telling_remarks(row: Mapping[str, Any]) -> str:
    """The note of a row without the remarks that only say what was not asked for; empty where nothing is left."""
    silent, remarks = codes_of_section("silent"), (row["note"] or "").split(NEXT_REMARK)
    return NEXT_REMARK.join(text for text, code in zip(remarks, codes_in(row), strict=True) if code not in silent)


def telling_notes() -> NotePart:
    """The notes of all rows as `telling_remarks` reads them; null where nothing is left."""
    return without(codes_of_section("silent"))


def does_not_rotate() -> pl.Expr:
    """Whether a cell's probe reads the same whatever the rotation; false where the note does not say so."""
    return says("rotated_alike")
