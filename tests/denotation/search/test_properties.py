"""Names and labels of properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denote.attributes.labels import Family, Labels
from denote.data.parts import Halves
from denote.denotation.property_names import affirmed, complement
from denote.denotation.search.properties import attribute_properties, distinct_rows, family_halves, subset_name

DIGITS = "0123456789"
ALL = np.ones(10, dtype=bool)


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ([3], "class=3"),
        ([0, 6], "class in {0,6}"),
        ([0, 1, 2, 4, 5, 6, 7, 8, 9], "NOT class=3"),
        ([1, 2, 3, 4, 5, 7, 8, 9], "NOT class in {0,6}"),
        ([0, 2, 4, 6, 8], "class in {0,2,4,6,8}"),
        ([1, 3, 5, 7, 9], "NOT class in {0,2,4,6,8}"),
    ],
)
def test_names_of_subsets(members: list[int], name: str) -> None:
    assert subset_name(np.isin(np.arange(10), members), ALL, DIGITS) == name


def test_subsets_are_named_by_the_target() -> None:
    assert subset_name(np.array([True, True, False]), np.ones(3, bool), "abc", "shape") == "NOT shape=c"


@given(st.lists(st.booleans(), min_size=10, max_size=10).filter(lambda m: 0 < sum(m) < 10))
def test_a_complement_differs_by_not_alone(members: list[bool]) -> None:
    inside = np.array(members)
    name, other = subset_name(inside, ALL, DIGITS), subset_name(~inside, ALL, DIGITS)
    assert complement(name) == other
    assert complement(other) == name


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("odd", "NOT odd"),
        ("odd AND prime", "NOT (odd AND prime)"),
        ("(a OR b) AND c", "NOT ((a OR b) AND c)"),
        ("(a OR b)", "NOT ((a OR b))"),
        ("NOT a AND b", "NOT (NOT a AND b)"),
        ("NOT (a) AND (b)", "NOT (NOT (a) AND (b))"),
        ("class IN (0, 6)", "NOT class IN (0, 6)"),
        ("(shape)", "NOT (shape)"),
        ("team=sand and stone", "NOT team=sand and stone"),
    ],
)
def test_complements_go_there_and_back(name: str, other: str) -> None:
    assert complement(name) == other
    assert complement(other) == name


@pytest.mark.parametrize(
    ("name", "without"),
    [("odd", "odd"), ("NOT odd", "odd"), ("NOT (a AND b)", "a AND b"), ("NOT a AND b", "NOT a AND b")],
)
def test_a_name_and_its_complement_are_affirmed_alike(name: str, without: str) -> None:
    assert affirmed(name) == affirmed(complement(name)) == without


def test_attributes_with_too_few_rows_do_not_enter_and_nulls_stay_null() -> None:
    values = np.zeros((100, 3), np.int8)
    values[:30, 0], values[30:40, 0], values[:19, 1], values[10:60, 2] = 1, -1, 1, 1
    family = Family("columns", Labels(("a", "b", "c"), ("columns",) * 3, values))
    rows = np.arange(100)
    halves = family_halves(family, rows, rows[::-1])
    properties = attribute_properties(halves, entry_rows=20)
    assert properties.names == ("a", "c")
    np.testing.assert_array_equal(properties.fit_labels(np.arange(2)), values[:, [0, 2]].T)
    np.testing.assert_array_equal(properties.test_labels(0), values[::-1, 0])
    assert isinstance(halves, Halves)


@pytest.mark.parametrize(("rows", "attributes"), [(500, 3), (300, 40), (300, 97), (1, 5), (0, 4), (50, 0)])
def test_distinct_rows_are_those_of_numpy(rows: int, attributes: int) -> None:
    draws = np.random.default_rng(0)
    labels = draws.integers(-1, 2, (rows, attributes)).astype(np.int8)
    if rows > 2:
        labels[1::3] = labels[: len(labels[1::3])]
    patterns, codes = distinct_rows(labels)
    if rows and attributes:
        expected, inverse = np.unique(labels, axis=0, return_inverse=True)
        np.testing.assert_array_equal(patterns, expected)
        np.testing.assert_array_equal(codes, inverse.reshape(-1))
    np.testing.assert_array_equal(patterns[codes], labels)
