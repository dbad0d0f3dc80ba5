"""Draw one verdict from the tests of depth for every data set and family (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from denote.denotation.depth.plan import (
    ANY_BASIS_SHOWS,
    BEYOND,
    BEYOND_BASIS,
    DESCRIPTIVE,
    EQUIVALENCE,
    EXPLORATORY,
    FOLDED,
    NO_CHANGE,
    NOT_EXCLUDED,
    NOT_SHOWN,
    POLARITY_ONLY,
    PRIMARY,
    QUESTION,
    SIGN_FLIP,
    TOO_FEW,
    UNFOLDED,
    Analysis,
)
from denote.numbers import bound, setting
from denote.tables import DEPTH_VERDICTS, note, table

Row = Mapping[str, Any]
_ABSENT: Row = {"p_value": None, "p_holm": None, "significant": None, "testable": None, "statistic": None, "note": None}


def depth_verdicts(tests: pl.DataFrame, analysis: Analysis) -> pl.DataFrame:
    """Give the verdict of every question.

    Args:
        tests: Columns of ``tables.DEPTH_TESTS``.
        analysis: What was planned.

    Returns:
        Columns of ``tables.DEPTH_VERDICTS``.
    """
    rows = []
    for key, of_question in tests.filter(pl.col("role") != EXPLORATORY).group_by(QUESTION, maintain_order=True):
        too_few = (of_question["role"] == DESCRIPTIVE).all()
        reached = _few(of_question) if too_few else _reached(of_question, analysis.equivalence)
        rows.append({**dict(zip(QUESTION, key, strict=True)), **reached})
    return table(rows, DEPTH_VERDICTS)


def _few(tests: pl.DataFrame) -> dict[str, Any]:
    return {"verdict": TOO_FEW, "n_models": tests["n_models"].max(), "planned": False}


def _reached(tests: pl.DataFrame, margin: float) -> dict[str, Any]:
    primary = tests.filter(pl.col("role") == PRIMARY).row(0, named=True)
    equivalence = [_of(tests, EQUIVALENCE, quantity) for quantity in (BEYOND, FOLDED)]
    reached, why = verdict(primary, _of(tests, SIGN_FLIP, FOLDED), _of(tests, SIGN_FLIP, UNFOLDED), equivalence, margin)
    of_primary = {name: primary[name] for name in ("n_models", "p_value", "p_holm", "planned")}
    return {"verdict": reached, **of_primary, "largest_bound": _largest_bound(equivalence), "note": why}


def verdict(primary: Row, folded: Row, unfolded: Row, equivalence: list[Row], margin: float) -> tuple[str, str | None]:
    """Return the first sentence that holds, and why not more could be said.

    What only the primary test could have told apart is not claimed where that test could not be made.

    Args:
        primary: Row of the primary test.
        folded: Of the sign-flip test of the folded value.
        unfolded: Of the unfolded value; all null where its sign means nothing.
        equivalence: Of the bounds of the differences between any two layers, of all that must lie within the margin.
        margin: Largest difference that counts as no change.
    """
    if primary["testable"]:
        for row, sentence in ((primary, BEYOND_BASIS), (folded, ANY_BASIS_SHOWS), (unfolded, POLARITY_ONLY)):
            if row["significant"]:
                return sentence, None
    why = note(None if primary["testable"] else primary["note"])
    if all(row["testable"] and row["significant"] for row in equivalence):
        return NO_CHANGE.format(setting(margin)), why
    end = _largest_bound(equivalence)
    return (NOT_SHOWN if end is None else NOT_EXCLUDED.format(bound(end))), why


def _largest_bound(equivalence: list[Row]) -> float | None:
    """Return the farthest end of all bounds; None where one of them is not known."""
    ends = [row["statistic"] for row in equivalence]
    return None if any(end is None for end in ends) else float(max(ends))


def _of(tests: pl.DataFrame, test: str, quantity: str) -> Row:
    """Return the joint row of a test, all null where there is none."""
    rows = tests.filter(pl.col("test") == test, pl.col("quantity") == quantity)
    return rows.row(0, named=True) if len(rows) else _ABSENT
