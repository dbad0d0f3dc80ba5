"""By how much a neuron beats its own search under shuffled labels, with an interval (METHOD section 5)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy import stats

from denote.estimate import mean_of_defined

Z = float(stats.norm.ppf(0.975))
"""Of the two-sided 95 % intervals."""


def selectivity(
    score: Float[np.ndarray, " neuron"],
    low: Float[np.ndarray, " neuron"],
    high: Float[np.ndarray, " neuron"],
    draws: Float[np.ndarray, "draw neuron"],
) -> dict[str, Float[np.ndarray, " neuron"]]:
    """Score minus mean shuffled score, with a 95 % interval.

    The distance of either end is sqrt(d^2 + z^2 s^2 / B): d is the distance of the score from that end of its own
    interval (Newcombe's square-and-add), s^2 the variance between the B draws, which holds the noise of the shuffled
    test rows too. A neuron's few draws say little of s^2, so it is pooled over the neurons of the layer.

    Args:
        score: Held-out scores.
        low: Lower and ...
        high: ... upper end of their 95 % intervals.
        draws: The same neurons' scores under shuffled labels; nan where undefined.

    Returns:
        ``selectivity``, ``selectivity_low``, ``selectivity_high``, in [-1, 1]; the ends are nan where no neuron has two
        draws, from which the variance could be known.
    """
    mean, count = mean_of_defined(draws), (~np.isnan(draws)).sum(axis=0)
    squares, freedom = np.nansum((draws - mean) ** 2), np.maximum(count - 1, 0).sum()
    variance = squares / freedom if freedom else np.nan
    value = score - mean
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = Z * np.sqrt(variance / count)
    return {
        "selectivity": value,
        "selectivity_low": np.maximum(value - np.hypot(score - low, noise), -1.0),
        "selectivity_high": np.minimum(value + np.hypot(high - score, noise), 1.0),
    }
