"""Numbers in print: rounding never claims more than is known."""

import math

import pytest

from denote.estimate import Estimate
from denote.reporting.numbers import count, interval, proportion, seconds, small


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.95, ".95"), (1.0, "1.00"), (0.9999, ".99"), (0.0, ".00"), (-0.034, "-.03"),
        (-0.001, ".00"), (-0.9999, "-.99"),
        (None, "null"), (float("nan"), "null"), (0.5, ".50"),
    ],
)  # fmt: skip
def test_proportion(value: float | None, text: str) -> None:
    assert proportion(value) == text


def test_the_others() -> None:
    assert interval(Estimate(0.95, 0.9, 1.0)) == ".95 [.90, 1.00]"
    assert interval(Estimate(0.95, math.nan, math.nan)) == ".95"
    assert interval(Estimate(math.nan, 0.1, 0.2)) == "null"
    assert [small(v) for v in (0.0321, 3.2e-7, None, 1.0, 0.0)] == [".032", "3e-07", "null", "1.000", ".000"]
    assert [count(1, "neuron"), count(1024, "neuron"), count(None)] == ["1 neuron", "1,024 neurons", "null"]
    assert [seconds(0.42), seconds(125), seconds(None)] == ["0.4 s", "2 min 05 s", ""]
