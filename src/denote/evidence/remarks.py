"""Which remarks of a row's note are worth repeating where the row is put into words; the tables keep all of them."""

from __future__ import annotations

import re

import polars as pl

from denote.evidence.controls.rotated import ROTATED_ALIKE as ROTATED_ALIKE

INAPPLICABLE = "does not apply"
"""Stands in reports and on cards for the number of such a control."""

CAUSAL = "not tested"
"""Value of ``causal_evidence``: nothing here intervenes on a neuron."""

MORE, LESS, UNDECIDED = "more than the input", "less than the input", "undecided"
"""Verdicts on what a layer gives an observer, beside the raw input."""

_NOT_ASKED = r"^control=\w+ is off$|: (the check is|curves are|permutations are) off$|^not run: |^\w+: not run$"
_SILENT = rf"{_NOT_ASKED}|^{ROTATED_ALIKE}$"
"""What was not asked for, or does not apply; the pattern means the same to Python and to polars."""


def telling_remarks(note: str | None) -> str:
    """A note without the remarks that only say what was not asked for; empty where nothing is left."""
    return "; ".join(remark for remark in (note or "").split("; ") if not re.search(_SILENT, remark))


def telling_notes() -> pl.Expr:
    """The column ``note`` as `telling_remarks` reads it; null where nothing is left."""
    remark = pl.element()
    kept = pl.col("note").str.split("; ").list.eval(remark.filter(remark.str.contains(_SILENT).not_()))
    return pl.when(kept.list.len() > 0).then(kept.list.join("; "))


def does_not_rotate() -> pl.Expr:
    """Whether a cell's probe reads the same whatever the rotation; false where the note does not say so."""
    return pl.col("note").str.contains(ROTATED_ALIKE, literal=True).fill_null(value=False)
