"""Numbers as they are read: proportions with two decimals and no leading zero, ``null`` for what is undefined.

Each exists for one number and, where tables of any length are put into words, for a column of them.
"""

from __future__ import annotations

from math import ceil, floor, isnan

import polars as pl

from denote.estimate import Estimate

NULL = "null"


MOST_DECIMALS = 15
"""More say nothing of a number of double precision."""


def proportion(value: float | None, decimals: int = 2, limit: float | None = None) -> str:
    """A number of [-1, 1]: ``.95``, ``1.00``, ``-.03``; rounding never makes a perfect score of an imperfect one.

    Args:
        value: The number.
        decimals: How many.
        limit: What the number is compared with; as many decimals are added as it takes to stay on its side.
    """
    if value is None or value != value:
        return NULL
    scale = 10**decimals
    units = floor(abs(value) * scale + 0.5)
    if units == scale and abs(value) < 1:
        units -= 1
    whole, rest = divmod(units, scale)
    written = f"{'-' if value < 0 and units else ''}{whole or ''}.{rest:0{decimals}d}"
    if limit is None or decimals == MOST_DECIMALS or _side(value, limit) == _side(float(written), limit):
        return written
    return proportion(value, decimals + 1, limit)


def _side(value: float, limit: float) -> int:
    return (value > limit) - (value < limit)


def proportions(column: str, decimals: int = 2, limit: float | None = None) -> pl.Expr:
    """A column as `proportion` writes its numbers; what is null stays null."""
    if limit is None:
        return _written(column, decimals)
    side = (pl.col(column) - limit).sign()
    longer = (_written(column, n) for n in range(decimals, MOST_DECIMALS))
    # What is compared is what is read: a division by a power of ten may miss the limit by rounding.
    enough = (pl.when((text.cast(pl.Float64) - limit).sign() == side).then(text) for text in longer)
    return pl.coalesce(*enough, _written(column, MOST_DECIMALS))


def _written(column: str, decimals: int) -> pl.Expr:
    value, scale = pl.col(column), 10**decimals
    rounded = (value.abs() * scale + 0.5).floor().cast(pl.Int64, strict=False)
    units = rounded - ((rounded == scale) & (value.abs() < 1)).cast(pl.Int64)
    sign = pl.when((value < 0) & (units > 0)).then(pl.lit("-")).otherwise(pl.lit(""))
    whole = pl.when(units < scale).then(pl.lit("")).otherwise((units // scale).cast(pl.String))
    return pl.concat_str(sign, whole, pl.lit("."), (units % scale).cast(pl.String).str.zfill(decimals))


def setting(value: float) -> str:
    """A threshold with all its decimals, at least two: ``.05``, ``.90``, ``.975``."""
    return max(proportion(value), f"{value:.12g}".removeprefix("0"), key=len)


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


def intervals(column: str, bounds: str | None = None, limit: float | None = None) -> pl.Expr:
    """A column as `interval` writes its numbers, ends from ``<bounds>_low`` and ``<bounds>_high``; null stays null."""
    low, high = (proportions(f"{bounds or column}_{end}") for end in ("low", "high"))
    return proportions(column, limit=limit) + pl.format(" [{}, {}]", low, high).fill_null("")


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


def counts(column: str) -> pl.Expr:
    """A column of whole numbers as `count` writes them; null stays null."""
    reversed_digits = pl.col(column).cast(pl.String).str.reverse()
    return reversed_digits.str.replace_all(r"(\d{3})", "${1},").str.strip_chars_end(",").str.reverse()


def seconds(value: float | None) -> str:
    """``0.4 s``, ``2 min 05 s``."""
    if value is None:
        return ""
    return f"{value:.1f} s" if value < 60 else f"{int(value // 60)} min {int(value % 60):02d} s"
