"""The neuron scan and the pair scan against plain loops, scikit-learn and scipy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm
from sklearn.metrics import roc_auc_score

from denote.observers.neuron import NeuronProbe, best_thresholds, midpoints, rank_neurons


def plain_best(values: np.ndarray, label: np.ndarray) -> tuple[float, float, set[int]]:
    """Best balanced accuracy, widest gap among the cuts that reach it upwards if any does, directions that reach it."""
    distinct = np.unique(values.astype(np.float64))
    found = []
    for low, high in pairwise(distinct):
        on = values > low
        accuracy = (on[label == 1].mean() + (~on)[label == 0].mean()) / 2
        found += [(accuracy, high - low, 1), (1 - accuracy, high - low, -1)]
    best = max(accuracy for accuracy, _, _ in found)
    ties = [(gap, sign) for accuracy, gap, sign in found if accuracy > best - 1e-12]
    sign = 1 if any(s == 1 for _, s in ties) else -1
    return best, max(gap for gap, s in ties if s == sign), {s for _, s in ties}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.integers(4, 40), st.integers(2, 12))
def test_scan_equals_an_exhaustive_search(seed: int, n: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    state = rng.choice(rng.standard_normal(levels), (n, 3)).astype(np.float32)
    labels = rng.integers(-1, 2, (n, 3)).astype(np.int8)
    scan = best_thresholds(state, labels)
    for neuron in range(3):
        for a in range(3):
            rows = labels[:, a] >= 0
            values, label = state[rows, neuron], labels[rows, a]
            if len(np.unique(label)) < 2 or len(np.unique(values)) < 2:
                assert np.isnan(scan.balanced_accuracy[neuron, a])
                assert scan.direction[neuron, a] == 0
                continue
            best, gap, signs = plain_best(values, label)
            threshold, sign = scan.threshold[neuron, a], scan.direction[neuron, a]
            on = values > threshold
            achieved = (on[label == 1].mean() + (~on)[label == 0].mean()) / 2
            assert scan.balanced_accuracy[neuron, a] == pytest.approx(best, abs=1e-12)
            assert (achieved if sign == 1 else 1 - achieved) == pytest.approx(best, abs=1e-12)
            assert sign in signs
            low, high = values[values <= threshold].max(), values[values > threshold].min()
            assert float(high) - float(low) == pytest.approx(gap)
            assert threshold == pytest.approx((float(low) + float(high)) / 2, rel=1e-6)


def test_midpoint_parts_neighbouring_floats_in_either_precision() -> None:
    low = np.array([1.0, np.nextafter(np.float32(1), np.float32(2)), 1e6, -1e-45, 0.0], dtype=np.float32)
    high = np.nextafter(low, np.float32(np.inf))
    for dtype in (np.float32, np.float64):
        threshold = midpoints(low, high).astype(dtype)
        assert (high.astype(dtype) > threshold).all()
        assert not (low.astype(dtype) > threshold).any()


def test_dead_neurons_are_out() -> None:
    state = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
    state[:, 1] = 7
    labels = (np.arange(50) % 2)[:, None].astype(np.int8)
    scan, ranking = best_thresholds(state, labels), rank_neurons(state, labels)
    assert scan.live.tolist() == [True, False, True]
    assert np.isnan([scan.balanced_accuracy[1, 0], ranking.auroc[1, 0], ranking.p_value[1, 0]]).all()
    nothing = NeuronProbe().fit(state[:, 1:2], labels)
    assert not nothing.fitted.any()
    assert nothing.notes == ("not fitted: every neuron is constant on fit",)
    assert np.isnan(nothing.scores(state[:, 1:2])).all()


@pytest.mark.parametrize("scale", [1.0, 1e6])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_auroc_and_p_value_of_every_pair(scale: float, offset: float) -> None:
    rng = np.random.default_rng(3)
    state = (np.maximum(rng.standard_normal((300, 5)), 0) * scale + offset).astype(np.float32)  # half are ties
    labels = rng.integers(-1, 2, (300, 4)).astype(np.int8)
    ranking = rank_neurons(torch.from_numpy(state), labels)
    for neuron in range(5):
        for a in range(4):
            values = state[:, neuron].astype(np.float64)
            positive, negative = values[labels[:, a] == 1], values[labels[:, a] == 0]
            truth = np.repeat([1, 0], [len(positive), len(negative)])
            assert ranking.auroc[neuron, a] == pytest.approx(
                roc_auc_score(truth, np.concatenate([positive, negative])), abs=1e-9
            )
            p = mannwhitneyu(positive, negative, method="asymptotic").pvalue
            assert ranking.p_value[neuron, a] == pytest.approx(p, rel=1e-9)


def test_oracle_1_two_gaussians() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 40_000).astype(np.int8)
    state = (rng.standard_normal(40_000) + 2.5 * (2 * label - 1))[:, None].astype(np.float32)
    fit, test = slice(0, 20_000), slice(20_000, None)
    observer = NeuronProbe().fit(state[fit], label[fit, None])
    decided = observer.scores(state[test])[:, 0] > 0
    assert (decided == label[test]).mean() == pytest.approx(norm.cdf(2.5), abs=0.002)
    assert rank_neurons(state, label[:, None]).auroc[0, 0] == pytest.approx(norm.cdf(2.5 * 2**0.5), abs=5e-4)


def test_oracle_3_planted_neuron() -> None:
    generator = torch.Generator().manual_seed(0)
    state = torch.randn(400, 16, generator=generator)
    label = torch.arange(400) % 2
    state[:, 3] += 2.5 * (2 * label - 1)
    labels = label[:, None].numpy().astype(np.int8)
    distance = np.abs(rank_neurons(state, labels).auroc[:, 0] - 0.5)
    assert distance.argmax() == 3
    assert distance[3] + 0.5 == pytest.approx(0.9996, abs=5e-5)
    assert np.sort(distance)[-2] == pytest.approx(0.063, abs=5e-4)
    observer = NeuronProbe().fit(state[:200], labels[:200])
    assert observer.neuron is not None
    assert observer.neuron[0] == 3
    decided = observer.scores(state[200:])[:, 0] > 0
    truth = labels[200:, 0]
    assert (decided[truth == 1].mean() + 1 - decided[truth == 0].mean()) / 2 > 0.98


def test_direction_down_counts_the_threshold_as_off() -> None:
    below = np.float32(1)
    above = np.nextafter(below, np.float32(2))  # the threshold of neighbours is the lower value itself
    state = np.array([[below], [below], [above], [above]])
    labels = np.array([[1], [1], [0], [0]], dtype=np.int8)
    observer = NeuronProbe().fit(state, labels)
    assert ((observer.scores(state) > 0) == labels).all()
