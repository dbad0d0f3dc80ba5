"""One number of a simulation beside the goal that was set for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

ROUNDING = 1e-9


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


def rows_of(case: str, found: Sequence[Row] | Mapping[str, Any]) -> list[Row]:
    """The rows of a simulation; of one that gives plain numbers by name each is reported without a goal."""
    if not isinstance(found, Mapping):
        return list(found)
    numbers = {what: value for what, value in found.items() if isinstance(value, int | float)}
    return [Row(case, what, float(value)) for what, value in numbers.items()]
