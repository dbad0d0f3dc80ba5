"""The batched logistic regression against scikit-learn, and what must not change its answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from denote.errors import StateError
from denote.observers.centroid import CentroidProbe
from denote.observers.linear import LinearProbe
from denote.observers.reading import Resources, moments, row_blocks
from denote.observers.solvers import logistic
from denote.observers.solvers.design import design_of
from denote.observers.solvers.logistic import solve_logistic
from denote.observers.sparse import SparseProbe
from denote.streams import stream

Arrays = tuple[np.ndarray, np.ndarray]


def reference(state: np.ndarray, label: np.ndarray, l2: float, balance: bool) -> tuple[np.ndarray, float]:
    """scikit-learn's solution of our objective."""
    model = LogisticRegression(
        C=1 / (2 * len(label) * l2), class_weight="balanced" if balance else None, tol=1e-10, max_iter=5000,
        solver="newton-cholesky",
    ).fit(state.astype(np.float64), label)  # fmt: skip
    return model.coef_[0], float(model.intercept_[0])


def objective(
    state: np.ndarray, label: np.ndarray, weights: np.ndarray, bias: float, l2: float, balance: bool
) -> float:
    """The objective, written plainly."""
    row = np.ones(len(label))
    if balance:
        for c in (0, 1):
            row[label == c] = len(label) / (2 * (label == c).sum())
    z = (state.astype(np.float64) @ weights + bias) * (2 * label - 1.0)
    return float((row * np.logaddexp(0, -z)).mean() + l2 * weights @ weights)


def problem(seed: int = 0, n: int = 400, d: int = 20, attributes: int = 5) -> Arrays:
    rng = np.random.default_rng(seed)
    state = rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + rng.standard_normal(d) * 3
    scores = state @ rng.standard_normal((d, attributes)) / d + rng.logistic(size=(n, attributes))
    shares = np.linspace(0.1, 0.5, attributes)
    cut = np.array([np.quantile(scores[:, a], 1 - shares[a]) for a in range(attributes)])
    return state.astype(np.float32), (scores > cut).astype(np.int8)


def test_oracle_8_coefficients_of_scikit_learn() -> None:
    state, label = make_classification(1000, n_features=100, random_state=0)
    state = state.astype(np.float32)
    observer = LinearProbe(l2=1e-3, standardise=False).fit(state, label[:, None].astype(np.int8))
    weights, bias = reference(state, label, 1e-3, balance=True)
    assert np.abs(observer.weights[:, 0] - weights).max() <= 2e-4
    assert abs(observer.bias[0] - bias) <= 2e-4


@pytest.mark.parametrize("l2", [1e-1, 1e-3, 1e-5])
def test_reaches_the_minimum_of_the_objective(l2: float) -> None:
    state, labels = problem()
    unit = (state - state.mean(0)) / state.std(0)
    observer = LinearProbe(l2=l2).fit(state, labels)
    assert observer.converged.all()
    for a in range(labels.shape[1]):
        best = objective(unit, labels[:, a], *reference(unit, labels[:, a], l2, True), l2, True)
        weights = observer.weights[:, a] * state.std(0)
        ours = objective(
            unit, labels[:, a], weights, observer.bias[a] + observer.weights[:, a] @ state.mean(0), l2, True
        )
        assert ours - best <= 1e-6 * best


def test_neurons_may_be_shifted_and_scaled() -> None:
    state, labels = problem()
    moved = state * np.float32(64) + np.float32(1024)
    first, second = LinearProbe().fit(state, labels), LinearProbe().fit(moved, labels)
    assert second.scores(moved) == pytest.approx(first.scores(state), abs=2e-3)
    assert second.weights * 64 == pytest.approx(first.weights, abs=1e-4)


def test_order_of_rows_and_duplicated_rows_change_nothing() -> None:
    state, labels = problem()
    weights = LinearProbe().fit(state, labels).weights
    order = np.random.default_rng(1).permutation(len(state))
    assert LinearProbe().fit(state[order], labels[order]).weights == pytest.approx(weights, abs=1e-4)
    twice = LinearProbe().fit(np.concatenate([state, state]), np.concatenate([labels, labels]))
    assert twice.weights == pytest.approx(weights, abs=1e-4)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.booleans())
def test_a_null_leaves_out_its_row_from_its_column_only(seed: int, balance: bool) -> None:
    state, labels = problem(seed % 7, n=150, d=6, attributes=3)
    nulls = np.random.default_rng(seed).random(len(labels)) < 0.3
    holed = labels.copy()
    holed[nulls, 1] = -1
    probe = LinearProbe(standardise=False)
    full, part = probe.fit(state, labels), probe.fit(state, holed)
    alone = probe.fit(state[~nulls], labels[~nulls])
    assert part.weights[:, [0, 2]] == pytest.approx(full.weights[:, [0, 2]], abs=1e-4)
    assert part.weights[:, 1] == pytest.approx(alone.weights[:, 1], abs=1e-3)


def test_one_class_column_is_null_and_harms_no_other() -> None:
    state, labels = problem()
    spoiled = labels.copy()
    spoiled[:, 2] = 1
    observer = LinearProbe().fit(state, spoiled)
    assert np.isnan(observer.weights[:, 2]).all()
    assert observer.notes[2] == "not fitted: 400 positive and 0 negative fit rows"
    assert observer.fitted.tolist() == [True, True, False, True, True]
    assert not observer.converged[2]
    whole = LinearProbe().fit(state, labels)
    assert observer.weights[:, [0, 1, 3, 4]] == pytest.approx(whole.weights[:, [0, 1, 3, 4]], abs=1e-4)


def test_constant_neuron_gets_no_weight() -> None:
    state, labels = problem()
    state[:, 3] = 1234.5
    for standardise in (True, False):
        assert (LinearProbe(standardise=standardise).fit(state, labels).weights[3] == 0).all()


def test_separable_and_collinear_states_stay_finite() -> None:
    rng = np.random.default_rng(0)
    label = (np.arange(300) % 3 == 0).astype(np.int8)[:, None]
    one = (rng.standard_normal((300, 1)) + 20 * label).astype(np.float32)
    observer = LinearProbe().fit(np.repeat(one, 4, axis=1), label)
    assert observer.converged.all()
    assert np.isfinite(observer.weights).all()
    assert observer.weights[:, 0] == pytest.approx(np.full(4, observer.weights[0, 0]), rel=1e-3)
    assert ((observer.scores(np.repeat(one, 4, axis=1)) > 0) == label).all()


def test_stopped_early_says_so() -> None:
    state, labels = problem()
    observer = LinearProbe(max_iterations=1).fit(state, labels)
    assert not observer.converged.any()
    assert (observer.gradient_norm > 1e-6).all()


def test_more_neurons_than_rows() -> None:
    rng = np.random.default_rng(0)
    state = rng.standard_normal((60, 300)).astype(np.float32)
    label = (rng.random(60) < 0.5).astype(np.int8)
    observer = LinearProbe(l2=1e-2, standardise=False).fit(state, label[:, None])
    weights, _ = reference(state, label, 1e-2, balance=True)
    assert observer.converged.all()
    assert observer.weights[:, 0] == pytest.approx(weights, abs=2e-4)


def test_unbalanced_probe_sets_its_threshold_on_the_inner_validation_part() -> None:
    rng = np.random.default_rng(0)
    label = (rng.random(4000) < 0.05).astype(np.int8)
    state = (rng.standard_normal((4000, 3)) + 1.5 * label[:, None]).astype(np.float32)
    probe = LinearProbe(balance=False)
    observer = probe.fit(state, label[:, None], seed=1)
    decided = observer.scores(state)[:, 0] > 0
    assert (decided[label == 1].mean() + 1 - decided[label == 0].mean()) / 2 > 0.85  # bias unmoved: about .7
    assert (probe.fit(state, label[:, None], seed=1).weights == observer.weights).all()
    assert (probe.fit(state, label[:, None], seed=2).weights != observer.weights).any()


def test_scores_are_those_of_the_weights_for_tensors_and_arrays() -> None:
    state, labels = problem()
    observer = LinearProbe().fit(torch.from_numpy(state), labels)
    expected = state.astype(np.float64) @ observer.weights + observer.bias
    assert observer.scores(torch.from_numpy(state)) == pytest.approx(expected, abs=1e-9)
    ranking = expit(observer.scores(state)[:, 4])
    assert ranking[labels[:, 4] == 1].mean() > ranking[labels[:, 4] == 0].mean()


def test_state_with_nan_is_refused_by_neuron() -> None:
    state, labels = problem()
    state[5, 7] = np.nan
    with pytest.raises(StateError, match=r"1 numbers are NaN or infinite in 1 neurons, first in neuron 7 \(1 of"):
        LinearProbe().fit(state, labels)
    with pytest.raises(StateError, match=r"the observer reads 20"):
        LinearProbe().fit(*problem()).scores(state[:, :5])


def layer_like(n: int = 1500, d: int = 48) -> Arrays:
    """What a trained layer looks like to a solver: rectified, correlated, some neurons dead, attributes read easily."""
    rng = np.random.default_rng(5)
    causes = rng.standard_normal((n, 6))
    state = np.maximum(causes @ rng.standard_normal((6, d)) + 0.3 * rng.standard_normal((n, d)) - 0.5, 0)
    state[:, ::12] = 0
    labels = np.stack([causes[:, 0] > 1.8, causes[:, 1] > 0, np.abs(causes[:, 2]) < 0.3, rng.random(n) < 0.3], axis=1)
    return state.astype(np.float32), labels.astype(np.int8)


def test_a_layer_of_correlated_rectified_neurons_is_solved_to_the_minimum() -> None:
    state, labels = layer_like()
    observer = LinearProbe().fit(state, labels)
    assert observer.converged.all()
    spread = state.std(0)
    unit = (state - state.mean(0)) / np.where(spread > 0, spread, 1)
    for a in range(labels.shape[1]):
        best, intercept = reference(unit, labels[:, a], 1e-3, True)
        ours = observer.weights[:, a] * spread
        bias = observer.bias[a] + observer.weights[:, a] @ state.mean(0)
        least = objective(unit, labels[:, a], best, intercept, 1e-3, True)
        assert objective(unit, labels[:, a], ours, bias, 1e-3, True) - least <= 1e-6 * least
        assert np.linalg.norm(ours - best) <= 1e-3 * np.linalg.norm(best)


def test_what_float32_cannot_reach_ends_and_says_so() -> None:
    state, labels = problem()
    observer = LinearProbe(tolerance=1e-14, max_iterations=100_000).fit(state, labels)
    assert not observer.converged.any()
    assert (observer.gradient_norm < 1e-5).all()


def test_each_attribute_gets_the_strength_with_the_least_held_out_loss() -> None:
    state, labels = problem(n=600, d=30, attributes=3)
    strengths = (1e-4, 1e-2, 1.0)
    observer = LinearProbe(l2=strengths).fit(state, labels, seed=3)
    order = stream("inner validation", 3).permutation(600)
    held, rest = np.sort(order[:120]), np.sort(order[120:])
    unit = (state - state[rest].mean(0)) / state[rest].std(0)
    assert observer.l2 is not None
    for a in range(3):
        losses = []
        for l2 in strengths:
            weights, bias = reference(unit[rest], labels[rest, a], l2, True)
            losses.append(objective(unit[held], labels[held, a], weights, bias, 0, True))
        assert observer.l2[a] == strengths[int(np.argmin(losses))]
        alone = LinearProbe(l2=float(observer.l2[a])).fit(state, labels[:, a : a + 1])
        assert observer.weights[:, a] == pytest.approx(alone.weights[:, 0], abs=1e-4)
    assert observer.converged.all()
    turned = LinearProbe(l2=strengths[::-1]).fit(state, labels, seed=3)
    assert (turned.weights == observer.weights).all()


def test_noise_gets_the_largest_strength_and_one_class_none() -> None:
    rng = np.random.default_rng(0)
    state = rng.standard_normal((300, 80)).astype(np.float32)
    labels = np.stack([rng.random(300) < 0.5, np.ones(300)], axis=1).astype(np.int8)
    observer = LinearProbe(l2=(1e-4, 1e-2, 1.0)).fit(state, labels)
    assert observer.l2 is not None
    assert observer.l2[0] == 1.0
    assert np.isnan(observer.l2[1])
    assert observer.notes == (
        "l2: the largest of the list was chosen",
        "not fitted: 300 positive and 0 negative fit rows",
    )


def test_strengths_without_balance_set_strength_and_threshold_on_the_held_rows() -> None:
    rng = np.random.default_rng(0)
    label = (rng.random(4000) < 0.05).astype(np.int8)
    state = (rng.standard_normal((4000, 3)) + 1.5 * label[:, None]).astype(np.float32)
    observer = LinearProbe(l2=(1e-4, 1e-3), balance=False).fit(state, label[:, None], seed=1)
    decided = observer.scores(state)[:, 0] > 0
    assert (decided[label == 1].mean() + 1 - decided[label == 0].mean()) / 2 > 0.85


def test_a_fit_may_start_where_another_has_ended() -> None:
    state, labels = problem()
    design = design_of(state, *standard(state), Resources())
    columns, l2 = torch.from_numpy(labels), torch.full((labels.shape[1],), 1e-3, dtype=torch.float64)
    cold = solve_logistic(design, columns, l2)
    again = solve_logistic(design, columns, l2, start=torch.cat([cold.weights, cold.bias[None]]))
    assert (again.steps == 0).all()
    assert (again.weights == cold.weights).all()
    other = solve_logistic(design, columns, 10 * l2, start=torch.cat([cold.weights, cold.bias[None]]))
    assert other.converged.all()
    assert other.weights.numpy() == pytest.approx(solve_logistic(design, columns, 10 * l2).weights.numpy(), abs=1e-4)


def test_a_column_costs_nothing_once_it_has_converged(monkeypatch: pytest.MonkeyPatch) -> None:
    state, labels = layer_like()
    design = design_of(state, *standard(state), Resources())
    widths: list[int] = []
    move = logistic._Solver.move

    def watched(solver: logistic._Solver, length: torch.Tensor) -> None:
        widths.append(solver.columns.margin.shape[1])
        move(solver, length)

    monkeypatch.setattr(logistic._Solver, "move", watched)
    l2 = torch.tensor([1e-5, 1e-3, 1e-1, 10.0], dtype=torch.float64)
    solution = solve_logistic(design, torch.from_numpy(labels), l2)
    # A step looks once at every column that still moves, and the start looks at all of them.
    assert sum(widths) == len(l2) + int(solution.steps.sum())


def standard(state: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    found = moments(state)
    return found.mean, torch.where(found.constant, torch.inf, found.variance.sqrt())


@pytest.mark.parametrize("offset", [0.0, 3e4])
def test_moments_by_blocks(offset: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("denote.observers.reading.row_blocks", lambda state: row_blocks(state, 7 * 20))
    state, _ = problem()
    state = state + np.float32(offset)
    state[:, 4] = np.float32(0.1)
    found = moments(state)
    exact = state.astype(np.float64)
    assert found.mean.numpy() == pytest.approx(exact.mean(0), rel=1e-9, abs=1e-7)
    assert found.variance.numpy() == pytest.approx(exact.var(0), rel=1e-4, abs=1e-12)
    assert found.constant.tolist() == [i == 4 for i in range(20)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")
def test_a_gpu_gives_the_same_observers() -> None:
    state, labels = layer_like()
    here, there = LinearProbe().fit(state, labels), LinearProbe().fit(state, labels, resources=Resources("cuda"))
    assert there.converged.all()
    assert there.scores(state) == pytest.approx(here.scores(state), abs=1e-2)


def test_dead_neurons_change_nothing_and_get_no_weight() -> None:
    state, labels = layer_like()
    live = state.std(0) > 0
    many = np.zeros((len(state), 300), np.float32)
    places = np.sort(np.random.default_rng(0).permutation(300)[: live.sum()])
    many[:, places] = state[:, live]
    alone, among = LinearProbe().fit(state[:, live], labels), LinearProbe().fit(many, labels)
    assert among.weights[places] == pytest.approx(alone.weights, abs=1e-4)
    assert np.count_nonzero(among.weights.any(1)) == live.sum()
    path = LinearProbe(l2=(1e-3, 1e-2)).fit(many, labels)
    assert path.converged.all()


def test_a_dead_layer_says_nothing_about_anything() -> None:
    observer = LinearProbe().fit(np.full((90, 4), 2.5, np.float32), (np.arange(90) % 3 == 0).astype(np.int8)[:, None])
    assert (observer.weights == 0).all()
    assert observer.bias[0] == pytest.approx(0, abs=1e-6)


def test_a_gram_matrix_that_float32_cannot_decompose(monkeypatch: pytest.MonkeyPatch) -> None:
    state, labels = layer_like()
    expected = LinearProbe().fit(state, labels)
    eigh = torch.linalg.eigh

    def fails(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if matrix.dtype == torch.float32:
            raise torch.linalg.LinAlgError("the algorithm failed to converge")
        return tuple(eigh(matrix))

    monkeypatch.setattr(torch.linalg, "eigh", fails)
    observer = LinearProbe().fit(state, labels)
    assert observer.converged.all()
    assert observer.weights == pytest.approx(expected.weights, abs=1e-3)


@pytest.mark.parametrize("scale", [1e-24, 1e18, 1e30])
def test_activations_of_any_size_are_read_alike(scale: float) -> None:
    state, labels = problem()
    expected = LinearProbe().fit(state, labels).scores(state)
    tiny_or_huge = state * np.float32(scale)
    for kind in (LinearProbe(), CentroidProbe(), SparseProbe((1, 4))):
        observer, usual = kind.fit(tiny_or_huge, labels), kind.fit(state, labels)
        assert observer.fitted.all()
        assert ((observer.scores(tiny_or_huge) > 0) == (usual.scores(state) > 0)).mean() > 0.99
    assert LinearProbe().fit(tiny_or_huge, labels).scores(tiny_or_huge) == pytest.approx(expected, abs=1e-2)


def test_what_has_no_variance_is_refused_by_neuron() -> None:
    state, labels = problem()
    state[:, 6] *= np.float32(3e37) / np.abs(state[:, 6]).max()
    with pytest.raises(StateError, match="neuron 6 varies by too much or too little"):
        LinearProbe().fit(state, labels)


@pytest.mark.parametrize("kind", [np.float16, np.float64, np.int64])
def test_states_of_other_types(kind: type) -> None:
    rng = np.random.default_rng(0)
    state = (rng.standard_normal((2000, 6)) * 30).astype(kind)
    labels = (state[:, :2] + state[:, 2:4] > 10).astype(np.int8)
    expected = LinearProbe().fit(state.astype(np.float32), labels)
    for probe in (LinearProbe(), LinearProbe(l2=(1e-3, 1e-1))):
        observer = probe.fit(state, labels)
        assert observer.converged.all()
        assert ((observer.scores(state) > 0) == labels).mean() > 0.95
    assert LinearProbe().fit(state, labels).weights == pytest.approx(expected.weights, abs=1e-4)


def test_a_wide_state_needs_memory_by_its_rows() -> None:
    rng = np.random.default_rng(0)
    state = rng.standard_normal((40, 150_000)).astype(np.float32)
    labels = (np.arange(40) % 2).astype(np.int8)[:, None]
    assert LinearProbe(l2=1e-1).fit(state, labels).converged.all()
    assert LinearProbe(l2=1e-1).fit(state, labels, resources=Resources(memory=512 << 20)).converged.all()


def test_a_penalty_too_small_to_be_sure_of_is_flagged() -> None:
    state, labels = layer_like()
    observer = LinearProbe(l2=1e-7, tolerance=1e-6).fit(state, labels)
    assert not observer.converged.any()


def test_a_path_says_where_it_could_not_choose() -> None:
    rng = np.random.default_rng(0)
    state = rng.standard_normal((60, 5)).astype(np.float32)
    label = np.zeros((60, 1), np.int8)
    label[0] = 1
    notes = {LinearProbe(l2=(1.0, 1e-2, 1e-4)).fit(state, label, seed=seed).notes[0] for seed in range(4)}
    assert notes <= {
        "l2: not chosen, the largest: a label is missing in one of the inner parts",
        "not fitted: 0 positive and 48 negative fit rows",
    }


def test_a_path_in_little_memory_is_solved_in_parts() -> None:
    state, labels = problem(n=900)
    probe = LinearProbe(l2=(1e-4, 1e-3, 1e-2, 1e-1))
    whole, parts = probe.fit(state, labels), probe.fit(state, labels, resources=Resources(memory=450_000))
    assert (whole.l2 == parts.l2).all()
    assert parts.weights == pytest.approx(whole.weights, abs=1e-4)


@pytest.mark.parametrize("balance", [True, False])
def test_an_observer_that_does_without_neurons_is_the_one_that_never_saw_them(balance: bool) -> None:
    state, labels = problem(n=600, d=24)
    probe, l2 = LinearProbe(balance=balance), np.full(labels.shape[1], 1e-3)
    whole = probe.solve(state, labels, l2)
    removed = np.random.default_rng(1).random(whole.weights.shape) < np.linspace(0.1, 0.9, labels.shape[1])
    for start in (None, whole):
        without = probe.solve(state, labels, l2, start=start, removed=removed)
        assert without.converged.all()
        assert (without.weights[removed] == 0).all()
        for a in range(labels.shape[1]):
            kept = ~removed[:, a]
            scale = state[:, kept].std(0)
            weights, bias = reference((state[:, kept] - state[:, kept].mean(0)) / scale, labels[:, a], 1e-3, balance)
            np.testing.assert_allclose(without.weights[kept, a] * scale, weights, atol=2e-4)
            assert without.bias[a] + state.mean(0) @ without.weights[:, a] == pytest.approx(bias, abs=1e-3)
