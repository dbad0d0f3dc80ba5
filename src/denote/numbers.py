"""Numbers as people read and write them: proportions, estimates with their interval, comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor, isnan
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    import polars as pl


ROUNDING = 1e-12
"""Slack of every comparison of a score with a limit, so that (.96 + .94) / 2 reaches .95 in floating point too."""


def reaches(score: Any, least: Any) -> Any:
    """Return whether scores are at least ``least``, up to `ROUNDING`; for numbers, arrays and expressions alike."""
    return score >= least - ROUNDING


def within(distance: Any, most: Any) -> Any:
    """Return whether distances are at most ``most``, up to `ROUNDING`; for numbers, arrays and expressions alike."""
    return distance <= most + ROUNDING


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


NULL = "null"

MOST_DECIMALS = 12
"""More say nothing of a proportion, see `ROUNDING`."""


def proportion(value: float | None, decimals: int = 2, limit: float | None = None) -> str:
    """Write a number of [-1, 1]: ``.95``, ``1.00``, ``-.03``; ``>.99`` where rounding would make an imperfect 1 of it.

    Args:
        value: The number.
        decimals: How many.
        limit: What the number is compared with; as many decimals are added as it takes to stay on its side.
    """
    if value is None or value != value:
        return NULL
    scale = 10**decimals
    units = floor(abs(value) * scale + 0.5)
    beyond = units == scale and abs(value) < 1 - ROUNDING
    units -= beyond
    whole, rest = divmod(units, scale)
    written = f"{'-' if value < 0 and units else ''}{whole or ''}.{rest:0{decimals}d}"
    text = f"{'<' if value < 0 else '>'}{written}" if beyond else written
    if limit is None or decimals == MOST_DECIMALS:
        return text
    read, side = _side(float(written), limit), _side(value, limit)
    tells = side == (1 if value > 0 else -1) and read in (0, side) if beyond else read == side
    return text if tells else proportion(value, decimals + 1, limit)


def _side(value: float, limit: float) -> int:
    return 0 if abs(value - limit) <= ROUNDING else 1 if value > limit else -1


def near_one(value: float) -> str:
    """Write a score of [0, 1] with two decimals and with more near 1, where scores crowd: ``.97``, ``.992``, ``.9996``.

    What is written ``1.00`` is 1, and what is written with two decimals is below .985.
    """
    decimals = next((decimals for decimals in (2, 3) if value < 1 - 1.5 * 10**-decimals), 4)
    return proportion(value, 2 if value >= 1 - ROUNDING else decimals)


def setting(value: float) -> str:
    """A threshold with all its decimals, at least two: ``.05``, ``.90``, ``.975``."""
    return max(f"{value:.2f}", f"{value:.12g}", key=len).removeprefix("0")


def bound(value: float | None, decimals: int = 3) -> str:
    """An upper bound, rounded up so that it stays one: ``.052`` for .0511."""
    if value is None or isnan(value):
        return NULL
    scale = 10**decimals
    return proportion(ceil(value * scale - 1e-9) / scale, decimals)


def signed(value: float | None, decimals: int = 2) -> str:
    """A change: ``+.08``, ``-.03``; what rounds to nothing has no sign."""
    written = proportion(value, decimals)
    if value is None or value != value or value < 0:
        return written
    return f"+{written}" if written != proportion(0.0, decimals) else written


def signed_interval(estimate: Estimate[float]) -> str:
    """``+.08 [-.01, +.17]``; the bracket is left out where it is undefined."""
    if isnan(estimate.value) or isnan(estimate.low) or isnan(estimate.high):
        return signed(estimate.value)
    return f"{signed(estimate.value)} [{signed(estimate.low)}, {signed(estimate.high)}]"


def interval(estimate: Estimate[float], limit: float | None = None, decimals: int = 2) -> str:
    """``.95 [.93, .97]``; the bracket is left out where it is undefined, the value stays on its side of a limit."""
    value = proportion(estimate.value, decimals, limit)
    if isnan(estimate.value) or isnan(estimate.low) or isnan(estimate.high):
        return value
    return f"{value} [{proportion(estimate.low, decimals)}, {proportion(estimate.high, decimals)}]"


NEAR_ONE = 0.985
"""From here on two decimals write `.99` or more, see `near_one`."""


def decimals_of(scores: Iterable[float | None]) -> int:
    """Return how many decimals a table of scores of [0, 1] has: three where most are near 1, where two tell none apart.

    Args:
        scores: All of the table; undefined ones count as nothing.
    """
    known = [score for score in scores if score is not None and not isnan(score)]
    return 3 if 2 * sum(score >= NEAR_ONE for score in known) > len(known) else 2


def span(low: float, high: float, decimals: int = 2) -> str:
    """The ends of an interval that has no middle: ``[.02, .09]``."""
    return f"[{proportion(low, decimals)}, {proportion(high, decimals)}]"


def small(value: float | None, limit: float | None = None) -> str:
    """A p- or q-value: ``.032``, ``3e-07``; one of .001 or more stays on its side of a limit."""
    if value is None or value != value:
        return NULL
    return proportion(value, 3, limit) if value >= 0.001 or value == 0 else f"{value:.0e}"


def count(number: int | None, noun: str = "") -> str:
    """``1,024 neurons``, ``1 neuron``."""
    if number is None:
        return NULL
    return f"{number:,}" + (f" {noun}{'' if number == 1 else 's'}" if noun else "")


def count_range(numbers: pl.Series, noun: str) -> str:
    """``3 networks``, or ``2 to 3 networks`` where numbers differ; null ones are left out."""
    known = sorted(numbers.drop_nulls().unique())
    if len(known) < 2:
        return count(int(known[0]) if known else 0, noun)
    return f"{count(int(known[0]))} to {count(int(known[-1]), noun)}"


def seconds(value: float | None) -> str:
    """``0.4 s``, ``2 min 05 s``."""
    if value is None:
        return ""
    return f"{value:.1f} s" if value < 60 else f"{int(value // 60)} min {int(value % 60):02d} s"
