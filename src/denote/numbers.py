"""Numbers as they are read: proportions with two decimals and no leading zero, ``null`` for what is undefined.

Each exists for one number and, where tables of any length are put into words, for a column of them.
"""

from __future__ import annotations

from math import ceil, floor, isnan

import polars as pl

from denote.comparison import ROUNDING
from denote.estimate import Estimate

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


def proportions(column: str, decimals: int = 2, limit: float | None = None) -> pl.Expr:
    """A column as `proportion` writes its numbers; what is null stays null."""
    if limit is None:
        return _written(column, decimals)
    return pl.col(column).map_batches(lambda values: _beside(values, decimals, limit), return_dtype=pl.String)


def _beside(values: pl.Series, decimals: int, limit: float) -> pl.Series:
    """Numbers beside a limit: the few that need more decimals to stay on their side are written one by one."""
    name = "value"
    frame = values.cast(pl.Float64).to_frame(name).select(
        name, text=_written(name, decimals), tells=_tells(name, decimals, limit)
    )  # fmt: skip
    unclear = frame.filter(~pl.col("tells"))[name].unique()
    longer = {value: proportion(value, decimals, limit) for value in unclear.drop_nulls().drop_nans()}
    told = pl.col(name).replace_strict(longer, default=None, return_dtype=pl.String) if longer else pl.lit(None)
    return frame.select(pl.when("tells").then("text").otherwise(told).cast(pl.String)).to_series()


def _tells(column: str, decimals: int, limit: float) -> pl.Expr:
    """Whether a number written with so many decimals stays on its side of the limit."""
    value = pl.col(column)
    # What is compared is what is read: a division by a power of ten may miss the limit by rounding.
    read, side = _sides(_digits(column, decimals).cast(pl.Float64), limit), _sides(value, limit)
    outward = (side == value.sign()) & ((read == 0) | (read == side))
    return pl.when(_beyond(column, decimals)).then(outward).otherwise(read == side)


def _sides(value: pl.Expr, limit: float) -> pl.Expr:
    away = value - limit
    return pl.when(away.abs() <= ROUNDING).then(0.0).otherwise(away.sign())


def _beyond(column: str, decimals: int) -> pl.Expr:
    """Whether rounding would make 1 of what is less."""
    one: pl.Expr = _rounded(column, decimals) == 10**decimals
    return one & (pl.col(column).abs() < 1 - ROUNDING)


def _rounded(column: str, decimals: int) -> pl.Expr:
    scale: int = 10**decimals
    return (pl.col(column).abs() * scale + 0.5).floor().cast(pl.Int64, strict=False)


def _written(column: str, decimals: int) -> pl.Expr:
    mark = pl.when(pl.col(column) < 0).then(pl.lit("<")).otherwise(pl.lit(">"))
    digits = _digits(column, decimals)
    return pl.when(_beyond(column, decimals)).then(mark + digits).otherwise(digits)


def _digits(column: str, decimals: int) -> pl.Expr:
    """The number in digits, of one that is nearly 1 the largest below it."""
    units, scale = _rounded(column, decimals) - _beyond(column, decimals).cast(pl.Int64), 10**decimals
    sign = pl.when((pl.col(column) < 0) & (units > 0)).then(pl.lit("-")).otherwise(pl.lit(""))
    whole = pl.when(units < scale).then(pl.lit("")).otherwise((units // scale).cast(pl.String))
    return pl.concat_str(sign, whole, pl.lit("."), (units % scale).cast(pl.String).str.zfill(decimals))


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


def count_range(numbers: pl.Series, noun: str) -> str:
    """``3 networks``, or ``2 to 3 networks`` where numbers differ; null ones are left out."""
    known = sorted(numbers.drop_nulls().unique())
    if len(known) < 2:
        return count(int(known[0]) if known else 0, noun)
    return f"{count(int(known[0]))} to {count(int(known[-1]), noun)}"


def counts(column: str) -> pl.Expr:
    """A column of whole numbers as `count` writes them; null stays null."""
    reversed_digits = pl.col(column).cast(pl.String).str.reverse()
    return reversed_digits.str.replace_all(r"(\d{3})", "${1},").str.strip_chars_end(",").str.reverse()


def seconds(value: float | None) -> str:
    """``0.4 s``, ``2 min 05 s``."""
    if value is None:
        return ""
    return f"{value:.1f} s" if value < 60 else f"{int(value // 60)} min {int(value % 60):02d} s"
