"""Dates in text, and the columns that a date becomes: days, year, month, weekday."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from denote.data.columns.text_numbers import Doubt, Reading

DAYS, YEAR, MONTH, WEEKDAY = "days", "year", "month", "weekday"
"""Endings of the columns that a date becomes, after a point."""

CATEGORIES = (YEAR, MONTH, WEEKDAY)
"""Those whose values are few and have names of their own."""

_INPUTS = (DAYS, MONTH, WEEKDAY)
"""Those that are inputs of a network: days hold the year."""

_ISO = r"^(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})"
_CLOCK = r"(?:[T ]+(?P<clock>\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)\s?(?P<zone>Z|UTC|[-+]\d{2}:?\d{2})?)?$"
_MONTHS = r"^(?P<year>\d{4})[-/](?P<month>\d{1,2})$"
_DAY_FIRST = r"^(?P<day>\d{1,2})[-/.](?P<month>\d{1,2})[-/.](?P<year>\d{4})"
_SHORT_YEARS = (
    r"^\d{1,2}/\d{1,2}/\d{2}$|^\d{2}[-.]\d{2}[-.]\d{2}$"
    r"|^(\d{1,2}[- ])?(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[- ']+\d{2}$"
)
_EARLY_DAYS = (date(1, 1, 1), date(1753, 1, 1), date(1899, 12, 30), date(1900, 1, 1), date(1970, 1, 1))
_NO_DAYS = (*_EARLY_DAYS, date(2099, 12, 31), date(2999, 12, 31), date(9999, 12, 31))
"""Days that programs write where they have none."""
_TIMES = r"^\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?$"
_NAMED = r"^[\d ,.\-]*[A-Za-z]{3,9}[\d ,.\-]*\d{4}$"
_NAMED_FORMS = tuple(
    form.replace("%b", month)
    for month in ("%b", "%B")
    for form in ("%d %b %Y", "%d. %b %Y", "%b %d, %Y", "%b %d %Y", "%d-%b-%Y")
)
_NAMED_MONTHS = ("%d %b %Y", "%d %b-%Y", "%d %B %Y")

_ALLOWED = "write dates as 2020-12-31, or name the column in dataset.categories"


def dates_of(texts: pl.Series) -> Reading | Doubt | None:
    """Read the different texts of a column as dates, in UTC where they say a zone.

    Args:
        texts: Each text once, without blanks around it.

    Returns:
        Dates or dates with times; what is in doubt where most are dates; None for other texts.
    """
    if _most(is_time := texts.str.contains(_TIMES)):
        others = texts.filter(~is_time).to_list()
        why = f"holds dates or times and {others[0]!r}" if others else "holds times of day"
        return Doubt([*others, *texts][0], why, "keep it out, or name the column in dataset.categories")
    if texts.str.contains(_SHORT_YEARS).all():
        return Doubt(texts[0], f"holds dates with years of two digits, such as {texts[0]!r}", _ALLOWED)
    for form in (_ISO, _DAY_FIRST):
        if _most(texts.str.contains(form + _CLOCK)):
            return _read(texts, form + _CLOCK)
    if _most(texts.str.contains(_MONTHS)):
        return _parsed(texts, _dates(texts.str.extract_groups(_MONTHS).struct.unnest().with_columns(day=pl.lit("1"))))
    if _most(texts.str.contains(_NAMED)):
        return _named(texts)
    return None


def date_columns(column: pl.Series) -> Iterator[pl.Series]:
    """Yield the columns of one date: days since 1970, the year, the month's number and the weekday's, Monday 1; in its
    own zone.

    Days keep the time of day as a fraction. Months without days (all the first of one) have no weekday.
    """
    if column.dtype == pl.Date:
        days = column.cast(pl.Int32).cast(pl.Int64)
    else:
        days = column.dt.replace_time_zone(None).dt.epoch("us") / 86_400_000_000
    yield days.alias(f"{column.name}.{DAYS}")
    yield column.dt.year().cast(pl.Int64).alias(f"{column.name}.{YEAR}")
    yield column.dt.month().cast(pl.Int64).alias(f"{column.name}.{MONTH}")
    if not (column.dt.day().drop_nulls() == 1).all():
        yield column.dt.weekday().cast(pl.Int64).alias(f"{column.name}.{WEEKDAY}")


def day_in_doubt(column: pl.Series) -> date | None:
    """Return the first or last of dates where it may stand for no date: 9999-12-31 or 1970-01-01 in several rows."""
    days = column.cast(pl.Date).drop_nulls()
    both = [day for day in (days.min(), days.max()) if isinstance(day, date)]
    ends = [day for day in both if day in _NO_DAYS] if len(set(both)) > 1 else []
    return next((day for day in ends if (days == day).sum() > 1), None)


def are_days(numbers: pl.Series) -> bool:
    """Return whether whole numbers are days or months written without marks: 20201231, 202012."""
    if not numbers.dtype.is_integer():
        return False
    return _fit(numbers, numbers % 100, 100) or _fit(numbers, pl.Series([1]), 1)


def _fit(numbers: pl.Series, days: pl.Series, per_month: int) -> bool:
    months = numbers // per_month
    if months.head(1).is_between(190001, 209912).not_().any():
        return False
    fitting = months.is_between(190001, 209912) & (months % 100).is_between(1, 12) & days.is_between(1, 31)
    return bool(fitting.fill_null(True).all() and fitting.any())


def with_dates(names: Sequence[str], table: pl.DataFrame) -> list[str]:
    """Return the names of columns, each date followed by the columns that it becomes.

    Args:
        names: Of columns.
        table: Where they are.
    """
    made = (f"{name}.{part}" for name in names for part in (DAYS, *CATEGORIES) if _is_date(table, name))
    return list(dict.fromkeys([*names, *(name for name in made if name in table.columns)]))


def as_inputs(names: Sequence[str], table: pl.DataFrame) -> list[str]:
    """Return the names of columns, each date replaced by its days, month and weekday.

    Args:
        names: Of columns.
        table: Where they are.
    """
    parts = {name: [f"{name}.{part}" for part in _INPUTS] for name in names if _is_date(table, name)}
    made = (new for name in names for new in parts.get(name, [name]))
    return [name for name in dict.fromkeys(made) if name in table.columns]


def is_year(name: str) -> bool:
    """Return whether a column made of a date holds its year."""
    return name.endswith(f".{YEAR}")


def made_of_dates(table: pl.DataFrame) -> set[str]:
    """Return the names of all columns that dates became."""
    dates = [name for name in table.columns if _is_date(table, name)]
    return set(with_dates(dates, table)) - set(dates)


def _is_date(table: pl.DataFrame, name: str) -> bool:
    return table.schema.get(name) in (pl.Date, pl.Datetime)


def _most(fitting: pl.Series) -> bool:
    return bool(2 * fitting.sum() > len(fitting))


def _read(texts: pl.Series, form: str) -> Reading | Doubt:
    parts = texts.str.extract_groups(form).struct.unnest()
    if form.startswith(_DAY_FIRST):
        day_first, month_first = (parts[name].cast(pl.Int32, strict=False) > 12 for name in ("day", "month"))
        points = texts.str.contains(r"^\d{1,2}\.").all()  # nobody writes the month first with points
        if month_first.any() and not day_first.any():
            parts = parts.rename({"day": "month", "month": "day"})
        elif month_first.any() or not (day_first.any() or points):
            text = texts.filter(month_first.fill_null(False))[0] if month_first.any() else texts[0]
            why = "with the day and with the month first" if month_first.any() else "with the day or the month first"
            return Doubt(text, f"holds dates {why}, such as {text!r}", _ALLOWED)
    dates = _dates(parts)
    if parts["clock"].is_null().all():
        return _parsed(texts, dates)
    zoned = parts["zone"].is_not_null()
    if zoned.any() and not zoned.all():
        text = texts.filter(~zoned)[0]
        return Doubt(text, f"holds times with and without a zone, such as {text!r}", "write all of them in one way")
    return _parsed(texts, _moments(dates, parts))


def _dates(parts: pl.DataFrame) -> pl.Series:
    numbers = (pl.col(name).cast(pl.Int32, strict=False) for name in ("year", "month", "day"))
    written = parts.select(pl.format("{}-{}-{}", *numbers)).to_series()
    return written.str.to_date("%Y-%m-%d", strict=False)


def _moments(dates: pl.Series, parts: pl.DataFrame) -> pl.Series:
    clock = parts["clock"].fill_null("0:00").str.replace(",", ".", literal=True)
    clock = pl.select(pl.when(clock.str.count_matches(":") == 1).then(clock + ":00").otherwise(clock)).to_series()
    written = dates.cast(pl.String) + " " + clock
    moments = written.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    zone = parts["zone"].str.extract_groups(r"(?P<sign>[-+])(?P<hours>\d{2}):?(?P<minutes>\d{2})").struct.unnest()
    minutes = zone["hours"].cast(pl.Int64) * 60 + zone["minutes"].cast(pl.Int64)
    minutes = minutes * zone["sign"].replace_strict({"-": -1, "+": 1}, default=0, return_dtype=pl.Int64)
    return moments - (minutes.fill_null(0) * 60_000_000).cast(pl.Duration("us"))


def _named(texts: pl.Series) -> Reading | Doubt | None:
    readings = [texts.str.to_date(form, strict=False) for form in _NAMED_FORMS]
    readings += [("1 " + texts).str.to_date(form, strict=False) for form in _NAMED_MONTHS]
    # In `Jan-2015` the minus could be that of the year.
    readings = [dates.set((dates.dt.year() < 1).fill_null(False), None) for dates in readings]
    dates = max(readings, key=lambda series: len(series) - series.null_count())
    return _parsed(texts, dates) if _most(dates.is_not_null()) else None


def _parsed(texts: pl.Series, dates: pl.Series) -> Reading | Doubt:
    if dates.null_count():
        text = texts.filter(dates.is_null())[0]
        remedy = "correct it, or name the text in dataset.missing, or the column in dataset.categories"
        return Doubt(text, f"holds dates and {text!r}", remedy)
    return Reading(dates, "read as dates")
