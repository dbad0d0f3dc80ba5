"""Intervals of rates, of balanced accuracy, of the AUROC and of means over models (METHOD section 4).

Everything is vectorised, takes whatever broadcasts and gives the estimate with its interval. Numbers of rows may be
effective ones (``n / design effect``), so they need not be whole. Where a rate is undefined because there are no rows,
its interval and its p-value are nan.
"""

from __future__ import annotations

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

MOST_STEPS = 100
"""Of a solution; it takes 5 to 15, since near the end each step at least squares the error."""
NEAR = 1e-9
"""A step so short is the last: what it leaves is below the spacing of float64."""


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
    n = np.stack([n_pos, n_neg]).reshape(2, -1)
    rates = ratio(np.stack([tp, tn]).reshape(2, -1), n)
    centre = rates.mean(axis=0)
    p, above = np.where(np.isnan(centre), np.nan, 0.5), centre > null
    effective = n[:, above] / np.stack([deff_pos, deff_neg]).reshape(2, -1)[:, above]
    p[above] = scipy.stats.norm.sf(_newcombe_z(rates[:, above], effective, 2 * (centre[above] - null)))
    return p.reshape(tp.shape)


def _newcombe_z(
    rates: Float[np.ndarray, "2 test"], n: Float[np.ndarray, "2 test"], distance: Float[np.ndarray, " test"]
) -> Float[np.ndarray, " test"]:
    """The z at which Wilson's lower limits lie so far below two rates, root of the sum of squares.

    That distance as a share of the largest there could be: its odds grow with z about as a power of it. So each step
    goes along the power that they grow by here; one that leaves the bracket halves it instead, or doubles z while there
    is no upper end.
    """
    z, low, high = np.ones(len(distance)), np.zeros(len(distance)), np.full(len(distance), np.inf)
    spread, largest, moves = rates * (1 - rates) / n, np.hypot(*rates), np.ones(len(distance), dtype=bool)
    for _ in range(MOST_STEPS):
        share = z**2 / n
        below = (z * np.sqrt(spread + share / (4 * n)) + share * (rates - 0.5)) / (1 + share)
        limit = rates - below
        # Of below^2 = share limit (1 - limit), by z.
        slope = 2 * z / n * limit * (1 - limit) / (2 * below + share * (1 - 2 * limit))
        length = np.hypot(*below)
        left = largest - length
        power = z * (below * slope).sum(axis=0) / length**2 * largest / left
        step = z * (distance / length * left / (largest - distance)) ** (1 / power)
        low, high = np.where(length < distance, z, low), np.where(length < distance, high, z)
        halved = np.where(np.isinf(high), 2 * low, (low + high) / 2)
        last, z = z, np.where(moves, np.where((step >= low) & (step <= high), step, halved), z)
        moves &= np.abs(z - last) > NEAR * z  # each by itself, so that the bits of one do not depend on the others
        if not moves.any():
            break
    return z


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
    area, *rows = (np.asarray(a, float) for a in np.broadcast_arrays(auroc, n_pos, n_neg))
    defined = ~np.isnan(area) & (rows[0] * rows[1] > 0)
    known, of_pos, of_neg = (each[defined] for each in (area, *rows))
    low, high = np.full(area.shape, np.nan), np.full(area.shape, np.nan)
    # The variance at a is that at 1 - a, so the upper end is the lower one of the other way round.
    ends = _lowest_auroc(np.stack([known, 1 - known]), of_pos, of_neg, _z(confidence, one_sided=False))
    low[defined], high[defined] = ends[0], 1 - ends[1]
    return Estimate(area, low, high)


def _lowest_auroc(
    area: Float[np.ndarray, "side auroc"],
    n_pos: Float[np.ndarray, " auroc"],
    n_neg: Float[np.ndarray, " auroc"],
    z: float,
) -> Float[np.ndarray, "side auroc"]:
    """The solution a, at most ``area``, of (area - a)^2 = z^2 SE(a)^2.

    Times (2 - a) (1 + a) = 2 + t, t = a (1 - a), it is a quartic in a with four real roots, the first of them in
    [-1, 0] and the second the one sought. From 0 Laguerre's steps go up to that without passing it.
    """
    m, scale = (n_pos + n_neg) / 2 - 1, z**2 / (n_pos * n_neg)
    first, second = scale * (2 + m), scale * (1 + 2 * m)
    a, moves = np.zeros_like(area), np.ones(area.shape, dtype=bool)
    for _ in range(MOST_STEPS):
        u, t, s = area - a, a * (1 - a), 1 - 2 * a  # s is the slope of t
        value = u**2 * (2 + t) - t * (first + second * t)
        slope = u * (u * s - 2 * (2 + t)) - s * (first + 2 * second * t)
        curve = 2 * (2 + t) - u * (4 * s + 2 * u) + 2 * first - 2 * second * (s**2 - 2 * t)
        root = np.sqrt(np.maximum(9 * slope**2 - 12 * value * curve, 0))
        last, a = a, np.where(moves, np.minimum(a - 4 * value / (slope - root), area), a)
        moves &= a - last > NEAR * a
        if not moves.any():
            break
    return np.asarray(np.maximum(a, 0))


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
    with np.errstate(divide="ignore", invalid="ignore"):  # n = 0: the rate is nan and so is all that follows
        centre = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * np.sqrt(rate * (1 - rate) / n + (z / (2 * n)) ** 2) / (1 + z**2 / n)
    # The bounds touch the rate at 0 and 1; rounding must not push them past it.
    return np.clip(centre - half, 0.0, rate), np.clip(centre + half, rate, 1.0)
