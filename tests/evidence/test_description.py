"""The online code against scikit-learn, and what compresses and what must not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from denote.evidence.description import description_length, growing_prefixes
from denote.observers.centroid import CentroidProbe
from denote.observers.linear import LinearProbe
from denote.observers.observer import FitData


def drawn(n: int = 1600, d: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Attribute 0 is readable without error, 1 half, 2 noise, 3 rare noise, 4 has one label."""
    rng = np.random.default_rng(seed)
    state = rng.standard_normal((n, d)).astype(np.float32)
    columns = [
        state[:, 0] > 0, state[:, 1] + rng.standard_normal(n) > 0, rng.random(n) < 0.3, rng.random(n) < 0.02,
        np.zeros(n),
    ]  # fmt: skip
    return state, np.stack(columns, axis=1).astype(np.int8)


def code_by_scikit_learn(
    state: np.ndarray, label: np.ndarray, l2: float, blocks: list[np.ndarray]
) -> tuple[list[float], list[float]]:
    """The two codes of one attribute, written plainly: bits of every block."""
    code, intercept = [], []
    known = np.empty(0, dtype=np.int64)
    for block in blocks:
        rows, before = block[label[block] >= 0], known[label[known] >= 0]
        p = np.full(len(rows), (label[before].sum() + 0.5) / (len(before) + 1))
        said = label[rows] == 1
        intercept.append(-np.log2(np.where(said, p, 1 - p)).sum())
        if len(set(label[before])) == 2:
            mean, scale = state[known].mean(0), state[known].std(0)
            model = LogisticRegression(C=1 / (2 * len(before) * l2), tol=1e-10, max_iter=5000)
            model.fit((state[before] - mean) / scale, label[before])
            p = expit(model.decision_function((state[rows] - mean) / scale))
        code.append(-np.log2(np.where(said, p, 1 - p)).sum())
        known = np.concatenate([known, block])
    return code, intercept


@pytest.mark.parametrize("grouped", [False, True])
def test_bits_are_those_of_scikit_learns_observers(grouped: bool) -> None:
    state, labels = drawn(400, 5)
    labels[np.random.default_rng(1).random(labels.shape) < 0.2] = -1
    groups = np.arange(400) // 7 if grouped else None
    found = description_length(FitData(state, labels, 3, groups=groups), LinearProbe(l2=1e-2))
    prefixes = growing_prefixes(400, 3, groups)
    blocks = [prefixes.block(i) for i in range(len(prefixes.ends))]
    for a in range(4):
        code, intercept = code_by_scikit_learn(state.astype(np.float64), labels[:, a].astype(int), 1e-2, blocks)
        np.testing.assert_allclose(found.intercept[:, a], intercept, rtol=1e-12)
        np.testing.assert_allclose(found.bits[:, a], code, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(found.rows, [(labels[block] >= 0).sum(0) for block in blocks])
    assert found.bits[0] == pytest.approx([*found.rows[0, :4], np.nan], nan_ok=True)  # nothing is known: a bit a row


def test_what_is_read_compresses_and_noise_does_not() -> None:
    read, half, noise, rare, one_label = description_length(FitData(*drawn()), LinearProbe()).compression
    assert read > 4
    assert 1.2 < half < 2
    assert 0.7 < noise < 1.05
    # Against one bit a row the rare attribute would be compressed sevenfold, though nothing is known of it.
    assert 0.4 < rare < 1.05
    assert np.isnan(one_label)


def test_noise_never_compresses() -> None:
    rng = np.random.default_rng(0)
    state = rng.standard_normal((1000, 20)).astype(np.float32)
    labels = (rng.random((1000, 100)) < np.linspace(0.02, 0.5, 100)).astype(np.int8)
    # A code beats the true distribution of the labels by b bits with probability 2^-b at most (Markov); the seed is
    # fixed all the same.
    assert description_length(FitData(state, labels), LinearProbe()).compression.max() < 1.05


def test_an_attribute_does_not_mind_its_neighbours() -> None:
    state, labels = drawn()
    alone = description_length(FitData(state, labels[:, [1]]), LinearProbe())
    among = description_length(FitData(state, labels[:, [1, 0, 1, 2, 1]]), LinearProbe())
    np.testing.assert_allclose(among.bits[:, [0, 2, 4]], np.repeat(alone.bits, 3, axis=1), rtol=1e-4, atol=1e-3)


def test_the_probes_way_of_weighing_rows_is_no_part_of_the_code() -> None:
    state, labels = drawn()
    balanced, plain = (description_length(FitData(state, labels), LinearProbe(balance=b)).bits for b in (True, False))
    np.testing.assert_array_equal(balanced, plain)


def test_of_several_penalties_the_shortest_code_pays_for_its_name() -> None:
    state, labels = drawn()
    each = [description_length(FitData(state, labels), LinearProbe(l2=l2)).description_bits for l2 in (1e-3, 1e-1)]
    both = description_length(FitData(state, labels), LinearProbe(l2=(1e-1, 1e-3)))
    assert both.description_bits == pytest.approx(np.min(each, axis=0) + 1, nan_ok=True)


def test_without_a_code_there_is_a_reason() -> None:
    state, labels = drawn(300)
    found = description_length(FitData(state, labels), LinearProbe())
    assert found.notes[:4] == (None,) * 4
    assert found.notes[4] == "description_bits: not fitted: 0 positive and 300 negative fit rows"
    other = description_length(FitData(state, labels), CentroidProbe())
    assert np.isnan([other.description_bits, other.intercept_bits, other.compression]).all()
    assert set(other.notes) == {"description_bits: the scores of probe centroid are no log-odds"}
    together = description_length(FitData(state, labels, groups=np.zeros(300, dtype=np.int64)), LinearProbe())
    assert np.isnan(together.compression).all()
    assert "one group too large" in str(together.notes[0])
