"""Columns of numbers as :mod:`denote.numbers` writes single ones, for tables of any length that are put into words."""

from __future__ import annotations

import polars as pl

from denote.comparison import ROUNDING
from denote.numbers import proportion


def proportions(column: str, decimals: int = 2, limit: float | None = None) -> pl.Expr:
    """A column as `proportion` writes its numbers; what is null stays null."""
    if limit is None:
        return _written(column, decimals)
    return pl.col(column).map_batches(lambda values: _beside(values, decimals, limit), return_dtype=pl.String)


def _beside(values: pl.Series, decimals: int, limit: float) -> pl.Series:
    """Numbers beside a limit: the few that need more decimals to stay on their side are written one by one."""
    name = "value"
    frame = values.cast(pl.Float64).to_frame(name)
    frame = frame.with_columns(text=_written(name, decimals), tells=_tells(name, decimals, limit))
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


def intervals(column: str, bounds: str | None = None, limit: float | None = None) -> pl.Expr:
    """A column as `interval` writes its numbers, ends from ``<bounds>_low`` and ``<bounds>_high``; null stays null."""
    low, high = (proportions(f"{bounds or column}_{end}") for end in ("low", "high"))
    return proportions(column, limit=limit) + pl.format(" [{}, {}]", low, high).fill_null("")


def counts(column: str) -> pl.Expr:
    """A column of whole numbers as `count` writes them; null stays null."""
    reversed_digits = pl.col(column).cast(pl.String).str.reverse()
    return reversed_digits.str.replace_all(r"(\d{3})", "${1},").str.strip_chars_end(",").str.reverse()
