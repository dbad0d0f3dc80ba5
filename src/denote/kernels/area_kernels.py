"""Loops over the sorted scores of an attribute, compiled: which rows are ranked right, and how that goes with weights.

All walk along the runs of equal scores of a `Ranking`, lowest first. Import it where it is used: numba takes a second.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int8

from denote.kernels.scan_kernels import compiled


class Ranked(NamedTuple):
    """What the ranking of columns says, to be filled in.

    Attributes:
        last: The place where the run of equal scores that each place belongs to ends.
        positive: Whether the row at each place has the attribute.
        twice: Twice the pairs of a positive and a negative row that are ranked right, equal scores counted half.
        precision: Sum, over positives, of the precision at their score.
        ties: Sum of t^3 - t over runs of t equal scores.
        cubes: Sum over rows of (twice the rank - twice the mean rank)^3.
        above: Negatives and positives with a score above 0.
    """

    last: Int[np.ndarray, "column row"]
    positive: Bool[np.ndarray, "column row"]
    twice: Int[np.ndarray, " column"]
    precision: Float64[np.ndarray, " column"]
    ties: Float64[np.ndarray, " column"]
    cubes: Float64[np.ndarray, " column"]
    above: Int[np.ndarray, "2 column"]


@compiled
def rank_columns(
    scores: Float[np.ndarray, "column row"],
    order: Int[np.ndarray, "column row"],
    labels: Int8[np.ndarray, "column row"],
    ranked: Ranked,
) -> None:
    """Go once over the sorted scores of every column.

    Args:
        scores: Not NaN; rows without a label last in the order.
        order: Rows that sort them; inside ties in any order.
        labels: 1, 0, or -1 for rows that count as neither.
        ranked: Filled; at places of rows without a label only ``last`` and ``positive``.
    """
    last, positive, twice, precision, ties, cubes, above = ranked
    n_rows = scores.shape[1]
    for column in range(len(scores)):
        n, n_positive, won, below = 0, 0, 0, 0
        above[:, column] = 0
        for row in range(n_rows):
            if labels[column, row] >= 0:
                n += 1
                n_positive += labels[column, row]
                above[labels[column, row], column] += scores[column, row] > 0
        precise, excess, cubed, seen, start = 0.0, 0.0, 0.0, 0, 0
        while start < n:
            stop, inside, value = start, 0, scores[column, order[column, start]]
            while stop < n and scores[column, order[column, stop]] == value:
                has = labels[column, order[column, stop]] == 1
                positive[column, stop] = has
                inside += has
                stop += 1
            last[column, start:stop] = stop - 1
            length = stop - start
            won += inside * (2 * below + length - inside)
            below += length - inside
            precise += inside * ((n_positive - seen) / (n - start))
            seen += inside
            excess += float(length) * (float(length) * length - 1)
            cubed += length * float(start + stop - n) ** 3
            start = stop
        last[column, n:] = n_rows - 1
        positive[column, n:] = False
        twice[column], precision[column], ties[column], cubes[column] = won, precise, excess, cubed


# One function has more than six parameters: its arrays are read in one loop and meet nowhere else.


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
def add_influences(
    ranked: Ranked,
    order: Int[np.ndarray, "attribute row"],
    n_positive: Int[np.ndarray, " attribute"],
    n_negative: Int[np.ndarray, " attribute"],
    unit: Int[np.ndarray, " row"],
    influences: Float[np.ndarray, "attribute unit"],
) -> None:
    """Add, to each unit, what its rows bring to an AUROC: (share ranked right against - AUROC) / rows of the class.

    Args:
        ranked: What `rank_columns` has filled.
        order: Rows that sort the scores of an attribute.
        n_positive: Rows that have the attribute; 0 of both where nothing is to be added.
        n_negative: Rows that lack it.
        unit: Of every row.
        influences: Added to.
    """
    last, positive = ranked.last, ranked.positive
    for a in range(len(order)):
        positives_below, negatives_below, start = 0, 0, 0
        area = ranked.twice[a] / 2 / max(1, n_positive[a] * n_negative[a])
        while start < n_positive[a] + n_negative[a]:
            stop = last[a, start] + 1
            inside = 0
            for i in range(start, stop):
                inside += positive[a, i]
            others = stop - start - inside
            of_positive = ((negatives_below + others / 2) / n_negative[a] - area) / n_positive[a]
            of_negative = (1 - (positives_below + inside / 2) / n_positive[a] - area) / n_negative[a]
            for i in range(start, stop):
                influences[a, unit[order[a, i]]] += of_positive if positive[a, i] else of_negative
            positives_below += inside
            negatives_below += others
            start = stop
