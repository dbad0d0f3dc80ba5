"""Numbers as they are read: proportions with two decimals and no leading zero, ``null`` for what is undefined.

Columns of them are written by :mod:`denote.evidence.number_columns`; plain command lines import this without polars.
"""

from __future__ import annotations

from math import ceil, floor, isnan
from typing import TYPE_CHECKING

from denote.comparison import ROUNDING
from denote.estimate import Estimate

if TYPE_CHECKING:
    import polars as pl

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


def interval(estimate: Estimate[float], limit: float | None = None) -> str:
    """``.95 [.93, .97]``; the bracket is left out where it is undefined, the value stays on its side of a limit."""
    value = proportion(estimate.value, limit=limit)
    if isnan(estimate.value) or isnan(estimate.low) or isnan(estimate.high):
        return value
    return f"{value} [{proportion(estimate.low)}, {proportion(estimate.high)}]"


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
