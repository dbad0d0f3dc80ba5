"""Text files of a table, all values as text: separators, line ends, quotation marks; mistakes are said by line."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

import polars as pl

from denote.errors import DataError, first_line
from denote.numbers import count

SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
_OTHER_SEPARATORS = ";\t,|"

_BYTES_AT_ONCE = 256 * 2**20
"""Text that is held at once: columns of a larger file are read some at a time."""
_TAIL = 65536
LONGEST_LINE = 2**26
"""Characters of a line."""

log = logging.getLogger(__name__)

_HEADER = "needed: a header with a different name for each column"


@dataclass(frozen=True)
class TextTable:
    """A text file with a header.

    Attributes:
        file: Where it is.
        separator: Between values.
        names: Of the columns, without blanks around them.
        where: What to name in an error.
    """

    file: Path
    separator: str
    names: tuple[str, ...]
    where: str

    @classmethod
    def open(cls, file: Path, where: str) -> TextTable:
        """Read the header.

        The separator is that of the file's ending; or another one, where the header has only that.

        Args:
            file: An existing file with one of the endings of `SEPARATORS`.
            where: What to name in an error.

        Raises:
            DataError: for a header that cannot be used.
        """
        separator = SEPARATORS[file.suffix.lower()]
        header = _header(file, separator, where)
        others = [mark for mark in _OTHER_SEPARATORS if mark in header[0]] if len(header) == 1 else []
        if len(others) > 1:
            problem = f"{file} line 1 has one column, {header[0][:40]!r}"
            raise DataError(where, problem, f"{file.suffix} is read with {separator!r} between values")
        if others:
            separator, header = others[0], _header(file, others[0], where)
        if not header[0].strip() and len(header) > 1:
            header[0] = "Unnamed: 0"  # the index that pandas writes first, without a name, and reads by this one
        _check_names(header, file, where)
        return cls(file, separator, tuple(name.strip() for name in header), where)

    def columns(self) -> Iterator[pl.Series]:
        """Yield every column as text, in order; what is empty is null.

        Raises:
            DataError: for a line with too many or too few values, or a file that cannot be read.
        """
        if self.separator != (usual := SEPARATORS[self.file.suffix.lower()]):
            said = "%s: %s is read with %r between values instead of %r, as its header is"
            log.info(said, self.where, self.file, self.separator, usual)
        self._check_lines()
        passes = 1 + self.file.stat().st_size // _BYTES_AT_ONCE
        columns = range(len(self.names))
        step = max(1, -(-len(columns) // passes))
        for start in columns[::step]:
            part = self._part(list(columns[start : start + step]))
            for name in part.columns:
                yield part.drop_in_place(name)

    def _check_lines(self) -> None:
        """Refuse a file with a line that polars could not hold; only a large file has one."""
        if self.file.stat().st_size < LONGEST_LINE:
            return
        with self.file.open("rb") as held:
            while piece := held.read(LONGEST_LINE):
                if len(piece) == LONGEST_LINE and b"\n" not in piece and b"\r" not in piece:
                    raise DataError(self.where, f"{self.file} has a line of more than {LONGEST_LINE} bytes")

    def line_of(self, row: int) -> int | None:
        """Return the line on which a row ends, from 1."""
        lines = (line for _, line, _ in _records(self.file, self.separator))
        return next(islice(lines, row + 1, None), None)

    def _part(self, chosen: list[int]) -> pl.DataFrame:
        try:
            part = pl.read_csv(
                self.file,
                separator=self.separator,
                columns=chosen,
                infer_schema=False,
                low_memory=True,
                glob=False,
                eol_char=_line_end(self.file),
            )
        except (pl.exceptions.PolarsError, OSError) as error:
            self._check_lengths()
            part = self._plainly(error)[:, chosen]
        part.columns = [self.names[index] for index in chosen]
        if blank := self._blank_lines_at_the_end():
            part = part[: part.height - blank]
        # polars fills a row that ends early with nulls, so its last value is missing.
        if chosen[-1] == len(self.names) - 1 and part[:, -1].null_count():
            self._check_lengths()
        return part

    def _plainly(self, error: Exception) -> pl.DataFrame:
        """Return the file as Python reads it, which takes quotation marks within a value and blanks before one."""
        try:
            _, *rows = [record for _, _, record in _records(self.file, self.separator, strict=True) if record]
        except (UnicodeDecodeError, csv.Error):
            raise DataError(self.where, f"{self.file} cannot be read ({first_line(error)})") from error
        values = [[value or None for value in row] for row in rows]
        return pl.DataFrame(values, schema=[str(i) for i in range(len(self.names))], orient="row").cast(pl.String)

    def _blank_lines_at_the_end(self) -> int:
        if len(self.names) == 1:
            return 0  # a blank line may be a missing value
        with self.file.open("rb") as held:
            held.seek(max(0, self.file.stat().st_size - _TAIL))
            tail = held.read().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = tail[len(tail.rstrip(b"\n ")) :].split(b"\n")
        return max(0, len(lines) - (1 if lines[-1] else 2))

    def _check_lengths(self) -> None:
        """Name the first row that has more or fewer values than the header; blank lines at the end are none.

        Raises:
            DataError: with its line.
        """
        blank: DataError | None = None
        wanted = len(self.names)
        try:
            for first, line, record in _records(self.file, self.separator):
                if blank:
                    raise blank
                if len(record) == wanted:
                    continue
                is_blank = not any(value.strip() for value in record)
                holds = "nothing" if is_blank else count(len(record), "value")
                # A quotation mark that is never closed swallows every line that follows.
                location = f"line {line}" if first == line else f"lines {first} to {line}, in quotation marks,"
                problem = f"{self.file} {location} holds {holds} where the header has {wanted} columns"
                blank = DataError(self.where, problem, "complete the line or remove it")
                if not is_blank:
                    raise blank
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(self.where, f"{self.file} {_unreadable(self.file, error)}") from error


def _header(file: Path, separator: str, where: str) -> list[str]:
    try:
        _, _, header = next(_records(file, separator, blanks=True), (1, 1, []))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(where, f"{file} {_unreadable(file, error)}") from error
    if not header:
        raise DataError(where, f"{file} is empty", "needed: a header and a line per sample")
    return header


def _check_names(header: list[str], file: Path, where: str) -> None:
    for index, name in enumerate(header):
        if not name.strip():
            raise DataError(where, f"{file} line 1 has a column without a name", _HEADER)
        if before := [other for other in header[:index] if other.strip() == name.strip()]:
            same = f"two columns {name!r}" if name in before else f"columns {before[0]!r} and {name!r}"
            raise DataError(where, f"{file} line 1 has {same}", f"{_HEADER}, blanks aside")


def _records(
    file: Path, separator: str, *, blanks: bool = False, strict: bool = False
) -> Iterator[tuple[int, int, list[str]]]:
    """Yield the lines on which each record begins and ends, and its values."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        skip = not blanks and separator != "\t"
        lines = _lines(text)
        reader, line = csv.reader(lines, delimiter=separator, skipinitialspace=skip, strict=strict), 0
        for record in reader:
            yield line + 1, reader.line_num, record
            line = reader.line_num


def _lines(text: TextIO) -> Iterator[str]:
    """Yield lines with their ends, none of which is read whole if it is longer than any line of a table."""
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise csv.Error(f"line {number} has {LONGEST_LINE} characters or more")
        yield line


def _line_end(file: Path) -> str:
    with file.open("rb") as held:
        start = held.read(_TAIL)
    return "\r" if b"\r" in start and b"\n" not in start else "\n"


def _unreadable(file: Path, error: Exception) -> str:
    """Return what is wrong with a text file, and on which line."""
    if not isinstance(error, UnicodeDecodeError):
        return f"cannot be read ({first_line(error)})"
    with file.open("rb") as held:
        line = next((number for number, line in enumerate(held, 1) if not _is_text(line)), 1)
    return f"line {line} is no text in UTF-8: save it as UTF-8"


def _is_text(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
