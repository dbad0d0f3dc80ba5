"""Columns of a table as numbers, dates, yes/no or names: read with certainty, or refused, or said in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import polars as pl

from denote.data.missing_codes import MISSING, are_codes, are_marks, perhaps, without_numbers
from denote.data.row_numbers import is_index
from denote.data.text_dates import CATEGORIES, date_columns, dates_of
from denote.data.text_numbers import COMMA, POINT, Doubt, Kept, Reading, numbers_of, plain_numbers
from denote.errors import DataError, one_of

log = logging.getLogger(__name__)

FEW_DIGITS = 32
"""Different whole numbers that a file of typed columns may hold as text: codes, and no quantity."""
MOST_COMPARED = 1000
"""Different texts of a column that are compared with each other."""

_TEXTS = (pl.String, pl.Categorical, pl.Enum)
_ONE_WRITING = "write all of them in one way if they are one"


@dataclass(frozen=True)
class ColumnKeys:
    """The keys of ``dataset`` that say how columns are read, the same wherever there is a table.

    Attributes:
        missing: Texts and numbers that stand for no value, besides those of `MISSING`.
        exclude: Names or patterns of columns that are left out.
        categories: Columns whose values are taken one by one, whatever they look like.
        decimal: The mark before the decimals in text, ``.`` or ``,``; None to tell by the values.

    Raises:
        DataError: for a key that is none of this.
    """

    missing: Sequence[Any] = ()
    exclude: Sequence[str] = ()
    categories: Sequence[str] = ()
    decimal: str | None = None

    def __post_init__(self) -> None:
        """Refuse what can be known to be wrong without a table."""
        for key in ("missing", "exclude", "categories"):
            check_list(key, getattr(self, key))
        if self.decimal not in (None, POINT, COMMA):
            raise DataError("dataset.decimal", f"{self.decimal!r} came", "allowed: null, or . or ','")


@dataclass(frozen=True)
class Problem:
    """A column that cannot be used as it is.

    Attributes:
        column: Its name.
        what: Follows the name.
        remedy: What to do, where that is more than to leave the column out.
        row: The row that shows it, where one does.
    """

    column: str
    what: str
    remedy: str = ""
    row: int | None = None


@dataclass
class ColumnReader:
    """Reads columns one by one and keeps what is to be said of them.

    Attributes:
        keys: See `ColumnKeys`.
        typed: Whether the file says what a column holds: text of a few digits is then meant to be text.
        as_text: Columns that are left as they are, such as names of files.
        asked: Columns that are asked for by name: they are never left out.
        problems: What cannot be read, by column.
        doubtful: Texts that may stand for no value, by column.
        said: Columns by what became of them.
    """

    keys: ColumnKeys
    typed: bool = False
    as_text: Sequence[str] = ()
    asked: Sequence[str] = ()
    problems: list[Problem] = field(default_factory=list)
    doubtful: dict[str, list[str]] = field(default_factory=dict)
    said: dict[str, list[str]] = field(default_factory=dict)
    _commas: list[str] = field(default_factory=list)
    _thousands: dict[str, int] = field(default_factory=dict)

    def table(self, columns: Iterable[pl.Series], where: str) -> pl.DataFrame:
        """All columns but those left out, dates with the columns that they become.

        Args:
            columns: As the file has them.
            where: What to name in the log.

        Raises:
            DataError: for keys that name no column, or a column that is asked for and left out.
        """
        held: dict[str, pl.Series] = {}
        names: list[str] = []
        for column in columns:
            names.append(column.name)
            for made in self._made(column):
                if made.name in held or (made.name != column.name and made.name in names):
                    raise DataError(where, f"column {made.name!r} is there, and what the date {column.name!r} becomes has its name", "rename it")
                if made.name != column.name:
                    names.append(made.name)
                if not self._is_excluded(made.name):
                    held[made.name] = made
        self._check_names(names)
        if self._commas:
            for name, row in self._thousands.items():
                what = f"holds points, and {self._commas[0]!r} has a comma before the decimals: thousands or decimals"
                self.problems.append(Problem(name, what, "say dataset.decimal=. or ','", row))
        for how, which in self.said.items():
            log.info("%s: %s: %s", where, how, ", ".join(which))
        return pl.DataFrame(list(held.values()))

    def _made(self, column: pl.Series) -> Iterator[pl.Series]:
        name = column.name
        if self._is_excluded(name):
            return
        read = self._read(column)
        if name not in self.asked and is_index(read):
            self._say("left out, the index of a data frame", name)
            return
        yield read
        if read.dtype in (pl.Date, pl.Datetime):
            yield from date_columns(read)

    def _read(self, column: pl.Series) -> pl.Series:
        if column.name in self.as_text:
            return column
        if column.dtype in _TEXTS:
            return self._of_text(column.cast(pl.String))
        if column.dtype.is_decimal():
            column = column.cast(pl.Float64)
        if not column.dtype.is_numeric():
            return column
        return self._finite(without_numbers(column, self.keys.missing))

    def _finite(self, column: pl.Series) -> pl.Series:
        if column.dtype.is_float() and (infinite := column.is_infinite().fill_null(False)).any():
            row = int(infinite.arg_true()[0])
            remedy = f"correct it; dataset.missing=[{column[row]}] makes it missing"
            self.problems.append(Problem(column.name, "is infinite", remedy, row))
        return column

    def _of_text(self, column: pl.Series) -> pl.Series:
        name, text = column.name, _bare(column)
        text = self._without_codes(text)
        is_category = name in self.keys.categories
        numbers = None if self.keys.decimal == COMMA and text.str.contains(".", literal=True).any() else plain_numbers(text)
        if numbers is not None:
            if self.typed and not is_category and _are_few_digits(column, numbers):
                self._say("text of a few whole numbers, kept as categories", name)
                return text
            self._note_thousands(text, numbers)
            return without_numbers(numbers, self.keys.missing)
        counts = text.drop_nulls().to_frame("text").group_by("text", maintain_order=True).len()
        texts = counts["text"]
        if is_category:
            return self._names(text, texts)
        codes = are_codes(texts)
        rest = texts.filter(~codes)
        for reading in _readings(rest, counts["len"].filter(~codes), self.keys.decimal):
            if isinstance(reading, Reading):
                self._say_codes(name, counts.filter(codes))
                return self._placed(text, rest, reading)
            if isinstance(reading, Doubt):
                row = int((text == reading.text).arg_true()[0])
                self.problems.append(Problem(name, reading.why, reading.remedy, row))
                return text
            if isinstance(reading, Kept):
                self._say(reading.why, name)
        return self._names(text, texts)

    def _placed(self, text: pl.Series, texts: pl.Series, reading: Reading) -> pl.Series:
        if reading.how:
            self._say(reading.how, text.name)
        if "comma before" in reading.how:
            self._commas.append(text.name)
        values = text.replace_strict(texts, reading.values, default=None, return_dtype=reading.values.dtype)
        return without_numbers(values, self.keys.missing) if values.dtype.is_numeric() else values

    def _names(self, text: pl.Series, texts: pl.Series) -> pl.Series:
        """A column of names: dashes and points are missing, what may be missing is said, and so are two writings of one name."""
        if text.name in self.keys.categories:
            return text
        marks = are_marks(texts)
        if marks.any():
            self._say(f"{_listed(texts.filter(marks).to_list())} read as missing", text.name)
            text = text.set(text.is_in(texts.filter(marks).implode()), None)
        if words := perhaps(texts):
            self.doubtful[text.name] = words
        if len(texts) <= MOST_COMPARED and (alike := _alike(texts.filter(~marks))):
            log.warning("column %r: %s differ by case, blanks or a point only: %s", text.name, _listed(alike), _ONE_WRITING)
        return text

    def _without_codes(self, text: pl.Series) -> pl.Series:
        codes = [*MISSING, *map(str, self.keys.missing)]
        found = text.is_in(codes)
        if not found.any():
            return text
        counts = text.filter(found.fill_null(False)).value_counts().filter(pl.col(text.name) != "")
        self._say_codes(text.name, counts.rename({text.name: "text", "count": "len"} if text.name != "count" else {}))
        return text.set(found.fill_null(False), None)

    def _say_codes(self, name: str, counts: pl.DataFrame) -> None:
        for code, rows in counts.sort("text").select("text", "len").iter_rows():
            self._say(f"{code!r} read as missing", f"{name} ({rows})")

    def _note_thousands(self, text: pl.Series, numbers: pl.Series) -> None:
        """Remember a column whose points could be between thousands, should another have a comma before the decimals."""
        if self.typed or not numbers.dtype.is_float():
            return
        points = text.str.contains(".", literal=True).fill_null(False)
        if text.filter(points).str.contains(r"^[-+]?[1-9]\d{0,2}\.\d{3}$").all():
            self._thousands[text.name] = int(points.arg_true()[0]) if points.any() else 0

    def _is_excluded(self, name: str) -> bool:
        return any(name == pattern or fnmatchcase(name, str(pattern)) for pattern in self.keys.exclude)

    def _check_names(self, names: Sequence[str]) -> None:
        for pattern in self.keys.exclude:
            if not any(name == pattern or fnmatchcase(name, str(pattern)) for name in names):
                raise DataError("dataset.exclude", f"the table has no column {pattern!r}", one_of(pattern, names))
        for name in self.asked:
            if self._is_excluded(name):
                raise DataError("dataset.exclude", f"{name!r} is left out, and another key names it", "take it out of one of them")
        for name in self.keys.categories:
            if name not in names:
                raise DataError("dataset.categories", f"the table has no column {name!r}", one_of(name, names))

    def _say(self, how: str, name: str) -> None:
        self.said.setdefault(how, []).append(name)


def check_list(key: str, names: Any) -> None:
    """Refuse a text, or null, where a list is needed.

    Args:
        key: Of ``dataset``.
        names: What came.

    Raises:
        DataError: naming the key.
    """
    if isinstance(names, str) or not isinstance(names, Sequence):
        listed = "" if names is None else names
        raise DataError(f"dataset.{key}", f"{names!r} came", f"allowed: a list: dataset.{key}=[{listed}]")


def refuse(problems: Sequence[Problem], where: str, place: Callable[[int], str], keys: ColumnKeys, needed: Sequence[str] = ()) -> None:
    """Say all that is wrong with the columns of a table in one line, with the key that leaves them out.

    Args:
        problems: None is no mistake.
        where: What to name.
        place: Says where a row is.
        keys: Those in force: what was left out stays left out.
        needed: Columns that cannot be left out.

    Raises:
        DataError: if there are problems.
    """
    if not problems:
        return
    told = [_told(problem, place) for problem in problems[:MOST_TOLD]]
    if len(problems) > MOST_TOLD:
        told.append(f"and {len(problems) - MOST_TOLD} more")
    spare = dict.fromkeys(problem.column for problem in problems if problem.column not in needed)
    listed = ",".join(_quoted(str(name)) for name in (*keys.exclude, *spare))
    raise DataError(where, "; ".join(told), f"to leave out what cannot be used: 'dataset.exclude=[{listed}]'" if spare else "")


MOST_TOLD = 8
"""Columns whose problems are told one by one."""


def _told(problem: Problem, place: Callable[[int], str]) -> str:
    at = "" if problem.row is None else f" ({place(problem.row)})"
    return f"column {problem.column!r} {problem.what}{at}{', ' + problem.remedy if problem.remedy else ''}"


def _quoted(name: str) -> str:
    """A name in a list on the command line, in quotation marks where it is more than a word."""
    return name if name.replace("_", "a").replace(".", "a").isalnum() else f'"{name}"'


def _readings(texts: pl.Series, rows: pl.Series, decimal: str | None) -> Iterator[Reading | Doubt | Kept | None]:
    """What the texts may be, one kind after the other, until one is told."""
    if not len(texts):
        return
    yield numbers_of(texts, rows, decimal)
    yield dates_of(texts)
    if (small := texts.str.to_lowercase()).is_in(["true", "false"]).all():
        yield Reading(small == "true")


def _bare(column: pl.Series) -> pl.Series:
    """Text without the blanks, or the quotation marks behind blanks, that stand around it."""
    text = column.str.strip_chars()
    return text.str.replace(r'(?s)^"(.*)"$', "${1}") if text.str.starts_with('"').any() else text


def _are_few_digits(column: pl.Series, numbers: pl.Series) -> bool:
    if not column.drop_nulls().str.contains(r"^\d+$").all():
        return False
    return numbers.dtype.is_integer() and numbers.n_unique() <= min(FEW_DIGITS, len(numbers) // 2)


def _alike(texts: pl.Series) -> list[str]:
    """The first texts that are one but for case, a point at the end, or blanks."""
    plain = texts.str.to_lowercase().str.replace(r"[\s.]+$", "").str.replace_all(r"\s+", " ")
    twice = plain.is_duplicated()
    return sorted(texts.filter(plain == plain.filter(twice)[0]).to_list()) if twice.any() else []


def _listed(names: Iterable[str]) -> str:
    return " and ".join(repr(name) for name in names)


def categories_of(table: pl.DataFrame, keys: ColumnKeys) -> tuple[str, ...]:
    """Columns of numbers whose values are attributes one by one: those named, and years, months and weekdays of dates."""
    dates = [name for name, kind in table.schema.items() if kind in (pl.Date, pl.Datetime)]
    parts = [f"{name}.{part}" for name in dates for part in CATEGORIES if f"{name}.{part}" in table.columns]
    return tuple(dict.fromkeys([*keys.categories, *parts]))
