"""Simple columns of the attribute table: what a neuron might follow instead of the property it seems to denote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float

from denote.data.samples import Samples
from denote.errors import AttributeLabelError


@dataclass(frozen=True, eq=False)
class Numbers(Mapping[str, Float[np.ndarray, " sample"]]):
    """Columns as numbers, each made when it is asked for: nulls become NaN, false 0 and true 1.

    Attributes:
        columns: By name, each of numbers or yes/no.
    """

    columns: Mapping[str, pl.Series]

    def __getitem__(self, name: str) -> Float[np.ndarray, " sample"]:
        return self.columns[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


def simple_columns(samples: Samples, names: str | Sequence[str] = "all") -> Numbers:
    """Return the columns that a threshold can cut.

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
    numeric = {}
    for column in chosen:
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            if column.n_unique() > 1:
                numeric[column.name] = column
        elif not isinstance(names, str):
            raise AttributeLabelError(where, f"column {column.name!r} holds {column.dtype}", "allowed: numbers, yes/no")
    return Numbers(numeric)
