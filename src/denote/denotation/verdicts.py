"""What the tests of depth say together, in one sentence for every data set and family (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from denote.denotation.analysis import Analysis
from denote.denotation.depth_tests import EQUIVALENCE, EXPLORATORY, PRIMARY, QUESTION, SIGN_FLIP
from denote.denotation.profiles import FOLDED, UNFOLDED
from denote.numbers import setting
from denote.tables import DEPTH_VERDICTS, note, table

BEYOND_BASIS = "depends on depth beyond polarity and basis"
ANY_BASIS = "through the distribution that any basis shows"
POLARITY = "through polarity only"
NO_DEPENDENCE = "no dependence larger than {}"
NOT_SHOWN = "not shown"

Row = Mapping[str, Any]
_ABSENT: Row = {"p_value": None, "p_holm": None, "significant": None, "testable": None, "statistic": None, "note": None}


def depth_verdicts(tests: pl.DataFrame, analysis: Analysis) -> pl.DataFrame:
    """The verdict of every question.

    Args:
        tests: Columns of ``tables.DEPTH_TESTS``.
        analysis: What was planned.

    Returns:
        Columns of ``tables.DEPTH_VERDICTS``.
    """
    rows = []
    for key, own in tests.filter(pl.col("role") != EXPLORATORY).group_by(QUESTION, maintain_order=True):
        primary = own.filter(pl.col("role") == PRIMARY).row(0, named=True)
        equivalence = _of(own, EQUIVALENCE)
        reached, why = verdict(
            primary, _of(own, SIGN_FLIP, FOLDED), _of(own, SIGN_FLIP, UNFOLDED), equivalence, analysis.equivalence
        )
        rows.append({
            **dict(zip(QUESTION, key, strict=True)), "verdict": reached, "n_models": primary["n_models"],
            "p_value": primary["p_value"], "p_holm": primary["p_holm"], "largest_bound": equivalence["statistic"],
            "planned": primary["planned"], "note": why,
        })  # fmt: skip
    return table(rows, DEPTH_VERDICTS)


def verdict(primary: Row, folded: Row, unfolded: Row, equivalence: Row, margin: float) -> tuple[str, str | None]:
    """The first sentence that holds, and why not more could be said.

    What only the primary test could have told apart is not claimed where that test could not be made.

    Args:
        primary: Row of the primary test.
        folded: Of the sign-flip test of the folded value.
        unfolded: Of the unfolded value; all null where its sign means nothing.
        equivalence: Of the bounds.
        margin: Bound within which there is no dependence.
    """
    if primary["testable"]:
        for row, sentence in ((primary, BEYOND_BASIS), (folded, ANY_BASIS), (unfolded, POLARITY)):
            if row["significant"]:
                return sentence, None
    why = None if primary["testable"] else primary["note"]
    if equivalence["significant"] and equivalence["testable"]:
        return NO_DEPENDENCE.format(setting(margin)), note(why)
    return NOT_SHOWN, note(why)


def _of(tests: pl.DataFrame, test: str, quantity: str | None = None) -> Row:
    """The joint row of a test, all null where there is none."""
    found = tests.filter(pl.col("test") == test, True if quantity is None else pl.col("quantity") == quantity)
    return found.row(0, named=True) if len(found) else _ABSENT
