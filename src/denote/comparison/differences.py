"""Differences between two results with intervals and p-values: over pairs of networks, over networks, or over rows.

All is vectorised over tests. A network without a value is left out of that test; a number that is undefined is nan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeAlias

import numpy as np
import scipy
from jaxtyping import Float

from denote.numbers import Estimate, ratio

CONFIDENCE = 0.95
"""Of every interval."""
NOTHING = 1e-12
"""A difference of scores that is rounding."""

Values = Float[np.ndarray, "network test"]
Bounds: TypeAlias = tuple[float | Float[np.ndarray, " test"], float | Float[np.ndarray, " test"]]
PerTest = Float[np.ndarray, " test"]


@dataclass(frozen=True)
class Differences:
    """Other minus baseline, one number per test.

    Attributes:
        value: Mean difference.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p_value: Two-sided, of no difference.
    """

    value: PerTest
    low: PerTest
    high: PerTest
    p_value: PerTest

    @classmethod
    def joined(cls, parts: Sequence[Differences]) -> Differences:
        """Put the tests of several after each other."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def within(self, most: float | PerTest) -> Differences:
        """Return them with intervals that end where the differences of bounded numbers do.

        Nothing that is possible is left out, so an interval covers what it covered before.

        Args:
            most: The largest possible difference: 1 for shares and scores.
        """
        return replace(self, low=np.maximum(self.low, -np.asarray(most)), high=np.minimum(self.high, most))

    @classmethod
    def of(cls, value: PerTest, error: PerTest, freedom: PerTest) -> Differences:
        """Return what Student's t makes of a mean and its standard error.

        Where no network differs at all there is nothing to doubt: the interval is [0, 0] and p is 1. Where all differ
        by the same amount there is no test.

        Args:
            value: Mean differences.
            error: Their standard errors.
            freedom: Degrees of freedom.
        """
        half = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * error
        p = 2 * scipy.stats.t.sf(np.abs(ratio(value, error)), freedom)
        alike = (np.abs(value) <= NOTHING) & (error <= NOTHING)
        return cls(value, value - half, value + half, np.where(alike, 1.0, np.where(error > NOTHING, p, np.nan)))


def over_pairs(baseline: Values, other: Values) -> Differences:
    """Compare pairs of networks by the paired t-test.

    Args:
        baseline: Row i is the network that is paired with row i of ``other``.
        other: The other networks.
    """
    differences = pair_differences(baseline, other)
    mean, variance, n = _moments(differences)
    return Differences.of(mean, np.sqrt(ratio(variance, n)), np.where(n > 1, n - 1, np.nan))


def pair_differences(baseline: Values, other: Values) -> Values:
    """Return other minus baseline of every pair; what is only rounding is 0."""
    differences = other - baseline
    return np.where(np.abs(differences) <= NOTHING, 0.0, differences)


def over_networks(baseline: Values, other: Values) -> Differences:
    """Compare networks that are not paired by Welch's t-test.

    Args:
        baseline: Scores of the networks of the baseline.
        other: Those of the other networks.
    """
    (mean, variance, n), (mean_other, variance_other, n_other) = _moments(baseline), _moments(other)
    of_mean, of_other = ratio(variance, n), ratio(variance_other, n_other)
    total = of_mean + of_other
    freedom = ratio(total**2, ratio(of_mean**2, n - 1) + ratio(of_other**2, n_other - 1))
    freedom = np.where(total > 0, freedom, n + n_other - 2)  # no network differs from its own
    value = mean_other - mean
    return Differences.of(np.where(np.abs(value) <= NOTHING, 0.0, value), np.sqrt(total), freedom)


def over_rows(baseline: Estimate[Values], other: Estimate[Values]) -> Differences:
    """Compare few networks by the intervals of their scores over test rows.

    The ends are Newcombe's (square and add) as if the test rows of the two were not the same ones, which makes them
    wider where they are. Scores of one result share their rows, so the distance of the mean's ends is the mean of
    their distances, never less. The p-value is the level at which the interval ends at 0.

    Args:
        baseline: Scores with their 95 % intervals, one row for each score that is averaged.
        other: Those of the other networks.
    """
    ours, others = mean_over_rows(baseline), mean_over_rows(other)
    value = others.value - ours.value
    value = np.where(np.abs(value) <= NOTHING, 0.0, value)
    below = np.hypot(others.value - others.low, ours.high - ours.value)
    above = np.hypot(others.high - others.value, ours.value - ours.low)
    z = scipy.stats.norm.ppf((1 + CONFIDENCE) / 2) * ratio(np.abs(value), np.where(value > 0, below, above))
    p = np.where(value == 0, 1.0, 2 * scipy.stats.norm.sf(z))
    return Differences(value, value - below, value + above, np.where(np.isnan(below + above), np.nan, p))


def mean_over_rows(scores: Estimate[Values]) -> Estimate[PerTest]:
    """Return the mean of scores that share their test rows: each end as far from it as the ends of all on average.

    Args:
        scores: With their intervals, one row for each score that is averaged; nan where there is none.
    """
    value = _mean(scores.value)
    return Estimate(
        value, value - _mean(np.abs(scores.value - scores.low)), value + _mean(np.abs(scores.high - scores.value))
    )


def mean_intervals(values: Values, within: Bounds = (0.0, 1.0)) -> Estimate[PerTest]:
    """Return the mean over networks of every test's numbers with its t-interval.

    Args:
        values: nan where a network has none.
        within: Between which numbers a mean can lie.
    """
    mean, variance, n = _moments(values)
    half = scipy.stats.t.ppf((1 + CONFIDENCE) / 2, np.where(n > 1, n - 1, np.nan)) * np.sqrt(ratio(variance, n))
    return Estimate(mean, np.maximum(mean - half, within[0]), np.minimum(mean + half, within[1]))


def _moments(values: Values) -> tuple[PerTest, PerTest, PerTest]:
    """Return mean, variance and number of the values that are there; the variance is nan below two."""
    known = np.isfinite(values)
    n = known.sum(axis=0).astype(float)
    mean = ratio(np.where(known, values, 0.0).sum(axis=0), n)
    squares = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0)
    return mean, ratio(squares, n - 1), n


def _mean(values: Values) -> PerTest:
    known = np.isfinite(values)
    return ratio(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0))
