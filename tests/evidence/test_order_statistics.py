"""The median's interval against its definition, and against how often it covers."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denote.evidence.first_decisive import median_interval


@given(n=st.integers(1, 60), confidence=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_it_is_the_narrowest_pair_of_equal_ranks_that_holds_the_median_often_enough(n: int, confidence: float) -> None:
    found = median_interval(np.arange(1, n + 1), confidence)
    assert found.value == (n + 1) / 2
    holding = [k for k in range(1, n // 2 + 1) if 1 - 2 * sum(comb(n, i) for i in range(k)) / 2**n >= confidence]
    if holding:
        assert (found.low, found.high) == (max(holding), n + 1 - max(holding))
    else:
        assert np.isnan(found.low)
        assert np.isnan(found.high)


def test_six_values_are_the_fewest_for_95_percent() -> None:
    assert np.isnan(median_interval(range(5)).low)
    assert (median_interval(range(6)).low, median_interval(range(6)).high) == (0, 5)


def test_values_beyond_all_keep_the_ends_they_can() -> None:
    inf = float("inf")
    found = median_interval([3, 1, 2, 2, 2, inf, 1, 2])
    assert (found.value, found.low, found.high) == (2, 1, inf)
    assert median_interval([1, inf]).value == inf
    assert median_interval([inf] * 8).low == inf
    assert np.isnan(median_interval([]).value)


def test_it_covers_the_median_also_of_few_distinct_values() -> None:
    """4,000 draws of 8 depths from {0..4}, median 2: coverage is at least .95, by far more than 5 standard errors."""
    draws = np.random.default_rng(0).choice(5, (4000, 8), p=[0.2, 0.25, 0.1, 0.25, 0.2])
    found = [median_interval(each) for each in draws]
    assert np.mean([each.low <= 2 <= each.high for each in found]) >= 0.95
    assert np.mean([each.low < each.high for each in found]) == pytest.approx(1, abs=0.01)
