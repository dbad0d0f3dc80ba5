"""Nested random parts of *fit*, each about twice the one before: what codes and learning curves grow along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from denote.evidence.permutations import Groups
from denote.streams import stream

DOUBLINGS = 7
"""How often the first part is doubled to give all rows: it holds 1/128 of them, ..."""

LEAST = 16
"""... or more, where that would be fewer rows than these."""


@dataclass(frozen=True)
class Prefixes:
    """Rows in a random order, cut at growing places; rows of a group follow each other and are never cut apart.

    Attributes:
        order: Places of the rows.
        ends: Number of rows of every prefix, increasing; the last one has them all.
    """

    order: Int[np.ndarray, " row"]
    ends: tuple[int, ...]

    def prefix(self, index: int) -> Int[np.ndarray, " prefix_row"]:
        """Rows of a prefix, ascending, as a state on disk is read best."""
        return np.sort(self.order[: self.ends[index]])

    def block(self, index: int) -> Int[np.ndarray, " block_row"]:
        """Rows that a prefix adds to the one before, ascending."""
        start = self.ends[index - 1] if index else 0
        return np.sort(self.order[start : self.ends[index]])


def growing_prefixes(n_rows: int, probe_seed: int, groups: Groups | None = None) -> Prefixes:
    """Random prefixes of 1/128, 1/64, ..., 1/2 and all of the rows, each up to the end of its last group.

    Args:
        n_rows: Rows of *fit*.
        probe_seed: Names the order.
        groups: Group of every row; without them every row is one of its own.
    """
    members = np.arange(n_rows) if groups is None else groups
    _, index, sizes = np.unique(members, return_inverse=True, return_counts=True)
    dealt = stream("growing prefixes", probe_seed).permutation(len(sizes))
    turn = np.empty_like(dealt)
    turn[dealt] = np.arange(len(dealt))
    ends_of_groups = np.cumsum(sizes[dealt])
    targets = [-(-n_rows // 2**doubling) for doubling in range(DOUBLINGS, -1, -1)]
    wanted = [target for target in targets if target >= LEAST or target == n_rows]
    ends = ends_of_groups[np.searchsorted(ends_of_groups, wanted)]
    return Prefixes(np.argsort(turn[index], kind="stable"), tuple(dict.fromkeys(map(int, ends))))
