"""The subset search against all subsets, against the formula written plainly, and on planted neurons."""

from dataclasses import fields
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from denote.denotation.search.properties import Settings, Thresholds, counts_above
from denote.denotation.search.subset_search import Subsets, entering_classes, search_subsets
from denote.observers.reading import State


def search(state: State, codes: np.ndarray, n_classes: int, thresholds: Thresholds = 64, **more: float) -> Subsets:
    """The search with every class that is there."""
    settings = {"thresholds": thresholds, "entry_rows": 1, **more}
    return search_subsets(state, codes, n_classes, Settings(**settings))  # type: ignore[arg-type]


def same(one: Subsets, other: Subsets) -> None:
    for field in fields(Subsets):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def gain(on: np.ndarray, size: np.ndarray, inside: np.ndarray) -> Fraction:
    """TPR - FPR, exactly."""
    rates = (Fraction(int(on[side].sum()), int(size[side].sum())) for side in (inside, ~inside))
    return next(rates) - next(rates)


def plain(column: np.ndarray, codes: np.ndarray, thresholds: Thresholds, decisive: float) -> dict[str, object]:
    """What METHOD section 2 says of one neuron, word for word, in fractions."""
    size = np.bincount(codes)
    ((_, (counts,)),) = counts_above(column[:, None], codes, len(size), thresholds, 1)

    def prefixes(order: np.ndarray) -> list[np.ndarray]:
        return [np.isin(np.arange(len(size)), order[:k]) for k in range(1, len(size))]

    tried = [
        (gain(on, size, inside), -cut, -inside.sum(), inside)
        for cut, on in enumerate(counts)
        for inside in prefixes(np.argsort(-on / size, kind="stable"))
    ]
    own = max(tried, key=lambda each: each[:3])[3]
    mean = np.array([Fraction(int(total), int(rows)) for total, rows in zip(counts.sum(axis=0), size, strict=True)])
    order = np.array(sorted(range(len(size)), key=lambda c: (not own[c], -mean[c], c)))
    passing = [
        inside.sum() == own.sum() or max((1 + float(gain(on, size, inside))) / 2 for on in counts) >= decisive
        for inside in prefixes(order)
    ]
    distinct = np.unique(column)
    middles, widths = (distinct[1:] + distinct[:-1]) / 2, np.diff(distinct)
    scores = [gain(np.bincount(codes[column > m], minlength=len(size)), size, own) for m in middles]
    best = max(score_width for score_width in zip(scores, widths, -np.arange(len(widths)), strict=True))
    return {
        "chain": np.argsort(order), "n_members": own.sum(), "passing": passing,
        "threshold": middles[-int(best[2])], "score": (1 + float(best[0])) / 2,
    }  # fmt: skip


NEURONS = st.tuples(
    st.integers(0, 2**32 - 1), st.integers(2, 6), st.sampled_from([2, 4, 12, 1000]), st.sampled_from([1, 4, 30, "all"])
)


def drawn(seed: int, n_classes: int, n_values: int) -> tuple[np.ndarray, np.ndarray]:
    """One neuron, graded or not, and classes of unequal size; few values leave ties within and across classes."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(n_classes), rng.integers(1, 9, n_classes))
    column = rng.integers(0, n_values, len(codes)) + rng.integers(0, n_values + 1, n_classes)[codes]
    return column.astype(np.float32), codes


@settings(max_examples=200)
@given(NEURONS)
def test_the_search_is_the_plain_formula(case: tuple[int, int, int, Thresholds]) -> None:
    seed, n_classes, n_values, thresholds = case
    column, codes = drawn(seed, n_classes, n_values)
    found = search(column[:, None], codes, n_classes, thresholds, decisive=0.8)
    if len(np.unique(column)) == 1:
        assert np.isnan(found.threshold[0])
        return
    expected = plain(column, codes, thresholds, 0.8)
    np.testing.assert_array_equal(found.chain[0], expected["chain"])
    np.testing.assert_array_equal(found.passing[0], expected["passing"])
    assert found.n_members[0] == expected["n_members"]
    assert found.threshold[0] == expected["threshold"]
    assert found.score[0] == pytest.approx(expected["score"], abs=1e-12)


@settings(max_examples=100)
@given(NEURONS)
def test_at_every_gap_the_search_is_brute_force_over_all_subsets(case: tuple[int, int, int, Thresholds]) -> None:
    column, codes = drawn(*case[:3])
    n_classes = case[1]
    distinct = np.unique(column)
    found = search(column[:, None], codes, n_classes, "all")
    counts = [np.bincount(codes[column > m], minlength=n_classes) for m in (distinct[1:] + distinct[:-1]) / 2]
    sides = [np.array(inside) for inside in product([False, True], repeat=n_classes)][1:-1]
    size = np.bincount(codes)
    best = max(((1 + float(gain(on, size, inside))) / 2 for inside in sides for on in counts), default=np.nan)
    assert found.score[0] == pytest.approx(best, abs=1e-10, nan_ok=True)
    if len(distinct) > 1:
        own = balanced_accuracy_score(found.masks[0][codes], column > found.threshold[0])
        assert own == pytest.approx(best, abs=1e-10), "the members and the threshold are those of the score"


@pytest.mark.parametrize("d", [0.3, 1.0, 6.0])
def test_passing_cuts_by_leaves_nothing_out(d: float) -> None:
    """With many rows most gaps are passed by; the formula looks at all."""
    state, codes, _ = planted(np.random.default_rng(7), 400, 8, d)
    found = search(state, codes, 10, "all", decisive=0.6)
    for neuron in range(8):
        expected = plain(state[:, neuron], codes, "all", 0.6)
        np.testing.assert_array_equal(found.chain[neuron], expected["chain"])
        np.testing.assert_array_equal(found.passing[neuron], expected["passing"])
        assert found.n_members[neuron] == expected["n_members"]


def planted(rng: np.random.Generator, n_rows: int, n_neurons: int, d: float) -> tuple[np.ndarray, ...]:
    """Neurons d' apart between a random subset of 10 classes and the rest."""
    codes = rng.integers(0, 10, n_rows)
    sizes = rng.integers(1, 10, n_neurons)
    subsets = np.array([rng.permutation(10) < size for size in sizes])
    state = rng.standard_normal((n_rows, n_neurons)) + d * subsets[:, codes].T
    return state.astype(np.float32), codes, subsets


@pytest.mark.parametrize("thresholds", [64, "all"])
def test_planted_subsets_are_found_exactly(thresholds: Thresholds) -> None:
    """At d' = 6 a class's on-rates are .999 or .001; 100 rows each make a wrong class impossible (< 1e-60)."""
    state, codes, subsets = planted(np.random.default_rng(1), 1000, 60, 6)
    found = search_subsets(state, codes, 10, Settings(thresholds))
    assert (found.masks == subsets).all()
    assert (found.score > 0.99).all()


def test_every_gap_scores_no_less_than_quantiles() -> None:
    state, codes, _ = planted(np.random.default_rng(9), 700, 40, 0.7)
    assert (search(state, codes, 10, "all").score >= search(state, codes, 10, 16).score).all()


def test_memory_threads_and_order_of_rows_change_nothing() -> None:
    state, codes, _ = planted(np.random.default_rng(2), 500, 12, 2)
    state[:, :6] = np.round(state[:, :6])
    whole, narrow = search_subsets(state, codes, 10), search_subsets(state, codes, 10, Settings(memory=1))
    order = np.random.default_rng(3).permutation(500)
    same(whole, narrow)
    same(whole, search_subsets(state[order], codes[order], 10))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        same(whole, search_subsets(state, codes, 10))
    finally:
        torch.set_num_threads(threads)


def test_a_rising_transformation_moves_only_the_threshold() -> None:
    state, codes, _ = planted(np.random.default_rng(8), 600, 10, 1)
    one, other = (search(values, codes, 10, "all") for values in (state, np.exp(state.astype(np.float64))))
    np.testing.assert_array_equal(one.masks, other.masks)
    np.testing.assert_array_equal(one.passing, other.passing)
    np.testing.assert_array_equal(one.score, other.score)


def test_turning_a_neuron_round_finds_complements_of_equal_score() -> None:
    state, codes, _ = planted(np.random.default_rng(10), 600, 10, 6)
    one, other = search(state, codes, 10, "all"), search(-state, codes, 10, "all")
    np.testing.assert_array_equal(one.masks, ~other.masks)
    np.testing.assert_allclose(one.score, other.score, rtol=0, atol=1e-12)


def test_neighbouring_floats_are_parted() -> None:
    values = np.array([1, np.nextafter(np.float32(1), np.float32(2))], np.float32)
    found = search(values[:, None], np.array([0, 1]), 2)
    assert (values > np.float32(found.threshold[0])).tolist() == [False, True]
    assert found.score[0] == 1


def test_rare_classes_and_null_rows_do_not_enter() -> None:
    rng = np.random.default_rng(4)
    codes = np.concatenate([np.repeat([0, 1, 2], 60), np.full(19, 3), np.full(30, -1)])
    state = (rng.standard_normal((len(codes), 3)) + 8 * (codes == 0)[:, None]).astype(np.float32)
    assert entering_classes(codes, 4).tolist() == [True, True, True, False]
    found = search_subsets(state, codes, 4)
    assert (found.masks == [True, False, False, False]).all()
    assert not found.nested()[1][:, 3].any()
    state[codes == 3] += 100
    state[codes == -1] -= 100
    same(search_subsets(state, codes, 4), found)


def test_constant_neurons_and_too_few_classes_find_nothing() -> None:
    state = np.random.default_rng(5).standard_normal((100, 3)).astype(np.float32)
    state[:, 1] = 3
    state[:60, 2] = 3
    codes = np.repeat([0, 1, -1], [30, 30, 40])
    found = search_subsets(state, codes, 2)
    assert np.isnan(found.threshold).tolist() == [False, True, True]
    assert found.live.tolist() == [True, False, True], "the third varies on rows without a class only"
    assert not found.masks[1:].any()
    assert found.nested()[0].tolist() == [0]
    nothing = search_subsets(state, np.repeat([0, 1], [95, 5]), 2)
    assert np.isnan(nothing.score).all()
    assert nothing.live.tolist() == [True, False, True]


def test_nested_subsets_that_pass_are_listed() -> None:
    """A graded neuron parts {0}, {0,1}, {0,1,2}, ... equally well; one that knows only {0,1} has no other."""
    rng = np.random.default_rng(6)
    codes = np.tile(np.arange(5), 100)
    graded = -10.0 * codes
    single = 10.0 * (codes < 2)
    state = (np.stack([graded, single], axis=1) + rng.standard_normal((500, 2))).astype(np.float32)
    found = search_subsets(state, codes, 5)
    neuron, masks = found.nested()
    assert neuron.tolist() == [0, 0, 0, 0, 1]
    np.testing.assert_array_equal(masks[:4], np.tri(4, 5, dtype=bool))
    assert masks[4].tolist() == found.masks[1].tolist() == [True, True, False, False, False]
