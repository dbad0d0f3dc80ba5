"""Corrections for many tests (METHOD section 3)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike


def benjamini_hochberg(p: ArrayLike) -> Float[np.ndarray, " test"]:
    """Benjamini and Hochberg's q-values: the smallest false discovery rate at which each test is rejected.

    Args:
        p: One p-value per test of the family, in [0, 1]; nan where there was no test, which counts for nothing.

    Returns:
        q-values in the order given, in [0, 1]; nan where ``p`` is.
    """
    p = np.asarray(p, float)
    q = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    n = len(order)
    stepped = p[order] * n / np.arange(1, n + 1)
    q[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return q
