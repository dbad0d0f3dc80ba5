"""Tables from CSV and parquet files; what is wrong with one is said by its line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from denote.errors import DataError, one_of
from denote.numbers import count

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "?")
"""Texts of a CSV file that stand for no value."""

_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")


def read_table(path: str | Path | None, missing: Sequence[str] = MISSING, where: str = "dataset.path") -> pl.DataFrame:
    """A table with one row per sample.

    Args:
        path: A ``.csv`` (commas), ``.tsv`` or ``.txt`` (tabs) with a header, or a ``.parquet`` file.
        missing: Texts that become null, in text files.
        where: What to name in an error.

    Raises:
        DataError: if the file cannot be read, or a row has not as many values as there are columns (which line).
    """
    check_list("missing", missing)
    if not path:
        raise DataError(where, "no file is given", f"needed: a file that ends in {', '.join(_SUFFIXES)}")
    file = Path(path).expanduser()
    if file.is_dir():
        raise DataError(where, f"{file} is a folder", f"needed: a file that ends in {', '.join(_SUFFIXES)}")
    if not file.is_file():
        near = sorted(each.name for each in file.parent.glob("*") if each.suffix in _SUFFIXES and each.is_file())
        raise DataError(
            where, f"there is no file {file}", one_of(file.name, near) if near else "needed: an existing one"
        )
    if file.suffix.lower() not in _SUFFIXES:
        raise DataError(where, f"{file.name} is of no known kind", f"allowed: files that end in {', '.join(_SUFFIXES)}")
    table = _read_parquet(file, where) if file.suffix.lower() == ".parquet" else _read_text(file, missing, where)
    if not table.height:
        raise DataError(where, f"{file} has no rows")
    return table


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


def line_of(path: str | Path | None, row: int) -> str:
    """Where a row of a table file is: ``FILE line 7``, or ``FILE row 5`` where there are no lines."""
    file = Path(str(path)).expanduser()
    if file.suffix.lower() == ".parquet":
        return f"{file} row {row} from 0"
    for place, (_, line, _) in enumerate(_records(file)):
        if place == row + 1:  # the first record is the header
            return f"{file} line {line}"
    return str(file)


def _read_parquet(file: Path, where: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(file, glob=False)  # `data[1].parquet` is a file, and no pattern for others
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(where, f"{file} cannot be read ({_first_line(error)})") from error


def _read_text(file: Path, missing: Sequence[str], where: str) -> pl.DataFrame:
    header = _check_header(file, where)
    try:
        # The whole file says what a column holds: a text after a million numbers makes it a text column, not an error.
        table = pl.read_csv(
            file,
            separator=_separator(file),
            null_values=[str(text) for text in missing],
            infer_schema_length=None,
            low_memory=True,
            glob=False,
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        _check_lengths(file, len(header), where)
        raise DataError(where, f"{file} cannot be read ({_first_line(error)})") from error
    # polars fills a row that ends early with nulls, so its last value is missing.
    if table[:, -1].null_count():
        _check_lengths(file, len(header), where)
    return table


def _check_header(file: Path, where: str) -> list[str]:
    try:
        _, _, header = next(_records(file), (1, 1, []))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(where, f"{file} {_unreadable(file, error)}") from error
    if not header:
        raise DataError(where, f"{file} is empty", "needed: a header and a line per sample")
    if len(header) == 1 and (other := next((mark for mark in ";\t,|" if mark in header[0]), None)):
        problem = f"{file} line 1 has one column, {header[0][:40]!r}"
        raise DataError(
            where, problem, f"{file.suffix} is read with {_separator(file)!r} between values, not {other!r}"
        )
    for place, name in enumerate(header):
        if not name.strip():
            raise DataError(where, f"{file} line 1 has a column without a name", _HEADER)
        if before := [other for other in header[:place] if other.strip() == name.strip()]:
            same = f"two columns {name!r}" if name in before else f"columns {before[0]!r} and {name!r}"
            raise DataError(where, f"{file} line 1 has {same}", f"{_HEADER}, blanks aside")
    return header


_HEADER = "needed: a header with a different name for each column"


def _check_lengths(file: Path, wanted: int, where: str) -> None:
    """Name the first row that has more or fewer values than the header.

    Raises:
        DataError: with its line.
    """
    try:
        for first, line, record in _records(file):
            if len(record) != wanted:
                holds = count(len(record), "value") if record else "nothing"
                # A quotation mark that is never closed swallows every line that follows.
                place = f"line {line}" if first == line else f"lines {first} to {line}, in quotation marks,"
                raise DataError(where, f"{file} {place} holds {holds} where the header has {wanted} columns",
                                "complete the line or remove it")  # fmt: skip
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(where, f"{file} {_unreadable(file, error)}") from error


def _unreadable(file: Path, error: Exception) -> str:
    """What is wrong with a text file, and on which line."""
    with file.open("rb") as lines:
        for line, content in enumerate(lines, start=1):
            try:
                content.decode("utf-8")
            except UnicodeDecodeError:
                return f"line {line} is no text in UTF-8"
    return f"cannot be read ({_first_line(error)})"


def _records(file: Path) -> Iterator[tuple[int, int, list[str]]]:
    """The lines on which each record begins and ends, and its values."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader, line = csv.reader(text, delimiter=_separator(file)), 0
        for record in reader:
            yield line + 1, reader.line_num, record
            line = reader.line_num


def _separator(file: Path) -> str:
    return "," if file.suffix.lower() == ".csv" else "\t"


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
