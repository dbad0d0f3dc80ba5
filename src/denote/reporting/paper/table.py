"""A table as it stands in a paper: texts that are not escaped yet, dashes with a note that says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

import polars as pl

from denote.evidence.rule import telling_remarks
from denote.numbers import NULL, count
from denote.reporting.sheet import Column, Row, left_out, sheet

MOST_ROWS, MOST_STACKED = 25, 18
"""What fits on a page with some notes; fewer where intervals stand below their numbers."""


@dataclass(frozen=True)
class Cell:
    """One entry.

    Attributes:
        text: Not escaped; empty where the number is undefined, and a dash stands.
        mark: Of the note that says why; empty where there is none.
    """

    text: str
    mark: str = ""


@dataclass(frozen=True)
class PaperTable:
    """A table with what stands above and below it.

    Attributes:
        name: Of its file, without an ending.
        caption: What its rows are and how to read them.
        header: Names of the columns.
        rows: Cells; as many as there are names.
        notes: By mark, why numbers are undefined.
        more: What the cap left out; empty where it left out nothing.
        stacked: Whether intervals stand below their numbers, as many stand side by side.
    """

    name: str
    caption: str
    header: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    notes: dict[str, str]
    more: str = ""
    stacked: bool = False

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Return which columns hold numbers alone."""
        return tuple(all(_is_number(cell.text) for cell in column) for column in zip(*self.rows, strict=True))


def _is_number(text: str) -> bool:
    return not text or text.lstrip("<>+-[")[:1] in tuple("0123456789.")


def over_some(n: int, n_models: int) -> str:
    """``over 5 of 6 networks``: what is said of a mean that some networks have no value for."""
    return f"over {n} of {count(n_models, 'network')}"


def _nothing(title: str, row: Row) -> str:
    """Return no remark."""
    return ""


def paper_table(
    kind: str,
    name: str,
    columns: Sequence[Column],
    rows: pl.DataFrame | Sequence[Row],
    *,
    file: str = "",
    stacked: bool = False,
    remark: Callable[[str, Row], str] = _nothing,
    **words: str,
) -> PaperTable:
    """Write rows down, as many as fit on a page.

    Args:
        kind: Names the caption in ``sheets.toml``.
        name: Of its file, without an ending.
        columns: Their names, and what writes their cells; what is written as ``null`` is undefined.
        rows: Of a table; their ``note`` says why a number is undefined.
        file: The file that has all rows.
        stacked: Whether intervals stand below their numbers.
        remark: Says, by a column's name and a row, what a reader must know of a number that is defined.
        **words: Fill the braces in the caption.
    """
    most = MOST_STACKED if stacked else MOST_ROWS
    first = rows.head(most).rows(named=True) if isinstance(rows, pl.DataFrame) else rows[:most]
    written = sheet(kind, [*columns, ("why", _why)], first, link=None, **words)
    ranges = [any("[" in text for text in column) for column in zip(*written.rows, strict=True)]
    marks: dict[str, str] = {}
    cells: list[tuple[Cell, ...]] = []
    for row, (*texts, why) in zip(first, written.rows, strict=True):
        told = [
            _told(text, why, remark(title, row), has_ranges)
            for title, text, has_ranges in zip(written.header, texts, ranges, strict=False)
        ]
        cells.append(tuple(_cell(text, said, marks) for text, said in zip(texts, told, strict=True)))
    more = left_out(len(rows) - most, "row", file)
    notes = {mark: why for why, mark in marks.items()}
    return PaperTable(name, written.caption, written.header[:-1], cells, notes, more, stacked)


def _why(row: Row) -> str:
    """Return what a row's note says, first of all what was asked for."""
    return telling_remarks(row) or row["note"] or ""


def _told(text: str, why: str, remark: str, has_ranges: bool) -> str:
    """Return what there is to say of an entry: why it is undefined or has no interval, or what it is made of."""
    if text == NULL:
        return why
    lacks_interval = has_ranges and _is_number(text) and "[" not in text
    return remark or (why if lacks_interval else "")


def _cell(text: str, said: str, marks: dict[str, str]) -> Cell:
    """Return an entry with the mark of what is said of it, a new one where it is the first of its kind."""
    return Cell("" if text == NULL else text, marks.setdefault(said, _mark(len(marks))) if said else "")


def _mark(number: int) -> str:
    """Return ``a`` of 0, ``z`` of 25, ``aa`` of 26."""
    letters = len(ascii_lowercase)
    return (_mark(number // letters - 1) if number >= letters else "") + ascii_lowercase[number % letters]
