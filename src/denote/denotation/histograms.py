"""Histograms of every neuron's activations on *test*, from which a neuron's page is drawn."""

from __future__ import annotations

import numpy as np
import polars as pl

from denote.observers.reading import State, row_blocks

N_BINS = 20
"""Bins of equal width between a neuron's smallest and its largest activation."""


def histograms(test: State) -> pl.DataFrame:
    """Count the activations of every neuron, dead ones too, in bins between their ends.

    Args:
        test: Activations on the test rows, which are gone over twice, a block of rows at a time.

    Returns:
        A row per neuron: ``neuron low high counts``. All activations of a constant neuron are in the first bin. Numbers
        that are not finite are in no bin; without a finite one the ends are null.
    """
    from denote.kernels.counting_kernels import count_in_bins, widen  # compiles: only what counts waits for it

    n_neurons = int(test.shape[1])
    low, high = np.full(n_neurons, np.inf), np.full(n_neurons, -np.inf)
    for _, block in row_blocks(test):
        widen(block.cpu().numpy(), low, high)
    counts = np.zeros((n_neurons, N_BINS), dtype=np.int32)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        scale = N_BINS / (high - low)
    scale[~np.isfinite(scale) | (scale < 0)] = 0.0
    for _, block in row_blocks(test):
        count_in_bins(block.cpu().numpy(), low, high, scale, counts)
    ends = {"low": np.where(low <= high, low, np.nan), "high": np.where(low <= high, high, np.nan)}
    return pl.DataFrame(
        [
            pl.Series("neuron", np.arange(n_neurons), dtype=pl.Int64),
            *(pl.Series(name, end, dtype=pl.Float64).fill_nan(None) for name, end in ends.items()),
            pl.Series("counts", counts, dtype=pl.Array(pl.Int32, N_BINS)).cast(pl.List(pl.Int32)),
        ]
    )
