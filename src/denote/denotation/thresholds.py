"""Thresholds of neurons: a grid of quantiles to search over, and the exact best one for a property."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from denote.observers.neuron import midpoints
from denote.observers.reading import State
from denote.observers.sorted_columns import column_blocks, sorting_orders

MEMORY = 256 * 2**20
"""Bytes that one block of neurons may take while it is searched, unless told otherwise."""


@dataclass(frozen=True)
class Block:
    """Some neurons with their activations sorted and cut.

    Attributes:
        start: Index of the first of these neurons in the state.
        values: Activations, ascending for each neuron.
        order: The row that each of them comes from.
        cuts: For each threshold, the number of rows on its lower side, ascending; never inside a run of ties.
    """

    start: int
    values: Float[np.ndarray, "neuron row"]
    order: Int[np.ndarray, "neuron row"]
    cuts: Int[np.ndarray, "neuron threshold"]

    def __len__(self) -> int:
        return len(self.values)

    def counts_above(self, codes: Int[np.ndarray, " row"], n_codes: int) -> Int[np.ndarray, "neuron threshold code"]:
        """Rows of each code that lie above each threshold of each neuron.

        Args:
            codes: In [0, n_codes) for every row.
            n_codes: Number of codes.
        """
        n_bins = self.cuts.shape[1] + 1
        counts = np.empty((len(self), n_codes, n_bins), dtype=np.int64)
        scaled = codes.astype(np.int64) * n_bins
        edges = np.diff(self.cuts, axis=1, prepend=0, append=len(codes))
        bins = np.arange(n_bins)
        for neuron, order in enumerate(self.order):
            cells = scaled[order] + np.repeat(bins, edges[neuron])
            counts[neuron] = np.bincount(cells, minlength=n_codes * n_bins).reshape(n_codes, n_bins)
        above = counts[:, :, ::-1].cumsum(axis=2)[:, :, -2::-1]
        return np.ascontiguousarray(above.transpose(0, 2, 1))


def sorted_blocks(state: State, thresholds: int, n_codes: int, memory: int = MEMORY) -> Iterator[Block]:
    """Go through a state by blocks of neurons that fit into memory, sorting each neuron once.

    Args:
        state: Activations ``[row, neuron]``, finite; wherever it lies, a block of columns is read at a time.
        thresholds: Number of quantiles to cut at, spread evenly.
        n_codes: Number of codes the counts will have, which sets how much memory a neuron takes.
        memory: Bytes for one block.
    """
    n_rows = len(state)
    width = max(1, int(memory // (n_rows * 16 + (thresholds + 1) * n_codes * 64)))
    for start, columns in column_blocks(state, width):
        order = sorting_orders(columns)
        values = np.take_along_axis(columns, order, axis=1)
        yield Block(start, values, order, _quantile_cuts(values, thresholds))


def _quantile_cuts(values: Float[np.ndarray, "neuron row"], thresholds: int) -> Int[np.ndarray, "neuron threshold"]:
    """Cut at even quantiles, moved to the nearest edge of the run where one falls among tied values."""
    n_rows = values.shape[1]
    places = np.round(n_rows * np.arange(1, thresholds + 1) / (thresholds + 1)).astype(np.int64)
    places = np.clip(places, 1, max(n_rows - 1, 1)) if n_rows > 1 else np.zeros(thresholds, np.int64)
    cuts = np.tile(places, (len(values), 1))
    if n_rows < 2:
        return cuts
    tied = values[:, places - 1] == values[:, places]
    for neuron in np.flatnonzero(tied.any(axis=1)):
        inside, column = tied[neuron], values[neuron]
        place, value = places[inside], column[places[inside]]
        first, last = np.searchsorted(column, value, "left"), np.searchsorted(column, value, "right")
        # An edge at the end of the data cuts nothing off, so the other edge of that run is taken.
        to_first = (last == n_rows) | ((first > 0) & (place - first < last - place))
        cuts[neuron, inside] = np.where(to_first, first, last)
    return cuts


def exact_threshold(values: Float[np.ndarray, " row"], positive: Bool[np.ndarray, " row"]) -> tuple[float, float]:
    """The threshold with the best balanced accuracy of "on = strictly above = positive" (METHOD section 2.3).

    It is the midpoint of its gap between two neighbouring values; among equally good gaps the widest wins.

    Args:
        values: Activations of one neuron.
        positive: Whether each row has the property.

    Returns:
        Threshold and balanced accuracy; nan where the values are constant or one kind of row is missing.
    """
    n, n_positive = len(values), int(np.count_nonzero(positive))
    n_negative = n - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan"), float("nan")
    order = np.argsort(values, kind="stable")
    ordered = values[order].astype(np.float64)
    gap = np.diff(ordered)
    on_positive = n_positive - np.cumsum(positive[order])[:-1]
    on_negative = np.arange(n - 1, 0, -1) - on_positive
    # Integers, so that equally good thresholds are equal: gain = 2 (BA - 1/2) x positives x negatives.
    gain = on_positive * n_negative - on_negative * n_positive
    usable = gap > 0
    if not usable.any():
        return float("nan"), float("nan")
    best = gain[usable].max()
    place = np.argmax(np.where(usable & (gain == best), gap, -1.0))
    low, high = values[order[place : place + 1]], values[order[place + 1 : place + 2]]
    return float(midpoints(low, high)[0]), float(0.5 + best / (2 * n_positive * n_negative))
