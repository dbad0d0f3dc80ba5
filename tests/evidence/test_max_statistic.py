"""The permuted maxima against scipy, against the formula written plainly, and against what they are for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from denote.evidence import corrections as max_statistic
from denote.evidence.corrections import (
    REPLICATES,
    ScanSettings,
    max_p_values,
    permutation,
    permuted_maxima,
    standard_ranks,
    standard_weights,
)


def case(n: int = 80, neurons: int = 6, attributes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    state = rng.standard_normal((n, neurons)).astype(np.float32)
    state[:, 1::2] = np.maximum(state[:, 1::2], 0)  # ties
    return state, rng.integers(0, 2, (n, attributes)).astype(np.int8)


def plain_z(values: np.ndarray, label: np.ndarray) -> float:
    """The definition: difference of mean ranks over its standard deviation when labels are permuted."""
    ranks, n = stats.rankdata(values), len(values)
    n1, n0 = (label == 1).sum(), (label == 0).sum()
    variance = ranks.var(ddof=1) * (1 / n1 + 1 / n0)
    assert n > 1
    return float((ranks[label == 1].mean() - ranks[label == 0].mean()) / np.sqrt(variance))


def plain_p(values: np.ndarray, label: np.ndarray) -> float:
    """Both tails of a Pearson type III distribution with the skewness that z has under permutations."""
    z, n = abs(plain_z(values, label)), len(values)
    weights = np.where(label == 1, 1 / (label == 1).sum(), np.where(label == 0, -1 / (label == 0).sum(), 0))
    cubes = [
        np.sum((x - x.mean()) ** 3) / np.sum((x - x.mean()) ** 2) ** 1.5 for x in (weights, stats.rankdata(values))
    ]
    skewness = np.prod(cubes) * n * (n - 1) ** 1.5 / ((n - 1) * (n - 2))
    return float(stats.pearson3.sf(z, skewness) + stats.pearson3.cdf(-z, skewness))


def every_z(state: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.array([[plain_z(x, y) for y in labels.T] for x in state.T])


@given(seed=st.integers(0, 10_000), n=st.integers(8, 60))
@settings(max_examples=25)
def test_without_nulls_z_is_scipys_mann_whitney(seed: int, n: int) -> None:
    state, labels = case(n, 4, 3, seed)
    labels[0], labels[1] = 0, 1
    z = standard_ranks(np.ascontiguousarray(state.T)) @ standard_weights(labels)
    for x, row in zip(state.T.astype(np.float64), z, strict=True):
        for y, own in zip(labels.T, row, strict=True):
            if np.ptp(x) > 0:
                p = stats.mannwhitneyu(x[y == 1], x[y == 0], use_continuity=False, method="asymptotic").pvalue
                assert 2 * stats.norm.sf(abs(own)) == pytest.approx(p, abs=1e-5)


def test_the_standard_deviation_is_that_of_permutations_even_with_nulls() -> None:
    """3,000 permutations: the standard error of a standard deviation of 1 is .013; .05 is nearly 4 of them."""
    state, labels = case(60, 3, 1)
    labels[:25, 0] = -1
    rng, ranks = np.random.default_rng(0), standard_ranks(np.ascontiguousarray(state.T))
    z = np.array([ranks @ standard_weights(labels[rng.permutation(60)]) for _ in range(3000)])[:, :, 0]
    assert z.std(0) == pytest.approx(1, abs=0.05)
    assert z.mean(0) == pytest.approx(0, abs=0.08)


@pytest.mark.parametrize("block", [64, 1 << 23], ids=["one neuron and draw at a time", "all together"])
def test_maxima_are_those_of_a_plain_loop(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(max_statistic, "BLOCK", block)
    state, labels = case()
    labels[::7, 2] = -1
    live = np.array([True, True, True, False, True, True])
    found = permuted_maxima(state, labels, live, ScanSettings("model", draws=25, q=0.2))
    assert found.observed == pytest.approx(np.abs(every_z(state[:, live], labels)).max(0), abs=1e-4)
    assert found.n_tests == 5 * 4
    assert len(found.small) == REPLICATES
    for draw in range(25):
        z = np.abs(every_z(state[:, live], labels[permutation("model", draw, len(labels))]))
        assert found.drawn[draw] == pytest.approx(z.max(), abs=1e-4)
        if draw < REPLICATES:
            moved = labels[permutation("model", draw, len(labels))]
            p = np.array([plain_p(x, y) for x in state[:, live].T for y in moved.T])
            assert np.sort(found.small[draw]) == pytest.approx(np.sort(p[p <= 0.2]), abs=1e-4)


def test_a_p_value_counts_draws_that_reach_it_and_the_observed_one() -> None:
    state, labels = case()
    layers = [permuted_maxima(state[:, part], labels, np.ones(3, bool), ScanSettings("model", draws=30)) for part in
              (slice(0, 3), slice(3, 6))]  # fmt: skip
    p = max_p_values(layers[0].observed, [layers[0]])
    assert p[0] == (1 + (layers[0].drawn >= layers[0].observed[0]).sum()) / 31
    assert (max_p_values(layers[0].observed, layers) >= p).all(), "more layers, more chances"
    together = permuted_maxima(state, labels, np.ones(6, bool), ScanSettings("model", draws=30))
    assert np.maximum(layers[0].drawn, layers[1].drawn) == pytest.approx(together.drawn, abs=1e-5)


def test_a_planted_attribute_has_the_smallest_p_value_and_the_others_have_not() -> None:
    """Chance of a false alarm: one of 3 noise attributes below .005 in 200 draws, at most .005; fixed seeds."""
    state, labels = case(200)
    state[:, 0] += 2 * labels[:, 1]
    p = max_p_values(
        *((found := permuted_maxima(state, labels, np.ones(6, bool), ScanSettings("m", draws=200))).observed, [found])
    )
    assert p[1] == 1 / 201
    assert (np.delete(p, 1) > 0.01).all()


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 1.5, 2.0, 4.0])
def test_permutations_that_cannot_count_are_not_made_and_change_nothing(shift: float) -> None:
    """Attributes from noise to far beyond the reach of permutations; the bound is at the p-values' own tails."""
    state, labels = case(200, 6, 3)
    state[:, :3] += shift * labels
    few, all_of_them = (
        permuted_maxima(state, labels, np.ones(6, bool), ScanSettings("m", draws=200, reach=reach))
        for reach in (max_statistic.REACH, 0.0)
    )
    assert len(all_of_them.drawn) == 200
    assert len(few.drawn) == (REPLICATES if shift >= 1.5 else 200)
    assert (few.drawn == all_of_them.drawn[: len(few.drawn)]).all()
    assert max_p_values(few.observed, [few]) == pytest.approx(max_p_values(few.observed, [all_of_them]), abs=0)
    assert few.draws == all_of_them.draws == 200
    if np.isfinite(few.beyond):
        assert all_of_them.drawn.max() < few.beyond, "what was counted on does not happen"


def test_smallest_p_values_of_noise_are_uniform_enough() -> None:
    """The least p of a layer is at most .25 in 25 % of data sets: of 200, P(Bin(200, .25) > 70) = 6e-4, < 31: 4e-4."""
    below = 0
    for seed in range(200):
        state, labels = case(40, 5, 3, seed + 1000)
        found = permuted_maxima(state, labels, np.ones(5, bool), ScanSettings(str(seed), draws=39))
        below += np.nanmin(max_p_values(found.observed, [found])) <= 0.25
    assert 31 <= below <= 70


def test_what_has_no_test_is_nan() -> None:
    state, labels = case()
    labels[:, 0], labels[:, 1] = 1, np.where(labels[:, 1] == 1, 1, -1)
    found = permuted_maxima(state, labels, np.ones(6, bool), ScanSettings("model", draws=10))
    assert np.isnan(found.observed).tolist() == [True, True, False, False]
    assert np.isnan(max_p_values(found.observed, [found])).tolist() == [True, True, False, False]
    dead = permuted_maxima(state, labels, np.zeros(6, bool), ScanSettings("model", draws=10))
    assert np.isnan(dead.observed).all()
    assert dead.n_tests == 0
    assert np.isnan(
        max_p_values(found.observed, [permuted_maxima(state, labels, np.ones(6, bool), ScanSettings("m", draws=0))])
    ).all()


def test_draws_are_named_and_leave_the_global_generator_alone() -> None:
    np.random.seed(0)  # noqa: NPY002 (the global generator is what must stay untouched)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    state, labels = case()
    one, again, other = (
        permuted_maxima(state, labels, np.ones(6, bool), ScanSettings(name, draws=5)).drawn for name in ("a", "a", "b")
    )
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert (one == again).all()
    assert (one != other).any()
    assert permuted_maxima(state, labels, np.ones(6, bool), ScanSettings("a", draws=9)).drawn[:5] == pytest.approx(one)
