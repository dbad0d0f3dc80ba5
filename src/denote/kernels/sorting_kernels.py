"""Radix sort of float32 columns, compiled. Import it where it is used: numba takes a second."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, UInt32

from denote.kernels.scan_kernels import compiled

DIGIT = 11
"""Bits that one pass sorts by; three passes make 32, and the counts of a digit stay near the processor."""

LOW, TOP = np.uint32((1 << DIGIT) - 1), np.uint32(2 * DIGIT)
PLACES, HIGHEST = 1 << DIGIT, 1 << (32 - 2 * DIGIT)
ROW, ROWS = np.uint64(32), np.uint64((1 << 32) - 1)


@compiled
def sort_orders(bits: UInt32[np.ndarray, "column row"], order: Int[np.ndarray, "column row"]) -> None:
    """Find the order that sorts every column; equal numbers keep theirs, and -0 comes before 0.

    Args:
        bits: Float32 numbers as they lie in memory; not NaN, fewer than 2^32 a column.
        order: Filled.
    """
    n = bits.shape[1]
    first, second, third = np.empty(PLACES, np.int64), np.empty(PLACES, np.int64), np.empty(HIGHEST, np.int64)
    here, there = np.empty(n, np.uint64), np.empty(n, np.uint64)
    for column in range(len(bits)):
        first[:] = 0
        second[:] = 0
        third[:] = 0
        for row in range(n):
            key = bits[column, row]
            # Of negative numbers all bits are turned, of others the sign: then they sort as integers.
            key ^= np.uint32(0x80000000) | np.uint32(np.int32(key) >> np.int32(31))
            here[row] = (np.uint64(key) << ROW) | np.uint64(row)
            first[key & LOW] += 1
            second[(key >> np.uint32(DIGIT)) & LOW] += 1
            third[key >> TOP] += 1
        _starts(first)
        _starts(second)
        _starts(third)
        for i in range(n):
            key = here[i]
            digit = (key >> ROW) & np.uint64(LOW)
            there[first[digit]] = key
            first[digit] += 1
        for i in range(n):
            key = there[i]
            digit = (key >> (ROW + np.uint64(DIGIT))) & np.uint64(LOW)
            here[second[digit]] = key
            second[digit] += 1
        for i in range(n):
            key = here[i]
            digit = key >> (ROW + np.uint64(TOP))
            order[column, third[digit]] = np.int64(key & ROWS)
            third[digit] += 1


@compiled
def _starts(counts: Int[np.ndarray, " digit"]) -> None:
    """Turn counts into where each digit starts."""
    total = 0
    for digit in range(len(counts)):
        own = counts[digit]
        counts[digit] = total
        total += own
