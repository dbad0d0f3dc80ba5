"""The nearest rows of rows, compiled. Import it where it is used: numba takes a second."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int

from denote.kernels.scan_kernels import compiled

# One function has more than three arrays: they are read in one loop and meet nowhere else.


@compiled
def nearest(
    products: Float32[np.ndarray, "query row"],
    squares: Float32[np.ndarray, " row"],
    of: Int[np.ndarray, " query"],
    apart: Int[np.ndarray, "kind row"],
    near: Float32[np.ndarray, "query k"],
    which: Int[np.ndarray, "query k"],
) -> None:
    """Keep the k nearest other rows of every query, of equal ones the first.

    Args:
        products: Twice the inner products of the queries and all rows.
        squares: Squared length of every row.
        of: Which rows the queries are.
        apart: Numbers per row; rows that share one with a query are none of its neighbours.
        near: Filled with squared distances, ascending, infinite where there are too few rows.
        which: Filled with the rows, the query itself where there are too few.
    """
    k = near.shape[1]
    for query in range(len(of)):
        own, distances, rows = of[query], near[query], which[query]
        distances[:] = np.inf
        rows[:] = own
        for row in range(len(squares)):
            distance = squares[own] + squares[row] - products[query, row]
            if distance >= distances[k - 1] or row == own:
                continue
            alike = False
            for kind in range(len(apart)):
                alike |= apart[kind, own] == apart[kind, row]
            if alike:
                continue
            place = k - 1
            while place > 0 and distances[place - 1] > distance:
                distances[place], rows[place] = distances[place - 1], rows[place - 1]
                place -= 1
            distances[place], rows[place] = distance, row
