"""Corrections for many tests (METHOD section 3)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike


def benjamini_hochberg(p: ArrayLike, n_tests: int | None = None) -> Float[np.ndarray, " test"]:
    """Benjamini and Hochberg's q-values: the smallest false discovery rate at which each test is rejected.

    Args:
        p: One p-value per test of the family, in [0, 1]; nan where there was no test, which counts for nothing.
        n_tests: Number of tests of the family where only its smallest p-values are given, all up to some level. Every
            q-value up to that level is then what it would be with all of them; others are too large at most, never
            down to that level: with m tests a p-value above it, at rank k <= m, steps to p m / k, which is above it
            too, so none of those left out could have lowered a q-value to it.

    Returns:
        q-values in the order given, in [0, 1]; nan where ``p`` is.

    Raises:
        ValueError: if ``n_tests`` is less than the number of p-values.
    """
    p = np.asarray(p, float)
    q = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    n = len(order) if n_tests is None else n_tests
    if n < len(order):
        raise ValueError(f"n_tests is {n}, but there are {len(order)} p-values")
    stepped = p[order] * n / np.arange(1, len(order) + 1)
    q[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return q


def holm(p: ArrayLike) -> Float[np.ndarray, " test"]:
    """Holm's corrected p-values: the smallest level at which each test is rejected while any false one is at most as
    likely as that level.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6
    (1979).

    Args:
        p: One p-value per test of the family, in [0, 1]; nan where there was no test, which counts for nothing.

    Returns:
        In the order given, in [0, 1]; nan where ``p`` is.
    """
    p = np.asarray(p, float)
    corrected = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    stepped = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected


def realised_threshold(q_values: ArrayLike, q: float) -> float:
    """Where Benjamini and Hochberg's procedure stopped: p = q k / m with k of m tests rejected, q / m for none.

    Args:
        q_values: Of the family, from :func:`benjamini_hochberg`; nan where there was no test.
        q: False discovery rate, in (0, 1).

    Returns:
        In (0, q]; nan for a family without tests.
    """
    q_values = np.asarray(q_values, float)
    n_tests = np.count_nonzero(~np.isnan(q_values))
    return q * max(int(np.count_nonzero(q_values <= q)), 1) / n_tests if n_tests else float("nan")
