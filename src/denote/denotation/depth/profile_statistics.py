"""Statistics of profiles over layers, each object model being one observation: sign-flip test, layer pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import scipy
from jaxtyping import Float

from denote.streams import stream

MOST_ENUMERATED = 12
"""Object models up to which all sign patterns are tried."""
DRAWS = 9_999
"""Sign patterns that are drawn for more."""
AT_ONCE = 4_096
"""Sign patterns that are tried together."""
ROUNDING = 1e-9
"""Relative slack of comparisons: equal patterns give equal statistics up to the order of sums."""
NOTHING = 1e-12
"""Distance from a model's mean that is rounding: a flat profile must not look like a pattern."""


@dataclass(frozen=True)
class WeightedProfiles:
    """One number per object model and layer of an architecture, and how much each layer counts.

    Attributes:
        values: nan in a gap; every model has two numbers at least, every layer one.
        weights: Of the layers, at least 0, summing to 1.
    """

    values: Float[np.ndarray, "model layer"]
    weights: Float[np.ndarray, " layer"]

    @property
    def n_models(self) -> int:
        """Number of object models."""
        return len(self.values)

    def centred(self) -> Float[np.ndarray, "model layer"]:
        """Every model's profile minus its weighted mean over the layers where it has a number; 0 in a gap."""
        defined = np.isfinite(self.values)
        weights = np.where(defined, self.weights, 0.0)
        filled = np.where(defined, self.values, 0.0)
        means = (filled * weights).sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True)
        distance = np.where(defined, filled - means, 0.0)
        return np.where(np.abs(distance) > NOTHING, distance, 0.0)

    def rises(self, depth: Float[np.ndarray, " layer"]) -> Float[np.ndarray, " model"]:
        """Return how far every model's weighted least-squares line rises from the first to the last layer.

        Args:
            depth: Of the layers, ascending.
        """
        weights = np.where(np.isfinite(self.values), self.weights, 0.0)
        distance = depth - (weights @ depth / weights.sum(axis=1))[:, None]
        slope = (weights * distance * self.centred()).sum(axis=1) / (weights * distance**2).sum(axis=1)
        return np.asarray(slope * (depth[-1] - depth[0]))

    def statistic(self, signs: Float[np.ndarray, "pattern model"]) -> Float[np.ndarray, " pattern"]:
        """Weighted mean over layers of the squared mean over models, under every pattern of signs."""
        n_known = np.isfinite(self.values).sum(axis=0)
        return np.asarray(((signs @ self.centred() / n_known) ** 2) @ self.weights)


def sign_flip_test(profiles: Sequence[WeightedProfiles], *key: int | str) -> tuple[float, float]:
    """Test whether the mean profile is flat, each object model being one observation (METHOD section 6).

    T = sum over architectures of (its models / all models) x weighted mean over layers of (mean over its models of the
    centred profile)^2. If no layer differs from another, and what a single model has by itself is as likely one way as
    the other, a model's centred profile may as well have the other sign. So T is compared with T under sign patterns
    over models: all of them up to ``MOST_ENUMERATED`` models, else ``DRAWS`` random ones and the observed one.

    Args:
        profiles: Of each architecture.
        key: Names the draw of sign patterns, where they are drawn.

    Returns:
        T, in squared units of the profiles, and p in (0, 1].
    """
    n_models = sum(curve.n_models for curve in profiles)
    observed = float(_statistics(profiles, np.ones((1, n_models)))[0])
    line = observed * (1 - ROUNDING)
    reached = sum(int((_statistics(profiles, signs) >= line).sum()) for signs in _patterns(n_models, *key))
    if n_models <= MOST_ENUMERATED:
        return observed, reached / 2**n_models
    return observed, (1 + reached) / (1 + DRAWS)


def smallest_p(models: Sequence[int]) -> float:
    """Return the smallest p-value that the test can give.

    T stays the same if all models of an architecture change their sign. So with one architecture two patterns reach the
    observed T at least, with two four: 2^a / 2^M, or one in all patterns drawn.

    Args:
        models: Number of object models of each architecture.
    """
    enumerated = float(2.0 ** (len(models) - sum(models)))
    return enumerated if sum(models) <= MOST_ENUMERATED else max(enumerated, 1 / (1 + DRAWS))


def _statistics(
    profiles: Sequence[WeightedProfiles], signs: Float[np.ndarray, "pattern model"]
) -> Float[np.ndarray, " pattern"]:
    """T under every pattern; columns of ``signs`` are the models of all architectures, one after another."""
    total, start = np.zeros(len(signs)), 0
    for curve in profiles:
        total += curve.n_models / signs.shape[1] * curve.statistic(signs[:, start : start + curve.n_models])
        start += curve.n_models
    return total


def _patterns(n_models: int, *key: int | str) -> Iterator[Float[np.ndarray, "pattern model"]]:
    if n_models <= MOST_ENUMERATED:
        yield np.array(list(product((1.0, -1.0), repeat=n_models)))
        return
    draws = stream("sign flips", *key)
    for start in range(0, DRAWS, AT_ONCE):
        yield draws.choice([-1.0, 1.0], (min(AT_ONCE, DRAWS - start), n_models))


@dataclass(frozen=True)
class LayerPairs:
    """The difference between every two layers, one observation per object model that has both.

    Attributes:
        mean: Mean difference; nan where no model has both.
        error: Standard error; nan below two models.
        n_models: Models that have both.
    """

    mean: Float[np.ndarray, " pair"]
    error: Float[np.ndarray, " pair"]
    n_models: Float[np.ndarray, " pair"]

    @classmethod
    def of(cls, profiles: Sequence[Float[np.ndarray, "model layer"]]) -> LayerPairs:
        """Compare the layers of each architecture among themselves.

        Args:
            profiles: Of each architecture, nan in a gap.
        """
        differences = [
            values[:, second] - values[:, first]
            for values in profiles
            for first, second in combinations(range(values.shape[1]), 2)
        ]
        defined = [pair[np.isfinite(pair)] for pair in differences]
        return cls(
            np.array([pair.mean() if len(pair) else np.nan for pair in defined]),
            np.array([pair.std(ddof=1) / np.sqrt(len(pair)) if len(pair) > 1 else np.nan for pair in defined]),
            np.array([float(len(pair)) for pair in defined]),
        )

    def farthest_end(self, least_models: int, confidence: float) -> float:
        """Return the end farthest from 0 of the pairs' t-intervals.

        Two one-sided tests of every pair: where it lies within a margin no two layers differ by more, each pair at
        level (1 - confidence) / 2. All pairs must pass, so nothing has to be corrected (intersection-union).

        Args:
            least_models: Models that every pair must have.
            confidence: Of each two-sided interval, in (0, 1).

        Returns:
            At least 0; nan where a pair has too few models, or there is no pair.
        """
        if not len(self.mean) or (self.n_models < max(least_models, 2)).any():
            return float("nan")
        return float((np.abs(self.mean) + self._quantile((1 + confidence) / 2) * self.error).max())

    def largest(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return an interval of the largest difference between two layers.

        The largest of noisy differences is never 0, so it is given by its interval alone. Its lower end is corrected
        for the number of pairs (Bonferroni), its upper end need not be.

        Returns:
            Lower end, at least 0, and upper end; nan where no pair has two models.
        """
        if not np.isfinite(self.error).any():
            return float("nan"), float("nan")
        size, miss = np.abs(self.mean), (1 - confidence) / 2
        low = np.nanmax(size - self._quantile(1 - miss / (2 * len(size))) * self.error)
        high = np.nanmax(size + self._quantile(1 - miss) * self.error)
        return max(float(low), 0.0), float(high)

    def _quantile(self, level: float) -> Float[np.ndarray, " pair"]:
        return np.asarray(scipy.stats.t.ppf(level, np.maximum(self.n_models - 1, 1)))
