"""Benjamini-Hochberg against scipy, and what it does with missing tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from denote.evidence.corrections import benjamini_hochberg, holm


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_equals_scipy(p: list[float]) -> None:
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p), rtol=1e-12, atol=0)


def test_missing_tests_pass_through_and_are_not_counted() -> None:
    p = np.array([0.01, np.nan, 0.04, np.nan, 0.03])
    q = benjamini_hochberg(p)
    assert np.isnan(q[[1, 3]]).all()
    np.testing.assert_allclose(q[[0, 2, 4]], false_discovery_control(p[[0, 2, 4]]))


@pytest.mark.parametrize("p", [[], [np.nan, np.nan]])
def test_no_test_gives_no_q(p: list[float]) -> None:
    assert np.isnan(benjamini_hochberg(p)).all()
    assert len(benjamini_hochberg(p)) == len(p)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.01, 0.5))
def test_the_small_p_values_and_the_number_of_tests_are_enough(p: list[float], level: float) -> None:
    small = np.array([value for value in p if value <= level])
    whole = benjamini_hochberg(p)[np.array(p) <= level]
    q = benjamini_hochberg(small, len(p))
    rejected = whole <= level
    np.testing.assert_array_equal(q <= level, rejected)
    np.testing.assert_allclose(q[rejected], whole[rejected])
    assert (q >= whole - 1e-12).all()


def test_fewer_tests_than_p_values_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="n_tests is 1"):
        benjamini_hochberg([0.1, 0.2], 1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.999))
def test_holm_rejects_step_by_step_and_stops_at_the_first_that_is_kept(p: list[float], level: float) -> None:
    rejected: set[int] = set()
    for place in sorted(range(len(p)), key=lambda index: p[index]):
        if p[place] * (len(p) - len(rejected)) > level:
            break
        rejected.add(place)
    found = holm([*p, float("nan")])
    assert set(np.flatnonzero(found <= level)) == rejected
    assert np.isnan(found[-1])
