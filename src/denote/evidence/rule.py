"""Thresholds of the decision rule (METHOD section 3), each a key of ``evidence.*``, and the words of its verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from denote.notes import NEXT_REMARK, codes_in, codes_of_section
from denote.numbers import setting
from denote.tables import NotePart, says, without


@dataclass(frozen=True)
class Rule:
    """When a cell is decisive and when a neuron denotes.

    Attributes:
        decisive: Least balanced accuracy on test, in [.5, 1].
        null: Balanced accuracy that is *not* enough; a neuron is tested against it and a cell's lower bound must
            reach it, in [.5, decisive).
        q: Largest false discovery rate, in (0, 1).
        min_rows: Least number of positive and of negative rows, in *fit* and in *test*.
        on_tolerance: Largest distance of the share of rows where the neuron is on from the label proportion p, as a
            share of min(p, 1 - p).
    """

    decisive: float = 0.95
    null: float = 0.90
    q: float = 0.05
    min_rows: int = 25
    on_tolerance: float = 0.25


def rule_of(config: Mapping[str, Any]) -> Rule:
    """The decision rule of a job's ``evidence.*``."""
    evidence = config["evidence"]
    return Rule(**{name: evidence[name] for name in ("decisive", "null", "q", "min_rows", "on_tolerance")})


def decisive_rule(rule: Rule) -> str:
    """Say in full when an attribute is decisive."""
    return (
        f"balanced accuracy >= {setting(rule.decisive)}, lower bound >= {setting(rule.null)}, q <= {setting(rule.q)}, "
        f"{rule.min_rows} rows each way"
    )


def denoting_rule(rule: Rule) -> str:
    """Say in full when a neuron denotes."""
    return (
        f"balanced accuracy >= {setting(rule.decisive)}, tested against {setting(rule.null)} (q <= {setting(rule.q)}), "
        f"{rule.min_rows} rows each way, on about as often as it holds"
    )


def rule_in_full(rule: Rule) -> tuple[str, str]:
    """Say when an attribute is decisive and when a neuron denotes, with every number, as a methods section does."""
    rows = f"at least {rule.min_rows} positive and {rule.min_rows} negative rows in fit and in test"
    least = f"balanced accuracy is at least {setting(rule.decisive)}"
    bound = f"its one-sided 95 % lower bound at least {setting(rule.null)}"
    decisive = f"{least}, {bound}, q <= {setting(rule.q)}, with {rows}"
    often = f"{setting(rule.on_tolerance)} min(p, 1 - p)"
    denotes = (
        f"{least}, q <= {setting(rule.q)} against {setting(rule.null)}, with {rows}, and the share of test rows where "
        f"it is on differs from the label proportion p by at most {often}"
    )
    return decisive, denotes


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
