"""Simple columns of the attribute table: what a neuron might follow instead of the property it seems to denote."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Float

from denote.data.samples import Samples
from denote.errors import AttributeLabelError


def simple_columns(samples: Samples, names: str | Sequence[str] = "all") -> dict[str, Float[np.ndarray, " sample"]]:
    """Columns that a threshold can cut, as numbers; nulls become NaN, false 0 and true 1.

    Args:
        samples: Where the table comes from.
        names: ``all``: every numeric or yes/no column that varies, but the target; or a list.

    Raises:
        AttributeLabelError: naming ``evidence.rivals``, for a column of a list that is no number.
        DataError: if there is no such column.
    """
    where = "evidence.rivals"
    if isinstance(names, str):
        chosen = [column for column in samples.table.get_columns() if column.name != samples.target]
    else:
        chosen = [samples.column(name, where) for name in names]
    found = {}
    for column in chosen:
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            if column.n_unique() > 1:
                found[column.name] = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
        elif not isinstance(names, str):
            raise AttributeLabelError(where, f"column {column.name!r} holds {column.dtype}", "allowed: numbers, yes/no")
    return found
