"""A table as a dataset: every row a sample, its target a column, its other columns inputs or attributes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from denote.config.keys import SCHEMA, digest, digest_files
from denote.data.columns.column_keys import check_list
from denote.data.columns.features import chosen_features, fit_features, input_problems
from denote.data.columns.table_files import AttributeTableModule, log_missing
from denote.data.columns.text_dates import with_dates
from denote.data.learned import target_names, target_of
from denote.data.samples import CLASSES, Samples, Unfitted, column_of
from denote.errors import DataError

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
        observed = () if self.include_attributes else attributes
        kept_out = with_dates([*targets, *self.dealing, *observed], read.frame)
        names = chosen_features(read.frame, self.features, kept_out)
        problems = list(input_problems(read.frame, names, read.encoded, chosen))
        table = read.checked(targets, problems, self.dealing)
        settings = [target.name, target.task, names, *self.keys.shaping]
        content = digest_files([Path(str(self.path)).expanduser()])
        log_missing(table, attributes)
        if copies := _copies(table, [*names, *attributes], target.name):
            log.warning("dataset.target: %s is the same in other words in %s", target.name, ", ".join(copies))
        inputs = Unfitted(table.height, partial(fit_features, table, names, read.encoded))
        key = digest({"dataset": "table", "content": content, "settings": settings, "schema": SCHEMA})
        # Networks that are shown the attributes are told apart from those that are not.
        name = Path(str(self.path)).stem + ("-with-attributes" if self.include_attributes and self.attributes else "")
        return target.samples(name, inputs, table, key, asked=tuple(attributes), categories=read.categories)

    def _attributes(self, table: pl.DataFrame, targets: Sequence[str]) -> Sequence[str]:
        for name in self.attributes:
            column_of(table, name, "dataset.attributes")
        if taught := [name for name in self.attributes if name in targets]:
            problem = f"{taught[0]!r} is the target, which the network is taught"
            remedy = "take it out: attribute=classes asks for the target's values"
            raise DataError("dataset.attributes", problem, remedy)
        return self.attributes


def _copies(table: pl.DataFrame, names: Sequence[str], target: str) -> list[str]:
    """Return the columns whose values go one to one with the target's: an input that gives it away, or no attribute of
    its own.
    """
    if target not in table.columns:  # several labels
        return []
    n = table[target].n_unique()
    alike = [name for name in dict.fromkeys(names) if n < table.height and table[name].n_unique() == n]
    return [name for name in alike if table.select(pl.struct(name, target).n_unique()).item() == n]
