"""The sign-flip test of a profile over depth, and its companions (METHOD section 6); arrays in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy import stats

from denote.estimate import Estimate
from denote.evidence.intervals import t_interval
from denote.streams import stream

Profile = Float[np.ndarray, "model layer"]
MOST_ENUMERATED = 12
"""Object models up to which all signs are tried."""
DRAWS = 9_999
ROUNDING = 1e-9
"""Share of the statistic within which two are equal, so that the observed signs count themselves."""


class Flipped(NamedTuple):
    """A sign-flip test.

    Attributes:
        statistic: T.
        p_value: Share of sign patterns with a T as large; nan without profiles.
        smallest_p: The least that so many object models can give.
    """

    statistic: float
    p_value: float
    smallest_p: float


def sign_flip_test(profiles: Sequence[Profile]) -> Flipped:
    """Test whether the mean profile over depth is flat, one array per architecture.

    Every model's row is centred. T = sum over architectures of (its models / all models) x mean over layers of (mean
    over its models)^2. Where depth plays no part a model's centred row is as likely as its negative, whatever the
    correlation of its layers and neurons, so T is compared with its values under flipped signs.

    Args:
        profiles: At least one model and one layer each, finite.
    """
    n_models = sum(len(profile) for profile in profiles)
    if not n_models:
        return Flipped(float("nan"), float("nan"), float("nan"))
    centred = [profile - profile.mean(axis=1, keepdims=True) for profile in profiles]
    enumerated = n_models <= MOST_ENUMERATED
    if enumerated:
        signs = np.array(list(product((1.0, -1.0), repeat=n_models)))
    else:
        drawn = stream("sign flips", n_models).choice((1.0, -1.0), size=(DRAWS, n_models))
        signs = np.concatenate([np.ones((1, n_models)), drawn])
    statistics = np.zeros(len(signs))
    start = 0
    for rows in centred:
        own = signs[:, start : start + len(rows)] @ rows / len(rows)
        statistics += len(rows) / n_models * (own**2).mean(axis=1)
        start += len(rows)
    observed = float(statistics[0])
    p_value = float(np.mean(statistics >= observed * (1 - ROUNDING)))
    # Flipping all models of one architecture changes nothing, so patterns come in groups of equal T.
    least = 2.0 ** (len(profiles) - n_models) if enumerated else 1 / len(signs)
    return Flipped(observed, p_value, least)


def trend_test(
    profiles: Sequence[Profile], depths: Sequence[Float[np.ndarray, " layer"]]
) -> tuple[Estimate[float], float]:
    """Spearman's correlation with depth, one per object model, and a t-test over models that its mean is 0.

    A model whose profile is constant has the correlation 0.

    Returns:
        The mean with its 95 % t-interval, and the two-sided p-value; nan with fewer than two models or no spread.
    """
    found = []
    for profile, depth in zip(profiles, depths, strict=True):
        for row in profile:
            constant = np.ptp(row) == 0
            found.append(0.0 if constant else float(stats.spearmanr(row, depth).statistic))
    if len(found) < 2 or np.ptp(found) == 0:
        return t_interval(found, within=(-1.0, 1.0)), float("nan")
    return t_interval(found, within=(-1.0, 1.0)), float(stats.ttest_1samp(found, 0.0).pvalue)


def largest_bound(profiles: Sequence[Profile], confidence: float = 0.90) -> float:
    """The end farthest from 0 of every layer's t-interval of the centred profile; nan with a single model."""
    ends = []
    for profile in profiles:
        centred = profile - profile.mean(axis=1, keepdims=True)
        for layer in centred.T:
            interval = t_interval(layer, confidence)
            ends += [abs(interval.low), abs(interval.high)]
    return float(np.max(ends)) if ends else float("nan")


def spread(profiles: Sequence[Profile]) -> float:
    """Largest difference between two layers of an architecture's mean profile; nan without profiles."""
    return max((float(np.ptp(profile.mean(axis=0))) for profile in profiles), default=float("nan"))


def holm(p: ArrayLike) -> Float[np.ndarray, " test"]:
    """Holm's step-down correction: p-values that may be compared with the level; nan where there was no test."""
    p = np.asarray(p, float)
    corrected = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    stepped = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected
