"""Blocks as a terminal shows them: wrapped, never cut, and chosen so that all of them fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len, chop_cells

from denote.reporting.answer.contents import Block

MOST_LINES = 14
"""Lines that an answer takes on a terminal."""
WIDTH = 100
"""Columns that it takes at most."""
INDENT = 10
"""Columns of a block's name; its lines stand right of it."""


@dataclass
class Draft:
    """A block and how it can be made shorter.

    Attributes:
        question: Of the block.
        versions: Its lines, from the fullest version to the shortest; at least one.
        at: The version that is chosen.
    """

    question: str
    versions: Sequence[Sequence[str]]
    at: int = field(default=0)

    @property
    def lines(self) -> Sequence[str]:
        """The chosen lines."""
        return self.versions[self.at]

    @property
    def height(self) -> int:
        """Lines on a terminal of `WIDTH` columns."""
        return sum(len(wrapped(line, WIDTH - INDENT)) for line in self.lines)


def fitted(drafts: Sequence[Draft]) -> tuple[Block, ...]:
    """Shorten blocks, the tallest first, until all fit into `MOST_LINES` lines of `WIDTH` columns.

    Args:
        drafts: In order; those without versions are left out.
    """
    kept = [draft for draft in drafts if draft.versions]
    while sum(draft.height for draft in kept) > MOST_LINES:
        shorter = [draft for draft in kept if draft.at + 1 < len(draft.versions)]
        if not shorter:
            break
        max(shorter, key=lambda draft: draft.height).at += 1
    return tuple(Block(draft.question, tuple(draft.lines)) for draft in kept)


def wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines of at most ``width`` cells of a terminal, at spaces; a longer word is broken anywhere."""
    lines = [""]
    for word in text.split(" "):
        room = width - cell_len(lines[-1]) - bool(lines[-1])
        if cell_len(word) <= room:
            lines[-1] += f" {word}" if lines[-1] else word
            continue
        pieces = chop_cells(word, width)
        lines = [*lines, *pieces] if lines[-1] else pieces
    return lines
