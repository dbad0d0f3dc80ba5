"""The prefix rule against brute force, and the search on planted neurons."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from denote.denotation.subsets import best_prefixes, entering_classes, search_subsets


def brute_force(on: np.ndarray, size: np.ndarray) -> float:
    """Best balanced accuracy over every proper subset, from the definition."""
    best = 0.0
    for members in product([False, True], repeat=len(size)):
        inside = np.array(members)
        if inside.any() and not inside.all():
            tpr = on[inside].sum() / size[inside].sum()
            tnr = 1 - on[~inside].sum() / size[~inside].sum()
            best = max(best, (tpr + tnr) / 2)
    return best


@settings(max_examples=150)
@given(st.lists(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=6))
def test_prefixes_hold_the_best_of_all_subsets(classes: list[tuple[int, int]]) -> None:
    on, size = np.array(classes).T
    members, score = best_prefixes(on, size)
    assert score == pytest.approx(brute_force(on, size), abs=1e-10)
    assert 0 < members.sum() < len(size)
    tpr, tnr = on[members].sum() / size[members].sum(), 1 - on[~members].sum() / size[~members].sum()
    assert score == pytest.approx((tpr + tnr) / 2, abs=1e-10), "the members are those of the score"


def test_prefixes_of_many_neurons_at_once_are_those_of_each() -> None:
    rng = np.random.default_rng(0)
    size = rng.integers(1, 200, 8)
    on = rng.integers(0, size + 1, (8, 3, 8))
    members, score = best_prefixes(on, size)
    assert score == pytest.approx(np.array([[brute_force(cell, size) for cell in row] for row in on]), abs=1e-10)
    assert members.shape == on.shape


def planted(rng: np.random.Generator, n_rows: int, n_neurons: int, d: float) -> tuple[np.ndarray, ...]:
    """Neurons d' apart between a random subset of 10 classes and the rest."""
    codes = rng.integers(0, 10, n_rows)
    sizes = rng.integers(1, 10, n_neurons)
    subsets = np.array([rng.permutation(10) < size for size in sizes])
    state = rng.standard_normal((n_rows, n_neurons)) + d * subsets[:, codes].T
    return state.astype(np.float32), codes, subsets


def test_planted_subsets_are_found_exactly() -> None:
    """At d' = 6 a class's on-rates are .999 or .001; 100 rows each make a wrong class impossible (< 1e-60)."""
    state, codes, subsets = planted(np.random.default_rng(1), 1000, 60, 6)
    found = search_subsets(state, codes, 10)
    assert (found.masks == subsets).all()
    assert (found.score > 0.99).all()


def test_memory_and_order_of_rows_change_nothing() -> None:
    state, codes, _ = planted(np.random.default_rng(2), 500, 12, 2)
    whole, narrow = search_subsets(state, codes, 10), search_subsets(state, codes, 10, memory=1)
    order = np.random.default_rng(3).permutation(500)
    moved = search_subsets(state[order], codes[order], 10)
    for other in (narrow, moved):
        np.testing.assert_array_equal(whole.masks, other.masks)
        np.testing.assert_array_equal(whole.threshold, other.threshold)
        np.testing.assert_array_equal(whole.score, other.score)


def test_rare_classes_and_null_rows_do_not_enter() -> None:
    rng = np.random.default_rng(4)
    codes = np.concatenate([np.repeat([0, 1, 2], 60), np.full(19, 3), np.full(30, -1)])
    state = (rng.standard_normal((len(codes), 3)) + 8 * (codes == 0)[:, None]).astype(np.float32)
    assert entering_classes(codes, 4).tolist() == [True, True, True, False]
    found = search_subsets(state, codes, 4)
    assert (found.masks == [True, False, False, False]).all()
    state[codes == 3] += 100
    state[codes == -1] -= 100
    np.testing.assert_array_equal(search_subsets(state, codes, 4).threshold, found.threshold)


def test_constant_neurons_and_too_few_classes_find_nothing() -> None:
    state = np.random.default_rng(5).standard_normal((100, 2)).astype(np.float32)
    state[:, 1] = 3
    found = search_subsets(state, np.repeat([0, 1], 50), 2)
    assert np.isnan(found.threshold).tolist() == [False, True]
    assert not found.masks[1].any()
    nothing = search_subsets(state, np.repeat([0, 1], [95, 5]), 2)
    assert np.isnan(nothing.score).all()


def test_nested_subsets_that_pass_are_listed() -> None:
    """A graded neuron parts {0}, {0,1}, {0,1,2}, ... equally well; one that knows only {0,1} has no other."""
    rng = np.random.default_rng(6)
    codes = np.tile(np.arange(5), 100)
    graded = -10.0 * codes
    single = 10.0 * (codes < 2)
    state = (np.stack([graded, single], axis=1) + rng.standard_normal((500, 2))).astype(np.float32)
    found = search_subsets(state, codes, 5)
    assert found.smallest[0].tolist() == [True, False, False, False, False]
    assert found.largest[0].tolist() == [True, True, True, True, False]
    assert (found.smallest[1] == found.masks[1]).all()
    assert (found.largest[1] == found.masks[1]).all()
    assert found.masks[1].tolist() == [True, True, False, False, False]
