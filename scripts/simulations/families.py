"""How often does the rule pass? Families of neurons that all have the same true rates, judged as one sweep would.

Counts on test are drawn from their binomials, which is what a neuron with these rates gives whatever its activations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from denote.denotation.judging.decisions import decide_neurons
from denote.evidence.intervals import balanced_accuracy_p_value
from denote.evidence.rule import Rule
from denote.numbers import ROUNDING
from denote.streams import stream
from simulations.row import Row

NEURONS, ROWS = 1_000, 500
"""Of one family; test rows. *fit* has as many rows, since it only has to hold enough of both kinds."""

PROPORTIONS = (0.05, 0.1, 0.2, 0.5)
NOT_ENOUGH = {"TPR = TNR = .90": (0.90, 0.90), "TPR = .80, TNR = 1": (0.80, 1.0)}
"""Rates whose balanced accuracy is .90, the value that is not enough."""

ASKED = 0.1
"""Label proportion at which neurons of .98 are to be found: 50 of 500 rows."""


def run(families: int) -> list[Row]:
    """Mean share of a family's neurons that denote."""
    rows = []
    for p in PROPORTIONS:
        enough = 1 - 0.04 * (1 - p), 1 - 0.04 * p
        found = judged(p, [enough], families)
        rows.append(_row(f"all .98, on as often as p = {p:g}", found, least=0.90 if p == ASKED else None))
        for name, rates in NOT_ENOUGH.items():
            rows.append(_row(f"all {name}, p = {p:g}", judged(p, [rates], families), most=0.02))
            mixed = judged(p, [enough, rates], families)
            wrong = mixed.filter("denotes")["kind"].to_numpy().mean()
            passing = mixed.filter(kind=1)["denotes"].to_numpy().mean()
            rows.append(Row("families", f"half {name}, beside half .98, p = {p:g}", passing, most=0.05,
                            note=f"{wrong:.3f} of those that denote"))  # fmt: skip
    return rows


def judged(p: float, kinds: Sequence[tuple[float, float]], families: int) -> pl.DataFrame:
    """Neurons of every family, as many of each kind, after the rule.

    Args:
        p: Label proportion.
        kinds: True positive and true negative rate of each kind.
        families: How many, each a family of tests by itself.
    """
    positives, each = round(p * ROWS), NEURONS // len(kinds)
    frames = []
    for kind, (tpr, tnr) in enumerate(kinds):
        draws = stream("families", str(p), str(kinds), kind)
        tp = draws.binomial(positives, tpr, families * each)
        tn = draws.binomial(ROWS - positives, tnr, families * each)
        frames.append(_frame(tp, tn, positives, np.repeat(np.arange(families), each)).with_columns(kind=kind))
    return decide_neurons(pl.concat(frames), Rule())


def _frame(tp: np.ndarray, tn: np.ndarray, positives: int, family: np.ndarray) -> pl.DataFrame:
    """The columns that the rule reads."""
    negatives = ROWS - positives
    return pl.DataFrame({
        "family": family.astype(str),
        "p_value": balanced_accuracy_p_value(tp, positives, tn, negatives, Rule().null),
        "balanced_accuracy": (tp / positives + tn / negatives) / 2,
        "on_proportion": (tp + negatives - tn) / ROWS,
    }).with_columns(
        live=True, label_proportion=positives / ROWS,
        n_fit=ROWS, n_test=ROWS, n_positive_fit=positives, n_positive_test=positives,
    )  # fmt: skip


def _row(what: str, decided: pl.DataFrame, least: float | None = None, most: float | None = None) -> Row:
    shares = decided.group_by("family").agg(pl.col("denotes").mean())["denotes"]
    alone = (decided["balanced_accuracy"] >= Rule().decisive - ROUNDING).mean()
    note = f"from {shares.min():.3f} to {shares.max():.3f}; balanced accuracy alone would pass {alone:.3f}"
    return Row("families", what, shares.mean(), least, most, note)
