"""The smallest label proportion that the rule can see with the rows it has (METHOD section 6, "Power")."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import stats

from denote.denotation.rule import ROUNDING
from denote.evidence.intervals import balanced_accuracy_rejected
from denote.evidence.rule import Rule

POWER = 0.8
ERROR = 0.04
"""Of the neuron to be found: TPR = 1 - ERROR (1 - p) and TNR = 1 - ERROR p, so its balanced accuracy is
1 - ERROR / 2 and it is on in exactly a share p of the rows."""
STEPS = 128
TAIL = 1e-9
"""Probability that the counts summed over leave out at either end."""


def rule_power(n_positive: int, n_negative: int, cutoff: float, rule: Rule) -> float:
    """Probability that the neuron described at ``ERROR`` passes the full rule, from the exact binomial distributions.

    Exact, because at 25 positives a normal approximation is off by more than the step between neighbouring counts.

    Args:
        n_positive: Test rows with the property.
        n_negative: Test rows without.
        cutoff: Largest p-value that is rejected.
        rule: Thresholds of the rule.
    """
    n = n_positive + n_negative
    p = n_positive / n
    tp, tp_weight = _counts(n_positive, 1 - ERROR * (1 - p))
    tn, tn_weight = _counts(n_negative, 1 - ERROR * p)
    tp, tn = tp[:, None], tn[None, :]
    balanced = (tp / n_positive + tn / n_negative) / 2
    on = (tp + n_negative - tn) / n
    passes = (
        (balanced >= rule.decisive - ROUNDING)
        & balanced_accuracy_rejected(tp, n_positive, tn, n_negative, cutoff, rule.null)
        & (np.abs(on - p) <= rule.on_tolerance * min(p, 1 - p) + ROUNDING)
    )
    return float(tp_weight @ passes @ tn_weight)


@lru_cache(maxsize=256)
def smallest_detectable_proportion(n_fit: int, n_test: int, cutoff: float, rule: Rule) -> float | None:
    """Smallest label proportion at which the full rule passes with probability ``POWER``.

    Args:
        n_fit: Rows of *fit* with labels; they only have to hold ``rule.min_rows`` of both kinds.
        n_test: Rows of *test* with labels.
        cutoff: Largest p-value that the sweep rejected (:func:`realised_cutoff`).
        rule: Thresholds of the rule.

    Returns:
        In (0, .5], one of at most ``STEPS`` proportions of whole test rows, evenly spaced on a log scale; None where
        no label proportion can be seen, or there is no cutoff.
    """
    if n_fit < 1 or n_test < 2 or not 0 < cutoff < 0.5:
        return None
    least = max(rule.min_rows, int(np.ceil(rule.min_rows / n_fit * n_test)))
    if least > n_test // 2:
        return None
    for n_positive in np.unique(np.geomspace(least, n_test // 2, STEPS).round().astype(int)):
        if rule_power(int(n_positive), n_test - int(n_positive), cutoff, rule) >= POWER:
            return float(n_positive / n_test)
    return None


def _counts(n: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """The counts that matter of a binomial, with their probabilities."""
    binomial = stats.binom(n, rate)
    counts = np.arange(int(binomial.ppf(TAIL)), min(n, int(binomial.isf(TAIL)) + 1) + 1)
    return counts, np.asarray(binomial.pmf(counts))
