"""An estimate goes into a row and comes back; what is undefined is null there and NaN here."""

import math

import numpy as np
import pytest

from denote.estimate import Estimate

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
