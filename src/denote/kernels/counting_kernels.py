"""Loops that count activations row by row, as they lie in memory: in bins between two ends, above thresholds by class.

Import it where it is used: numba takes a second.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int32, Int64

from denote.kernels.scan_kernels import compiled


@compiled
def widen(
    values: Float[np.ndarray, "row neuron"], low: Float64[np.ndarray, " neuron"], high: Float64[np.ndarray, " neuron"]
) -> None:
    """Move the ends of every neuron's range out to the finite numbers among further activations.

    Args:
        values: Activations; NaN and infinite ones are passed over.
        low: Smallest so far, infinite at first.
        high: Largest so far, minus infinity at first.
    """
    for row in range(len(values)):
        for neuron in range(values.shape[1]):
            value = values[row, neuron]
            if -np.inf < value < low[neuron]:
                low[neuron] = value
            if high[neuron] < value < np.inf:
                high[neuron] = value


@compiled
def count_in_bins(
    values: Float[np.ndarray, "row neuron"],
    low: Float64[np.ndarray, " neuron"],
    high: Float64[np.ndarray, " neuron"],
    scale: Float64[np.ndarray, " neuron"],
    counts: Int32[np.ndarray, "neuron bin"],
) -> None:
    """Count activations in bins of equal width.

    Args:
        values: Activations; what is not within the ends is in no bin.
        low: Lower end of the first bin.
        high: Upper end of the last one, which holds it.
        scale: Bins per unit; 0 puts all into the first.
        counts: So far; added to.
    """
    last = counts.shape[1] - 1
    for row in range(len(values)):
        for neuron in range(values.shape[1]):
            value = float(values[row, neuron])
            if low[neuron] <= value <= high[neuron]:
                counts[neuron, min(int((value - low[neuron]) * scale[neuron]), last)] += 1


@compiled
def count_above(
    values: Float[np.ndarray, "row neuron"],
    thresholds: Float64[np.ndarray, " neuron"],
    codes: Int64[np.ndarray, " row"],
    counts: Int32[np.ndarray, "class neuron"],
) -> None:
    """Count by class the rows on which every neuron is above its threshold.

    Args:
        values: Activations.
        thresholds: A neuron with NaN is above on no row.
        codes: Class of every row; those below 0 are passed over.
        counts: So far; added to.
    """
    for row in range(len(values)):
        code = codes[row]
        if code >= 0:
            for neuron in range(values.shape[1]):
                counts[code, neuron] += values[row, neuron] > thresholds[neuron]
