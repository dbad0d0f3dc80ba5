"""What all datasets with an attribute table of the user's have in common: the keys that say how columns are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from denote.data.columns.column_keys import ColumnKeys
from denote.data.columns.column_reading import ColumnReader
from denote.data.columns.table_files import ReadTable, read_columns
from denote.data.module import SamplesModule


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
        """The table of a file.

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
        """A table that another library read, by the same rules; the arguments are those of `read`."""
        reader = ColumnReader(self.keys, typed=True, as_text=as_text, asked=[*asked, *self.dealing])
        frame = reader.table(table.get_columns(), where)
        return ReadTable(frame, self.keys, where, "", reader.problems, reader.doubtful)
