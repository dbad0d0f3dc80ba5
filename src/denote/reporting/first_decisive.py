"""First decisive depths, for the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from denote.figures.curves import some
from denote.numbers import NULL, count, count_range
from denote.reporting.page import Column, Row, Sheet, network, note, probe, share, sheet, text, whole, yes

MOST_NAMED = 10
RULE = "first of two consecutive decisive layers, median"
CURVE = ["dataset", "architecture", "trained", "epoch", "probe", "k"]


def first_decisive_sentences(first: pl.DataFrame) -> list[str]:
    """Name the layer at which attributes become decisive, one sentence per network and probe.

    Args:
        first: Columns of ``tables.FIRST_DECISIVE``.
    """
    several = first.filter("trained")["epoch"].n_unique() > 1
    known = first.filter(pl.col("n_models") > 0)
    return [_sentence(_name(key, several=several), own) for key, own in known.group_by(CURVE[:-1], maintain_order=True)]


def _name(key: Sequence[Any], *, several: bool) -> str:
    dataset, architecture, trained, epoch, probe = key
    state = "" if trained else " (untrained)"
    at = f", epoch {epoch}" if trained and epoch is not None and several else ""
    return f"{dataset}, {architecture}{state}{at}, {probe} probe"


def _sentence(name: str, own: pl.DataFrame) -> str:
    sizes = own["k"].unique().sort().to_list()
    if len(sizes) > 1:
        counted = [_how_many(own.filter(pl.col("k") == k), f" with k = {k}") for k in sizes if k is not None]
        return f"{name}: attributes that become decisive ({RULE}): {', '.join(counted)}."
    size = "" if sizes == [None] else f" (k = {sizes[0]})"
    if own["n_censored"].is_null().all():
        return f"{name}{size}: {_without_two_layers(own)}."
    reached = own.filter(pl.col("first_layer").is_not_null())
    where = [f"{row['attribute']} {row['first_layer']}" for row in reached.iter_rows(named=True)]
    unequal = "" if own["equal_rows"].all() else "; numbers of rows differ, which moves it too"
    return (
        f"{name}{size}: {len(reached)} of {count(len(own), 'attribute')} become decisive at a hidden layer ({RULE}, "
        f"{_networks(own)}): {some(where, MOST_NAMED) or 'none'}{unequal}."
    )


def _how_many(own: pl.DataFrame, where: str) -> str:
    return f"{own['first_layer'].count()} of {len(own)}{where}"


def _without_two_layers(own: pl.DataFrame) -> str:
    """Say what is decisive where no two hidden layers were observed."""
    at = own.filter(pl.col("decisive_at").is_not_null())
    where = [f"{row['attribute']} at {row['decisive_at']}" for row in at.iter_rows(named=True)]
    return (
        f"{len(at)} of {count(len(own), 'attribute')} decisive in half or more of {_networks(own)}: "
        f"{some(where, MOST_NAMED) or 'none'}; where they become so takes two hidden layers"
    )


def _networks(own: pl.DataFrame) -> str:
    return count_range(own["n_models"], "network")


def first_decisive_sheet(first: pl.DataFrame) -> Sheet:
    """One row per attribute and probe.

    Args:
        first: Columns of ``tables.FIRST_DECISIVE``.
    """
    columns: list[Column] = [
        ("attribute", text("attribute")), ("probe", probe), ("of", network),
        ("label proportion", share("label_proportion")), ("models", whole("n_models")), ("never", whole("n_censored")),
        ("first of two", _first), ("relative depth", share("first_relative_depth")),
        ("decisive at", text("decisive_at")), ("equal rows", yes("equal_rows")), ("note", note),
    ]  # fmt: skip
    caption = (
        "first of two: the first of two consecutive decisive layers, heads left out, median over object models and an "
        "interval of 95 % or more between order statistics; > is later than the last layer. never: networks without "
        "two in a row. decisive at: every layer at which half of the networks or more are decisive, in a row or not. "
        "Compare attributes only where rows are equal (evidence.equal_rows)."
    )
    rows = first.iter_rows(named=True)
    return sheet("Where attributes become decisive", caption, columns, rows, "first_decisive.parquet")


def _first(row: Row) -> str:
    """``hidden_2 [hidden_1, >]``; an end that lies beyond the last layer is ``>``."""
    if row["n_censored"] is None or not row["n_models"]:
        return NULL
    median, low, high = (row[f"first_layer{end}"] or ">" for end in ("", "_low", "_high"))
    without = row["n_models"] < 6
    return median if without else f"{median} [{low}, {high}]"
