"""One number of a simulation beside the goal that was set for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

ROUNDING = 1e-9

Goal = tuple[float | None, float | None]
NO_GOALS: Mapping[str, Goal] = MappingProxyType({})


@dataclass(frozen=True)
class Row:
    """What was measured.

    Attributes:
        case: Which simulation.
        what: What the number is.
        measured: The number.
        least: Smallest that meets the goal; None where there is no such bound.
        most: Largest that does; without both the number is only reported.
        note: What helps to read it.
    """

    case: str
    what: str
    measured: float
    least: float | None = None
    most: float | None = None
    note: str = ""

    @property
    def goal(self) -> str:
        """The goal in signs, empty where there is none."""
        if self.least is not None and self.most is not None:
            return f"{self.least:.4g} to {self.most:.4g}"
        if self.least is not None:
            return f">= {self.least:.4g}"
        return "" if self.most is None else f"<= {self.most:.4g}"

    @property
    def passed(self) -> bool | None:
        """Whether the goal is met (an undefined number meets none); None without one."""
        if self.least is None and self.most is None:
            return None
        above = self.least is None or self.measured >= self.least - ROUNDING
        below = self.most is None or self.measured <= self.most + ROUNDING
        return bool(above and below)  # numpy's own False is not the object False

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "goal": self.goal, "passed": self.passed}


def rows_of(case: str, found: Sequence[Row] | Mapping[str, Any], goals: Mapping[str, Goal] = NO_GOALS) -> list[Row]:
    """The rows of a simulation, whether it gives them itself or plain numbers by name.

    Args:
        case: Which simulation.
        found: Rows; or numbers, with those of several settings one level below: by name, or one mapping for each.
        goals: Smallest and largest number that meets the goal, by the name that a number gets (``scan 2: power``).
    """
    if not isinstance(found, Mapping):
        return list(found)
    return [Row(case, what, number, *goals.get(what, (None, None))) for what, number in _flat(found, "")]


def _flat(found: Mapping[str, Any], above: str) -> Iterator[tuple[str, float]]:
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}: ")
        elif isinstance(value, list):
            for place, each in enumerate(value, 1):
                yield from _flat(each, f"{above}{name} {place}: ")
        elif not isinstance(value, str):
            yield f"{above}{name}", float(value)
