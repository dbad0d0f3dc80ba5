"""Parts of the report: sections with sentences, tables and lists of cards, all of them text."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import polars as pl

from denote.evidence.rule import telling_remarks
from denote.numbers import NULL, Estimate, count, interval, proportion, small

MOST_ROWS = 100

Row = Mapping[str, Any]
Column = tuple[str, Callable[[Row], str]]


@dataclass(frozen=True)
class Sheet:
    """A table as it is printed.

    Attributes:
        title: Heading.
        caption: What its rows are and how to read them.
        header: Column names.
        rows: Cells, as text that is not escaped yet.
        more: What the cap left out, or empty.
        links: By row where in the explorer it is shown; empty where rows are neither cells nor neurons.
    """

    title: str
    caption: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    more: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cards:
    """Evidence cards, folded away until they are asked for.

    Attributes:
        title: Of what.
        texts: One paragraph each.
        more: What the cap left out, or empty.
    """

    title: str
    texts: list[str]
    more: str = ""


@dataclass(frozen=True)
class Section:
    """One heading of the report and what stands under it.

    Attributes:
        heading: Of the section.
        sentences: What its tables say.
        sheets: Its tables.
        cards: Its cards.
    """

    heading: str
    sentences: Sequence[str] = ()
    sheets: Sequence[Sheet] = ()
    cards: Sequence[Cards] = ()

    def __bool__(self) -> bool:
        """Return whether anything stands under the heading."""
        return bool(self.sentences or self.sheets or self.cards)


def sheet(
    kind: str,
    columns: Sequence[Column],
    rows: pl.DataFrame | Sequence[Row],
    *,
    link: Callable[[Row], str] | None = None,
    **words: str,
) -> Sheet:
    """Write rows down, the first `MOST_ROWS` of them.

    Args:
        kind: Names title, caption and file in ``sheets.toml``.
        columns: Names, and what writes their cells.
        rows: Of a table.
        link: Says where in the explorer a row is shown.
        **words: Fill the braces in title and caption.
    """
    first = rows.head(MOST_ROWS).rows(named=True) if isinstance(rows, pl.DataFrame) else rows[:MOST_ROWS]
    texts = _texts()[kind]
    return Sheet(
        texts["title"].format(**words),
        texts["caption"].format(**words),
        tuple(name for name, _ in columns),
        [tuple(write(row) for _, write in columns) for row in first],
        left_out(len(rows) - MOST_ROWS, "row", texts.get("file", "")),
        tuple(link(row) for row in first) if link else (),
    )


def explorer_link(key: str, *parts: str | int | None) -> str:
    """Return an address within the report that opens one neuron or cell, by what tells it from all others.

    Args:
        key: ``neuron`` or ``cell``.
        *parts: Network, layer, pooling and observers' seed; then neuron and family, or attribute, family and probe.
    """
    return f"#{key}={quote(json.dumps(parts, ensure_ascii=False), safe='')}"


@cache
def _texts() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("denote.reporting").joinpath("sheets.toml").read_text(encoding="utf-8"))


def left_out(number: int, noun: str, file: str) -> str:
    """``12 more rows in cells.parquet``, or nothing where nothing is left out."""
    return f"{count(number, f'more {noun}')} in {file}" if number > 0 else ""


def note(row: Row) -> str:
    """Write the note, where there is one, without what was not asked for."""
    return telling_remarks(row)


def columns(write: Callable[[Any], str], *keys: str, **titles: str) -> list[Column]:
    """Return columns that are written alike.

    Args:
        write: Writes a value; what is null is written as ``null``.
        *keys: Columns of the table that are called as there, with spaces.
        **titles: By column of the table how it is called.
    """
    named = {key: key.replace("_", " ") for key in keys} | titles
    return [(title, partial(_written, write, key)) for key, title in named.items()]


def _written(write: Callable[[Any], str], key: str, row: Row) -> str:
    return NULL if row[key] is None else write(row[key])


text = partial(columns, str)
"""Columns of cells as they are."""
whole = partial(columns, count)
"""Columns of counts."""
share = partial(columns, proportion)
"""Columns of proportions with two decimals."""
fine_share = partial(columns, partial(proportion, decimals=3))
"""Columns of proportions with three decimals."""
p_values = partial(columns, small)
"""Columns of p- and q-values."""
amount = partial(columns, "{:,.1f}".format)
"""Columns of numbers of any size."""
yes = partial(columns, {True: "yes", False: "no"}.__getitem__)
"""Columns of flags."""


def between(bounds: str | None = None, limit: float | None = None, decimals: int = 2, **titles: str) -> list[Column]:
    """Return columns of proportions with their intervals.

    Args:
        bounds: What the columns of the ends begin with, where that is not the column itself.
        limit: What the proportions are compared with, and told apart from.
        decimals: Of each number.
        **titles: By column of the table how it is called.
    """

    def write(key: str, row: Row) -> str:
        return interval(Estimate.of(row, key, bounds), limit, decimals)

    return [(title, partial(write, key)) for key, title in titles.items()]


def probe(row: Row) -> str:
    """Write the probe, with its number of neurons where it has several sizes."""
    return f"{row['probe']}" + ("" if row.get("k") is None else f" (k = {row['k']})")


def network(row: Row) -> str:
    """Write the architecture and whether it is untrained."""
    return f"{row['architecture']}{'' if row['trained'] else ' untrained'}"


def where(rows: pl.DataFrame) -> Column:
    """Return the column that says of rows of interventions at which layer, and of which network where they are several.

    Args:
        rows: What the column is of.
    """
    is_one = rows["object_model"].n_unique() == 1

    def told(row: Row) -> str:
        seed = "" if row["seed"] is None else f", seed {row['seed']}"
        return str(row["layer"]) if is_one else f"{row['layer']}, {network(row)}{seed}"

    return "where", told


OF: Column = ("of", network)
PROBE: Column = ("probe", probe)
NOTES: Column = ("note", note)
"""Columns that many tables have."""
