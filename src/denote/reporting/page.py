"""Parts of the report: sections with sentences, tables and lists of cards, all of them text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from denote.evidence.remarks import telling_remarks
from denote.numbers import NULL, Estimate, count, interval, proportion

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
    """

    title: str
    caption: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    more: str = ""


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


def sheet(title: str, caption: str, columns: Sequence[Column], rows: Iterable[Row], file: str = "") -> Sheet:
    """Write rows down, the first `MOST_ROWS` of them.

    Args:
        title: Heading.
        caption: What its rows are and how to read them.
        columns: Names, and what writes their cells.
        rows: Of a table.
        file: Where the rows are that are left out.
    """
    rows = list(rows)
    return Sheet(
        title,
        caption,
        tuple(name for name, _ in columns),
        [tuple(write(row) for _, write in columns) for row in rows[:MOST_ROWS]],
        left_out(len(rows) - MOST_ROWS, "row", file),
    )


def left_out(number: int, noun: str, file: str) -> str:
    """``12 more rows in cells.parquet``, or nothing where nothing is left out."""
    return f"{count(number, f'more {noun}')} in {file}" if number > 0 else ""


def text(key: str) -> Callable[[Row], str]:
    """Writes a cell as it is."""
    return lambda row: NULL if row[key] is None else str(row[key])


def note(row: Row) -> str:
    """Writes the note, where there is one, without what was not asked for."""
    return telling_remarks(row)


def share(key: str, decimals: int = 2, limit: float | None = None) -> Callable[[Row], str]:
    """Writes a proportion, told apart from the limit that it is compared with."""
    return lambda row: proportion(row[key], decimals, limit)


def whole(key: str) -> Callable[[Row], str]:
    """Writes a count."""
    return lambda row: count(row[key])


def amount(key: str) -> Callable[[Row], str]:
    """Writes a number of any size."""
    return lambda row: NULL if row[key] is None else f"{row[key]:,.1f}"


def yes(key: str) -> Callable[[Row], str]:
    """Writes a flag."""
    return lambda row: NULL if row[key] is None else "yes" if row[key] else "no"


def between(key: str, bounds: str | None = None, limit: float | None = None) -> Callable[[Row], str]:
    """Writes a proportion with its interval, whose ends are the columns ``<bounds>_low`` and ``<bounds>_high``."""
    return lambda row: interval(Estimate.of(row, key, bounds), limit)


def probe(row: Row) -> str:
    """Writes the probe, with its number of neurons where it has several sizes."""
    return f"{row['probe']}" + ("" if row.get("k") is None else f" (k = {row['k']})")


def network(row: Row) -> str:
    """Writes the architecture and whether it is untrained."""
    return f"{row['architecture']}{'' if row['trained'] else ' untrained'}"
