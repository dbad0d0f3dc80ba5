"""Tables of a store on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from denote.config.byte_units import in_units
from denote.numbers import count
from denote.progress import hide

JOBS_SHOWN = 2
"""Jobs that are named; of others their number is."""

WIDTH = 200
"""Columns of a table that goes to a file or another program: paths stay on one line."""

Line = Sequence[str]


def print_rows(title: str, headings: Sequence[str], rows: Sequence[Line], right: Sequence[str] = ("size",)) -> None:
    """Print a table on standard output; nothing where it has no rows.

    Args:
        title: Its title.
        headings: Of the columns.
        rows: Cells as text.
        right: Headings of columns that are aligned at the right.
    """
    hide()
    if not rows:
        return
    table = Table(title=escape(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH)).print(table)


def some_of(jobs: Sequence[str]) -> str:
    """Return the first of some jobs' names and the number of the others: ``demo/digits-mlp and 3 more``."""
    if not jobs:
        return "no finished job"
    more = len(jobs) - JOBS_SHOWN
    return ", ".join(jobs[:JOBS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def day(seconds: float) -> str:
    """Return the day, UTC, of a time in seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def total(what: str, sizes: Sequence[int]) -> str:
    """Return number and size: ``3 networks, 1.2 MiB``."""
    return f"{count(len(sizes), what)}, {in_units(sum(sizes)) if sizes else '0 B'}"


def from_here(path: Path) -> str:
    """Return a path as it is typed from the working folder."""
    path, here = path.absolute(), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
