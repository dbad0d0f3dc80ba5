"""Where thresholds are tried, and what is above them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denote.denotation.search.properties import Thresholds, counts_above, places


def edges(column: np.ndarray, thresholds: Thresholds) -> list[int]:
    """Places of sorted rows, each moved to the nearer edge of its run, the lower of equals; never to an end."""
    n, ordered, found = len(column), np.sort(column), []
    for place in places(n, thresholds):
        able = [edge for edge in range(1, n) if ordered[edge - 1] < ordered[edge]] or [0]
        beside = [
            max(able[0], *(e for e in [0, *able] if e <= place)),
            min([e for e in able if e >= place] or [able[-1]]),
        ]
        found.append(min(beside, key=lambda edge: (abs(edge - place), edge)))
    return found


@given(st.integers(0, 2**32 - 1), st.integers(3, 40), st.integers(1, 9), st.sampled_from([1, 3, 6, "all"]))
def test_counts_are_plain_counts_above_the_nearest_edges(
    seed: int, n_rows: int, n_values: int, cuts: Thresholds
) -> None:
    rng = np.random.default_rng(seed)
    state = rng.integers(0, n_values, (n_rows, 5)).astype(np.float32)
    codes = rng.integers(-1, 3, n_rows)
    kept = codes >= 0
    starts = []
    for start, counts in counts_above(state, codes, 3, cuts, width=2):
        starts.append(start)
        for column, above in zip(state[:, start : start + 2].T, counts, strict=True):
            ordered = np.sort(column[kept])
            expected = [
                np.bincount(codes[kept & (column > (ordered[edge - 1] if edge else -np.inf))], minlength=3)
                for edge in (edges(column[kept], cuts) if kept.sum() > 1 else [0])
            ]
            np.testing.assert_array_equal(above, expected)
    assert starts == [0, 2, 4], "by blocks of that many neurons"


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_the_edge_of_a_large_run_is_a_cut(kind: type) -> None:
    """A ReLU that is 0 in 70 % and one that saturates in 70 % both keep the one threshold that matters."""
    values = np.linspace(1, 2, 30)
    relu, saturated = np.concatenate([np.zeros(70), values]), np.concatenate([values, np.full(70, 3)])
    state = np.stack([relu, saturated], axis=1).astype(kind)
    ((_, counts),) = counts_above(state, np.zeros(100, dtype=int), 1, 64, width=2)
    assert 30 in counts[0]
    assert 70 in counts[1]


def test_quantiles_are_even_and_all_is_every_gap() -> None:
    assert places(100, 3).tolist() == [25, 50, 75]
    assert places(5, "all").tolist() == [1, 2, 3, 4]
    assert places(3, 6).tolist() == [1, 1, 1, 2, 2, 2], "more quantiles than rows cut more than once"
