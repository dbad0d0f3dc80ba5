"""Tables from CSV and parquet files; what is wrong with one is said by its column and line."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from denote.data.column_keys import ColumnKeys, Problem, categories_of, refuse
from denote.data.column_reading import ColumnReader
from denote.data.delimited import SEPARATORS, TextTable
from denote.data.text_dates import is_year
from denote.errors import DataError, first_line, in_list, one_of

PARQUET = ".parquet"
_SUFFIXES = (*SEPARATORS, PARQUET)

log = logging.getLogger(__name__)


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
        """Where a row is."""
        return line_of(self.path, row) if self.path else f"row {row} from 0"

    def is_in_doubt(self, names: Sequence[str]) -> bool:
        """Whether some of these columns could not be read with certainty, or hold what may stand for no value."""
        return any(name in self.doubtful or name in {problem.column for problem in self.problems} for name in names)

    def checked(
        self, targets: Sequence[str] = (), more: Sequence[Problem] = (), needed: Sequence[str] = ()
    ) -> pl.DataFrame:
        """The frame, where nothing is wrong with it.

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
            log.warning(
                "column %r holds %s, taken as a value; where it stands for none: dataset.missing=[%s]",
                name, " and ".join(map(repr, words)), in_list(words),
            )  # fmt: skip
        return self.frame

    def _doubt(self, name: str) -> Problem:
        words = self.doubtful[name]
        row = int((self.frame[name] == words[0]).arg_true()[0])
        remedy = f"dataset.missing=[{in_list(words)}] where it does, or dataset.categories=[{in_list([name])}]"
        return Problem(name, f"holds {words[0]!r}, which may stand for no value", remedy, row)


def read_table(path: str | Path | None, missing: Sequence[Any] = (), where: str = "dataset.path") -> pl.DataFrame:
    """A table with one row per sample, all of whose columns are read with certainty.

    Args:
        path: A ``.csv``, ``.tsv`` or ``.txt`` file with a header, or a ``.parquet`` file.
        missing: See `ColumnKeys`.
        where: What to name in an error.

    Raises:
        DataError: as `read_columns`, and for a column that cannot be read with certainty.
    """
    return read_columns(path, ColumnKeys(missing), where).checked()


def read_columns(
    path: str | Path | None,
    keys: ColumnKeys,
    where: str = "dataset.path",
    *,
    as_text: Sequence[str] = (),
    asked: Sequence[str] = (),
) -> ReadTable:
    """The columns of a table file.

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
    """Where a row of a table file is: ``FILE line 7``, or ``FILE row 5`` where there are no lines."""
    file = Path(str(path)).expanduser()
    if file.suffix.lower() == PARQUET:
        return f"{file} row {row} from 0"
    line = TextTable.open(file, "dataset.path").line_of(row)
    return str(file) if line is None else f"{file} line {line}"


def _existing(path: str | Path | None, where: str) -> Path:
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
    return file


def _parquet_columns(file: Path, where: str) -> Iterator[pl.Series]:
    try:
        # `data[1].parquet` is a file, and no pattern for others
        yield from pl.read_parquet(file, glob=False).get_columns()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(where, f"{file} cannot be read ({first_line(error)})") from error
