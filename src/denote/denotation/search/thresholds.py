"""How neurons are searched, where their thresholds are tried, and how many rows lie above each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Int

from denote.evidence.rule import Rule
from denote.observers.neuron import comparable
from denote.observers.reading import State
from denote.observers.sorted_columns import batches, column_blocks, side_by_side

MEMORY = 256 * 2**20
"""Bytes that one block of neurons may take while it is searched, unless told otherwise."""

Thresholds: TypeAlias = int | Literal["all"]
"""Number of even quantiles, or every gap between neighbouring values."""

ENTRY_ROWS = 20
"""Least number of positive and of negative fit rows of a class or attribute that enters the search (METHOD 2.1)."""


@dataclass(frozen=True)
class Settings:
    """How neurons are searched.

    Attributes:
        thresholds: Quantiles tried for each neuron before the winner's threshold is set exactly, 64 or more, or ``all``
            gaps. Attributes that are searched one by one are tried at every threshold.
        decisive: Balanced accuracy on fit from which a nested subset is listed in ``nested_properties``.
        entry_rows: Least number of positive and of negative fit rows of a class or attribute that enters.
        formula_rows: Least number of fit rows where a formula holds and where it does not, at least as many as the rule
            asks for: unlike attributes, formulas can be avoided that could never denote.
        memory: Bytes for one block of neurons.
    """

    thresholds: Thresholds = 64
    decisive: float = 0.95
    entry_rows: int = ENTRY_ROWS
    formula_rows: int = Rule.min_rows
    memory: int = MEMORY


def places(n_rows: int, thresholds: Thresholds) -> Int[np.ndarray, " threshold"]:
    """Where sorted rows are cut, as the number of rows below the threshold, ascending.

    Where a place falls among equal values the loops take the nearer edge of their run.
    """
    if n_rows < 2:
        return np.zeros(1, dtype=np.int64)
    if thresholds == "all":
        return np.arange(1, n_rows)
    even = np.round(n_rows * np.arange(1, thresholds + 1) / (thresholds + 1)).astype(np.int64)
    return np.clip(even, 1, n_rows - 1)


def counts_above(
    state: State, codes: Int[np.ndarray, " row"], n_codes: int, thresholds: Thresholds, width: int
) -> Iterator[tuple[int, Int[np.ndarray, "neuron threshold code"]]]:
    """Rows of each code that lie above each threshold of each neuron, block by block of neurons.

    Args:
        state: Activations ``[row, neuron]``, finite; wherever it lies, a block of columns is read at a time.
        codes: Of every row, in [0, n_codes), or -1 for rows that take no part.
        n_codes: Number of codes.
        thresholds: Where neurons are cut, by the rows that take part.
        width: Neurons in a block.

    Yields:
        The place of the block's first neuron, and the counts.
    """
    from denote.kernels.subset_kernels import codes_above  # compiles: only what searches waits for it

    cuts = places(int(np.count_nonzero(codes >= 0)), thresholds)
    for start, values in column_blocks(state, width):
        numbers = comparable(values)
        counts = np.empty((len(values), len(cuts), n_codes), dtype=np.int64)

        def batch(part: slice, numbers: np.ndarray = numbers, counts: np.ndarray = counts) -> None:
            codes_above(numbers[part], np.argsort(numbers[part], axis=1), codes, cuts, counts[part])

        side_by_side(batch, batches(*values.shape))
        yield start, counts
