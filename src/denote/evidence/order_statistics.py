"""The median and its interval where some values are only known to be larger than all that were looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from denote.estimate import Estimate


def median_interval(values: ArrayLike, confidence: float = 0.95) -> Estimate[float]:
    """Median of independent values, and the interval between two order statistics.

    The k-th smallest and k-th largest of n values hold the median of their distribution between them with probability
    1 - 2 P(Bin(n, 1/2) < k) at least, whatever the distribution, ties included (David and Nagaraja 2003, section 7.1).
    k is the largest for which that reaches ``confidence``; for 95 % there is one from six values on.

    Args:
        values: One number per object model; infinity for one that is beyond all that was looked at.
        confidence: Of the interval, in (0, 1).

    Returns:
        The median, the mean of the two middle values where their number is even, infinite where the larger of these is;
        and the ends, which may be infinite, nan where there are too few values. All nan without values.
    """
    # Here, as reports read the rule of this module's table without the second that SciPy takes.
    from scipy import stats

    ordered = np.sort(np.asarray(values, dtype=float))
    n = len(ordered)
    if not n:
        return Estimate(float("nan"), float("nan"), float("nan"))
    median = float((ordered[(n - 1) // 2] + ordered[n // 2]) / 2)
    left_out = stats.binom.cdf(np.arange(n // 2), n, 0.5)  # chance that the median lies below the k-th value, k from 1
    k = int(np.count_nonzero(left_out <= (1 - confidence) / 2))
    if not k:
        return Estimate(median, float("nan"), float("nan"))
    return Estimate(median, float(ordered[k - 1]), float(ordered[n - k]))
