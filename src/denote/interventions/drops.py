"""Intervals and p-values of what an intervention costs a network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy
from jaxtyping import Float, Int

from denote.numbers import Estimate

EXCEEDANCES = 10
"""Random directions with as large an effect after which no more are drawn."""

FIRST = 50
"""Random directions that are drawn in any case: their mean effect is that of random ones."""


def drop_interval(
    drop: Float[np.ndarray, " row"],
    groups: Int[np.ndarray, " row"] | None = None,
    bounded: bool = True,
    confidence: float = 0.95,
) -> Estimate[float]:
    """Return the mean drop over rows with its interval.

    The rows' drops are means over draws, and many are 0. As half a row that loses all and half a row that gains all
    are added (Agresti and Min 2005, of paired proportions), no drop at all over few rows has an interval too.

    Args:
        drop: Score before minus score after of every row, in [-1, 1] if ``bounded``.
        groups: Rows of a group count as one draw.
        bounded: Whether the score of a row is in [0, 1].
        confidence: Of the two-sided interval.

    Returns:
        The mean as it is, nan without rows, and bounds around the mean of rows and added rows; nan below two groups.
    """
    n = len(drop)
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan)
    mean, added = float(drop.mean()), (2.0 if bounded else 0.0)
    centre = float(drop.sum()) / (n + added)
    units = n if groups is None else len(np.unique(groups))
    if units < 2:
        return Estimate(mean, np.nan, np.nan)
    apart = drop - centre
    summed = apart if groups is None else np.bincount(np.unique(groups, return_inverse=True)[1], weights=apart)
    squares = float((summed**2).sum()) * units / (units - 1) + (1.0 if bounded else 0.0)
    half = quantile_of_t(units, confidence) * np.sqrt(squares) / (n + added)
    least, most = (-1.0, 1.0) if bounded else (-np.inf, np.inf)
    return Estimate(mean, max(centre - half, least), min(centre + half, most))


def quantile_of_t(units: int, confidence: float = 0.95) -> float:
    """Return how many standard errors a two-sided interval of so many units reaches to either side of its mean."""
    return float(scipy.special.stdtrit(units - 1, (1 + confidence) / 2))


def rank_p_value(observed: float, random: Float[np.ndarray, " draw"]) -> float:
    """Return how often a random effect is at least as large, counting the observed one: at least 1 / (draws + 1)."""
    return float((1 + (random >= observed).sum()) / (len(random) + 1))


def sequential_p_value(
    observed: float, draw: Callable[[slice], Float[np.ndarray, " draw"]], most: int, exceedances: int = EXCEEDANCES
) -> tuple[float, Float[np.ndarray, " draw"]]:
    """Compare with random effects until enough of them are as large (Besag and Clifford 1991).

    Args:
        observed: The effect.
        draw: Gives the random effects of a range of draws.
        most: Draws at most.
        exceedances: How many as large end it.

    Returns:
        The p-value: exceedances / draws where it ended early, else (1 + exceedances) / (1 + draws); and all random
        effects that were drawn, of which the first `FIRST` do not depend on when it ended.
    """
    effects = np.empty(0)
    step = FIRST
    while len(effects) < most:
        effects = np.concatenate([effects, draw(slice(len(effects), min(len(effects) + step, most)))])
        at_least = np.flatnonzero(effects >= observed)
        if len(at_least) >= exceedances:
            return exceedances / (int(at_least[exceedances - 1]) + 1), effects
        step *= 2
    return rank_p_value(observed, effects), effects
