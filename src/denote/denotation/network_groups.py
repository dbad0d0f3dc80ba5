"""Group the networks of a result by dataset, architecture and epoch; the seeds of a group are replicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import polars as pl

Tables: TypeAlias = Mapping[str, pl.DataFrame]

GROUP = ["dataset", "architecture", "trained", "epoch"]
"""Columns that tell groups apart."""


@dataclass(frozen=True)
class NetworkGroup:
    """Networks of one architecture on one dataset, at one epoch, and the rows of the tables about them.

    Attributes:
        dataset: Its name.
        architecture: Readable id.
        trained: False for networks at their initialisation.
        epoch: Of training, where one was chosen.
        tables: Those of ``tables.SWEEP_TABLES``, of these networks alone where rows tell networks apart.
        earlier: Other epochs at which these networks were observed, too.
    """

    dataset: str
    architecture: str
    trained: bool
    epoch: int | None
    tables: Tables
    earlier: tuple[int, ...] = ()


def groups_of(tables: Tables) -> list[NetworkGroup]:
    """Split tables by groups of networks: trained ones where there are any, of several epochs of one the last.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
    """
    rows = pl.concat([tables[name].select(GROUP) for name in ("cells", "neurons", "layers")])
    rows = rows.with_columns(pl.col("trained").fill_null(value=True)).unique()
    if rows["trained"].any():
        rows = rows.filter("trained")
    kinds = rows.group_by("dataset", "architecture", "trained").agg(pl.col("epoch").sort(nulls_last=True))
    return [_group(tables, row) for row in kinds.sort("dataset", "architecture").iter_rows(named=True)]


def _group(tables: Tables, row: Mapping[str, Any]) -> NetworkGroup:
    *earlier, epoch = row["epoch"]
    key = (row["dataset"], row["architecture"], row["trained"], epoch)
    return NetworkGroup(*key, _rows_of(tables, key), tuple(earlier))


def _rows_of(tables: Tables, key: tuple[object, ...]) -> dict[str, pl.DataFrame]:
    """Return the rows of some networks; tables that do not tell networks apart are left as they are."""
    values = dict(zip(GROUP, key, strict=True))
    own = {}
    for name, frame in tables.items():
        known = [column for column in GROUP if column in frame.columns]
        equal = [
            pl.col(column).eq_missing(pl.lit(values[column], frame.schema[column]))
            | (pl.col(column).is_null() if column in ("architecture", "trained") else False)
            for column in known
        ]
        own[name] = frame.filter(*equal) if equal else frame
    return own
