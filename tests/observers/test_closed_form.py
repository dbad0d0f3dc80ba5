"""The centroid probe against the plain formula, and what must not change its answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from denote.errors import StateError
from denote.observers.centroid import CentroidProbe
from denote.observers.reading import Resources
from denote.states.state import StoredState


def problem(seed: int = 0, n: int = 600, d: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Correlated neurons with means of their own, one constant; labels with nulls."""
    rng = np.random.default_rng(seed)
    state = (rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + 4 * rng.standard_normal(d)).astype(np.float32)
    state[:, 5] = 3.25
    labels = (state[:, :4] + rng.standard_normal((n, 4)) > state[:, :4].mean(0)).astype(np.int8)
    labels[::3, 1] = -1
    labels[:50, 2] = -1
    return state, labels


def plain(state: np.ndarray, label: np.ndarray, standardise: bool) -> tuple[np.ndarray, float]:
    """Weights and bias as the method says them, one attribute."""
    x = state.astype(np.float64)
    spread = x.std(0)
    positive, negative = x[label == 1].mean(0), x[label == 0].mean(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = (positive - negative) / spread**2 if standardise else positive - negative
    weights = np.where(spread > 0, weights, 0)
    return weights, float(-weights @ (positive + negative) / 2)


@pytest.mark.parametrize("standardise", [True, False])
def test_it_is_the_plain_formula(standardise: bool) -> None:
    state, labels = problem()
    observer = CentroidProbe(standardise).fit(state, labels)
    for a in range(labels.shape[1]):
        weights, bias = plain(state, labels[:, a], standardise)
        np.testing.assert_allclose(observer.weights[:, a], weights, rtol=1e-5, atol=1e-9)
        assert observer.bias[a] == pytest.approx(bias, rel=1e-5)
    assert observer.converged.all()
    assert not observer.gradient_norm.any()
    assert not observer.weights[5].any()


def test_the_midpoint_of_the_projected_means_scores_zero() -> None:
    state, labels = problem()
    scores = CentroidProbe().fit(state, labels).scores(state)
    for a in range(labels.shape[1]):
        high, low = (scores[labels[:, a] == label, a].mean() for label in (1, 0))
        assert high > 0
        assert high == pytest.approx(-low)


def test_neurons_may_be_shifted_and_scaled() -> None:
    state, labels = problem()
    moved = state * np.float32(64) + np.float32(4096)
    first, second = CentroidProbe().fit(state, labels), CentroidProbe().fit(moved, labels)
    np.testing.assert_allclose(second.scores(moved), first.scores(state), atol=2e-3)
    far = state.astype(np.float32) + np.float32(1e6)
    weights, _ = plain(far, labels[:, 0], True)
    np.testing.assert_allclose(CentroidProbe().fit(far, labels).weights[:, 0], weights, rtol=1e-4, atol=1e-9)


def test_on_two_spherical_gaussians_its_direction_is_that_of_the_means() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 40_000)
    means = np.linspace(-1, 1, 16)
    state = (rng.standard_normal((len(label), 16)) + np.outer(2 * label - 1, means)).astype(np.float32)
    weights = CentroidProbe(standardise=False).fit(state, label[:, None].astype(np.int8)).weights[:, 0]
    assert weights @ means / np.linalg.norm(weights) / np.linalg.norm(means) > 0.9995


def test_what_cannot_be_fitted_says_why() -> None:
    state, _ = problem(n=400)
    twice = np.concatenate([state, state])
    labels = np.zeros((800, 4), dtype=np.int8)
    labels[400:, 0] = 1  # the same rows again: both means are equal
    labels[:, 2] = -1
    labels[::2, 3] = 1
    observer = CentroidProbe().fit(twice, labels)
    assert observer.notes == (
        "not fitted: both labels have the same mean in every neuron",
        "not fitted: 0 positive and 800 negative fit rows",
        "not fitted: 0 positive and 0 negative fit rows", None,
    )  # fmt: skip
    assert np.isnan(observer.scores(twice)).all(0).tolist() == [True, True, True, False]
    assert observer.converged.tolist() == [False, False, False, True]
    dead = CentroidProbe(standardise=False).fit(np.ones((800, 3), np.float32), labels)
    assert (dead.notes[3] or "").startswith("not fitted: both labels have the same mean")


def test_null_rows_count_for_nothing_in_their_column() -> None:
    state, labels = problem()
    other = state.copy()
    null = labels[:, 1] == -1
    other[null] = other[null][::-1]  # the same values in other rows: the neurons' moments stay
    first, second = (CentroidProbe().fit(s, labels[:, 1:2]) for s in (state, other))
    np.testing.assert_allclose(first.weights, second.weights, rtol=1e-6)


def test_a_state_on_disk_is_read_by_blocks(tmp_path: Path) -> None:
    state, labels = problem(n=3000)
    np.save(tmp_path / "state.npy", state)
    stored = StoredState(np.load(tmp_path / "state.npy", mmap_mode="r"), np.arange(3000))
    inside = CentroidProbe().fit(state, labels)
    outside = CentroidProbe().fit(stored, labels, resources=Resources(memory=1 << 14))
    np.testing.assert_allclose(outside.weights, inside.weights, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(outside.bias, inside.bias, rtol=1e-10)


def test_a_bad_state_is_refused() -> None:
    state, labels = problem()
    state[3, 4] = np.nan
    with pytest.raises(StateError, match="1 numbers are NaN or infinite"):
        CentroidProbe().fit(state, labels)
