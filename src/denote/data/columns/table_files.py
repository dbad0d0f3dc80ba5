"""Tables from CSV and parquet files; what is wrong with one is said by its column and line."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from denote.config.given_files import check_regular, check_unpacked
from denote.data.columns.column_keys import ColumnKeys, Problem, refuse
from denote.data.columns.column_reading import ColumnReader
from denote.data.columns.delimited import SEPARATORS, TextTable
from denote.data.columns.text_dates import CATEGORIES, is_year
from denote.data.module import SamplesModule
from denote.errors import DataError, first_line, in_list, one_of

log = logging.getLogger(__name__)


PARQUET = ".parquet"
_SUFFIXES = (*SEPARATORS, PARQUET)


@dataclass(frozen=True, eq=False)
class ReadTable:
    """A table, and what is wrong with its columns.

    Attributes:
        frame: One row per sample; a date is followed by the columns that it becomes.
        reader: What read it, with what is doubtful.
        where: The config key of the file.
        path: Of the file; empty for a table that has none.
    """

    frame: pl.DataFrame
    reader: ColumnReader
    where: str
    path: str = ""

    @property
    def categories(self) -> tuple[str, ...]:
        """Columns of numbers whose values are attributes one by one: those named, and what dates become but days."""
        dates = [name for name, kind in self.frame.schema.items() if kind in (pl.Date, pl.Datetime)]
        parts = (f"{name}.{part}" for name in dates for part in CATEGORIES)
        return tuple(
            dict.fromkeys([*self.reader.keys.categories, *(name for name in parts if name in self.frame.columns)])
        )

    @property
    def encoded(self) -> tuple[str, ...]:
        """Those of `categories` that are so as inputs too: a year is a number unless it is named."""
        return tuple(name for name in self.categories if name in self.reader.keys.categories or not is_year(name))

    def line_of(self, row: int) -> str:
        """Return where a row is: ``FILE line 7``, or ``FILE row 5 from 0`` where there are no lines.

        Args:
            row: From 0.
        """
        is_text = self.path != "" and Path(self.path).suffix.lower() != PARQUET
        if not is_text:
            return f"{self.path} row {row} from 0".strip()
        line = TextTable.open(Path(self.path), self.where).line_of(row)
        return self.path if line is None else f"{self.path} line {line}"

    def is_in_doubt(self, names: Sequence[str]) -> bool:
        """Return whether some of these columns could not be read with certainty, or hold what may stand for no
        value.
        """
        return not {*self.reader.doubtful, *(problem.column for problem in self.reader.problems)}.isdisjoint(names)

    def checked(
        self, targets: Sequence[str] = (), more: Sequence[Problem] = (), needed: Sequence[str] = ()
    ) -> pl.DataFrame:
        """Return the frame, where nothing is wrong with it.

        Args:
            targets: Columns that are learned: a text among them that may stand for no value is a mistake.
            more: Problems that the table's use brings.
            needed: Further columns that cannot be left out.

        Raises:
            DataError: naming all columns with a problem, and the key that leaves them out.
        """
        of_targets = []
        for name in targets:
            if words := self.reader.doubtful.get(name, ()):
                remedy = f"dataset.missing=[{in_list(words)}] where it does, or dataset.categories=[{in_list([name])}]"
                row = int((self.frame[name] == words[0]).arg_true()[0])
                of_targets.append(Problem(name, f"holds {words[0]!r}, which may stand for no value", remedy, row))
        refuse(
            [*self.reader.problems, *of_targets, *more], self.where, self.line_of, self.reader.keys, [*targets, *needed]
        )
        for name, words in self.reader.doubtful.items():
            hint = f"taken as a value; where it stands for none: dataset.missing=[{in_list(words)}]"
            log.warning("column %r holds %s, %s", name, " and ".join(map(repr, words)), hint)
        return self.frame


def read_columns(path: str | Path | None, reader: ColumnReader, where: str = "dataset.path") -> ReadTable:
    """Return the columns of a table file.

    Args:
        path: A ``.csv``, ``.tsv`` or ``.txt`` file with a header, or a ``.parquet`` file.
        reader: Reads them; a fresh one.
        where: What to name in an error.

    Raises:
        DataError: if the file cannot be read, or a row has not as many values as there are columns (which line).
    """
    file = _existing(path, where)
    reader.typed = file.suffix.lower() == PARQUET
    columns = _parquet_columns(file, where) if reader.typed else TextTable.open(file, where).columns()
    table = ReadTable(reader.table(columns, where), reader, where, str(file))
    if not table.frame.height:
        raise DataError(where, f"{file} has no rows")
    return table


def log_missing(table: pl.DataFrame, attributes: Sequence[str]) -> None:
    """Say how many values the attribute columns lack; those rows are left out of what reads them.

    Args:
        table: All columns.
        attributes: Names of those that are observed.
    """
    lacking = [f"{name} {count}" for name in attributes if (count := table[name].null_count())]
    if lacking:
        counts = ", ".join(lacking)
        log.info("dataset.attributes: missing values of %d rows, which stay null: %s", table.height, counts)


def _existing(path: str | Path | None, where: str) -> Path:
    if not path or os.path.isdir(Path(path).expanduser()):  # noqa: PTH112  (False for a name that cannot be)
        problem = f"{Path(path).expanduser()} is a folder" if path else "no file is given"
        raise DataError(where, problem, f"needed: a file that ends in {', '.join(_SUFFIXES)}")
    file = Path(path).expanduser()
    if not os.path.exists(file):  # noqa: PTH110
        near = sorted(other.name for other in file.parent.glob("*") if other.suffix in _SUFFIXES and other.is_file())
        allowed = one_of(file.name, near) if near else "needed: an existing one"
        raise DataError(where, f"there is no file {file}", allowed)
    if file.suffix.lower() not in _SUFFIXES:
        raise DataError(where, f"{file.name} is of no known kind", f"allowed: files that end in {', '.join(_SUFFIXES)}")
    check_regular(file, where)
    return file


def _parquet_columns(file: Path, where: str) -> Iterator[pl.Series]:
    try:
        _check_rows(file, where)
        # `data[1].parquet` is a file, and no pattern for others
        yield from pl.read_parquet(file, glob=False).get_columns()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(where, f"{file} cannot be read ({first_line(error)})") from error


def _check_rows(file: Path, where: str) -> None:
    """Refuse a file of run lengths that stand for more rows than anybody has."""
    table = pl.scan_parquet(file, glob=False)
    rows, kinds = int(table.select(pl.len()).collect().item()), table.collect_schema().dtypes()
    n_bytes = rows * sum(_WIDTHS.get(kind.base_type(), 16) for kind in kinds)
    check_unpacked(file, n_bytes, where, "write it without dictionaries and compression")


_WIDTHS = {pl.Boolean: 1, pl.Int8: 1, pl.UInt8: 1, pl.Int16: 2, pl.UInt16: 2, pl.Int32: 4, pl.UInt32: 4, pl.Float32: 4,
           pl.Int64: 8, pl.UInt64: 8, pl.Float64: 8, pl.Date: 4, pl.Datetime: 8}  # fmt: skip
"""Bytes of a value; of others, such as text, at least 16."""


class AttributeTableModule(SamplesModule):
    """A dataset whose attribute table is the user's.

    Args:
        missing: Further texts and numbers that stand for no value.
        exclude: Names or patterns of columns that are left out.
        categories: Columns whose values are taken one by one, whatever they look like.
        decimal: The mark before the decimals of text with two readings, ``.`` or ``,``; None to refuse it.
        settings: Those of `SamplesModule`.
    """

    def __init__(
        self,
        missing: Sequence[Any] = (),
        exclude: Sequence[str] = (),
        categories: Sequence[str] = (),
        decimal: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.keys = ColumnKeys(missing, exclude, categories, decimal)

    def read(
        self, path: str | Path | None, where: str, asked: Iterable[str] = (), as_text: Sequence[str] = ()
    ) -> ReadTable:
        """Return the table of a file.

        Args:
            path: Of the file.
            where: The config key of the file.
            asked: Columns that a key asks for by name.
            as_text: Columns that are left as they are.

        Raises:
            DataError: see `read_columns`.
        """
        reader = ColumnReader(self.keys, as_text=as_text, asked=[*asked, *self.dealing, *as_text])
        return read_columns(path, reader, where)

    def reread(self, table: pl.DataFrame, asked: Iterable[str] = (), as_text: Sequence[str] = ()) -> ReadTable:
        """Return a table that another library read, by the same rules; the arguments are those of `read`."""
        reader = ColumnReader(self.keys, typed=True, as_text=as_text, asked=[*asked, *self.dealing])
        return ReadTable(reader.table(table.get_columns(), "dataset.path"), reader, "dataset.path")
