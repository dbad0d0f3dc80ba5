"""Compute what the rule can detect with the rows that there are (METHOD section 6, "Power")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from jaxtyping import Bool, Int

from denote.comparison import ROUNDING, reaches
from denote.evidence.intervals import balanced_accuracy_rejected
from denote.evidence.power import ERROR, POWER, smallest_proportion
from denote.evidence.rule import Rule

PRECISION = 1e-5
"""Of the smallest detectable balanced accuracy."""


@dataclass(frozen=True)
class Passing:
    """Which counts pass the full rule.

    Attributes:
        n_positive: Test rows with the property.
        n_negative: Test rows without.
        tp: True positives, from the fewest that can pass.
        least: For each of them the fewest ...
        most: ... and the most true negatives that pass with them; none pass where ``most`` is smaller.
    """

    n_positive: int
    n_negative: int
    tp: Int[np.ndarray, " count"]
    least: Int[np.ndarray, " count"]
    most: Int[np.ndarray, " count"]

    @classmethod
    def of(cls, n_positive: int, n_negative: int, cutoff: float, rule: Rule) -> Passing:
        """The counts that pass with p-values up to ``cutoff``.

        With more true negatives balanced accuracy and its lower bound rise, so those that pass are an interval, which
        the two ends of the tolerance of ``on_proportion`` cut.
        """
        n = n_positive + n_negative
        p = n_positive / n
        tolerated = n * (rule.on_tolerance * min(p, 1 - p) + ROUNDING)
        tp = np.arange(int(np.floor(n_positive * (2 * rule.decisive - 1))), n_positive + 1)

        def good(tn: Int[np.ndarray, " count"]) -> Bool[np.ndarray, " count"]:
            balanced = (tp / n_positive + tn / n_negative) / 2
            rejected = balanced_accuracy_rejected(tp, n_positive, tn, n_negative, cutoff, rule.null)
            return np.asarray(reaches(balanced, rule.decisive) & rejected)

        # The neuron is on in tp + n_negative - tn rows and should be in n_positive.
        balance = tp + n_negative - n_positive
        least = np.maximum(_first(good, len(tp), n_negative), np.ceil(balance - tolerated).astype(int))
        most = np.minimum(n_negative, np.floor(balance + tolerated).astype(int))
        return cls(n_positive, n_negative, tp, least, most)

    def probability(self, error: float) -> float:
        """Chance that a neuron with TPR = 1 - error (1 - p) and TNR = 1 - error p passes, p being the label proportion.

        Exact, from the binomial distributions: at 25 positives a normal approximation is off by more than the step
        between neighbouring counts.
        """
        p = self.n_positive / (self.n_positive + self.n_negative)
        above, below = scipy.stats.binom.cdf([self.most, self.least - 1], self.n_negative, 1 - error * p)
        inside = np.where(self.most >= self.least, above - below, 0.0)
        return float(scipy.stats.binom.pmf(self.tp, self.n_positive, 1 - error * (1 - p)) @ inside)


def rule_power(n_positive: int, n_negative: int, cutoff: float, rule: Rule) -> float:
    """Probability that the neuron described at ``ERROR`` passes the full rule.

    Args:
        n_positive: Test rows with the property.
        n_negative: Test rows without.
        cutoff: Largest p-value that may pass.
        rule: Thresholds of the rule.
    """
    return Passing.of(n_positive, n_negative, cutoff, rule).probability(ERROR)


@lru_cache(maxsize=256)
def smallest_detectable_proportion(n_fit: int, n_test: int, cutoff: float, rule: Rule) -> float | None:
    """Smallest label proportion at which the full rule passes with probability ``POWER``.

    Args:
        n_fit: Rows of *fit* with labels; they only have to hold ``rule.min_rows`` of both kinds.
        n_test: Rows of *test* with labels.
        cutoff: Largest p-value that may pass (:func:`denote.denotation.judging.decisions.realised_cutoff`).
        rule: Thresholds of the rule.

    Returns:
        In (0, .5]; None where no label proportion can be seen, or there is no cutoff.
    """
    if not 0 < cutoff < 0.5:
        return None
    return smallest_proportion(n_fit, n_test, rule.min_rows, lambda yes, no: rule_power(yes, no, cutoff, rule))


def detectable_balanced_accuracy(n_positive: int, n_negative: int, cutoff: float, rule: Rule) -> float | None:
    """Smallest true balanced accuracy at which the full rule passes with probability ``POWER``.

    Errors are split so that the neuron is on in a share of the rows that equals the label proportion, as at ``ERROR``.
    Rows count as independent; with groups more is needed.

    Args:
        n_positive: Test rows with the property.
        n_negative: Test rows without.
        cutoff: Largest p-value that may pass (:func:`denote.denotation.judging.decisions.realised_cutoff`).
        rule: Thresholds of the rule.

    Returns:
        In (null, 1], to ``PRECISION``; None where not even a perfect neuron passes, or there is no cutoff.
    """
    few, many = sorted((n_positive, n_negative))  # the rule treats a property and its complement alike
    return _detectable(few, many, cutoff, rule) if few > 0 and 0 < cutoff < 0.5 else None


@lru_cache(maxsize=1 << 14)
def _detectable(few: int, many: int, cutoff: float, rule: Rule) -> float | None:
    passing = Passing.of(few, many, cutoff, rule)
    if few < rule.min_rows or passing.probability(0.0) < POWER:
        return None
    at_null = 2 * (1 - rule.null)
    error = scipy.optimize.brentq(lambda each: passing.probability(each) - POWER, 0.0, at_null, xtol=PRECISION)
    return float(1 - error / 2)


def _first(good: Callable[[np.ndarray], np.ndarray], n: int, largest: int) -> Int[np.ndarray, " count"]:
    """For each of n places the first number up to ``largest`` that is good, by bisection; one more where none is."""
    low, high = np.zeros(n, dtype=int), np.full(n, largest + 1)
    while (low < high).any():
        middle = (low + high) // 2
        found = good(np.minimum(middle, largest)) & (middle <= largest)
        low, high = np.where(found, low, np.minimum(middle + 1, high)), np.where(found, middle, high)
    return high
