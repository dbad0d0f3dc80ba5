"""Numbers as they are read: proportions with two decimals and no leading zero, ``null`` for what is undefined."""

from __future__ import annotations

from math import isnan

from denote.estimate import Estimate

NULL = "null"


def proportion(value: float | None, decimals: int = 2) -> str:
    """A number of [-1, 1]: ``.95``, ``1.00``, ``-.03``; rounding never makes a perfect score of an imperfect one."""
    if value is None or value != value:
        return NULL
    text = f"{value:.{decimals}f}"
    if abs(float(text)) == 1 and abs(value) < 1:
        text = text.replace(f"1.{'0' * decimals}", f"0.{'9' * decimals}")
    sign = "-" if text.startswith("-") and float(text) != 0 else ""
    return sign + text.lstrip("-").removeprefix("0")


def interval(estimate: Estimate[float]) -> str:
    """``.95 [.93, .97]``; the bracket is left out where it is undefined."""
    value = proportion(estimate.value)
    if isnan(estimate.value) or isnan(estimate.low) or isnan(estimate.high):
        return value
    return f"{value} [{proportion(estimate.low)}, {proportion(estimate.high)}]"


def small(value: float | None) -> str:
    """A p- or q-value: ``.032``, ``3e-07``."""
    if value is None or value != value:
        return NULL
    return proportion(value, 3) if value >= 0.001 or value == 0 else f"{value:.0e}"


def count(number: int | None, noun: str = "") -> str:
    """``1,024 neurons``, ``1 neuron``."""
    if number is None:
        return NULL
    return f"{number:,}" + (f" {noun}{'' if number == 1 else 's'}" if noun else "")


def seconds(value: float | None) -> str:
    """``0.4 s``, ``2 min 05 s``."""
    if value is None:
        return ""
    return f"{value:.1f} s" if value < 60 else f"{int(value // 60)} min {int(value % 60):02d} s"
