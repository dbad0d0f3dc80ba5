"""Rarefied means: what a mean over distinct properties is made of, for an equal number of neurons everywhere."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.special import gammaln


def inclusion_probability(
    holders: Int[np.ndarray, " property"], total: Int[np.ndarray, " property"], n_drawn: Int[np.ndarray, " property"]
) -> Float[np.ndarray, " property"]:
    """Return the chance that a property is among those of some neurons, drawn without replacement.

    w = 1 - C(N - m, n) / C(N, n) for a property that m of N neurons denote (Hurlbert 1971). A mean over distinct
    properties with these weights is that of a layer of n denoting neurons, however many there are: the plain mean
    depends on their number, since common properties are found first.

    Args:
        holders: m, neurons that denote the property, at least 1.
        total: N, denoting neurons of its layer.
        n_drawn: n, from 1 to N.

    Returns:
        Weights in (0, 1].
    """
    rest = total - holders
    possible = rest >= n_drawn
    missed = np.zeros(len(holders))
    missed[possible] = np.exp(
        _log_choose(rest[possible], n_drawn[possible]) - _log_choose(total[possible], n_drawn[possible])
    )
    return 1.0 - missed


def _log_choose(n: Int[np.ndarray, " property"], k: Int[np.ndarray, " property"]) -> Float[np.ndarray, " property"]:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))
