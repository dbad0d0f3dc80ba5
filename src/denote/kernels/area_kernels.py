"""Loops over the sorted scores of an attribute, compiled: which rows are ranked right, and how that goes with weights.

Both walk along the runs of equal scores of a `Ranking`, lowest first. Import it where it is used: numba takes a second.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64, Int

from denote.kernels.scan_kernels import compiled

# Two functions have more than six parameters: their arrays are read in one loop each and meet nowhere else.


@compiled
def weighted_areas(
    order: Int[np.ndarray, "attribute row"],
    last: Int[np.ndarray, "attribute row"],
    positive: Bool[np.ndarray, "attribute row"],
    n_rows: Int[np.ndarray, " attribute"],
    unit: Int[np.ndarray, " row"],
    weights: Int[np.ndarray, "unit draw"],
    areas: Float64[np.ndarray, "attribute draw"],
) -> None:
    """AUROC of every attribute under every draw's weights, ties counted half: exact integers until the last division.

    Draws are the innermost loop: a row's weights lie side by side, and the processor adds several at once.

    Args:
        order: Rows that sort the scores of an attribute.
        last: Place where the run of equal scores that a place belongs to ends.
        positive: Whether the row at a place has the attribute.
        n_rows: How many places count; the rest of an attribute's places is nulls.
        unit: Whose weight a row takes.
        weights: How often a unit was drawn.
        areas: Filled; NaN where a draw lacks a class.
    """
    n_draws = weights.shape[1]
    # Twice, so that half a win is an integer: negatives below, wins; and the positives.
    below, wins, positives = np.empty(n_draws), np.empty(n_draws), np.empty(n_draws)
    for a in range(len(order)):
        below[:], wins[:], positives[:] = 0.0, 0.0, 0.0
        start = 0
        while start < n_rows[a]:
            stop = last[a, start] + 1
            # Half of the negatives of a run count as below its positives: added before them once, after them again.
            _add_negatives(order, positive, a, start, stop, unit, weights, below)
            for i in range(start, stop):
                if positive[a, i]:
                    u = unit[order[a, i]]
                    for d in range(n_draws):
                        wins[d] += weights[u, d] * below[d]
                        positives[d] += weights[u, d]
            _add_negatives(order, positive, a, start, stop, unit, weights, below)
            start = stop
        for d in range(n_draws):
            pairs = positives[d] * below[d]
            areas[a, d] = wins[d] / pairs if pairs > 0 else np.nan


@compiled
def _add_negatives(
    order: Int[np.ndarray, "attribute row"],
    positive: Bool[np.ndarray, "attribute row"],
    a: int,
    start: int,
    stop: int,
    unit: Int[np.ndarray, " row"],
    weights: Int[np.ndarray, "unit draw"],
    below: Float64[np.ndarray, " draw"],
) -> None:
    """Add the weights of the negatives of a run."""
    for i in range(start, stop):
        if not positive[a, i]:
            u = unit[order[a, i]]
            for d in range(len(below)):
                below[d] += weights[u, d]


@compiled
def placements(
    order: Int[np.ndarray, "attribute row"],
    last: Int[np.ndarray, "attribute row"],
    positive: Bool[np.ndarray, "attribute row"],
    n_positive: Float64[np.ndarray, " attribute"],
    n_negative: Float64[np.ndarray, " attribute"],
    placed: Float64[np.ndarray, "row attribute"],
) -> None:
    """The share of the other class that every row is ranked right against, ties counted half.

    Args:
        order: Rows that sort the scores of an attribute.
        last: Place where the run of equal scores that a place belongs to ends.
        positive: Whether the row at a place has the attribute.
        n_positive: Rows that have it; at least 1.
        n_negative: Rows that lack it; at least 1.
        placed: Filled in rows that count.
    """
    for a in range(len(order)):
        positives_below, negatives_below, start = 0, 0, 0
        while start < n_positive[a] + n_negative[a]:
            stop = last[a, start] + 1
            inside = 0
            for i in range(start, stop):
                inside += positive[a, i]
            others = stop - start - inside
            for i in range(start, stop):
                if positive[a, i]:
                    placed[order[a, i], a] = (negatives_below + others / 2) / n_negative[a]
                else:
                    placed[order[a, i], a] = 1 - (positives_below + inside / 2) / n_positive[a]
            positives_below += inside
            negatives_below += others
            start = stop
