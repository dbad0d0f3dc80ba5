"""Loops over one neuron's sorted samples, compiled: what a threshold or a rank gains, counted for all attributes.

Only this module imports numba. The loops let go of the interpreter's lock, so that threads can share out the neurons;
numba's own threads are not used, since their pools bear neither a fork nor a second caller at the same time.

Attributes are the innermost loop everywhere, four samples at a time: so the processor works on many attributes at once
and seldom puts a sum back into memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, ParamSpec, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int8, Shaped
from numba import njit

from denote.kernels import SEGMENT

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile on first use, and keep the result on disk where there is a place for it."""
    try:
        return njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # numba found no folder that it may write to
        return njit(nogil=True, error_model="numpy")(function)


@compiled
def fill(target: Shaped[np.ndarray, " place"], source: Shaped[np.ndarray, " place"]) -> None:
    """Copy a row of numbers; to assign an array to a slice takes numba two seconds to compile, for its error's text."""
    for i in range(len(target)):
        target[i] = source[i]


class Labelled(NamedTuple):
    """Attributes that apply to the same rows.

    Attributes:
        applies: Whether a row takes part.
        positive: 1 in rows that have the attribute, 0 in others; rows that take no part are not read.
        n_positive: Positives among the rows that take part, in the type that gains are counted in. A quarter of the
            square of the number of rows must fit.
    """

    applies: Bool[np.ndarray, " row"]
    positive: Int8[np.ndarray, "row attribute"]
    n_positive: Int[np.ndarray, " attribute"]


class Cuts(NamedTuple):
    """Cuts of neurons, to be filled in.

    Attributes:
        gain: (TPR - FPR) x positives x negatives in the direction of the cut.
        low: The value below the cut.
        high: The value above it.
        sign: The direction; 0 where all values are equal, and the others are then left as they were.
    """

    gain: Int[np.ndarray, "neuron attribute"]
    low: Float[np.ndarray, "neuron attribute"]
    high: Float[np.ndarray, "neuron attribute"]
    sign: Int8[np.ndarray, "neuron attribute"]


class RankSums(NamedTuple):
    """Ranks of the positives, to be filled in.

    Attributes:
        twice: Twice the sum of their ranks, which count from 1; rows x (rows + 1) must fit.
        ties: Sum of t^3 - t over runs of t equal values; nan where all values are equal.
        cubes: Sum over rows of (twice the rank - twice the mean rank)^3.
    """

    twice: Int[np.ndarray, "neuron attribute"]
    ties: Float64[np.ndarray, " neuron"]
    cubes: Float64[np.ndarray, " neuron"]


class Segments(NamedTuple):
    """Gains by segment of sorted rows.

    Attributes:
        starts: At the start of the segment.
        tops: The largest over the cuts in it.
        bottoms: The smallest.
    """

    starts: Int[np.ndarray, "segment attribute"]
    tops: Int[np.ndarray, "segment attribute"]
    bottoms: Int[np.ndarray, "segment attribute"]


@compiled
def best_cuts(
    values: Float[np.ndarray, "neuron row"],
    order: Int[np.ndarray, "neuron row"],
    labels: Labelled,
    upward_only: bool,
    best_of: Cuts,
) -> None:
    """Find the cut of every neuron that parts the positives of each attribute best from the negatives.

    A cut's gain is (TPR - FPR) x positives x negatives of being above it: an exact integer. Among cuts of equal gain
    the one in the widest gap is taken, then the lowest. Direction -1 is taken only where it gains more.

    Args:
        values: Finite activations.
        order: Rows that sort them; inside ties in any order.
        labels: The attributes.
        upward_only: Look at direction +1 only; gains may then be negative.
        best_of: Filled.
    """
    applies, positive, n_positive = labels
    gain, low, high, sign = best_of
    n_rows, n_attributes = positive.shape
    rows = np.empty(n_rows, order.dtype)
    segments = (n_rows - 1) // SEGMENT + 1
    starts = np.empty((segments, n_attributes), n_positive.dtype)
    tops, bottoms = np.empty_like(starts), np.empty_like(starts)
    best, widest = np.empty_like(n_positive), np.empty(n_attributes, np.float64)
    for neuron in range(len(values)):
        column = values[neuron]
        n = _taking_part(order[neuron], applies, rows)
        if n == 0 or column[rows[0]] == column[rows[n - 1]]:
            sign[neuron] = 0
            continue
        used = (n - 2) // SEGMENT + 1
        _extremes(column, rows[:n], positive, n_positive, best, Segments(starts[:used], tops[:used], bottoms[:used]))
        for a in range(n_attributes):
            top, bottom = tops[0, a], bottoms[0, a]
            for s in range(1, used):
                top, bottom = max(top, tops[s, a]), min(bottom, bottoms[s, a])
            down = not upward_only and -bottom > top
            best[a] = bottom if down else top
            gain[neuron, a] = -bottom if down else top
            sign[neuron, a] = -1 if down else 1
        widest[:] = 0
        for s in range(used):
            for a in range(n_attributes):
                if tops[s, a] == best[a] or bottoms[s, a] == best[a]:
                    running = starts[s, a]
                    for i in range(s * SEGMENT, min((s + 1) * SEGMENT, n - 1)):
                        running += n_positive[a] - n * positive[rows[i], a]
                        below, above = column[rows[i]], column[rows[i + 1]]
                        if running == best[a] and np.float64(above) - np.float64(below) > widest[a]:
                            widest[a] = np.float64(above) - np.float64(below)
                            low[neuron, a], high[neuron, a] = below, above


@compiled
def _taking_part(
    order: Int[np.ndarray, " row"], applies: Bool[np.ndarray, " row"], rows: Int[np.ndarray, " row"]
) -> int:
    """Copy the rows that take part, in order, and count them."""
    n = 0
    for row in order:
        rows[n] = row
        n += applies[row]
    return n


@compiled
def _extremes(
    column: Float[np.ndarray, " row"],
    rows: Int[np.ndarray, " row"],
    positive: Int8[np.ndarray, "row attribute"],
    n_positive: Int[np.ndarray, " attribute"],
    running: Int[np.ndarray, " attribute"],
    segments: Segments,
) -> None:
    """Fill in the gains of each segment of sorted rows; ``running`` is room for those at one cut."""
    starts, tops, bottoms = segments
    n = len(rows)
    kind = n_positive.dtype.type  # sums that wrap on the way come out right: what they add up to fits
    running[:] = 0
    tops[:] = np.iinfo(n_positive.dtype).min
    bottoms[:] = np.iinfo(n_positive.dtype).max
    for s in range(len(starts)):
        fill(starts[s], running)
        i, stop = s * SEGMENT, min((s + 1) * SEGMENT, n - 1)
        while i < stop:
            p = rows[i]
            if i + 4 <= stop:
                q, r, t, after = rows[i + 1], rows[i + 2], rows[i + 3], rows[i + 4]
                if column[p] < column[q] < column[r] < column[t] < column[after]:
                    for a in range(len(running)):
                        first = kind(running[a] + n_positive[a] - n * positive[p, a])
                        second = kind(first + n_positive[a] - n * positive[q, a])
                        third = kind(second + n_positive[a] - n * positive[r, a])
                        fourth = kind(third + n_positive[a] - n * positive[t, a])
                        running[a] = fourth
                        tops[s, a] = max(tops[s, a], max(max(first, second), max(third, fourth)))
                        bottoms[s, a] = min(bottoms[s, a], min(min(first, second), min(third, fourth)))
                    i += 4
                    continue
            for a in range(len(running)):
                running[a] += n_positive[a] - n * positive[p, a]
            if column[p] < column[rows[i + 1]]:
                for a in range(len(running)):
                    tops[s, a] = max(tops[s, a], running[a])
                    bottoms[s, a] = min(bottoms[s, a], running[a])
            i += 1


@compiled
def rank_sums(
    values: Float[np.ndarray, "neuron row"],
    order: Int[np.ndarray, "neuron row"],
    applies: Bool[np.ndarray, " row"],
    positive: Int8[np.ndarray, "row attribute"],
    ranks: RankSums,
) -> None:
    """Sum the ranks of the positives, equal values sharing their mean rank: exact integers.

    Args:
        values: Finite activations.
        order: Rows that sort them; inside ties in any order.
        applies: Which rows take part.
        positive: 1 in rows that have the attribute, 0 in others; rows that take no part are not read.
        ranks: Filled.
    """
    sums, ties, cubes = ranks
    rows, twice = np.empty(len(positive), order.dtype), np.empty(len(positive), sums.dtype)
    for neuron in range(len(values)):
        n = _taking_part(order[neuron], applies, rows)
        ties[neuron], cubes[neuron] = _twice_ranks(values[neuron], rows, n, twice)
        own = sums[neuron]
        own[:] = 0
        even = n - n % 4
        for i in range(0, even, 4):
            p, q, r, t = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
            for a in range(len(own)):
                two = twice[i] * positive[p, a] + twice[i + 1] * positive[q, a]
                own[a] += two + twice[i + 2] * positive[r, a] + twice[i + 3] * positive[t, a]
        for i in range(even, n):
            for a in range(len(own)):
                own[a] += twice[i] * positive[rows[i], a]


@compiled
def _twice_ranks(
    column: Float[np.ndarray, " row"], rows: Int[np.ndarray, " row"], n: int, twice: Int[np.ndarray, " row"]
) -> tuple[float, float]:
    """Twice the mean rank at every sorted place; returns the term of the ties and that of the skewness."""
    excess, cubed, start = 0.0, 0.0, 0
    while start < n:
        stop = start + 1
        while stop < n and column[rows[stop]] == column[rows[start]]:
            stop += 1
        twice[start:stop] = start + stop + 1
        length = float(stop - start)
        excess += length * (length * length - 1)
        cubed += length * float(start + stop - n) ** 3
        start = stop
    return excess if n > 0 and column[rows[0]] < column[rows[n - 1]] else np.nan, cubed


@compiled
def labels_above(
    values: Float[np.ndarray, "neuron row"],
    threshold: Float64[np.ndarray, "neuron attribute"],
    labels: Int8[np.ndarray, "row attribute"],
    positives: Int[np.ndarray, "neuron attribute"],
    negatives: Int[np.ndarray, "neuron attribute"],
) -> None:
    """Rows strictly above every neuron's threshold for every attribute.

    Args:
        values: Activations.
        threshold: nan counts nothing.
        labels: 1, 0, or -1 for rows that count as neither.
        positives: Filled with those labelled 1 ...
        negatives: ... and those labelled 0.
    """
    n_rows, n_attributes = labels.shape
    yes, known = np.empty(n_attributes, np.int32), np.empty(n_attributes, np.int32)
    for neuron in range(len(values)):
        column, cuts = values[neuron], threshold[neuron]
        yes[:] = 0
        known[:] = 0
        for row in range(n_rows):
            value = np.float64(column[row])
            for a in range(n_attributes):
                above = np.int32(value > cuts[a])
                yes[a] += above & np.int32(labels[row, a] == 1)
                known[a] += above & np.int32(labels[row, a] >= 0)
        for a in range(n_attributes):
            positives[neuron, a] = yes[a]
            negatives[neuron, a] = known[a] - yes[a]


@compiled
def pairs_won(
    values: Float[np.ndarray, "neuron row"],
    order: Int[np.ndarray, "neuron row"],
    positive: Bool[np.ndarray, "neuron row"],
    negative: Bool[np.ndarray, "neuron row"],
    twice: Int[np.ndarray, " neuron"],
) -> None:
    """Twice the pairs of a positive and a negative row in which the positive one is larger, equal ones counted half.

    Args:
        values: Finite activations.
        order: Rows that sort them; inside ties in any order.
        positive: Rows that have the property of each neuron.
        negative: Rows that have not; others may be neither.
        twice: Filled with an exact integer.
    """
    n_rows = values.shape[1]
    for neuron in range(len(values)):
        column, rows, yes, no = values[neuron], order[neuron], positive[neuron], negative[neuron]
        won, below, ups, downs, previous = 0, 0, 0, 0, np.nan
        for i in range(n_rows):
            row = rows[i]
            value = column[row]
            if value != previous:  # the run of equal values ends
                won += ups * (2 * below + downs)
                below += downs
                ups, downs, previous = 0, 0, value
            ups += yes[row]
            downs += no[row]
        twice[neuron] = won + ups * (2 * below + downs)
