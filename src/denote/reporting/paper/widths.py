"""How wide columns of text may be so that a table fits across both columns of a page, and how texts are broken."""

from __future__ import annotations

import re

from denote.reporting.paper.table import PaperTable

PAGE = 122
"""Letters of a footnote's size across both columns, 6.75 inches, and somewhat fewer, as letters differ in width."""
BETWEEN = 2
"""Letters that the space between two columns takes."""
SMALLER = 0.85
"""Width of a letter of an interval that stands below its number, as a share of others."""
ENOUGH = 14
"""Letters in a line of text that are enough to read it."""
LEAST, WIDEST = 10, 12
"""Letters that a line of text has in any case, and a line of a name above numbers at most."""

_BREAKS = re.compile(r"(?<=[\s,./_:-])")
"""Places after which a text may be broken."""


def broken(text: str, letters: int) -> list[str]:
    """Break a text into lines of at most so many letters; a word that is longer stays whole.

    Args:
        text: Not escaped.
        letters: Of a line.
    """
    lines = [""]
    for word in _BREAKS.split(text):
        if lines[-1] and len((lines[-1] + word).rstrip()) > letters:
            lines.append("")
        lines[-1] += word
    return [line.strip() for line in lines]


def heading_lines(name: str) -> list[str]:
    """Break a name above numbers, which are narrower, into a line for every word.

    Args:
        name: Not escaped.
    """
    return [line for word in name.split(" ") for line in broken(word, WIDEST)]


def fits(table: PaperTable) -> bool:
    """Return whether a table fits across both columns, once its texts are broken.

    Args:
        table: The table.
    """
    return _room(table) >= sum(min(ENOUGH, _needed(table, place)) for place in _texts(table))


def text_widths(table: PaperTable) -> list[int | None]:
    """Return how many letters a line of each column of text has; None of numbers, which are never broken.

    Columns that need less than their share leave the rest to the others.

    Args:
        table: The table.
    """
    needed = {place: _needed(table, place) for place in _texts(table)}
    room, widths = _room(table), dict[int, int]()
    for place in sorted(needed, key=needed.__getitem__):
        widths[place] = max(LEAST, min(needed[place], room // (len(needed) - len(widths))))
        room -= widths[place]
    return [widths.get(place) for place in range(len(table.header))]


def _texts(table: PaperTable) -> list[int]:
    """Return the places of columns of text."""
    return [place for place, number in enumerate(table.numeric) if not number]


def _room(table: PaperTable) -> int:
    """Return how many letters columns of numbers and the space between columns leave to texts."""
    numbers = [_needed(table, place) for place, number in enumerate(table.numeric) if number]
    return PAGE - BETWEEN * (len(table.header) - 1) - sum(numbers)


def _needed(table: PaperTable, place: int) -> int:
    """Return the letters that a column takes if nothing in it but the name above numbers is broken."""
    is_number = table.numeric[place]
    name = max(map(len, heading_lines(table.header[place]) if is_number else [table.header[place]]))
    entries = [row[place].text for row in table.rows]
    return max([name, *map(_stacked if is_number and table.stacked else len, entries)])


def _stacked(entry: str) -> int:
    """Return the letters of a number or of the interval below it, whichever is wider."""
    number, _, interval = entry.partition(" ")
    return max(len(number), round(SMALLER * len(interval)))
