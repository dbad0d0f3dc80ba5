"""The sign-flip test: does the mean profile over layers differ from flat, each object model being one observation?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
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

Grids = Sequence[Float[np.ndarray, "model layer"]]
"""One array per architecture: a number for every object model at every layer, none missing."""


def centred(profile: Float[np.ndarray, "model layer"]) -> Float[np.ndarray, "model layer"]:
    """Every object model's profile minus its mean over layers."""
    distance = profile - profile.mean(axis=1, keepdims=True)
    return np.where(np.abs(distance) > NOTHING, distance, 0.0)


def sign_flip_test(profiles: Grids, *key: int | str) -> tuple[float, float]:
    """Test whether the mean profile is flat, each object model being one observation (METHOD section 6).

    Each model's profile is centred. T = sum over architectures of (its models / all models) x mean over layers of (mean
    over its models of the centred profile)^2. If no layer differs from another, and what a single model has by itself
    is as likely one way as the other, a model's centred profile may as well have the other sign. So T is compared with
    T under sign patterns over models: all of them up to ``MOST_ENUMERATED`` models, else ``DRAWS`` random ones and the
    observed one.

    Args:
        profiles: Of each architecture.
        key: Names the draw of sign patterns, where they are drawn.

    Returns:
        T, in squared units of the profiles, and p in (0, 1].
    """
    rows = [centred(np.asarray(profile, float)) for profile in profiles]
    n_models = sum(len(own) for own in rows)
    observed = float(_statistics(rows, np.ones((1, n_models)))[0])
    line = observed * (1 - ROUNDING)
    reached = sum(int((_statistics(rows, signs) >= line).sum()) for signs in _patterns(n_models, *key))
    if n_models <= MOST_ENUMERATED:
        return observed, reached / 2**n_models
    return observed, (1 + reached) / (1 + DRAWS)


def smallest_p(models: Sequence[int]) -> float:
    """The smallest p-value that the test can give.

    T stays the same if all models of an architecture change their sign. So with one architecture two patterns reach the
    observed T at least, with two four: 2^a / 2^M, or one in all patterns drawn.

    Args:
        models: Number of object models of each architecture.
    """
    enumerated = float(2.0 ** (len(models) - sum(models)))
    return enumerated if sum(models) <= MOST_ENUMERATED else max(enumerated, 1 / (1 + DRAWS))


def _statistics(
    rows: Sequence[Float[np.ndarray, "model layer"]], signs: Float[np.ndarray, "pattern model"]
) -> Float[np.ndarray, " pattern"]:
    """T under every pattern; columns of ``signs`` are the models of all architectures, one after another."""
    found, start = np.zeros(len(signs)), 0
    for own in rows:
        mean = signs[:, start : start + len(own)] @ own / len(own)
        found += len(own) / signs.shape[1] * (mean**2).mean(axis=1)
        start += len(own)
    return found


def _patterns(n_models: int, *key: int | str) -> Iterator[Float[np.ndarray, "pattern model"]]:
    if n_models <= MOST_ENUMERATED:
        yield np.array(list(product((1.0, -1.0), repeat=n_models)))
        return
    draws = stream("sign flips", *key)
    for start in range(0, DRAWS, AT_ONCE):
        yield draws.choice([-1.0, 1.0], (min(AT_ONCE, DRAWS - start), n_models))
