"""What an answer consists of: blocks of sentences, the numbers of the first screen, and what speaks against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

OBSERVED, CAPTURED, NEURONS, INTERVENED, DEPTH = "Observed", "Captured", "Neurons", "Used", "Depth"
BELIEVE, NEXT = "Believe", "Next"
QUESTIONS = (OBSERVED, CAPTURED, NEURONS, INTERVENED, DEPTH, BELIEVE, NEXT)
"""The questions of an answer, in the order of every surface."""

ALARM: Final = "alarm"
CAUTION: Final = "caution"


@dataclass(frozen=True)
class Block:
    """The answer to one question.

    Attributes:
        question: One of `QUESTIONS`.
        lines: Plain sentences; each begins a line. Numbers stand beside their controls.
    """

    question: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All lines as one paragraph."""
        return " ".join(self.lines)


@dataclass(frozen=True)
class Number:
    """One of the large numbers of the first screen.

    Attributes:
        label: What is counted or measured: ``attributes decisive``.
        value: ``10 of 14``.
        beside: Its control or interval, or what is missing for one.
    """

    label: str
    value: str
    beside: str = ""


@dataclass(frozen=True)
class Doubt:
    """One reason not to believe the results.

    Attributes:
        level: ``alarm`` where results must not be believed, ``caution`` where they must be read with care.
        text: One sentence, and what to do about it.
        brief: A few words that stand for it where there is no room; empty where it may be left out.
    """

    level: Literal["alarm", "caution"]
    text: str
    brief: str = ""


@dataclass(frozen=True)
class Answer:
    """What was found, how sure it is, and what to do next.

    Attributes:
        question: What was asked, for a heading.
        blocks: One per question that has an answer, in the order of `QUESTIONS`.
        sentences: At most four, and one of interventions, for the first screen.
        numbers: At most four, for the first screen.
        doubts: What speaks against it, alarms first; empty where nothing was found that does.
        checked: What was looked at for doubts: ``copied rows (exact)``.
        unchecked: What was not, and why where that is known.
    """

    question: str
    blocks: tuple[Block, ...]
    sentences: tuple[str, ...] = ()
    numbers: tuple[Number, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    checked: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def badge(self) -> str:
        """Tell in a few words whether this can be believed."""
        if any(doubt.level == ALARM for doubt in self.doubts):
            return "do not believe it"
        if self.doubts:
            return "read with care"
        return "nothing found, but not all was checked" if self.unchecked else "nothing found that speaks against it"

    def block(self, question: str) -> Block | None:
        """Return the block of a question, or None where it has none."""
        return next((block for block in self.blocks if block.question == question), None)
