"""What the tests can find with the rows they have: the power of an AUROC's test and of a decisive cell."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import scipy
from jaxtyping import Bool, Float64
from numpy.typing import ArrayLike

from denote.evidence.intervals import balanced_accuracy_rejected
from denote.evidence.rule import Rule
from denote.numbers import reaches

POWER = 0.8
"""An effect that a test finds with this probability is detectable."""

ERROR = 0.04
"""Of the observer or neuron to be found: TPR = 1 - ERROR (1 - p) and TNR = 1 - ERROR p, so its balanced accuracy is
1 - ERROR / 2 and it is on in exactly a share p of the rows."""

BOUND = 0.05
"""Level of the one-sided lower bound that a decisive cell's balanced accuracy has (METHOD section 3)."""

STEPS = 128
TAIL = 1e-9
"""Probability that the counts summed over leave out at either end."""

HALVINGS = 50
"""Steps of a bisection of [.5, 1]: beyond them float64 has no numbers between."""

Numbers: TypeAlias = Float64[np.ndarray, "*shape"]
Counts: TypeAlias = Float64[np.ndarray, "*counts"]
Passes: TypeAlias = Callable[[Counts, Counts], Bool[np.ndarray, "*counts"]]


def mann_whitney_power(
    auroc: ArrayLike, n_pos: ArrayLike, n_neg: ArrayLike, cutoff: ArrayLike, *, two_sided: bool
) -> Numbers:
    """Probability that the Mann-Whitney test of "AUROC is .5" rejects.

    The AUROC found is taken as normal about the true one A, with the variance that it has between two normal classes
    of equal spread: [A (1 - A) + (n_pos + n_neg - 2) (Q - A^2)] / (n_pos n_neg). Q, the chance that two positives
    both exceed one negative, is Phi2(h, h; 1/2) at h = Phi^-1(A), or A - 2 T(h, 1/sqrt(3)) with Owen's T. That
    predicts better than the variance at A = .5, which rare attributes leave too large.

    Source: J. A. Hanley and B. J. McNeil, The meaning and use of the area under a receiver operating characteristic
    curve, Radiology 143 (1982), with Q exact for the binormal model.

    Args:
        auroc: True AUROC, in [0, 1]; everything broadcasts.
        n_pos: Positives on *test*.
        n_neg: Negatives on *test*.
        cutoff: Largest p-value that is rejected, in (0, 1); for Benjamini and Hochberg's procedure the realised one.
        two_sided: Whether the p-value is; else only AUROCs above .5 are found.

    Returns:
        In [0, 1]; NaN where a class has no rows or an argument is NaN.
    """
    area, n_pos, n_neg, cutoff = (np.asarray(a, float) for a in np.broadcast_arrays(auroc, n_pos, n_neg, cutoff))
    with np.errstate(invalid="ignore", divide="ignore"):
        pairs = np.where(n_pos * n_neg > 0, n_pos * n_neg, np.nan)
        null = np.sqrt((n_pos + n_neg + 1) / (12 * pairs))
        both = area - 2 * scipy.special.owens_t(scipy.stats.norm.ppf(area), 1 / np.sqrt(3))
        variance = (area * (1 - area) + (n_pos + n_neg - 2) * (both - area**2)) / pairs
        needed = scipy.stats.norm.isf(cutoff / 2 if two_sided else cutoff) * null
        spread = np.sqrt(np.maximum(variance, np.finfo(float).tiny))
        power = scipy.stats.norm.sf((needed - (area - 0.5)) / spread)
        if two_sided:
            power = power + scipy.stats.norm.cdf((-needed - (area - 0.5)) / spread)
    return np.asarray(power)


def detectable_auroc(
    n_pos: ArrayLike, n_neg: ArrayLike, cutoff: ArrayLike, power: float = POWER, *, two_sided: bool = False
) -> Numbers:
    """Smallest true AUROC above .5 that :func:`mann_whitney_power` finds with a probability of ``power``.

    Returns:
        In (.5, 1]; NaN where not even an AUROC of 1 is found, as with too few rows for the cutoff.
    """
    n_pos, n_neg, cutoff = (np.asarray(a, float) for a in np.broadcast_arrays(n_pos, n_neg, cutoff))
    low, high = np.full(n_pos.shape, 0.5), np.full(n_pos.shape, 1.0)
    found = mann_whitney_power(high, n_pos, n_neg, cutoff, two_sided=two_sided) >= power
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = mann_whitney_power(middle, n_pos, n_neg, cutoff, two_sided=two_sided) >= power
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(found, high, np.nan)


def detectable_proportion(n_fit: ArrayLike, n_test: ArrayLike, rule: Rule) -> Numbers:
    """Smallest label proportion at which a cell is decisive with probability `POWER`.

    The observer has a balanced accuracy of .98, with the errors described at `ERROR`. Its p-value against chance is
    taken as rejected: with the 25 positives that the rule asks for such an observer's p is below 1e-10.

    Args:
        n_fit: Rows of *fit* with labels; they only have to hold ``rule.min_rows`` of both kinds.
        n_test: Rows of *test* with labels; both broadcast.
        rule: Thresholds of the rule.

    Returns:
        In (0, .5]; NaN where no label proportion can be seen.
    """
    fit, test = np.broadcast_arrays(n_fit, n_test)
    found = [_detectable_proportion(int(f), int(t), rule) for f, t in zip(fit.ravel(), test.ravel(), strict=True)]
    return np.array([np.nan if p is None else p for p in found], dtype=float).reshape(fit.shape)


def cell_power(n_positive: int, n_negative: int, rule: Rule) -> float:
    """Probability that the observer described at `ERROR` is decisive, its p-value aside.

    Args:
        n_positive: Positives on *test*.
        n_negative: Negatives on *test*.
        rule: Thresholds of the rule.
    """

    def passes(tp: Counts, tn: Counts) -> Bool[np.ndarray, "*counts"]:
        enough = reaches((tp / n_positive + tn / n_negative) / 2, rule.decisive)
        return np.asarray(enough & balanced_accuracy_rejected(tp, n_positive, tn, n_negative, BOUND, rule.null))

    return chance_to_pass(n_positive, n_negative, passes)


def chance_to_pass(n_positive: int, n_negative: int, passes: Passes) -> float:
    """Probability that the decider described at `ERROR` passes a condition, from the exact binomial distributions.

    Exact, because at 25 positives a normal approximation is off by more than the step between neighbouring counts.

    Args:
        n_positive: Rows with the property.
        n_negative: Rows without.
        passes: Which true positives, down, and true negatives, across, pass.
    """
    p = n_positive / (n_positive + n_negative)
    tp, tp_weight = _counts(n_positive, 1 - ERROR * (1 - p))
    tn, tn_weight = _counts(n_negative, 1 - ERROR * p)
    return float(tp_weight @ passes(tp[:, None], tn[None, :]) @ tn_weight)


def smallest_proportion(n_fit: int, n_test: int, min_rows: int, power: Callable[[int, int], float]) -> float | None:
    """Smallest label proportion with a power of `POWER`.

    Args:
        n_fit: Rows of *fit*; they only have to hold ``min_rows`` of both kinds.
        n_test: Rows of *test*.
        min_rows: Least number of rows of either kind, in both parts.
        power: Of numbers of positive and of negative rows of *test*.

    Returns:
        In (0, .5], one of at most `STEPS` proportions of whole test rows, evenly spaced on a log scale; None where no
        label proportion has it.
    """
    if n_fit < 1 or n_test < 2:
        return None
    least = max(min_rows, int(np.ceil(min_rows / n_fit * n_test)))
    if least > n_test // 2:
        return None
    for n_positive in np.unique(np.geomspace(least, n_test // 2, STEPS).round().astype(int)):
        if power(int(n_positive), n_test - int(n_positive)) >= POWER:
            return float(n_positive / n_test)
    return None


@lru_cache(maxsize=1024)
def _detectable_proportion(n_fit: int, n_test: int, rule: Rule) -> float | None:
    return smallest_proportion(n_fit, n_test, rule.min_rows, lambda yes, no: cell_power(yes, no, rule))


def _counts(n: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """The counts that matter of a binomial, with their probabilities."""
    binomial = scipy.stats.binom(n, rate)
    counts = np.arange(int(binomial.ppf(TAIL)), min(n, int(binomial.isf(TAIL)) + 1) + 1)
    return counts, np.asarray(binomial.pmf(counts))
