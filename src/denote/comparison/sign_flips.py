"""Which of several differences between paired networks are there: signs of whole networks are flipped together.

If nothing differs, what a network differs by is as likely one way as the other. So the largest of all statistics is
compared with the largest under other signs, all tests of a network flipped together: what tests share stays, and
nothing has to be known of it (step-down; Westfall and Young 1993). With eight networks a test's own variance is so
unsure that it decides which statistic is largest. It is therefore drawn towards the variance of all tests, as far as
these are alike (Smyth 2004). What it is drawn to is made of mean squares, which no sign changes, so the test stays
exact; scripts/simulate.py has its power beside that of t-tests.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import scipy
from jaxtyping import Float

from denote.numbers import ratio
from denote.streams import stream

LEAST_PAIRS = 6
"""Pairs below which no p-value can reach .05: 2 / 2^5 is .06."""
MOST_ENUMERATED = 12
"""Pairs up to which all signs are tried."""
DRAWS = 9_999
"""Signs that are drawn for more."""
ROUNDING = 1e-9
"""Relative slack of comparisons: equal signs give equal statistics up to the order of sums."""
MOST_SHARED = 4
"""What all tests share counts at most as so many times a test's own networks."""


def sign_flip_p_values(
    differences: Float[np.ndarray, "network test"],
) -> tuple[Float[np.ndarray, " test"], Float[np.ndarray, " test"]]:
    """Return the p-value of every difference by itself, and corrected over all of them.

    Args:
        differences: Of every pair; nan where a network has no value.

    Returns:
        Two-sided p-values, and the chance that any true null is found at such a level; both in (0, 1], nan where no
        network has a value.
    """
    statistics = _statistics(differences, _signs(len(differences)))
    line = statistics[0] * (1 - ROUNDING)
    alone = (statistics >= line).mean(axis=0)
    order = np.argsort(-statistics[0], kind="stable")
    # The largest of a test and of all that are smaller than it.
    largest = np.maximum.accumulate(statistics[:, order[::-1]], axis=1)[:, ::-1]
    corrected = np.empty_like(alone)
    corrected[order] = np.maximum.accumulate((largest >= line[order]).mean(axis=0))
    known = np.isfinite(differences).any(axis=0)
    return np.where(known, alone, np.nan), np.where(known, corrected, np.nan)


def _signs(n_pairs: int) -> Float[np.ndarray, "pattern network"]:
    """Return patterns of signs, the observed one first."""
    if n_pairs <= MOST_ENUMERATED:
        return np.array(list(product((1.0, -1.0), repeat=n_pairs)))
    drawn = stream("sign flips of a comparison", n_pairs).choice([-1.0, 1.0], (DRAWS, n_pairs))
    return np.concatenate([np.ones((1, n_pairs)), drawn])


def _statistics(
    differences: Float[np.ndarray, "network test"], signs: Float[np.ndarray, "pattern network"]
) -> Float[np.ndarray, "pattern test"]:
    """Absolute mean over networks, over the root of its moderated variance; 0 where nothing differs.

    Where nothing varies, as of one test with one difference of all pairs, no other signs reach the statistic: it is
    infinite.
    """
    known = np.isfinite(differences)
    n, filled = known.sum(axis=0).astype(float), np.where(known, differences, 0.0)
    squares = (filled**2).sum(axis=0)
    mean = ratio(signs @ filled, n)
    freedom, shared = _shared_variance(ratio(squares, n), n)
    own = squares - n * mean**2
    own = np.where(own > ROUNDING * squares, own, 0.0)
    variance = ratio(own + freedom * shared, n - 1 + freedom)
    found = np.sqrt(np.nan_to_num(ratio(mean**2 * n, variance)))
    return np.where((variance == 0) & (mean != 0), np.inf, found)


def _shared_variance(mean_squares: Float[np.ndarray, " test"], n: Float[np.ndarray, " test"]) -> tuple[float, float]:
    """Return the variance that tests share, and how many degrees of freedom it stands for.

    The moments of the logarithm of scaled F variables (Smyth 2004, section 6.2).

    Args:
        mean_squares: Mean squared difference over networks; its logarithm has the moments of a chi-square.
        n: Networks of every test.
    """
    kept = mean_squares > 0
    if kept.sum() < 2:
        return 0.0, 0.0
    freedom = n[kept]
    logs = np.log(mean_squares[kept]) - scipy.special.digamma(freedom / 2) + np.log(freedom / 2)
    excess = float(logs.var(ddof=1) - scipy.special.polygamma(1, freedom / 2).mean())
    most = MOST_SHARED * float(freedom.mean())
    prior = most if excess <= 0 else min(2 * _inverse_trigamma(excess), most)
    return prior, float(np.exp(logs.mean() + scipy.special.digamma(prior / 2) - np.log(prior / 2)))


def _inverse_trigamma(value: float) -> float:
    """Return the number whose trigamma is a value above 0."""
    low, high = 1e-9, 1e9
    return float(scipy.optimize.brentq(lambda x: scipy.special.polygamma(1, x) - value, low, high))
