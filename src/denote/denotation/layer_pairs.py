"""Differences between two layers, over object models: how large they are, and how large they may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import scipy
from jaxtyping import Float


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
            own[:, second] - own[:, first]
            for own in profiles
            for first, second in combinations(range(own.shape[1]), 2)
        ]  # fmt: skip
        known = [pair[np.isfinite(pair)] for pair in differences]
        return cls(
            np.array([pair.mean() if len(pair) else np.nan for pair in known]),
            np.array([pair.std(ddof=1) / np.sqrt(len(pair)) if len(pair) > 1 else np.nan for pair in known]),
            np.array([float(len(pair)) for pair in known]),
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
