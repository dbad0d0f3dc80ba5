"""Rows dealt into three disjoint parts: *object* trains the network, *fit* chooses, *test* reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from denote.streams import stream

T_co = TypeVar("T_co", covariant=True)

Groups: TypeAlias = Int[np.ndarray, " sample"]
"""Group of every row, where rows of one group are not independent."""


@dataclass(frozen=True)
class Halves(Generic[T_co]):
    """The *fit* and the *test* side of one thing: a state, labels, class codes, groups."""

    fit: T_co
    test: T_co


@dataclass(frozen=True)
class Parts:
    """Row ids of the three disjoint parts, each ascending."""

    object: Int[np.ndarray, " object_row"]
    fit: Int[np.ndarray, " fit_row"]
    test: Int[np.ndarray, " test_row"]

    @property
    def observed(self) -> Int[np.ndarray, " observed_row"]:
        """The rows a state is recorded on: *fit* and *test*, ascending."""
        return np.sort(np.concatenate([self.fit, self.test]))


_ROUNDING = 1e-9


def deal(
    targets: Shaped[np.ndarray, " row"],
    shares: Sequence[float],
    groups: Shaped[np.ndarray, " row"] | None,
    name: str,
    seed: int,
) -> Int[np.ndarray, " row"]:
    """Return the part each row goes to, at random but with every class in the shares asked for.

    Args:
        targets: The class of each row.
        shares: Of all rows, one per part, summing to at most 1; 0 closes a part.
        groups: Rows with equal values go to one part; None deals row by row, with every count right to below 1.
        name: Of the random stream.
        seed: Of the random stream.

    Returns:
        0 to len(shares) - 1, or len(shares) for rows that no part wants.
    """
    rest = 1 - sum(shares)
    full = np.array([*shares, rest if rest > _ROUNDING else 0.0])
    if groups is None:
        return _deal_rows(targets, full, name, seed)
    return _deal_groups(targets, full, groups, name, seed)


def _deal_rows(
    targets: Shaped[np.ndarray, " row"], shares: Float[np.ndarray, " part"], name: str, seed: int
) -> Int[np.ndarray, " row"]:
    """Class by class; what rounding takes from a part in one class it gets back in the next."""
    order = stream(name, seed).permutation(len(targets))
    dealt = np.empty(len(targets), dtype=np.int64)
    owed = np.zeros(len(shares))
    _, sizes = np.unique(targets, return_counts=True)
    by_class = order[np.argsort(targets[order], kind="stable")]
    for rows in np.split(by_class, np.cumsum(sizes)[:-1]):
        wanted = shares * len(rows) + owed
        counts = _round_to(wanted, len(rows), shares > 0)
        owed = wanted - counts
        dealt[rows] = np.repeat(np.arange(len(shares)), counts)
    return dealt


def _round_to(
    wanted: Float[np.ndarray, " part"], total: int, is_open: Bool[np.ndarray, " part"]
) -> Int[np.ndarray, " part"]:
    """Return whole numbers near ``wanted`` that sum to ``total``: largest remainders, among the open parts only."""
    counts = np.maximum(np.floor(wanted + _ROUNDING), 0).astype(np.int64)
    while (missing := total - int(counts.sum())) != 0:
        gap = np.where(is_open & ((missing > 0) | (counts > 0)), (wanted - counts) * np.sign(missing), -np.inf)
        counts[int(gap.argmax())] += np.sign(missing)
    return counts


def _deal_groups(
    targets: Shaped[np.ndarray, " row"],
    shares: Float[np.ndarray, " part"],
    groups: Shaped[np.ndarray, " row"],
    name: str,
    seed: int,
) -> Int[np.ndarray, " row"]:
    """Return the largest group first, each to the part that it brings nearest to its wanted number of rows of every
    class.
    """
    _, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    classes, codes = np.unique(targets, return_inverse=True)
    table = np.zeros((len(sizes), len(classes)))
    np.add.at(table, (members, codes), 1)
    weight = 1 / table.sum(axis=0)
    missing = shares[:, None] * table.sum(axis=0)
    is_open = shares > 0
    # Shuffled first: a stable sort then breaks ties between groups of equal size at random.
    order = stream(name, seed).permutation(len(sizes))
    part_of = np.empty(len(sizes), dtype=np.int64)
    for one in order[np.argsort(-sizes[order], kind="stable")]:
        row = table[one]
        cost = ((row * (row - 2 * missing)) * weight).sum(axis=1) / np.maximum(shares, _ROUNDING)
        part = int(np.where(is_open, cost, np.inf).argmin())
        part_of[one] = part
        missing[part] -= row
    return part_of[members]
