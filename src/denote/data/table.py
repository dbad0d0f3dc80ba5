"""A table as a dataset: every row a sample, its target a column, its other columns inputs or attributes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from denote.data.attribute_table import AttributeTableModule
from denote.data.column_keys import check_list
from denote.data.features import chosen_features, fit_features, input_problems
from denote.data.samples import CLASSES, Samples, Unfitted
from denote.data.targets import target_names, target_of
from denote.data.text_dates import with_dates
from denote.errors import DataError, one_of
from denote.keys import SCHEMA, digest, digest_files

log = logging.getLogger(__name__)


class TableModule(AttributeTableModule):
    """A CSV or parquet file.

    Args:
        path: See `read_columns`.
        target: Column that the network learns; a list of columns for labels.
        features: Columns that become inputs; None for all but the target, the attributes, and the columns that
            ``split.group`` and ``split.column`` name.
        attributes: Columns that are observed and kept out of the inputs.
        include_attributes: Whether the attributes are inputs all the same.
        task: ``classes``, ``numeric`` or ``labels``.
        settings: Those of `AttributeTableModule`.
    """

    paths = ("path",)

    def __init__(
        self,
        path: str | Path | None,
        target: str | Sequence[str],
        features: Sequence[str] | None = None,
        attributes: Sequence[str] = (),
        include_attributes: bool = False,
        task: str = CLASSES,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        check_list("attributes", attributes)
        self.path, self.target, self.task = path, target, task
        self.features, self.attributes, self.include_attributes = features, attributes, include_attributes

    def load(self) -> Samples:
        """Read the table; numbers are standardised once the object part is known.

        Raises:
            DataError: for a file, columns or a value that cannot be used.
        """
        targets = target_names(self.target)
        chosen = [] if self.features is None or isinstance(self.features, str) else self.features
        read = self.read(self.path, "dataset.path", [*targets, *self.attributes, *chosen])
        if read.is_in_doubt(targets):
            read.checked(targets, needed=self.dealing)
        target = target_of(read.frame, self.target, self.task, read.line_of)
        attributes = with_dates(self._attributes(read.frame, targets), read.frame)
        names = self._features(read.frame, targets, attributes)
        problems = list(input_problems(read.frame, names, read.encoded, chosen))
        table = read.checked(targets, problems, self.dealing)
        settings = [target.name, target.task, names, *self.keys.shaping]
        content = digest_files([Path(str(self.path)).expanduser()])
        log_missing(table, attributes)
        if copies := _copies(table, [*names, *attributes], target.name):
            log.warning("dataset.target: %s is the same in other words in %s", target.name, ", ".join(copies))
        return Samples(
            name=self._name(),
            inputs=Unfitted(table.height, partial(fit_features, table, names, read.encoded)),
            targets=target.values,
            classes=target.classes,
            table=table,
            target=target.name,
            task=target.task,
            asked=tuple(attributes),
            categories=read.categories,
            key=digest({"dataset": "table", "content": content, "settings": settings, "schema": SCHEMA}),
        )

    def _name(self) -> str:
        """That of the file; networks that are shown the attributes are told apart from those that are not."""
        shown = self.include_attributes and bool(self.attributes)
        return f"{Path(str(self.path)).stem}{'-with-attributes' if shown else ''}"

    def _attributes(self, table: pl.DataFrame, targets: Sequence[str]) -> Sequence[str]:
        for name in self.attributes:
            column_of(table, name, "dataset.attributes")
        if taught := [name for name in self.attributes if name in targets]:
            problem = f"{taught[0]!r} is the target, which the network is taught"
            raise DataError(
                "dataset.attributes", problem, "take it out: attribute=classes asks for the target's values"
            )
        return self.attributes

    def _features(self, table: pl.DataFrame, targets: Sequence[str], attributes: Sequence[str]) -> list[str]:
        observed = () if self.include_attributes else attributes
        kept_out = with_dates([*targets, *self.dealing, *observed], table)
        return chosen_features(table, self.features, kept_out)


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
