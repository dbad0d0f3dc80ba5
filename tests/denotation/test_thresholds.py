"""Quantile cuts and exact thresholds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from denote.denotation.thresholds import exact_threshold, sorted_blocks


@given(st.lists(st.tuples(st.integers(-3, 6), st.booleans()), min_size=2, max_size=25))
def test_exact_threshold_is_the_best_of_all(rows: list[tuple[int, bool]]) -> None:
    values, positive = np.array([r[0] for r in rows], np.float32), np.array([r[1] for r in rows])
    threshold, score = exact_threshold(values, positive)
    if positive.all() or not positive.any() or len(set(values.tolist())) == 1:
        assert np.isnan(threshold)
        assert np.isnan(score)
        return
    distinct = np.unique(values)
    middles = (distinct[1:] + distinct[:-1]) / 2
    scores = [balanced_accuracy_score(positive, values > m) for m in middles]
    assert score == pytest.approx(max(scores))
    best = np.isclose(scores, max(scores))
    widths = np.where(best, np.diff(distinct), 0)
    assert threshold in middles[widths == widths.max()]


def test_neighbouring_floats_are_parted() -> None:
    low = np.float32(1)
    high = np.nextafter(low, np.float32(2))
    threshold, score = exact_threshold(np.array([low, high]), np.array([False, True]))
    assert (np.array([low, high]) > np.float32(threshold)).tolist() == [False, True]
    assert score == 1


@given(st.integers(0, 2**32 - 1), st.integers(3, 40), st.integers(1, 9), st.integers(1, 6))
def test_counts_above_the_cuts_are_plain_counts(seed: int, n_rows: int, n_values: int, thresholds: int) -> None:
    rng = np.random.default_rng(seed)
    state = rng.integers(0, n_values, (n_rows, 5)).astype(np.float32)
    codes = rng.integers(0, 3, n_rows)
    for block in sorted_blocks(state, thresholds, 3, memory=1):
        assert len(block) == 1, "one byte of memory leaves one neuron a block"
        column, above = state[:, block.start], block.counts_above(codes, 3)
        for place, cut in enumerate(block.cuts[0]):
            tied = 0 < cut < n_rows and block.values[0, cut - 1] == block.values[0, cut]
            assert not tied
            limit = -np.inf if cut == 0 else block.values[0, cut - 1]
            expected = np.bincount(codes[column > limit], minlength=3)
            assert above[0, place].tolist() == expected.tolist()


def test_the_edge_of_a_large_run_is_a_cut() -> None:
    """A ReLU that is 0 in 70 % and one that saturates in 70 % both keep the one threshold that matters."""
    values = np.linspace(1, 2, 30)
    relu, saturated = np.concatenate([np.zeros(70), values]), np.concatenate([values, np.full(70, 3)])
    (block,) = sorted_blocks(np.stack([relu, saturated], axis=1).astype(np.float32), 64, 2)
    assert 70 in block.cuts[0]
    assert 30 in block.cuts[1]
