"""Ranks with ties, for many columns at once; in float64, so that activations of any size keep their order."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int

Runs = tuple[Int[np.ndarray, "column row"], Int[np.ndarray, "column row"]]


def tie_runs(ascending: Float[np.ndarray, "column row"]) -> Runs:
    """Where the run of equal values that each place belongs to starts and ends, both inclusive, from 0.

    Args:
        ascending: Values, sorted along the rows.
    """
    n = ascending.shape[1]
    places = np.broadcast_to(np.arange(n), ascending.shape)
    fresh = np.ones((len(ascending), n + 1), dtype=bool)
    np.not_equal(ascending[:, 1:], ascending[:, :-1], out=fresh[:, 1:-1])
    first = np.maximum.accumulate(np.where(fresh[:, :-1], places, 0), axis=1)
    last = np.minimum.accumulate(np.where(fresh[:, 1:], places, n)[:, ::-1], axis=1)[:, ::-1]
    return first, last


def average_ranks(runs: Runs) -> Float64[np.ndarray, "column row"]:
    """Rank of every sorted place, from 1, equal values sharing their mean."""
    first, last = runs
    return (first + last) / 2 + 1


def tie_excess(runs: Runs) -> Float64[np.ndarray, "column row"]:
    """t^2 - 1 for every place in a run of t equal values: summed over places it is the tie term, sum of t^3 - t."""
    first, last = runs
    return (last - first + 1.0) ** 2 - 1


def rank_sum_deviation(
    n_positive: Float64[np.ndarray, "*shape"],
    n_negative: Float64[np.ndarray, "*shape"],
    ties: Float64[np.ndarray, "*shape"],
) -> Float64[np.ndarray, "*shape"]:
    """Standard deviation of the Mann-Whitney statistic under the null, corrected for ties."""
    n = n_positive + n_negative
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = n_positive * n_negative / 12 * (n + 1 - ties / (n * (n - 1)))
        deviation: np.ndarray = np.sqrt(np.maximum(variance, 0))
    return deviation
