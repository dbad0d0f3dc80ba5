"""The smallest label proportion that the rule can see with the rows it has (METHOD section 6, "Power")."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from denote.denotation.rule import ROUNDING
from denote.evidence.intervals import balanced_accuracy_rejected
from denote.evidence.power import chance_to_pass, smallest_proportion
from denote.evidence.rule import Rule


def rule_power(n_positive: int, n_negative: int, cutoff: float, rule: Rule) -> float:
    """Probability that the neuron described at ``evidence.power.ERROR`` passes the full rule.

    Args:
        n_positive: Test rows with the property.
        n_negative: Test rows without.
        cutoff: Largest p-value that is rejected.
        rule: Thresholds of the rule.
    """
    n = n_positive + n_negative
    p = n_positive / n

    def passes(tp: np.ndarray, tn: np.ndarray) -> np.ndarray:
        balanced = (tp / n_positive + tn / n_negative) / 2
        on = (tp + n_negative - tn) / n
        return np.asarray(
            (balanced >= rule.decisive - ROUNDING)
            & balanced_accuracy_rejected(tp, n_positive, tn, n_negative, cutoff, rule.null)
            & (np.abs(on - p) <= rule.on_tolerance * min(p, 1 - p) + ROUNDING)
        )

    return chance_to_pass(n_positive, n_negative, passes)


@lru_cache(maxsize=256)
def smallest_detectable_proportion(n_fit: int, n_test: int, cutoff: float, rule: Rule) -> float | None:
    """Smallest label proportion at which the full rule passes with probability ``evidence.power.POWER``.

    Args:
        n_fit: Rows of *fit* with labels; they only have to hold ``rule.min_rows`` of both kinds.
        n_test: Rows of *test* with labels.
        cutoff: Largest p-value that the sweep rejected (:func:`realised_cutoff`).
        rule: Thresholds of the rule.

    Returns:
        In (0, .5]; None where no label proportion can be seen, or there is no cutoff.
    """
    if not 0 < cutoff < 0.5:
        return None
    return smallest_proportion(n_fit, n_test, rule.min_rows, lambda yes, no: rule_power(yes, no, cutoff, rule))
