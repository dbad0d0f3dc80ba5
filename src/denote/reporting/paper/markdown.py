"""Tables as Markdown, in the form that GitHub, Pandoc and Quarto read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from denote.reporting.answer.words import clean
from denote.reporting.paper.latex import LONGEST
from denote.reporting.paper.table import Cell, PaperTable

_SIGNS = re.compile(r"[\\`*_<&|~$^]|\](?=\()")
"""What Markdown would take for its own inside a line; a bracket only where a link would begin."""
DASH = "–"


def markdown(table: PaperTable) -> str:
    """Return a table as Markdown.

    Args:
        table: The table.
    """
    return "\n".join(_lines(table)) + "\n"


def _lines(table: PaperTable) -> Iterator[str]:
    yield escaped(table.caption)
    yield ""
    yield _row(map(escaped, table.header))
    yield _row("---:" if number else "---" for number in table.numeric)
    for row in table.rows:
        yield _row(map(_entry, row))
    below = [f"<sup>{mark}</sup> {escaped(why)}." for mark, why in table.notes.items()]
    for said in [*below, *([f"{escaped(table.more)}."] if table.more else [])]:
        yield ""
        yield said


def _row(entries: Iterable[str]) -> str:
    return f"| {' | '.join(entries)} |"


def _entry(cell: Cell) -> str:
    return (escaped(cell.text) or DASH) + (f"<sup>{cell.mark}</sup>" if cell.mark else "")


def escaped(text: str) -> str:
    """Return a text as Markdown shows it, in one line.

    Args:
        text: Any text; what moves the cursor or turns the direction of a line is written out.
    """
    return _SIGNS.sub(r"\\\g<0>", clean(text, LONGEST))
