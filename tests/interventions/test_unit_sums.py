"""Sums over rows and groups give the interval that the rows give."""

import numpy as np
import pytest

from denote.interventions.drops import drop_interval
from denote.interventions.unit_sums import UnitSums
from denote.numbers import Estimate


def bounds(estimate: Estimate[float]) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


@pytest.mark.parametrize("size", [1, 7, 200])
@pytest.mark.parametrize("n_groups", [None, 40, 3, 1])
def test_the_interval_is_that_of_all_rows_however_they_are_cut(size: int, n_groups: int | None) -> None:
    generator = np.random.default_rng(0)
    values = 1e3 + generator.standard_normal((200, 2))
    given = None if n_groups is None else np.sort(generator.integers(n_groups, size=200))
    groups = np.arange(200) if given is None else given
    sums = UnitSums()
    for start in range(0, 200, size):
        sums.add(values[start : start + size], groups[start : start + size])
    for place, estimate in enumerate(sums.estimates()):
        wanted = drop_interval(values[:, place], given, bounded=False)
        np.testing.assert_allclose(bounds(estimate), bounds(wanted), rtol=1e-12)


def test_values_that_are_all_the_same_have_no_width() -> None:
    sums = UnitSums()
    sums.add(np.full((50, 1), 1 / 3), np.arange(50))
    (estimate,) = sums.estimates()
    assert bounds(estimate) == (1 / 3, 1 / 3, 1 / 3)
