"""Columns of a table as numbers, dates, yes/no or names: read with certainty, or refused, or said in the log."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from denote.data.columns import text_numbers
from denote.data.columns.column_keys import ColumnKeys, Problem
from denote.data.columns.row_numbers import is_index
from denote.data.columns.text_dates import are_days, date_columns, dates_of, day_in_doubt
from denote.data.columns.text_numbers import Doubt, Kept, Reading
from denote.data.samples import is_text
from denote.errors import DataError

log = logging.getLogger(__name__)

FEW_DIGITS = 32
"""Different whole numbers that a file of typed columns may hold as text: codes, and no quantity."""
SAMPLE = 1000
"""Rows that tell most columns from those that must be read as a whole."""
MOST_COMPARED = 1000
"""Different texts of a column that are compared with each other."""

_UNSEEN = "[\u200b\u200e\u200f\u2060\ufeff]"
_OF_DIGITS = r"^[^\p{L}]*\p{Nd}"
"""Begins with digits, of any script: a number in a way of writing that is not known, perhaps."""
_ONE_WRITING = "write all of them in one way if they are one"


@dataclass
class ColumnReader:
    """Reads columns one by one and keeps remarks and doubts for the log.

    Attributes:
        keys: See `ColumnKeys`.
        typed: Whether the file says what a column holds: text of a few digits is then meant to be text.
        as_text: Columns that are left as they are, such as names of files.
        asked: Columns that are asked for by name: they are never left out.
        problems: What cannot be read, by column.
        doubtful: Texts that may stand for no value, by column.
        remarks: Columns by what became of them.
    """

    keys: ColumnKeys
    typed: bool = False
    as_text: Sequence[str] = ()
    asked: Sequence[str] = ()
    problems: list[Problem] = field(default_factory=list)
    doubtful: dict[str, list[str]] = field(default_factory=dict)
    remarks: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _commas: list[str] = field(default_factory=list)
    _thousands: dict[str, int] = field(default_factory=dict)

    def table(self, columns: Iterable[pl.Series], where: str) -> pl.DataFrame:
        """Return all columns but those left out, dates with the columns that they become.

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
                    problem = f"column {made.name!r} is there, and what the date {column.name!r} becomes has its name"
                    raise DataError(where, problem, "rename it")
                if made.name != column.name:
                    names.append(made.name)
                if not self.keys.leaves_out(made.name):
                    held[made.name] = made
        self.keys.check(names, self.asked)
        for name, row in self._thousands.items() if self._commas else ():
            what = f"holds points, and {self._commas[0]!r} has a comma before the decimals: thousands or decimals"
            self.problems.append(Problem(name, what, text_numbers.SAY_MARK, row))
        for how, which in self.remarks.items():
            log.info("%s: %s: %s", where, how, ", ".join(which))
        return pl.DataFrame(list(held.values()))

    def _made(self, column: pl.Series) -> Iterator[pl.Series]:
        name = column.name
        if self.keys.leaves_out(name):
            return
        read = self._read(column)
        if name not in self.asked and is_index(read):
            self.remarks["left out, the index of a data frame"].append(name)
            return
        yield read
        is_date, is_number = read.dtype in (pl.Date, pl.Datetime), read.dtype.is_numeric()
        if are_days(read):
            hint = "look like days or months; written as 2020-12-31 or 2020-12 they are read as dates"
            log.warning("column %r holds whole numbers such as %s, which %s", name, read.drop_nulls()[0], hint)
        elif code := day_in_doubt(read) if is_date else text_numbers.number_in_doubt(read) if is_number else None:
            hint = "apart from all others; where it stands for no value: dataset.missing"
            log.warning("column %r holds %s in several rows, %s=[%s]", name, code, hint, code)
        if is_date:
            yield from date_columns(read)

    def _read(self, column: pl.Series) -> pl.Series:
        if column.name in self.as_text:
            return column
        if column.dtype.is_decimal() or column.dtype in (pl.Int128, pl.UInt128):
            column = _shortened(column)
        if is_text(column):
            return self._of_text(column.cast(pl.String))
        if not column.dtype.is_numeric():
            return column
        column = text_numbers.without_numbers(column, self.keys.missing)
        if column.dtype.is_float() and (infinite := column.is_infinite().fill_null(False)).any():
            row = int(infinite.arg_true()[0])
            remedy = f"correct it; dataset.missing=[{column[row]}] makes it missing"
            self.problems.append(Problem(column.name, "is infinite", remedy, row))
        return column

    def _of_text(self, column: pl.Series) -> pl.Series:
        name, text = column.name, _bare(column)
        text = self._without_codes(text)
        is_category = name in self.keys.categories
        has_thousands = self.keys.decimal == text_numbers.COMMA and bool(text.str.contains(".", literal=True).any())
        numbers = None if has_thousands else text_numbers.plain_numbers(text)
        if numbers is not None:
            if self.typed and not is_category and _are_few_digits(column, numbers):
                self.remarks["text of a few whole numbers, kept as categories"].append(name)
                return text
            self._note_thousands(text, numbers)
            return text_numbers.without_numbers(numbers, self.keys.missing)
        counts = text.drop_nulls().to_frame("text").group_by("text", maintain_order=True).len()
        texts = counts["text"]
        if texts.str.contains(_UNSEEN).any():
            return self._of_text(column.str.replace_all(_UNSEEN, ""))
        if is_category:
            return text
        codes = text_numbers.are_codes(texts)
        rest = texts.filter(~codes)
        for reading in _readings(rest, counts["len"].filter(~codes), self.keys.decimal):
            if isinstance(reading, Reading):
                self._say_codes(name, counts.filter(codes))
                self._commas += [name] if reading.has_comma else []
                if reading.how:
                    self.remarks[reading.how].append(name)
                values = text.replace_strict(rest, reading.values, default=None, return_dtype=reading.values.dtype)
                is_number = values.dtype.is_numeric()
                return text_numbers.without_numbers(values, self.keys.missing) if is_number else values
            if isinstance(reading, Doubt):
                row = int((text == reading.text).arg_true()[0])
                self.problems.append(Problem(name, reading.why, reading.remedy, row))
                return text
            if isinstance(reading, Kept):
                self.remarks[reading.why].append(name)
                return self._names(text, texts)
        digits = texts.filter(texts.str.contains(_OF_DIGITS))
        if 2 * len(digits) > len(texts):
            self.remarks[f"texts such as {digits[0]!r} are no numbers and taken as names"].append(name)
        return self._names(text, texts)

    def _names(self, text: pl.Series, texts: pl.Series) -> pl.Series:
        """Return a column of names: dashes and points are missing; other doubts are logged."""
        name, marks = text.name, text_numbers.are_marks(texts)
        if marks.any():
            self.remarks[f"{_listed(texts.filter(marks).to_list())} read as missing"].append(name)
            text = text.set(text.is_in(texts.filter(marks).implode()), None)
        if words := text_numbers.words_in_doubt(texts):
            self.doubtful[name] = words
        if len(texts) <= MOST_COMPARED and (groups := text_numbers.spelled_alike(texts.filter(~marks))):
            only = f"{text_numbers.quoted(groups)} differ by case, blanks or a point only"
            log.warning("column %r: %s: %s", name, only, _ONE_WRITING)
        if words := text_numbers.yes_and_no(texts):
            log.warning("column %r: %s are yes and no in several ways: %s", name, _listed(words), _ONE_WRITING)
        return text

    def _without_codes(self, text: pl.Series) -> pl.Series:
        forms = (str, str.lower, str.upper, str.capitalize)
        codes = [*text_numbers.MISSING, *(form(str(code)) for code in self.keys.missing for form in forms)]
        is_code = text.is_in(codes).fill_null(False)
        counts = text.alias("text").filter(is_code).value_counts(name="len")
        self._say_codes(text.name, counts.filter(pl.col("text") != ""))
        return text.set(is_code, None)

    def _say_codes(self, name: str, counts: pl.DataFrame) -> None:
        for code, rows in counts.sort("text").iter_rows():
            self.remarks[f"{code!r} read as missing"].append(f"{name} ({rows})")

    def _note_thousands(self, text: pl.Series, numbers: pl.Series) -> None:
        """Remember a column whose points are between thousands if another has a comma before the decimals."""
        is_candidate = not self.typed and numbers.dtype.is_float() and _are_thousands(text.head(SAMPLE)).all()
        if is_candidate and _are_thousands(text).all():
            self._thousands[text.name] = int(text.str.contains(".", literal=True).arg_true()[0])


def _readings(texts: pl.Series, rows: pl.Series, decimal: str | None) -> Iterator[Reading | Doubt | Kept | None]:
    """Yield what the texts may be, one kind after the other, until one is told."""
    if not len(texts):
        return
    yield text_numbers.numbers_of(texts, rows, decimal)
    yield dates_of(texts)
    if (small := texts.str.to_lowercase()).is_in(["true", "false"]).all():
        yield Reading(small == "true")


def _bare(column: pl.Series) -> pl.Series:
    """Return text without the blanks, or the quotation marks behind blanks, that stand around it."""
    text = column.str.strip_chars()
    return text.str.replace(r'(?s)^"(.*)"$', "${1}") if text.str.starts_with('"').any() else text


def _are_few_digits(column: pl.Series, numbers: pl.Series) -> bool:
    are_digits = numbers.dtype.is_integer() and column.drop_nulls().str.contains(r"^\d+$").all()
    return are_digits and numbers.n_unique() <= min(FEW_DIGITS, len(numbers) // 2)


def _are_thousands(text: pl.Series) -> pl.Series:
    return text.str.contains(r"^[-+]?([1-9]\d{0,2}\.\d{3}|\d+)$").fill_null(True)


def _shortened(column: pl.Series) -> pl.Series:
    """Return decimals as floats and long whole numbers as shorter ones, or as text where digits would be lost."""
    if column.dtype.is_decimal():
        numbers, whole = column.cast(pl.Float64), column.cast(pl.Int128, strict=False)
        are_exact = (numbers.abs() <= text_numbers.LARGEST_EXACT).all()
        return numbers if are_exact or not (whole.cast(pl.Float64) == numbers).all() else whole.cast(pl.String)
    numbers = column.cast(pl.Int64, strict=False)
    return numbers if numbers.null_count() == column.null_count() else column.cast(pl.String)


def _listed(names: Iterable[str]) -> str:
    *most, last = map(repr, names)
    return f"{', '.join(most)} and {last}" if most else last
