"""Differences between two layers against scipy's intervals, pair by pair."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from denote.denotation.depth.depth_profiles import LayerPairs
from denote.streams import stream


def profiles(models: int = 8, layers: int = 4) -> np.ndarray:
    return stream("test layer pairs", models, layers).normal(np.linspace(0, 0.1, layers), 0.03, (models, layers))


def differences(own: np.ndarray) -> list[np.ndarray]:
    pairs = [own[:, b] - own[:, a] for a, b in combinations(range(own.shape[1]), 2)]
    return [pair[~np.isnan(pair)] for pair in pairs]


def interval(pair: np.ndarray, confidence: float) -> tuple[float, float]:
    size = abs(pair.mean())
    half = stats.t.ppf((1 + confidence) / 2, len(pair) - 1) * stats.sem(pair)
    return size - half, size + half


def with_gaps() -> np.ndarray:
    own = profiles()
    own[0, 1] = own[1, 3] = np.nan
    return own


@pytest.mark.parametrize("own", [profiles(), with_gaps()])
def test_the_bound_is_the_farthest_end_of_all_pairs(own: np.ndarray) -> None:
    ends = [stats.t.interval(0.9, len(d) - 1, d.mean(), stats.sem(d)) for d in differences(own)]
    assert LayerPairs.of([own]).farthest_end(6, 0.9) == pytest.approx(np.abs(ends).max())


@pytest.mark.parametrize("own", [profiles(), with_gaps()])
def test_the_lower_end_of_the_largest_is_corrected_and_the_upper_is_not(own: np.ndarray) -> None:
    pairs = differences(own)
    low = max(interval(pair, 1 - 0.025 / len(pairs))[0] for pair in pairs)
    high = max(interval(pair, 0.95)[1] for pair in pairs)
    assert low > 0
    assert LayerPairs.of([own]).largest() == pytest.approx((low, high))
    flat = np.tile(np.array([[0.1, -0.1], [0.0, 0.0]]), (4, 2))
    assert LayerPairs.of([flat]).largest()[0] == 0


def test_layers_of_two_architectures_are_not_compared_with_each_other() -> None:
    one, two = profiles(6, 3), profiles(7, 4)
    both = LayerPairs.of([one, two + 100])
    assert len(both.mean) == 3 + 6
    assert np.abs(both.mean).max() < 1
    assert list(both.n_models) == [6] * 3 + [7] * 6


def test_a_pair_that_five_models_have_gives_no_bound() -> None:
    """Every layer has six models or more; both layers of a pair are in five."""
    own = profiles(8, 3)
    own[:2, 0] = own[2, 1] = np.nan
    assert np.isfinite(own).sum(axis=0).min() == 6
    pairs = LayerPairs.of([own])
    assert pairs.n_models[0] == 5
    assert np.isnan(pairs.farthest_end(6, 0.9))
    assert np.isfinite(pairs.farthest_end(5, 0.9))
    assert np.isfinite(pairs.largest()).all()


def test_without_two_models_in_a_pair_there_is_no_interval() -> None:
    nothing = LayerPairs.of([profiles(1, 3)])
    assert np.isnan(nothing.error).all()
    assert np.isnan(nothing.largest()).all()
    assert np.isnan(nothing.farthest_end(0, 0.9))
    apart = profiles(4, 2)
    apart[:2, 0] = apart[2:, 1] = np.nan
    assert np.isnan(LayerPairs.of([apart]).mean).all()
    assert np.isnan(LayerPairs.of([]).farthest_end(6, 0.9))
