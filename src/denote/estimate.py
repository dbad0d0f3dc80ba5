"""A number with its interval, so that neither travels without the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

Values: TypeAlias = Float64[np.ndarray, "*shape"]

Number = TypeVar("Number", bound=float | np.ndarray)


@dataclass(frozen=True)
class Estimate(Generic[Number]):
    """A number, or an array of them, and the ends of its interval; NaN where undefined.

    Attributes:
        value: The estimate.
        low: Lower end, in the unit of ``value``.
        high: Upper end.
    """

    value: Number
    low: Number
    high: Number

    @staticmethod
    def of(row: Mapping[str, Any], name: str, bounds: str | None = None) -> Estimate[float]:
        """Read a table's row; null, or an end without a column, is NaN.

        Args:
            row: Holds ``name``, and the ends as ``<bounds>_low`` and ``<bounds>_high``.
            name: Column of the value.
            bounds: What the columns of the ends begin with, where that is not ``name``: ``balanced_accuracy_low`` is
                a bound of one side, the interval is ``balanced_accuracy_interval``.

        Raises:
            KeyError: if there is no column ``name``.
        """
        stem = bounds or name
        found = (row[name], row.get(f"{stem}_low"), row.get(f"{stem}_high"))
        return Estimate(*(float("nan") if number is None else float(number) for number in found))

    def columns(self, name: str, bounds: str | None = None) -> dict[str, Number | None]:
        """What `of` reads: a number that is NaN becomes null; arrays stay as they are."""
        stem = bounds or name
        named = {name: self.value, f"{stem}_low": self.low, f"{stem}_high": self.high}
        return {key: None if isinstance(number, float) and isnan(number) else number for key, number in named.items()}


def ratio(part: ArrayLike, whole: ArrayLike) -> Values:
    """Divide element by element, with broadcasting; NaN where ``whole`` is not positive.

    Args:
        part: Numerators.
        whole: Denominators.
    """
    part, whole = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    quotient: Values = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return quotient


def mean_of_defined(draws: ArrayLike) -> Values:
    """Return the mean over draws, the first axis, of the values that are not NaN; NaN where all are.

    Args:
        draws: At least one draw.
    """
    draws = np.asarray(draws, float)
    defined = ~np.isnan(draws)
    return ratio(np.where(defined, draws, 0.0).sum(0), defined.sum(0))
