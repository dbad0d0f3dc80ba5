"""A table as a dataset: every row a sample, its target a column, its other columns inputs or attributes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from denote.data.features import MOST_CATEGORIES, chosen_features, fit_features, is_category
from denote.data.module import SamplesModule
from denote.data.samples import CLASSES, Samples, Unfitted
from denote.data.table_files import MISSING, check_list, line_of, read_table
from denote.data.targets import target_names, target_of
from denote.errors import DataError, one_of
from denote.keys import SCHEMA, digest, digest_files

log = logging.getLogger(__name__)


class TableModule(SamplesModule):
    """A CSV or parquet file.

    Args:
        path: See `read_table`.
        target: Column that the network learns; a list of columns for labels.
        features: Columns that become inputs; None for all but the target, the attributes, and the columns that
            ``split.group`` and ``split.column`` name.
        attributes: Columns that are observed and kept out of the inputs.
        include_attributes: Whether the attributes are inputs all the same.
        categories: Columns that are encoded value by value although they hold numbers.
        missing: Texts of a CSV file that stand for no value.
        task: ``classes``, ``numeric`` or ``labels``.
        settings: Those of `SamplesModule`.
    """

    def __init__(
        self,
        path: str | Path | None,
        target: str | Sequence[str],
        features: Sequence[str] | None = None,
        attributes: Sequence[str] = (),
        include_attributes: bool = False,
        categories: Sequence[str] = (),
        missing: Sequence[str] = MISSING,
        task: str = CLASSES,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        check_list("attributes", attributes)
        check_list("categories", categories)
        self.path, self.target, self.task, self.missing = path, target, task, missing
        self.features, self.attributes, self.include_attributes = features, attributes, include_attributes
        self.categories = categories

    def load(self) -> Samples:
        """Read the table; numbers are standardised once the object part is known.

        Raises:
            DataError: for a file, a column or a value that cannot be used.
        """
        table = read_table(self.path, self.missing).with_columns(cs.float().fill_nan(None))
        target = target_of(table, self.target, self.task, partial(line_of, self.path))
        names = self._features(table)
        settings = [target.name, target.task, names, sorted(self.categories), list(self.missing)]
        content = digest_files([Path(str(self.path)).expanduser()])
        log_missing(table, self.attributes)
        if copies := _copies(table, [*names, *self.attributes], target.name):
            log.warning("dataset.target: %s is the same in other words in %s", target.name, ", ".join(copies))
        return Samples(
            name=self._name(),
            inputs=Unfitted(table.height, partial(fit_features, table, names, self.categories)),
            targets=target.values,
            classes=target.classes,
            table=table,
            target=target.name,
            task=target.task,
            asked=tuple(self.attributes),
            key=digest({"dataset": "table", "content": content, "settings": settings, "schema": SCHEMA}),
        )

    def _name(self) -> str:
        """That of the file; networks that are shown the attributes are told apart from those that are not."""
        shown = self.include_attributes and bool(self.attributes)
        return f"{Path(str(self.path)).stem}{'-with-attributes' if shown else ''}"

    def _features(self, table: pl.DataFrame) -> list[str]:
        for key, names in (("attributes", self.attributes), ("categories", self.categories)):
            for name in names:
                column_of(table, name, f"dataset.{key}")
        if taught := [name for name in self.attributes if name in target_names(self.target)]:
            problem = f"{taught[0]!r} is the target, which the network is taught"
            raise DataError(
                "dataset.attributes", problem, "take it out: attribute=classes asks for the target's values"
            )
        dealing = [name for name in (self.split.group, self.split.column) if name]
        kept_out = [*target_names(self.target), *dealing, *(() if self.include_attributes else self.attributes)]
        names = chosen_features(table, self.features, kept_out)
        for name in names:
            if name in self.categories or is_category(table[name]):
                _check_category(table[name], self.path, named=name in self.categories)
        return names


def log_missing(table: pl.DataFrame, attributes: Sequence[str]) -> None:
    """Say how many values the attribute columns lack; those rows are left out of what reads them."""
    lacking = {name: table[name].null_count() for name in attributes if table[name].null_count()}
    if lacking:
        counts = ", ".join(f"{name} {count}" for name, count in lacking.items())
        log.info("dataset.attributes: missing values of %d rows, which stay null: %s", table.height, counts)


def _copies(table: pl.DataFrame, names: Sequence[str], target: str) -> list[str]:
    """Columns whose values go one to one with the target's: an input that gives it away, or no attribute of its own."""
    if target not in table.columns:  # several labels
        return []
    n = table[target].n_unique()
    alike = [name for name in dict.fromkeys(names) if n < table.height and table[name].n_unique() == n]
    return [name for name in alike if table.select(pl.struct(name, target).n_unique()).item() == n]


def column_of(table: pl.DataFrame, name: str, where: str) -> pl.Series:
    """A column of a table.

    Raises:
        DataError: if there is none of that name; lists the columns, the nearest first.
    """
    if name not in table.columns:
        raise DataError(where, f"the table has no column {name!r}", one_of(name, table.columns))
    return table[name]


def _check_category(column: pl.Series, path: str | Path | None, *, named: bool) -> None:
    """Refuse a column of numbers that a stray text has made one of texts, and one that is an id."""
    where, values = "dataset.features", column.drop_nulls().unique()
    if not named:
        is_number = values.cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False).is_not_null()
        if len(values) > 2 and len(values) / 2 < is_number.sum() < len(values):
            row = int(column.is_in(values.filter(~is_number).to_list()).arg_true()[0])
            problem = f"column {column.name!r} holds numbers and {column[row]!r} ({line_of(path, row)})"
            hint = "correct it, or name the text in dataset.missing, or the column in dataset.categories"
            raise DataError(where, problem, hint)
    if len(values) > MOST_CATEGORIES:
        problem = f"column {column.name!r} has {len(values)} different texts, an id or free text"
        raise DataError(where, problem, f"allowed: {MOST_CATEGORIES}; to keep it out, name it in dataset.attributes")
