"""Tables from CSV and parquet files; what is wrong with one is said by its column and line."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from denote.data.columns.column_keys import ColumnKeys, Problem, categories_of, refuse
from denote.data.columns.column_reading import ColumnReader
from denote.data.columns.delimited import SEPARATORS, TextTable
from denote.data.columns.text_dates import is_year
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
        keys: How columns were read.
        where: The config key of the file.
        path: Of the file; empty for a table that has none.
        problems: Of columns that could not be read with certainty.
        doubtful: Texts that may stand for no value, by column of names.
    """

    frame: pl.DataFrame
    keys: ColumnKeys
    where: str
    path: str = ""
    problems: Sequence[Problem] = ()
    doubtful: dict[str, list[str]] = field(default_factory=dict)

    @property
    def categories(self) -> tuple[str, ...]:
        """See `categories_of`."""
        return categories_of(self.frame, self.keys)

    @property
    def encoded(self) -> tuple[str, ...]:
        """Those of `categories` that are so as inputs too: a year is a number unless it is named."""
        return tuple(name for name in self.categories if name in self.keys.categories or not is_year(name))

    def line_of(self, row: int) -> str:
        """Return where a row is."""
        return line_of(self.path, row) if self.path else f"row {row} from 0"

    def is_in_doubt(self, names: Sequence[str]) -> bool:
        """Return whether some of these columns could not be read with certainty, or hold what may stand for no
        value.
        """
        return any(name in self.doubtful or name in {problem.column for problem in self.problems} for name in names)

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
        of_targets = [self._doubt(name) for name in targets if name in self.doubtful]
        refuse([*self.problems, *of_targets, *more], self.where, self.line_of, self.keys, [*targets, *needed])
        for name, words in self.doubtful.items():
            hint = f"taken as a value; where it stands for none: dataset.missing=[{in_list(words)}]"
            log.warning("column %r holds %s, %s", name, " and ".join(map(repr, words)), hint)
        return self.frame

    def _doubt(self, name: str) -> Problem:
        words = self.doubtful[name]
        row = int((self.frame[name] == words[0]).arg_true()[0])
        remedy = f"dataset.missing=[{in_list(words)}] where it does, or dataset.categories=[{in_list([name])}]"
        return Problem(name, f"holds {words[0]!r}, which may stand for no value", remedy, row)


def read_columns(
    path: str | Path | None,
    keys: ColumnKeys,
    where: str = "dataset.path",
    *,
    as_text: Sequence[str] = (),
    asked: Sequence[str] = (),
) -> ReadTable:
    """Return the columns of a table file.

    Args:
        path: A ``.csv``, ``.tsv`` or ``.txt`` file with a header, or a ``.parquet`` file.
        keys: How columns are read.
        where: What to name in an error.
        as_text: See `ColumnReader`.
        asked: See `ColumnReader`.

    Raises:
        DataError: if the file cannot be read, or a row has not as many values as there are columns (which line).
    """
    file = _existing(path, where)
    is_parquet = file.suffix.lower() == PARQUET
    columns = _parquet_columns(file, where) if is_parquet else TextTable.open(file, where).columns()
    reader = ColumnReader(keys, typed=is_parquet, as_text=as_text, asked=asked)
    frame = reader.table(columns, where)
    if not frame.height:
        raise DataError(where, f"{file} has no rows")
    return ReadTable(frame, keys, where, str(file), reader.problems, reader.doubtful)


def line_of(path: str | Path | None, row: int) -> str:
    """Return where a row of a table file is: ``FILE line 7``, or ``FILE row 5`` where there are no lines.

    Args:
        path: Of the file.
        row: From 0.
    """
    file = Path(str(path)).expanduser()
    if file.suffix.lower() == PARQUET:
        return f"{file} row {row} from 0"
    line = TextTable.open(file, "dataset.path").line_of(row)
    return str(file) if line is None else f"{file} line {line}"


def log_missing(table: pl.DataFrame, attributes: Sequence[str]) -> None:
    """Say how many values the attribute columns lack; those rows are left out of what reads them.

    Args:
        table: All columns.
        attributes: Names of those that are observed.
    """
    lacking = {name: table[name].null_count() for name in attributes if table[name].null_count()}
    if lacking:
        counts = ", ".join(f"{name} {count}" for name, count in lacking.items())
        log.info("dataset.attributes: missing values of %d rows, which stay null: %s", table.height, counts)


def _existing(path: str | Path | None, where: str) -> Path:
    if not path:
        raise DataError(where, "no file is given", f"needed: a file that ends in {', '.join(_SUFFIXES)}")
    file = Path(path).expanduser()
    if file.is_dir():
        raise DataError(where, f"{file} is a folder", f"needed: a file that ends in {', '.join(_SUFFIXES)}")
    if not file.is_file():
        near = sorted(each.name for each in file.parent.glob("*") if each.suffix in _SUFFIXES and each.is_file())
        problem = f"there is no file {file}"
        raise DataError(where, problem, one_of(file.name, near) if near else "needed: an existing one")
    if file.suffix.lower() not in _SUFFIXES:
        raise DataError(where, f"{file.name} is of no known kind", f"allowed: files that end in {', '.join(_SUFFIXES)}")
    return file


def _parquet_columns(file: Path, where: str) -> Iterator[pl.Series]:
    try:
        # `data[1].parquet` is a file, and no pattern for others
        yield from pl.read_parquet(file, glob=False).get_columns()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(where, f"{file} cannot be read ({first_line(error)})") from error


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

    @property
    def dealing(self) -> tuple[str, ...]:
        """Columns that deal the rows into parts."""
        return tuple(name for name in (self.split.group, self.split.column) if name)

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
        return read_columns(path, self.keys, where, as_text=as_text, asked=[*asked, *self.dealing, *as_text])

    def reread(
        self, table: pl.DataFrame, where: str, asked: Iterable[str] = (), as_text: Sequence[str] = ()
    ) -> ReadTable:
        """Return a table that another library read, by the same rules; the arguments are those of `read`."""
        reader = ColumnReader(self.keys, typed=True, as_text=as_text, asked=[*asked, *self.dealing])
        frame = reader.table(table.get_columns(), where)
        return ReadTable(frame, self.keys, where, "", reader.problems, reader.doubtful)
