"""Loops of the subset search over one neuron's sorted rows, compiled (METHOD section 2).

Counts are integers. Two on-rates or two gains are compared as quotients of exact integers, so equal ones are equal, and
results depend on neither memory, threads nor the order of rows. Import it where it is used: numba takes a second. All
stand in one file, as numba keeps what it compiled until the file changes that a loop stands in.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from denote.kernels.scan_kernels import compiled, fill
from denote.numbers import ROUNDING

MARGIN = 1e-9
"""Far above the rounding of a gain: what a bound rules out by less is looked at."""


class Classes(NamedTuple):
    """Classes of the rows that take part, two or more.

    Attributes:
        codes: Class of every row, -1 for rows that take no part.
        size: Rows of every class, at least 1; the square of their sum must fit into 64 bits.
    """

    codes: Int[np.ndarray, " row"]
    size: Int[np.ndarray, " class"]


class BestSubsets(NamedTuple):
    """Subsets of neurons, to be filled in; a neuron that is constant on the rows keeps what the arrays hold.

    Attributes:
        chain: Place of every class in the neuron's chain: first its members, then the others, both by falling mean
            on-rate over the thresholds tried, ties by class.
        n_members: Number of classes in the subset.
        passing: Whether the first 1, 2, ... classes of the chain pass at a threshold tried, or are the subset itself.
        gain: (TPR - FPR) x rows inside x rows outside of the subset at its best threshold.
        low: The value below that threshold.
        high: The value above it.
    """

    chain: Int[np.ndarray, "neuron class"]
    n_members: Int[np.ndarray, " neuron"]
    passing: Bool[np.ndarray, "neuron prefix"]
    gain: Int[np.ndarray, " neuron"]
    low: Float[np.ndarray, " neuron"]
    high: Float[np.ndarray, " neuron"]


@compiled
def best_subsets(
    values: Float[np.ndarray, "neuron row"],
    order: Int[np.ndarray, "neuron row"],
    classes_of: Classes,
    places: Int[np.ndarray, " threshold"],
    decisive: float,
    best_of: BestSubsets,
) -> None:
    """Find the best subset of every neuron over some thresholds, its best threshold of all, and what is nested with it.

    Args:
        values: Finite activations.
        order: Rows that sort them; inside ties in any order.
        classes_of: The rows.
        places: Where thresholds are tried, as numbers of rows below, ascending (see ``thresholds.places``).
        decisive: Balanced accuracy from which a nested subset passes.
        best_of: Filled.
    """
    codes, size = classes_of
    chain, n_members, passing, gain, low, high = best_of
    n_rows, n_classes = size.sum(), len(size)
    ascending, classes = np.empty(n_rows, values.dtype), np.empty(n_rows, codes.dtype)
    cuts, ranking = np.empty(len(places), np.int64), np.empty(n_classes, np.int64)
    above, place = np.empty(n_classes, np.int64), np.empty(n_classes, np.int64)
    for neuron in range(len(values)):
        _sort_rows(values[neuron], order[neuron], codes, ascending, classes)
        if n_rows == 0 or ascending[0] == ascending[n_rows - 1]:
            continue
        cut_in_gaps(ascending, places, cuts)
        own = _best_over_cuts(classes, cuts, size, ranking, above)
        _sort_classes(above / size, ranking, 0, own)
        _sort_classes(above / size, ranking, own, n_classes)
        for k in range(n_classes):
            place[ranking[k]] = k
        fill(chain[neuron], place)
        n_members[neuron] = own
        _passing(classes, cuts, size, ranking, place, decisive, passing[neuron])
        passing[neuron, own - 1] = True
        gain[neuron], best = _best_gap(ascending, classes, size, place, own)
        low[neuron], high[neuron] = ascending[best], ascending[best + 1]


@compiled
def codes_above(
    values: Float[np.ndarray, "neuron row"],
    order: Int[np.ndarray, "neuron row"],
    codes: Int[np.ndarray, " row"],
    places: Int[np.ndarray, " threshold"],
    counts: Int[np.ndarray, "neuron threshold code"],
) -> None:
    """Rows of each code that lie above each threshold of each neuron.

    Args:
        values: Finite activations.
        order: Rows that sort them; inside ties in any order.
        codes: Code of every row, -1 for rows that take no part.
        places: As in `best_subsets`.
        counts: Filled.
    """
    n_rows = np.count_nonzero(codes >= 0)
    ascending, classes = np.empty(n_rows, values.dtype), np.empty(n_rows, codes.dtype)
    cuts, size = np.empty(len(places), np.int64), np.zeros(counts.shape[2], counts.dtype)
    for code in codes:
        if code >= 0:
            size[code] += 1
    on = np.empty_like(size)
    for neuron in range(len(values)):
        _sort_rows(values[neuron], order[neuron], codes, ascending, classes)
        cut_in_gaps(ascending, places, cuts)
        fill(on, size)
        row = 0
        for t in range(len(cuts)):
            while row < cuts[t]:
                on[classes[row]] -= 1
                row += 1
            fill(counts[neuron, t], on)


@compiled
def _sort_rows(
    column: Float[np.ndarray, " row"],
    order: Int[np.ndarray, " row"],
    codes: Int[np.ndarray, " row"],
    ascending: Float[np.ndarray, " kept"],
    classes: Int[np.ndarray, " kept"],
) -> None:
    """Activations in ascending order and the classes beside them, of the rows that take part."""
    n = 0
    for row in order:
        if codes[row] >= 0:
            ascending[n] = column[row]
            classes[n] = codes[row]
            n += 1


@compiled
def cut_in_gaps(
    ascending: Float[np.ndarray, " row"], places: Int[np.ndarray, " threshold"], cuts: Int[np.ndarray, " threshold"]
) -> None:
    """Move places inside a run of equal values to its nearer edge; not to an end of the data, which cuts nothing off.

    A run's first edge is taken where both are as near, and 0 where all values are equal.
    """
    n_rows = len(ascending)
    start, stop = 0, 0
    for t in range(len(places)):
        place = places[t]
        if place == 0 or ascending[place - 1] < ascending[place]:
            cuts[t] = place
            continue
        if place >= stop:
            start, stop = place - 1, place + 1
            while start > 0 and ascending[start - 1] == ascending[place]:
                start -= 1
            while stop < n_rows and ascending[stop] == ascending[place]:
                stop += 1
        first = stop == n_rows or (start > 0 and place - start <= stop - place)
        cuts[t] = start if first else stop


@compiled
def _best_over_cuts(
    classes: Int[np.ndarray, " row"],
    cuts: Int[np.ndarray, " threshold"],
    size: Int[np.ndarray, " class"],
    best_order: Int[np.ndarray, " class"],
    above: Int[np.ndarray, " class"],
) -> int:
    """The best prefix of the classes by on-rate over all cuts, of equals that of the lowest cut and the shortest.

    A row that falls below the threshold raises no subset's gain by more than 1 / (rows of the smallest class), so cuts
    that cannot reach the best so far are passed by.

    Args:
        classes: Class of every row, rows in ascending order of their activations.
        cuts: Ascending.
        size: Rows of every class.
        best_order: Filled with the classes by falling on-rate at the best cut.
        above: Filled with the rows of each class above a cut, summed over the cuts.

    Returns:
        The number of classes in the best prefix.
    """
    on, order, rate, smallest = size.copy(), np.arange(len(size)), np.ones(len(size)), size.min()
    best, n_members, reached, row, since = -1.0, 0, 0.0, 0, 0
    above[:] = 0
    for t in range(len(cuts)):
        since += cuts[t] - row
        while row < cuts[t]:
            on[classes[row]] -= 1
            above[classes[row]] += t
            row += 1
        if reached + since / smallest < best - MARGIN:
            continue
        for k in range(len(size)):
            rate[k] = on[k] / size[k]
        _sort_classes(rate, order, 0, len(order))
        reached, length = _best_prefix(on, size, order)
        since = 0
        if reached > best:
            best, n_members = reached, length
            fill(best_order, order)
    while row < len(classes):
        above[classes[row]] += len(cuts)
        row += 1
    return n_members


@compiled
def _best_prefix(
    on: Int[np.ndarray, " class"], size: Int[np.ndarray, " class"], order: Int[np.ndarray, " class"]
) -> tuple[float, int]:
    """Largest TPR - FPR of the proper prefixes of the classes in that order, and the shortest one that reaches it."""
    total, total_on = size.sum(), on.sum()
    inside, on_inside, best, length = 0, 0, -2.0, 0
    for k in range(len(order) - 1):
        inside += size[order[k]]
        on_inside += on[order[k]]
        gain = (on_inside * total - total_on * inside) / (inside * (total - inside))
        if gain > best:
            best, length = gain, k + 1
    return best, length


@compiled
def _sort_classes(key: Float64[np.ndarray, " class"], order: Int[np.ndarray, " class"], start: int, stop: int) -> None:
    """Sort a stretch of classes by falling key, ties by class; insertion, as most are in order from the last time."""
    for i in range(start + 1, stop):
        own, j = order[i], i
        while j > start and (key[order[j - 1]] < key[own] or (key[order[j - 1]] == key[own] and order[j - 1] > own)):
            order[j] = order[j - 1]
            j -= 1
        order[j] = own


@compiled
def _passing(
    classes: Int[np.ndarray, " row"],
    cuts: Int[np.ndarray, " threshold"],
    size: Int[np.ndarray, " class"],
    order: Int[np.ndarray, " class"],
    place: Int[np.ndarray, " class"],
    decisive: float,
    passing: Bool[np.ndarray, " prefix"],
) -> None:
    """Which prefixes of a fixed chain reach ``decisive`` at some cut; cuts are passed by as in `_best_over_cuts`.

    ``order`` holds the classes of the chain, ``place`` where in it every class is.
    """
    on, sizes = np.empty_like(size), np.empty_like(size)
    for k in range(len(order)):
        on[k] = sizes[k] = size[order[k]]
    smallest, total, total_on = size.min(), len(classes), len(classes)
    reached, row, since = 0.0, 0, 0
    passing[:] = False
    for cut in cuts:
        since += cut - row
        total_on -= cut - row
        while row < cut:
            on[place[classes[row]]] -= 1
            row += 1
        if (1 + reached + since / smallest) / 2 < decisive - MARGIN:
            continue
        inside, on_inside, reached, since = 0, 0, -1.0, 0
        for k in range(len(passing)):
            inside += sizes[k]
            on_inside += on[k]
            gain = (on_inside * total - total_on * inside) / (inside * (total - inside))
            passing[k] |= (1 + gain) / 2 >= decisive - ROUNDING
            reached = max(reached, gain)


@compiled
def _best_gap(
    ascending: Float[np.ndarray, " row"],
    classes: Int[np.ndarray, " row"],
    size: Int[np.ndarray, " class"],
    place: Int[np.ndarray, " class"],
    n_members: int,
) -> tuple[int, int]:
    """Largest gain of the subset over all gaps, and the row below the widest gap that reaches it, of equals the first.

    The gain is (TPR - FPR) x rows inside x rows outside, an exact integer.
    """
    inside, n_rows = 0, len(classes)
    for k in range(len(size)):
        if place[k] < n_members:
            inside += size[k]
    outside, running = n_rows - inside, 0
    best, widest, where = -inside * outside - 1, 0.0, 0
    for row in range(n_rows - 1):
        running += inside if place[classes[row]] >= n_members else -outside
        if ascending[row] < ascending[row + 1] and running >= best:
            width = np.float64(ascending[row + 1]) - np.float64(ascending[row])
            if running > best or width > widest:
                best, widest, where = running, width, row
    return best, where
