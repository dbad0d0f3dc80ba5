"""An estimate goes into a row and comes back; what is undefined is null there and NaN here."""

import math

import numpy as np
import pytest

from denote.numbers import Estimate, mean_of_defined, ratio

NAN = math.nan


@pytest.mark.parametrize("bounds", [None, "score_interval"])
@pytest.mark.parametrize("numbers", [(0.5, 0.25, 0.75), (0.5, NAN, NAN), (NAN, NAN, NAN), (0.0, 0.0, 0.0)])
def test_a_row_keeps_an_estimate(numbers: tuple[float, float, float], bounds: str | None) -> None:
    row = Estimate(*numbers).columns("score", bounds)
    assert list(row.values()) == [None if math.isnan(number) else number for number in numbers]
    back = Estimate.of(row, "score", bounds)
    np.testing.assert_array_equal([back.value, back.low, back.high], numbers)


def test_the_ends_come_from_their_own_columns_or_are_undefined() -> None:
    row = {"score": 0.5, "score_low": 0.4, "score_interval_low": 0.3, "score_interval_high": 0.7}
    assert Estimate.of(row, "score", bounds="score_interval") == Estimate(0.5, 0.3, 0.7)
    assert math.isnan(Estimate.of(row, "score").high)
    with pytest.raises(KeyError, match="other"):
        Estimate.of(row, "other")


def test_a_ratio_is_undefined_over_nothing_and_broadcasts() -> None:
    np.testing.assert_array_equal(ratio([1, 2, 0], [2, 0, 0]), [0.5, NAN, NAN])
    np.testing.assert_array_equal(ratio(np.array([[1, 2], [3, 4]]), 2), [[0.5, 1], [1.5, 2]])
    assert ratio(1, 4) == 0.25


def test_a_mean_is_over_the_draws_that_are_defined() -> None:
    draws = np.array([[1.0, NAN, NAN], [2.0, 4.0, NAN]])
    np.testing.assert_array_equal(mean_of_defined(draws), [1.5, 4, NAN])
    np.testing.assert_array_equal(mean_of_defined(list(draws)), [1.5, 4, NAN])
