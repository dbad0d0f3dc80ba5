"""The sparse probe: the right neurons, the minimum on those neurons, and what must not change its answer."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from denote.errors import StateError
from denote.observers.linear import LinearProbe
from denote.observers.observer import FitData, Observer
from denote.observers.reading import Resources, moments
from denote.observers.solvers.newton import Problem, refit
from denote.observers.sparse import SparseProbe
from denote.states.state import StoredState

L2 = 1e-3


def problem(seed: int = 0, n: int = 600, d: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Correlated neurons far from zero, one of them constant; labels of several proportions, one column with nulls."""
    rng = np.random.default_rng(seed)
    state = rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) / 3 + 20 * rng.standard_normal(d)
    state[:, 7] = 1.5
    scores = (state - state.mean(0)) @ rng.standard_normal((d, 4)) + 4 * rng.logistic(size=(n, 4))
    labels = (scores > np.quantile(scores, [0.5, 0.7, 0.9, 0.97], axis=0).diagonal()).astype(np.int8)
    labels[::5, 1] = -1
    return state.astype(np.float32), labels


def objective(state: np.ndarray, label: np.ndarray, observer: Observer, a: int) -> float:
    """The objective, written plainly, on standardised neurons and labelled rows."""
    there = label >= 0
    spread = state.astype(np.float64).std(0)
    z = observer.scores(state[there])[:, a] * (2 * label[there] - 1.0)
    row = np.where(label[there] == 1, 0.5 / (label == 1).sum(), 0.5 / (label == 0).sum())
    weights = observer.weights[:, a] * spread
    return float(row @ np.logaddexp(0, -z) + L2 * weights @ weights)


def least(state: np.ndarray, label: np.ndarray, neurons: np.ndarray) -> float:
    """scikit-learn's minimum of the objective on these neurons."""
    x = state[:, neurons].astype(np.float64)
    x = ((x - x.mean(0)) / x.std(0))[label >= 0]
    y = label[label >= 0]
    model = LogisticRegression(
        C=1 / (2 * len(y) * L2), class_weight="balanced", tol=1e-12, max_iter=1000, solver="newton-cholesky"
    ).fit(x, y)
    z = (x @ model.coef_[0] + model.intercept_[0]) * (2 * y - 1.0)
    row = np.where(y == 1, 0.5 / (y == 1).sum(), 0.5 / (y == 0).sum())
    return float(row @ np.logaddexp(0, -z) + L2 * model.coef_[0] @ model.coef_[0])


def read(observer: Observer, a: int) -> set[int]:
    return set(np.flatnonzero(observer.weights[:, a]).tolist())


def test_every_refit_is_the_minimum_on_its_neurons() -> None:
    state, labels = problem()
    *sparse, _ = SparseProbe(l2=L2).fit_sizes(FitData(state, labels))
    assert [observer.k for observer in sparse] == [1, 2, 4, 8, 16]
    for observer in sparse:
        assert observer.converged.all()
        assert (observer.gradient_norm <= 1e-6).all()
        for a in range(labels.shape[1]):
            neurons = np.flatnonzero(observer.weights[:, a])
            assert len(neurons) == observer.k
            best = least(state, labels[:, a], neurons)
            assert abs(objective(state, labels[:, a], observer, a) - best) <= 1e-6 * best


def test_sizes_are_nested_and_follow_the_larger_fits_relevance() -> None:
    state, labels = problem()
    path = SparseProbe(l2=L2).fit_sizes(FitData(state, labels))
    spread = state.std(0)
    for smaller, larger in pairwise(path):
        for a in range(labels.shape[1]):
            relevance = np.abs(larger.weights[:, a]) * spread
            assert smaller.k is not None
            assert read(smaller, a) == set(np.argsort(-relevance)[: smaller.k].tolist()) < read(larger, a)


def test_the_path_ends_with_the_linear_probe_and_fit_is_the_largest_size_below() -> None:
    state, labels = problem()
    path = SparseProbe(l2=L2).fit_sizes(FitData(state, labels))
    linear = LinearProbe(l2=L2, max_iterations=200).fit(state, labels)
    np.testing.assert_array_equal(path[-1].weights, linear.weights)
    np.testing.assert_array_equal(path[-1].bias, linear.bias)
    assert (path[-1].k, path[-1].size, path[-2].size) == (24, None, 16)
    np.testing.assert_array_equal(SparseProbe(l2=L2).fit(state, labels).weights, path[-2].weights)
    assert [observer.probe for observer in path] == ["sparse"] * 6


def test_one_neuron_is_the_planted_one() -> None:
    rng = np.random.default_rng(0)
    label = np.arange(400) % 2
    state = rng.standard_normal((400, 64))
    state[:, 11] += 2.5 * (2 * label - 1)
    one = SparseProbe().fit_sizes(FitData(state.astype(np.float32), label[:, None].astype(np.int8)))[0]
    assert (one.k, read(one, 0)) == (1, {11})


def test_oracle_1_k_equal_neurons() -> None:
    """Two Gaussians at -d and +d on k independent neurons are told apart with accuracy Phi(d sqrt k)."""
    rng = np.random.default_rng(0)
    label = np.arange(40_000) % 2
    state = rng.standard_normal((len(label), 24)).astype(np.float32)
    carriers = [2, 9, 20]
    state[:, carriers] += (2 * label - 1)[:, None]
    fit, test = slice(0, 20_000), slice(20_000, None)
    data = FitData(state[fit], label[fit, None].astype(np.int8))
    path = {o.k: o for o in SparseProbe(sizes=(1, 2, 3, 4)).fit_sizes(data)}
    assert read(path[3], 0) == set(carriers) < read(path[4], 0)
    for k, equal in ((1, 1), (2, 2), (3, 3), (4, 3)):
        accuracy = ((path[k].scores(state[test])[:, 0] > 0) == label[test]).mean()
        assert accuracy == pytest.approx(norm.cdf(np.sqrt(equal)), abs=0.006)


def test_separable_columns_stay_finite_and_converge() -> None:
    rng = np.random.default_rng(0)
    state = rng.standard_normal((300, 10)).astype(np.float32)
    labels = np.stack([state[:, 0] > 0, state[:, 1] > 2.2, state[:, 2] + state[:, 3] > 0], axis=1).astype(np.int8)
    for observer in SparseProbe(sizes=(1, 2, 4), l2=1e-6).fit_sizes(FitData(state, labels))[:-1]:
        assert observer.converged.all()
        assert np.isfinite(observer.weights).all()


def test_a_start_far_off_arrives_all_the_same() -> None:
    """Newton's own step would overshoot from here; halving brings it back."""
    rng = np.random.default_rng(0)
    state = rng.standard_normal((500, 3)).astype(np.float32)
    labels = (rng.random((500, 2)) < expit(2 * state[:, :2])).astype(np.int8)
    at = Problem.of(state, labels, moments(state), L2)
    chosen = torch.tensor([[0, 1], [1, 2]])
    near, far = (
        refit(at, chosen, torch.full((2, 2), value, dtype=torch.float64), torch.full((2,), value, dtype=torch.float64))
        for value in (0.0, 30.0)
    )
    assert (far.gradient_norm <= 1e-6).all()
    np.testing.assert_allclose(far.weights, near.weights, atol=1e-4)


def test_columns_without_fit_and_sizes_without_sense() -> None:
    state, labels = problem()
    labels[:, 2] = 0
    path = SparseProbe(sizes=(2, 22, 23, 24)).fit_sizes(FitData(state, labels))  # 23 neurons are live
    assert [observer.k for observer in path] == [2, 22, 24]
    for observer in path:
        assert observer.notes[2] == "not fitted: 0 positive and 600 negative fit rows"
        assert np.isnan(observer.weights[:, 2]).all()
        assert observer.converged.tolist() == [True, True, False, True]
        assert np.isnan(observer.gradient_norm[2])
    nothing = SparseProbe().fit_sizes(FitData(state, np.full((600, 2), -1, np.int8)))
    assert [observer.k for observer in nothing] == [1, 2, 4, 8, 16, 24]
    assert not any(observer.fitted.any() for observer in nothing)
    only = SparseProbe().fit(state[:, 7:9], labels)
    assert (only.k, only.size) == (2, None)


def test_streamed_and_chunked_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("denote.observers.solvers.design.BLOCK_BYTES", 4 * 24 * 300)
    state, labels = problem(n=3000)
    np.save(tmp_path / "state.npy", state)
    stored = StoredState(np.load(tmp_path / "state.npy", mmap_mode="r"), np.arange(3000))
    inside = SparseProbe().fit_sizes(FitData(state, labels))
    outside = SparseProbe().fit_sizes(FitData(stored, labels, resources=Resources(memory=1 << 20)))
    for a, b in zip(inside, outside, strict=True):
        assert b.converged.all()
        assert ((a.weights == 0) == (b.weights == 0)).all()
        assert np.linalg.norm(a.weights - b.weights) <= 1e-5 * np.linalg.norm(a.weights)
        np.testing.assert_allclose(a.scores(state), b.scores(state), rtol=1e-4, atol=1e-4)


def test_columns_fitted_together_are_those_fitted_alone() -> None:
    state, labels = problem()
    together = SparseProbe().fit_sizes(FitData(state, labels))
    for a in range(labels.shape[1]):
        alone = SparseProbe().fit_sizes(FitData(state, labels[:, a : a + 1]))
        for both, one in zip(together, alone, strict=True):
            np.testing.assert_allclose(both.weights[:, a], one.weights[:, 0], rtol=1e-3, atol=1e-5)


def test_neurons_may_be_shifted_and_scaled() -> None:
    state, labels = problem()
    moved = state * np.float32(64) + np.float32(1024)
    for first, second in zip(*(SparseProbe().fit_sizes(FitData(s, labels)) for s in (state, moved)), strict=True):
        np.testing.assert_allclose(second.scores(moved), first.scores(state), atol=2e-3)


def test_fit_sizes_gives_all_observers_of_any_probe() -> None:
    state, labels = problem()
    assert [observer.k for observer in SparseProbe().fit_sizes(FitData(state, labels))] == [1, 2, 4, 8, 16, 24]
    (linear,) = LinearProbe().fit_sizes(FitData(state, labels))
    assert (linear.probe, linear.k, linear.size) == ("linear", None, None)
    assert not SparseProbe().joint
    assert not LinearProbe().joint


def test_a_bad_state_is_refused() -> None:
    state, labels = problem()
    state[3, 4] = np.inf
    with pytest.raises(StateError, match="1 numbers are NaN or infinite"):
        SparseProbe().fit(state, labels)
