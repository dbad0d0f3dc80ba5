"""The skewness of rank sums, and tails that are as skewed: what they are for is shown on permutations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from denote.observers.neuron import rank_neurons
from denote.observers.sorted_columns import orders_of, rank_sum_skewness, two_sided_tail


def moments_of(values: np.ndarray, n1: int) -> float:
    """Skewness of the rank sum from the terms that the compiled loops give."""
    ranks = stats.rankdata(values)
    _, runs = np.unique(values, return_counts=True)
    cubes = np.sum((2 * ranks - len(values) - 1) ** 3)
    n0 = len(values) - n1
    return float(rank_sum_skewness(*(np.asarray(x, float) for x in (n1, n0, np.sum(runs**3 - runs), cubes))))


@pytest.mark.parametrize(("active", "n1"), [(10, 5), (30, 40), (150, 20)])
def test_skewness_is_that_of_permutations(active: int, n1: int) -> None:
    """40,000 permutations: the standard error of these skewnesses is below .03."""
    rng = np.random.default_rng(0)
    values = np.where(np.arange(200) < active, rng.random(200), 0)
    ranks = stats.rankdata(values)
    sums = [ranks[rng.choice(200, n1, replace=False)].sum() for _ in range(40_000)]
    assert moments_of(values, n1) == pytest.approx(stats.skew(sums), abs=0.12)


def test_without_ties_or_with_equal_classes_there_is_none() -> None:
    assert moments_of(np.arange(50.0), 7) == pytest.approx(0, abs=1e-9)
    assert moments_of(np.maximum(np.arange(50.0), 40), 25) == 0
    assert moments_of(np.maximum(np.arange(50.0), 40), 7) > 0.5
    assert moments_of(-np.maximum(np.arange(50.0), 40), 7) < -0.5


@given(z=st.floats(-12, 12), skewness=st.floats(-4, 4))
def test_the_tail_is_scipys(z: float, skewness: float) -> None:
    expected = stats.pearson3.sf(abs(z), abs(skewness)) + stats.pearson3.cdf(-abs(z), abs(skewness))
    rough = 0.1 if abs(skewness) < 1e-3 else 1e-6  # below it the normal distribution stands in
    assert two_sided_tail(np.array(z), np.array(skewness)) == pytest.approx(min(1, expected), rel=rough, abs=1e-13)


def test_undefined_stays_so_and_the_far_tail_is_no_less_than_normal() -> None:
    found = two_sided_tail(np.array([np.nan, 6.0, 6.0]), np.array([0.0, 0.0, 1.0]))
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(2 * stats.norm.sf(6))
    assert found[2] > 100 * found[1]


def sparse_noise() -> tuple[np.ndarray, np.ndarray]:
    """Neurons that are active in .5 to 50 % of 1,000 rows, and labels of 1 to 10 %: 200,000 pairs in 10 data sets."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(10):
        share = np.exp(rng.uniform(np.log(0.005), np.log(0.5), 500))
        state = np.where(rng.random((1000, 500)) < share, rng.random((1000, 500)), 0).astype(np.float32)
        labels = (rng.random((1000, 40)) < np.exp(rng.uniform(np.log(0.01), np.log(0.1), 40))).astype(np.int8)
        ranking = rank_neurons(state, labels)
        found.append((ranking.p_value, ranking.skewed_p_value))
    usual, skewed = (np.concatenate([p.ravel() for p in each]) for each in zip(*found, strict=True))
    return usual, skewed


def test_p_values_of_sparse_neurons_and_rare_labels_hold_their_size() -> None:
    """Pairs of a data set share rows, so counts vary more than a binomial's; seeds are fixed."""
    usual, skewed = sparse_noise()
    assert np.mean(usual <= 1e-5) > 1e-4, "what the correction is there for"
    assert np.mean(skewed <= 1e-5) <= 2e-5
    assert np.mean(skewed <= 1e-3) <= 1.2e-3
    assert 0.03 <= np.mean(skewed <= 0.05) <= 0.055


@pytest.mark.parametrize("rows", [1, 2, 300, 5_000])
def test_orders_of_float32_sort_whatever_the_numbers(rows: int) -> None:
    rng = np.random.default_rng(rows)
    values = (rng.standard_normal((5, rows)) * 10.0 ** rng.integers(-38, 38, (5, rows))).astype(np.float32)
    values[1] = np.round(rng.standard_normal(rows))
    values[2, : rows // 2] = -0.0
    values[3, ::3], values[3, 1::7] = np.inf, -np.inf
    values[4] = 1
    order = orders_of(values)
    np.testing.assert_array_equal(np.sort(order, axis=1), np.tile(np.arange(rows), (5, 1)))
    np.testing.assert_array_equal(np.take_along_axis(values, order, axis=1), np.sort(values, axis=1))
    np.testing.assert_array_equal(order[4], np.arange(rows))
