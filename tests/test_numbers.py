"""Numbers in print: rounding never claims more than is known."""

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denote.numbers import Estimate, count, decimals_of, interval, proportion, seconds, setting, small
from denote.reporting.cards import counts, intervals, proportions


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.95, ".95"), (1.0, "1.00"), (0.995, ">.99"), (0.9951, ">.99"), (0.9999, ">.99"), (0.99992, ">.99"),
        (0.9949, ".99"), (-1.0, "-1.00"), (1.25, "1.25"), ((1 + 1 - 1e-15) / 2, "1.00"),
        (0.0, ".00"), (-0.0, ".00"), (0.00004, ".00"), (-0.034, "-.03"),
        (-0.001, ".00"), (-0.9999, "<-.99"),
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
    assert [setting(value) for value in (0.95, 0.9, 0.975, 0.001, 1.0, 0.0, 0.999, 0.995)] == [
        ".95", ".90", ".975", ".001", "1.00", ".00", ".999", ".995",
    ]  # fmt: skip
    assert [seconds(0.42), seconds(125), seconds(None)] == ["0.4 s", "2 min 05 s", ""]


proportions_and_null = st.lists(
    st.one_of(st.none(), st.floats(-1, 1), st.integers(-1000, 1000).map(lambda n: n / 1000))
)


@given(values=proportions_and_null, decimals=st.sampled_from([2, 3]))
def test_a_column_reads_as_its_numbers_do(values: list[float | None], decimals: int) -> None:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})
    said = frame.select(proportions("x", decimals)).to_series().to_list()
    assert said == [None if value is None else proportion(value, decimals) for value in values]


@given(
    values=proportions_and_null, limit=st.sampled_from([0.05, 0.9, 0.95, 0.975, 0.9975]),
    distance=st.integers(1, 10**6), decimals=st.sampled_from([2, 3]),
)  # fmt: skip
def test_a_number_in_print_stays_on_its_side_of_a_limit(
    values: list[float | None], limit: float, distance: int, decimals: int
) -> None:
    near = [limit, *(limit + sign * distance * 1e-9 for sign in (-1, 1))]
    frame = pl.DataFrame({"x": pl.Series([*values, *near], dtype=pl.Float64)})
    said = frame.select(proportions("x", decimals, limit)).to_series().to_list()
    for value, text in zip([*values, *near], said, strict=True):
        if value is None:
            assert text is None
            continue
        assert text == proportion(value, decimals, limit)
        if value == limit or abs(value - limit) > 1e-12:
            if text[0] in "<>":  # further out than what is written, which is on that side of the limit or at it
                assert (text[0] == ">") == (value > limit)
                assert float(text[1:]) >= limit if text[0] == ">" else float(text[1:]) <= limit
                continue
            assert (float(text) > limit, float(text) < limit) == (value > limit, value < limit)


def test_decimals_are_added_only_where_they_tell_apart() -> None:
    assert [proportion(x, limit=0.95) for x in (0.94, 0.94989, 0.95, 0.957, 0.949)] == [
        ".94", ".9499", ".95", ".96", ".949",
    ]  # fmt: skip
    assert interval(Estimate(0.94989, 0.9, 0.9949), 0.95) == ".9499 [.90, .99]"
    assert [proportion(x, limit=0.9996) for x in (0.99992, 0.9994)] == [".9999", ".999"]
    assert proportion((0.96 + 0.94) / 2 - 1e-15, limit=0.95) == ".95", (
        "what reaches a limit does not look as if it did not"
    )
    assert small(0.05004, 0.05) == ".05004"
    assert small(3.2e-7, 0.05) == "3e-07"


@given(numbers=st.lists(st.one_of(st.none(), st.integers(0, 10**10))))
def test_a_column_of_counts_reads_as_its_numbers_do(numbers: list[int | None]) -> None:
    frame = pl.DataFrame({"n": pl.Series(numbers, dtype=pl.Int64)})
    assert frame.select(counts("n")).to_series().to_list() == [None if n is None else count(n) for n in numbers]


@given(values=proportions_and_null.filter(lambda values: len(values) >= 3))
def test_a_column_of_intervals_reads_as_its_numbers_do(values: list[float | None]) -> None:
    row = dict(zip(("x", "own_low", "own_high"), values, strict=False))
    said = pl.DataFrame([row], schema=dict.fromkeys(row, pl.Float64)).select(intervals("x", "own")).item()
    assert said == (None if row["x"] is None else interval(Estimate.of(row, "x", "own")))


def test_a_table_of_scores_near_one_has_three_decimals() -> None:
    assert decimals_of([0.99, 0.995, 0.7]) == 3
    assert decimals_of([0.99, 0.7, None, float("nan")]) == 2
    assert decimals_of([]) == 2
    assert interval(Estimate(0.9941, 0.99, 0.998), decimals=3) == ".994 [.990, .998]"
