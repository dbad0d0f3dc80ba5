"""Near copies are closer than permuted features and the data's own neighbours explain; equal rows may be chance."""

from __future__ import annotations

import numpy as np
import pytest

from denote.evidence.near_copies import (
    LARGEST,
    Space,
    beyond_chance,
    isolated,
    near_copies,
    neighbours,
    repeat_by_themselves,
)


def draws(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def found(values: np.ndarray, apart: tuple[np.ndarray, ...] = ()) -> np.ndarray:
    """Whether each row, all of which are looked at, has a near copy."""
    values = values.astype(np.float32)
    space = Space.of(values)
    assert space is not None
    copies = near_copies(space.points(values), space, apart)
    assert copies.examined.tolist() == list(range(len(values)))
    has: np.ndarray = copies.is_copy.any(axis=1)
    return has


def grouped(values: np.ndarray, size: int) -> np.ndarray:
    """Every row several times, with noise of 1 % of each feature's variance."""
    several = np.repeat(values, size, axis=0)
    return several + 0.1 * several.std(axis=0) * draws(1).standard_normal(several.shape)


def test_neighbours_are_those_of_a_plain_loop() -> None:
    points = draws().standard_normal((60, 3)).astype(np.float32)
    groups = np.arange(60) // 3
    distance, which = neighbours(points, np.array([0, 7, 59]), 4, (groups,))
    for at, row in enumerate((0, 7, 59)):
        plain = ((points - points[row]) ** 2).sum(axis=1)
        plain[groups == groups[row]] = np.inf
        assert which[at].tolist() == np.argsort(plain)[:4].tolist()
        np.testing.assert_allclose(distance[at], np.sort(plain)[:4], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [2, 5, 20])
def test_groups_of_near_copies_are_found_and_other_rows_are_not(size: int) -> None:
    rng = draws()
    copies, others = grouped(rng.standard_normal((200 // size, 30)), size), rng.standard_normal((400, 30))
    has = found(np.concatenate([copies, others]))
    assert has[: len(copies)].mean() > 0.98
    assert has[len(copies) :].mean() < 0.01


def test_rows_of_a_group_that_is_named_are_no_copies_of_each_other() -> None:
    values = grouped(draws().standard_normal((100, 30)), 5)
    assert found(values).all()
    assert not found(values, (np.arange(500) // 5,)).any()


def test_the_scale_of_a_feature_changes_nothing_but_rounding() -> None:
    values = np.concatenate([grouped(draws().standard_normal((40, 20)), 5), draws(2).standard_normal((300, 20))])
    scaled = values * 10.0 ** draws(3).integers(-3, 4, 20) + 7
    assert found(values).tolist() == found(scaled).tolist()
    assert found(np.column_stack([values, np.ones(len(values))])).tolist() == found(values).tolist()  # a constant


@pytest.mark.parametrize("dimensions", [1, 2, 3, 10, 200])
def test_a_cloud_has_no_near_copies(dimensions: int) -> None:
    assert not found(draws().standard_normal((600, dimensions))).any()


def test_rows_that_are_closer_than_permuted_ones_for_other_reasons_are_none() -> None:
    rng = draws()
    line = rng.standard_normal((600, 1)) @ rng.standard_normal((1, 20))
    walk = rng.standard_normal((600, 50)).cumsum(axis=1)
    clusters = rng.uniform(-10, 10, (3, 12))[rng.integers(0, 3, 600)] + 0.1 * rng.standard_normal((600, 12))
    for values in (line, walk, clusters, rng.standard_cauchy((600, 10)), rng.integers(0, 2, (600, 20))):
        assert not found(values).any()


def test_a_group_larger_than_the_largest_is_a_cluster() -> None:
    assert not found(grouped(draws().standard_normal((8, 30)), 3 * LARGEST)).any()


def test_few_rows_say_nothing_and_values_that_do_not_vary_have_no_space() -> None:
    values = draws().standard_normal((30, 5)).astype(np.float32)
    space = Space.of(values)
    assert space is not None
    assert len(near_copies(space.points(values), space).examined) == 0
    assert Space.of(np.ones((100, 3), dtype=np.float32)) is None


def test_equal_pairs_of_a_table_of_few_values_are_chance_and_of_numbers_are_not() -> None:
    few = draws().integers(0, 2, (400, 3)).astype(np.float32)
    pairs = sum(n * (n - 1) // 2 for n in np.unique(few, axis=0, return_counts=True)[1])
    assert not beyond_chance(int(pairs), 400, few)
    assert beyond_chance(1, 400, draws().standard_normal((400, 10)).astype(np.float32))
    assert not beyond_chance(1, 1000, draws().integers(0, 2, (1000, 20)).astype(np.float32)), "expected .5"


def test_rows_repeat_by_themselves_where_others_differ_in_one_feature_or_in_one_category() -> None:
    row, times = np.array([[1.0, 0, 0, 5]], dtype=np.float32), np.array([2])
    one, category, both = (np.array([[each]], dtype=np.float32) for each in ([1, 0, 0, 6], [0, 1, 0, 5], [0, 1, 0, 6]))
    assert repeat_by_themselves(row, times, one)
    assert repeat_by_themselves(row, times, category)
    assert not repeat_by_themselves(row, times, both)
    assert not repeat_by_themselves(row, np.array([9]), one), "equal rows are far more frequent"


def test_sequences_that_are_short_or_differ_in_one_place_are_not_isolated() -> None:
    sequences = [[1, 2], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 7], [9, 8, 7, 6, 5], [9, 8, 7, 5, 6], [1, 2, 3, 4, 5]]
    assert isolated([np.array(each) for each in sequences]).tolist() == [False, False, False, True, True, True]
