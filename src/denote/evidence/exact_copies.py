"""Rows that equal one another although chance would not make them so.

In a table of few values rows repeat by themselves, and a short sentence is said twice. A repeated row is a copy where

- of numbers: more pairs of rows are equal than features that are permuted one by one give, *and* rows that differ in a
  single feature are not as frequent as equal ones. The second holds against columns that vary together, as answers to
  the questions of one form: where rows repeat by themselves, rows that nearly do so are there too;
- of sequences of token ids: it has at least `LEAST_TOKENS` of them, and no sequence differs from it in one place only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from jaxtyping import Bool, Float32, Int

from denote.streams import stream

LEAST_TOKENS = 5
"""Shorter sequences are no copies of each other, whatever is equal."""

MORE_THAN_CHANCE = 3.0
"""Equal pairs are beyond chance if so many times the expected number would give as many with `LEVEL` at most."""

LEVEL = 0.001

ALIKE = 0.5
"""Rows that differ in one feature, per equal row, from which on rows repeat by themselves."""


def beyond_chance(n_pairs: int, n_rows: int, sample: Float32[np.ndarray, "row feature"]) -> bool:
    """Whether more pairs of rows are equal than features give that are permuted one by one.

    Args:
        n_pairs: Equal pairs.
        n_rows: Rows.
        sample: Some of the rows, drawn at random.
    """
    met = 0.0
    for values in sample.T:
        counts = np.unique(values, return_counts=True)[1].astype(np.float64)
        met += float(np.log(np.square(counts / len(values)).sum()))
    expected = n_rows * (n_rows - 1) / 2 * float(np.exp(met))
    return bool(scipy.stats.poisson.sf(n_pairs - 1, MORE_THAN_CHANCE * expected) < LEVEL)


def repeat_by_themselves(
    repeated: Float32[np.ndarray, "row feature"],
    times: Int[np.ndarray, " row"],
    nearest: Float32[np.ndarray, "row neighbour feature"],
) -> bool:
    """Whether rows that differ in one feature are about as frequent as equal ones.

    Args:
        repeated: Distinct rows that come several times.
        times: How often each does.
        nearest: The nearest other distinct rows of each.
    """
    change = np.sign(nearest - repeated[:, None])
    n_changed = np.abs(change).sum(axis=-1)
    # A category is one column in the table and several inputs: one goes up and another down.
    one_away = (n_changed == 1) | ((n_changed == 2) & (change.sum(axis=-1) == 0))
    return bool(one_away.sum() >= ALIKE * (times - 1).sum())


def isolated(sequences: Sequence[Int[np.ndarray, " token"]]) -> Bool[np.ndarray, " sequence"]:
    """Which of several distinct sequences are long, and differ from every other in more than one place.

    Args:
        sequences: Token ids, each sequence once.
    """
    lengths = np.array([len(each) for each in sequences])
    alone = lengths >= LEAST_TOKENS
    for length in np.unique(lengths[alone]):
        rows = np.flatnonzero(lengths == length)
        ids = np.stack([sequences[int(row)] for row in rows]).astype(np.uint64)
        marks = _mixed(ids * np.uint64(0x9E3779B97F4A7C15) + _odd(int(length)))
        whole = marks.sum(axis=1, dtype=np.uint64)
        for place in range(length):
            # Equal without this place, and different as all are: the two differ in it alone.
            _, which, counts = np.unique(whole - marks[:, place], return_inverse=True, return_counts=True)
            alone[rows[counts[which] > 1]] = False
    return alone


def _odd(n: int) -> np.ndarray:
    return stream("exact copies", "places").integers(0, 2**63, n, dtype=np.uint64)


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread numbers over 64 bits (the finaliser of SplitMix64)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        values = (values ^ (values >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(values ^ (values >> np.uint64(31)))
