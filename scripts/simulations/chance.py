"""How many of n pure chance gives, but for one time in a thousand: where goals and tests draw their lines."""

from __future__ import annotations

from scipy import stats

ALARM = 0.001
"""Chance that a correct program falls on the wrong side of a line."""


def most(n: int, rate: float) -> int:
    """Most of ``n`` that happen at this rate; 21 of 200 and 41 of 500 at .05."""
    return int(stats.binom.isf(ALARM, n, rate))


def fewest(n: int, rate: float) -> int:
    """Fewest of ``n`` that happen at this rate."""
    return int(stats.binom.ppf(ALARM, n, rate))
