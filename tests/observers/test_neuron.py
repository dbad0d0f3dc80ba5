"""The neuron scan and the pair scan against plain loops, scikit-learn and scipy."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm
from sklearn.metrics import roc_auc_score

from denote.errors import ConfigError, StateError
from denote.observers import neuron as neuron_module
from denote.observers import sorted_columns
from denote.observers.neuron import NeuronProbe, best_thresholds, live_neurons, midpoints, rank_neurons
from denote.observers.reading import Resources


def plain_best(values: np.ndarray, label: np.ndarray, signs: tuple[int, ...] = (1, -1)) -> tuple[float, float, int]:
    """Best balanced accuracy, lowest of the widest gaps that reach it in the first direction that does, direction."""
    positive, negative = np.count_nonzero(label == 1), np.count_nonzero(label == 0)
    found = []
    for low, high in pairwise(np.unique(values.astype(np.float64))):
        on = values > low
        gain = int(on[label == 1].sum()) * negative - int(on[label == 0].sum()) * positive
        found += [(sign * gain, sign, high - low, -low, low + (high - low) / 2) for sign in signs]
    gain, sign, _, _, threshold = max(found)
    return 0.5 + gain / (2 * positive * negative), threshold, sign


def plain_scan(
    state: np.ndarray, labels: np.ndarray, signs: tuple[int, ...] = (1, -1)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same for every neuron and attribute, from the definition."""
    found = np.full((3, state.shape[1], labels.shape[1]), np.nan)
    found[2] = 0
    for neuron in range(state.shape[1]):
        for a in range(labels.shape[1]):
            rows = labels[:, a] >= 0
            values, label = state[rows, neuron], labels[rows, a]
            if len(np.unique(label)) > 1 and len(np.unique(values)) > 1:
                found[:, neuron, a] = plain_best(values, label, signs)
    return found[0], found[1], found[2]


def some_ties(seed: int, n: int, neurons: int, attributes: int) -> tuple[np.ndarray, np.ndarray]:
    """Neurons from all ties to none, and labels with nulls of their own."""
    rng = np.random.default_rng(seed)
    state = rng.standard_normal((n, neurons)).astype(np.float32)
    state[:, ::3] = np.maximum(state[:, ::3], 0)
    state[:, 1::3] = np.round(state[:, 1::3] * 2)
    labels = (rng.random((n, attributes)) < rng.uniform(0.1, 0.7, attributes)).astype(np.int8)
    labels[rng.random((n, attributes)) < 0.2] = -1
    return state, labels


def same(one: object, other: object) -> None:
    """Bit by bit."""
    for name, value in vars(one).items():
        np.testing.assert_array_equal(value, getattr(other, name), err_msg=name)


@settings(max_examples=60)
@given(st.integers(0, 100_000), st.integers(4, 40), st.integers(2, 12))
def test_scan_equals_an_exhaustive_search(seed: int, n: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    state = rng.choice(rng.standard_normal(levels), (n, 3)).astype(np.float32)
    labels = rng.integers(-1, 2, (n, 3)).astype(np.int8)
    accuracy, threshold, direction = plain_scan(state, labels)
    scan = best_thresholds(state, labels)
    np.testing.assert_allclose(scan.balanced_accuracy, accuracy, atol=1e-12)
    np.testing.assert_allclose(scan.threshold, threshold, rtol=1e-6)
    np.testing.assert_array_equal(scan.direction, direction)
    assert scan.live.tolist() == [len(np.unique(values)) > 1 for values in state.T]


@pytest.mark.parametrize("n", [127, 128, 129, 130, 257, 700])
@pytest.mark.parametrize("signs", [(1, -1), (1,)])
def test_longer_scans_equal_the_plain_search(n: int, signs: tuple[int, ...]) -> None:
    """More rows than one segment of the scan holds, and one more and one less."""
    state, labels = some_ties(n, n, 6, 9)
    accuracy, threshold, direction = plain_scan(state, labels, signs)
    scan = best_thresholds(state, labels, upward_only=signs == (1,))
    np.testing.assert_allclose(scan.balanced_accuracy, accuracy, atol=1e-12)
    np.testing.assert_allclose(scan.threshold, threshold, rtol=1e-12)
    np.testing.assert_array_equal(scan.direction, direction)


def test_of_equal_cuts_the_widest_gap_then_the_lowest_is_taken_and_upwards_comes_first() -> None:
    state = np.array([[0], [1], [3], [4], [6], [7]], dtype=np.float32)
    labels = np.array([[0, 1], [1, 0], [0, 1], [1, 0], [0, 1], [1, 0]], dtype=np.int8)
    scan = best_thresholds(state, labels)
    # Upwards the cuts above 0, 3 and 6 gain the same, all in gaps of 1; downwards those at 2 and 5 do nothing.
    assert scan.threshold[0].tolist() == [0.5, 0.5]
    assert scan.direction[0].tolist() == [1, -1]
    both = best_thresholds(np.arange(4, dtype=np.float32)[:, None], np.array([[0], [1], [1], [0]], dtype=np.int8))
    assert (both.direction[0, 0], both.threshold[0, 0]) == (1, 0.5)


def test_nulls_of_one_attribute_do_not_touch_another() -> None:
    state, labels = some_ties(1, 300, 5, 40)
    scan, ranking = best_thresholds(state, labels), rank_neurons(state, labels)
    for a in range(40):
        alone, ranked = best_thresholds(state, labels[:, [a]]), rank_neurons(state, labels[:, [a]])
        for name in ("balanced_accuracy", "threshold", "direction"):
            np.testing.assert_array_equal(getattr(scan, name)[:, [a]], getattr(alone, name))
        for name in ("auroc", "p_value"):
            np.testing.assert_array_equal(getattr(ranking, name)[:, [a]], getattr(ranked, name))


def test_rows_that_are_null_might_as_well_not_be_there() -> None:
    state, labels = some_ties(2, 300, 5, 1)
    there = labels[:, 0] >= 0
    scan, without = best_thresholds(state, labels), best_thresholds(state[there], labels[there])
    np.testing.assert_array_equal(scan.threshold, without.threshold)
    same(rank_neurons(state, labels), rank_neurons(state[there], labels[there]))


def test_the_order_of_rows_changes_nothing() -> None:
    state, labels = some_ties(3, 1000, 9, 12)
    order = np.random.default_rng(4).permutation(1000)
    same(best_thresholds(state, labels), best_thresholds(state[order], labels[order]))
    same(rank_neurons(state, labels), rank_neurons(state[order], labels[order]))


@pytest.mark.parametrize(
    ("name", "value"), [("GROUP", 2), ("BATCH", 1), ("BLOCK_BYTES", 1)], ids=["attributes", "batches", "blocks"]
)
def test_how_the_work_is_cut_changes_nothing(name: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    state, labels = some_ties(5, 400, 7, 9)
    scan, ranking = best_thresholds(state, labels), rank_neurons(state, labels)
    monkeypatch.setattr(sorted_columns, name, value)
    same(scan, best_thresholds(state, labels))
    same(ranking, rank_neurons(state, labels))


def test_one_thread_finds_the_same() -> None:
    state, labels = some_ties(6, 400, 7, 9)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        scan, ranking = best_thresholds(state, labels), rank_neurons(state, labels)
        torch.set_num_threads(4)
        same(scan, best_thresholds(state, labels))
        same(ranking, rank_neurons(state, labels))
    finally:
        torch.set_num_threads(before)


def test_wide_counts_equal_narrow_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    state, labels = some_ties(7, 500, 6, 9)
    scan, ranking = best_thresholds(state, labels), rank_neurons(state, labels)
    monkeypatch.setattr(neuron_module, "NARROW", 0)
    same(scan, best_thresholds(state, labels))
    same(ranking, rank_neurons(state, labels))


def test_counts_beyond_32_bits() -> None:
    """With half of 100,000 rows positive a perfect cut gains 50,000 x 50,000, which is more than 2^31."""
    label = (np.arange(100_000) % 2).astype(np.int8)[:, None]
    state = (label + np.array([0, 0.3]) * np.random.default_rng(8).standard_normal((100_000, 2))).astype(np.float32)
    scan, ranking = best_thresholds(state, label), rank_neurons(state, label)
    assert scan.balanced_accuracy[0, 0] == 1
    assert ranking.auroc[0, 0] == 1
    order = np.argsort(state[:, 1], kind="stable")
    above = np.cumsum(label[order[::-1], 0])[::-1][1:]
    gain = above / 50_000 - (np.arange(99_999, 0, -1) - above) / 50_000
    assert scan.balanced_accuracy[1, 0] == pytest.approx(0.5 + gain.max() / 2, abs=1e-12)
    assert ranking.auroc[1, 0] == pytest.approx(roc_auc_score(label[:, 0], state[:, 1]), abs=1e-9)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_any_type_of_numbers_is_parted_in_its_own_type(dtype: type[np.generic]) -> None:
    state = np.round(np.random.default_rng(9).standard_normal((80, 3)) * 9).astype(dtype)
    labels = (np.arange(80) % 3 == 0).astype(np.int8)[:, None]
    scan = best_thresholds(state, labels)
    np.testing.assert_allclose(scan.threshold, plain_scan(state, labels)[1])
    same(scan, best_thresholds(torch.from_numpy(state), labels))
    same(scan, best_thresholds(np.asfortranarray(state), labels))
    same(scan, best_thresholds(state[::-1], labels[::-1]))


def test_too_little_memory_names_the_least_that_works() -> None:
    state, labels = some_ties(10, 30_000, 3, 60)
    for scan in (best_thresholds, rank_neurons):
        with pytest.raises(ConfigError, match=r"memory_limit: is too small for .*; at least (\d+)MiB") as refused:
            scan(state, labels, resources=Resources(memory=1 << 20))
        least = int(str(refused.value).rpartition("at least ")[2].removesuffix("MiB"))
        with pytest.raises(ConfigError):
            scan(state, labels, resources=Resources(memory=(least - 1) << 20))
        same(scan(state, labels, resources=Resources(memory=least << 20)), scan(state, labels))
    with pytest.raises(ConfigError, match="memory_limit"):
        NeuronProbe().fit(state, labels, resources=Resources(memory=1 << 20))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    state, labels = some_ties(11, 60, 5, 2)
    state[7, 3] = bad
    for scan in (best_thresholds, rank_neurons, NeuronProbe().fit):
        with pytest.raises(
            StateError, match=r"1 numbers are NaN or infinite in 1 neurons, first in neuron 3 \(1 of 60"
        ):
            scan(state, labels)


def test_nothing_to_search_is_no_mistake() -> None:
    state = some_ties(12, 60, 5, 1)[0]
    scan = best_thresholds(state, np.full((60, 2), -1, dtype=np.int8))
    assert scan.live.all()
    assert np.isnan(scan.threshold).all()
    assert best_thresholds(state, np.zeros((60, 0), dtype=np.int8)).threshold.shape == (5, 0)
    assert not best_thresholds(state[:0], np.zeros((0, 2), dtype=np.int8)).live.any()
    assert best_thresholds(state[:, :0], np.ones((60, 2), dtype=np.int8)).live.shape == (0,)


def test_live_neurons_are_those_that_vary_anywhere() -> None:
    state = np.zeros((400_000, 3), dtype=np.float32)  # more than one block
    state[-1, 1], state[:, 2] = 1, 5
    assert live_neurons(state).tolist() == [False, True, False]
    assert live_neurons(torch.from_numpy(state)).tolist() == [False, True, False]


def test_only_a_scan_loads_the_compiler() -> None:
    code = "import sys, denote.observers.probes, denote.denotation.search.candidates; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_neuron_exactly_at_its_threshold_is_off_in_both_directions(dtype: type) -> None:
    state, labels = np.array([[0.0], [2.0]], dtype=dtype), np.array([[0, 1], [1, 0]], dtype=np.int8)
    observer = NeuronProbe().fit(state, labels)
    assert observer.threshold.tolist() == [1.0, 1.0]  # type: ignore[union-attr]
    decided = observer.scores(np.array([[0.0], [1.0], [2.0]], dtype=dtype)) > 0
    np.testing.assert_array_equal(decided, [[False, True], [False, True], [True, False]])
