"""Steps inside steps, such as job, layer and probe: how much of each is done, and how long the rest will take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

REMEMBERED = 5
"""Latest units whose median tells how long one takes: the first may compile or train what later ones share."""

WORTH_AN_ESTIMATE = 10.0
"""Seconds that a step takes at least to have its time left told, until the last second."""

Clock = Callable[[], float]
"""Seconds from any fixed time."""

Item = TypeVar("Item")


@dataclass(eq=False)
class Step:
    """Something that takes time, alone or in units.

    Attributes:
        name: What it is, or what one unit is: ``layer`` of ``layer 3 of 6``.
        total: Its units; None where they cannot be counted beforehand.
        at_most: True where it may end before all its units.
        alike: False where the time of one unit tells nothing of the others.
        clock: Tells the time.
        done: Units that are done.
        detail: More about the unit that was done last.
        is_usual: False while the unit at hand says nothing of the time that others take, such as one that failed.
    """

    name: str
    total: int | None = None
    at_most: bool = False
    alike: bool = True
    clock: Clock = time.monotonic
    done: int = 0
    detail: str = ""
    is_usual: bool = True
    _took: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def __post_init__(self) -> None:
        self.begun = self._unit_begun = self.clock()

    def advance(self, units: int = 1, detail: str = "") -> None:
        """Note that more units are done.

        Args:
            units: How many, side by side or one after the other; at least 1.
            detail: More about them.
        """
        now = self.clock()
        if self.is_usual:
            self._took.append((now - self._unit_begun) / units)
        self._unit_begun, self.done, self.detail, self.is_usual = now, self.done + units, detail, True

    def expect(self, total: int | None) -> None:
        """Set how many units there will be, and let what was prepared for them count for none."""
        self.total, self._unit_begun = total, self.clock()

    def leave_out(self, seconds: float) -> None:
        """Let seconds count for no unit."""
        self._unit_begun += seconds

    def left(self) -> float | None:
        """Return the seconds that the rest will take, by the median unit; None where that cannot be told."""
        took = list(self._took)
        if self.total is None or not self.alike or not took:
            return None
        each = median(took)
        in_hand = each - (self.clock() - self._unit_begun)
        return max(0, self.total - self.done - 1) * each + (max(0.0, in_hand) if self.done < self.total else 0.0)

    def words(self) -> str:
        """Return how it stands: ``layer 3 of 6, 0:20 left``."""
        text, left = self.name, self.left()
        if self.total is not None:
            text += f" {min(self.done + 1, self.total)} of {self.total}"
        elif self.done:
            text += f" {self.done + 1}"
        if self.detail:
            text += f", {self.detail}"
        if left is not None and left >= 1 and self.clock() - self.begun + left >= WORTH_AN_ESTIMATE:
            text += f", {'at most ' if self.at_most else ''}{clock_time(left)} left"
        return text


def words(steps: Sequence[Step]) -> str:
    """Return how nested steps stand, the outermost first; between steps something is being prepared."""
    return " > ".join(each.words() for each in steps) or "preparing"


def time_left(steps: Sequence[Step]) -> float | None:
    """Return the seconds left of the outermost step that can tell."""
    return next((left for each in steps if (left := each.left()) is not None), None)


def clock_time(seconds: float) -> str:
    """Return seconds as ``0:07``, ``12:30`` or ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@dataclass
class Steps:
    """The steps that are under way, the outermost first.

    Attributes:
        clock: Tells the time.
        open: The steps.
    """

    clock: Clock = time.monotonic
    open: list[Step] = field(default_factory=list)


current: ContextVar[Steps | None] = ContextVar("steps", default=None)
"""The steps that are shown; threads start without."""


@contextmanager
def step(
    name: str, total: int | None = None, *, at_most: bool = False, alike: bool = True, once: bool = False
) -> Iterator[Step]:
    """Do something that takes time inside the block; also a decorator.

    Args:
        name: What it is, or what one of its units is: ``layer``.
        total: Its units; None where they cannot be counted beforehand.
        at_most: True where it may end before all its units.
        alike: False where the time of one unit tells nothing of the others.
        once: True for what a process does once, such as an import: units that it is in are not longer for it.

    Yields:
        The step, shown or not.
    """
    steps = current.get()
    if steps is None:
        yield Step(name, total, at_most, alike)
        return
    begun = Step(name, total, at_most, alike, steps.clock)
    steps.open.append(begun)
    try:
        yield begun
    finally:
        steps.open.remove(begun)
        if once:
            for outer in steps.open:
                outer.leave_out(steps.clock() - begun.begun)


def counted(name: str, items: Collection[Item], *, alike: bool = True) -> Iterator[Item]:
    """Yield items, each a unit of a step; see `step`.

    Args:
        name: What an item is.
        items: What is gone through.
        alike: False where the time of one item tells nothing of the others.
    """
    with step(name, len(items), alike=alike) as through:
        for item in items:
            yield item
            through.advance()


def advance(units: int = 1, detail: str = "") -> None:
    """Note that more units of the innermost step are done; see `Step.advance`."""
    steps = current.get()
    if steps is not None and steps.open:
        steps.open[-1].advance(units, detail)


def discount() -> None:
    """Note that the unit at hand of the innermost step says nothing of the time that others take."""
    steps = current.get()
    if steps is not None and steps.open:
        steps.open[-1].is_usual = False
