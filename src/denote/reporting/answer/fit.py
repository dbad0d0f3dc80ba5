"""Blocks as a terminal shows them: wrapped, never cut, and chosen so that all of them fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from rich.cells import cell_len, chop_cells

from denote.reporting.answer.contents import Block

MOST_LINES = 14
"""Lines that an answer takes on a terminal."""
WIDTH = 100
"""Columns that it takes at most."""
INDENT = 10
"""Columns of a block's name; its lines stand right of it."""


@dataclass(frozen=True)
class Draft:
    """A block and how it can be made shorter.

    Attributes:
        question: Of the block.
        versions: Its lines, from the fullest version to the shortest; none where there is nothing to say.
    """

    question: str
    versions: Sequence[Sequence[str]]

    def heights(self, width: int = WIDTH) -> list[int]:
        """Lines of every version on a terminal of so many columns."""
        room = max(width - INDENT, INDENT)
        return [sum(len(wrapped(line, room)) for line in version) for version in self.versions]


def fitted(drafts: Sequence[Draft], most: int = MOST_LINES, width: int = WIDTH) -> tuple[Block, ...]:
    """Choose a version of every block so that all fit, and as little as possible is left out.

    A step from a short version to the next is worse than one from a long one: no block pays for all others.

    Args:
        drafts: In order; those without versions are left out.
        most: Lines that they may take together.
        width: Columns of a line.
    """
    kept = [draft for draft in drafts if draft.versions]
    heights = [draft.heights(width) for draft in kept]

    def cost(choice: Sequence[int]) -> tuple[int, int, int]:
        height = sum(of[at] for of, at in zip(heights, choice, strict=True))
        return max(height - most, 0), sum(3**at for at in choice), -height

    choices = product(*(range(len(of)) for of in heights))
    best = min(choices, key=cost)
    return tuple(Block(draft.question, tuple(draft.versions[at])) for draft, at in zip(kept, best, strict=True))


def wrapped(text: str, width: int, *, whole_words: bool = False) -> list[str]:
    """Break a text into lines of at most ``width`` cells of a terminal, at spaces.

    Args:
        text: One paragraph.
        width: Cells of a line, at least two: some letters take two.
        whole_words: Leave a longer word as it is, as a path that is for copying; else it is broken anywhere.
    """
    lines = [""]
    for word in text.split(" "):
        room = width - cell_len(lines[-1]) - bool(lines[-1])
        if cell_len(word) <= room:
            lines[-1] += f" {word}" if lines[-1] else word
            continue
        pieces = [word] if whole_words else chop_cells(word, width)
        lines = [*lines, *pieces] if lines[-1] else pieces
    return lines
