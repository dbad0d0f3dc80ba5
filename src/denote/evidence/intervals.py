"""Intervals of rates, of balanced accuracy, of the AUROC and of means over models (METHOD section 4).

Everything is vectorised, takes whatever broadcasts and gives the estimate with its interval. Numbers of rows may be
effective ones (``n / design effect``), so they need not be whole. Where a rate is undefined because there are no rows,
its interval and its p-value are nan.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from denote.numbers import Estimate, ratio, reaches

Counts = Int[np.ndarray, "*counts"]
Values = np.ndarray[Any, np.dtype[np.float64]]
Bounds = tuple[Values, Values]

HALVINGS = 60
"""Steps of a bisection: 2^-60 of its bracket is below the spacing of float64 near 1."""
LARGEST_Z = 40.0
"""Beyond 38.5 the normal tail is 0 in float64, so no p-value needs a larger z."""


def wilson(successes: ArrayLike, n: ArrayLike, confidence: float = 0.95, one_sided: bool = False) -> Estimate[Values]:
    """Wilson's score interval of a rate.

    Args:
        successes: Number of successes, in [0, n].
        n: Number of trials.
        confidence: Of the interval, or of each bound by itself where ``one_sided``.
        one_sided: Give the two one-sided bounds instead of the two-sided interval.

    Returns:
        The rate and its bounds, in [0, 1]; nan where ``n`` is 0.
    """
    return Estimate(ratio(successes, n), *_wilson(successes, n, _z(confidence, one_sided)))


def newcombe_balanced_accuracy(
    tp: ArrayLike,
    n_pos: ArrayLike,
    tn: ArrayLike,
    n_neg: ArrayLike,
    confidence: float = 0.95,
    one_sided: bool = False,
) -> Estimate[Values]:
    """Interval of the balanced accuracy: Newcombe's square-and-add on the mean of two Wilson rates (METHOD section 3).

    Args:
        tp: True positives.
        n_pos: Positives.
        tn: True negatives.
        n_neg: Negatives.
        confidence: Of the interval, or of each bound by itself where ``one_sided``.
        one_sided: Give the two one-sided bounds instead of the two-sided interval.

    Returns:
        The balanced accuracy and its bounds, in [0, 1]; nan where a class has no rows.
    """
    return _newcombe(tp, n_pos, tn, n_neg, _z(confidence, one_sided))


def balanced_accuracy_p_value(
    tp: ArrayLike,
    n_pos: ArrayLike,
    tn: ArrayLike,
    n_neg: ArrayLike,
    null: float = 0.90,
    effects: tuple[ArrayLike, ArrayLike] = (1.0, 1.0),
) -> Values:
    """One-sided p-value of "the true balanced accuracy is at most ``null``" (METHOD section 3).

    It is the level at which Newcombe's lower bound equals ``null``: 1 - Phi(z) with z solving
    BA - 1/2 sqrt((TPR - l1(z))^2 + (TNR - l0(z))^2) = null, where l1 and l0 are Wilson's lower limits.

    Args:
        tp: True positives.
        n_pos: Positives.
        tn: True negatives.
        n_neg: Negatives.
        null: Balanced accuracy that is not enough, in [.5, 1).
        effects: Design effects of the true positive and of the true negative rate, at least 1; 1 without groups.

    Returns:
        In [0, .5]: .5 where the balanced accuracy is not above ``null``, nan where a class has no rows.

    Raises:
        ValueError: if ``null`` lies outside [.5, 1), where the equation need not have a solution.
    """
    if not 0.5 <= null < 1:
        raise ValueError(f"null is {null}, but a balanced accuracy is tested against a value in [.5, 1)")
    tp, n_pos, tn, n_neg, deff_pos, deff_neg = (
        np.asarray(a, float) for a in np.broadcast_arrays(tp, n_pos, tn, n_neg, *effects)
    )
    tpr, tnr = ratio(tp, n_pos), ratio(tn, n_neg)
    centre = (tpr + tnr) / 2

    def excess(z: Values) -> Values:
        low1, _ = _wilson(tp / deff_pos, n_pos / deff_pos, z)
        low0, _ = _wilson(tn / deff_neg, n_neg / deff_neg, z)
        above: Values = centre - np.hypot(tpr - low1, tnr - low0) / 2 - null
        return above

    z = _bisect(excess, np.zeros_like(centre), np.full_like(centre, LARGEST_Z))
    p = np.where(centre > null, scipy.stats.norm.sf(z), 0.5)
    return np.asarray(np.where(np.isnan(centre), np.nan, p))


def balanced_accuracy_rejected(
    tp: ArrayLike, n_pos: ArrayLike, tn: ArrayLike, n_neg: ArrayLike, cutoff: float, null: float = 0.90
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether :func:`balanced_accuracy_p_value` is at most ``cutoff``, below .5, without solving for it.

    It is where the lower bound at the level of the cutoff has reached the null; exact for the smallest of cutoffs.
    """
    return np.asarray(reaches(_newcombe(tp, n_pos, tn, n_neg, scipy.stats.norm.isf(cutoff)).low, null))


def balanced_accuracies_rejected(
    n_pos: int, n_neg: int, cutoff: float, null: float = 0.90
) -> Callable[[Counts, Counts], np.ndarray[Any, np.dtype[np.bool_]]]:
    """:func:`balanced_accuracy_rejected` for many counts of the same rows, whose bounds are worked out once.

    Args:
        n_pos: Positives.
        n_neg: Negatives.
        cutoff: Largest p-value, in (0, .5).
        null: Balanced accuracy that is tested.

    Returns:
        A function of true positives and true negatives, which broadcast.
    """
    z = scipy.stats.norm.isf(cutoff)
    rates = [ratio(np.arange(n + 1), n) for n in (n_pos, n_neg)]
    below = [rate - _wilson(np.arange(n + 1), n, z)[0] for rate, n in zip(rates, (n_pos, n_neg), strict=True)]

    def rejected(tp: Counts, tn: Counts) -> np.ndarray[Any, np.dtype[np.bool_]]:
        low = (rates[0][tp] + rates[1][tn]) / 2 - np.hypot(below[0][tp], below[1][tn]) / 2
        return np.asarray(reaches(low, null))

    return rejected


def design_effect(hits: Float[np.ndarray, " row"] | Int[np.ndarray, " row"], groups: Int[np.ndarray, " row"]) -> float:
    """By how much groups inflate the variance of a rate: cluster variance over binomial variance, at least 1.

    Where the rate is 0 or 1 no variance can be estimated; the number of groups then stands for the number of rows.

    Args:
        hits: 1 where the row counts towards the rate, else 0.
        groups: Group of each row, any integers.

    Returns:
        n / (effective n); nan without rows.
    """
    n = len(hits)
    if n == 0:
        return float("nan")
    _, index = np.unique(groups, return_inverse=True)
    size = np.bincount(index)
    total = np.bincount(index, weights=np.asarray(hits, float))
    n_groups, rate = len(size), total.sum() / n
    if n_groups == 1 or rate in (0.0, 1.0):
        return n / n_groups
    cluster_variance = n_groups / (n_groups - 1) * ((total - rate * size) ** 2).sum() / n**2
    return float(max(1.0, cluster_variance / (rate * (1 - rate) / n)))


def auroc_interval(auroc: ArrayLike, n_pos: ArrayLike, n_neg: ArrayLike, confidence: float = 0.95) -> Estimate[Values]:
    """Score interval of the AUROC with the Hanley-McNeil variance (Newcombe's method 5; METHOD section 4).

    The bounds solve |A - a| = z SE(a), with SE(a)^2 the :func:`hanley_mcneil_variance` at a.

    Source: R. G. Newcombe, Confidence intervals for an effect size measure based on the Mann-Whitney statistic, part 2,
    Statistics in Medicine 25 (2006).

    Returns:
        ``auroc`` and its bounds, in [0, 1]; the bounds are nan where ``auroc`` is, or where a class has no rows.
    """
    area, n_pos, n_neg = (np.asarray(a, float) for a in np.broadcast_arrays(auroc, n_pos, n_neg))
    z = _z(confidence, one_sided=False)

    def error(a: Values) -> Values:
        return np.asarray(np.sqrt(hanley_mcneil_variance(a, n_pos, n_neg)))

    low = _bisect(lambda a: area - a - z * error(a), np.zeros_like(area), area)
    high = 1 - _bisect(lambda b: (1 - b) - area - z * error(1 - b), np.zeros_like(area), 1 - area)
    undefined = np.isnan(area) | ~(n_pos * n_neg > 0)
    return Estimate(area, np.where(undefined, np.nan, low), np.where(undefined, np.nan, high))


def hanley_mcneil_variance(auroc: ArrayLike, n_pos: ArrayLike, n_neg: ArrayLike) -> Values:
    """Variance of an AUROC a: a (1-a) [1 + m (1-a)/(2-a) + m a/(1+a)] / (n_pos n_neg), m = (n_pos + n_neg)/2 - 1.

    Source: J. A. Hanley and B. J. McNeil, The meaning and use of the area under a ROC curve, Radiology 143 (1982), with
    the mean number of rows in both places, as in R. G. Newcombe (2006), method 5.

    Returns:
        At least 0 for m >= 0; nan where a class has no rows.
    """
    a, n_pos, n_neg = (np.asarray(x, float) for x in np.broadcast_arrays(auroc, n_pos, n_neg))
    pairs = np.where(n_pos * n_neg > 0, n_pos * n_neg, np.nan)
    m = (n_pos + n_neg) / 2 - 1
    return np.asarray(a * (1 - a) * (1 + m * (1 - a) / (2 - a) + m * a / (1 + a)) / pairs)


def t_interval(
    values: ArrayLike, confidence: float = 0.95, within: tuple[float, float] = (-np.inf, np.inf)
) -> Estimate[float]:
    """Student's interval of the mean of independent values, here one per object model (METHOD section 4).

    Args:
        values: One number per model; nan is left out.
        confidence: Of the two-sided interval.
        within: Between which numbers the mean must lie; an interval of few values that reaches beyond is cut there,
            which leaves its coverage as it is.

    Returns:
        The mean, nan without values, and its bounds, nan below two.
    """
    kept = np.asarray(values, float).ravel()
    kept = kept[~np.isnan(kept)]
    mean = float(kept.mean()) if len(kept) else float("nan")
    if len(kept) < 2:
        return Estimate(mean, float("nan"), float("nan"))
    half = float(scipy.stats.t.ppf((1 + confidence) / 2, len(kept) - 1) * kept.std(ddof=1) / np.sqrt(len(kept)))
    return Estimate(mean, max(mean - half, within[0]), min(mean + half, within[1]))


def _z(confidence: float, one_sided: bool) -> float:
    return float(scipy.stats.norm.ppf(confidence if one_sided else (1 + confidence) / 2))


def _newcombe(tp: ArrayLike, n_pos: ArrayLike, tn: ArrayLike, n_neg: ArrayLike, z: float) -> Estimate[Values]:
    tpr, tnr = ratio(tp, n_pos), ratio(tn, n_neg)
    (low1, high1), (low0, high0) = _wilson(tp, n_pos, z), _wilson(tn, n_neg, z)
    centre = (tpr + tnr) / 2
    low, high = centre - np.hypot(tpr - low1, tnr - low0) / 2, centre + np.hypot(high1 - tpr, high0 - tnr) / 2
    return Estimate(centre, low, high)


def _wilson(successes: ArrayLike, n: ArrayLike, z: ArrayLike) -> Bounds:
    n, z = np.asarray(n, float), np.asarray(z, float)
    rate = ratio(successes, n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # n = 0: the rate is nan and so is all that follows
        centre = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * np.sqrt(rate * (1 - rate) / n + (z / (2 * n)) ** 2) / (1 + z**2 / n)
    # The bounds touch the rate at 0 and 1; rounding must not push them past it.
    return np.clip(centre - half, 0.0, rate), np.clip(centre + half, rate, 1.0)


def _bisect(function: Callable[[Values], Values], low: Values, high: Values) -> Values:
    """The last place where ``function``, positive at ``low``, turns; element by element."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = function(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    root: Values = (low + high) / 2
    return root
