"""What settings may be: one table for the command line and for Python, so that both give the same answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from denote.errors import ConfigError

LARGEST = 2**63
"""Whole numbers are below this in size, as tables hold them."""


@dataclass(frozen=True)
class Limit:
    """The values that a setting may have.

    Attributes:
        low: Least value.
        high: Largest value.
        whole: Whether it must be a whole number.
        above: Whether ``low`` itself is excluded.
        below: Whether ``high`` itself is excluded.
        or_else: Further values, such as ``all``.
    """

    low: float | None = None
    high: float | None = None
    whole: bool = False
    above: bool = False
    below: bool = False
    or_else: tuple[Any, ...] = ()

    @property
    def allowed(self) -> str:
        """The values in words."""
        span = "a whole number" if self.whole else "a number"
        if self.low is not None:
            span += f" {'above' if self.above else 'of at least'} {self.low}"
        if self.high is not None:
            span += f"{' and' if self.low is not None else ''} {'below' if self.below else 'at most'} {self.high}"
        return ", or ".join([span, *("null" if other is None else str(other) for other in self.or_else)])

    def fits(self, value: Any) -> bool:
        """Return whether a value may be given; True and False are no numbers."""
        if isinstance(value, bool):
            return False
        if any(type(value) is type(other) and value == other for other in self.or_else):
            return True
        if not isinstance(value, Integral if self.whole else Real):
            return False
        number: Any = value
        if self.whole and not -LARGEST <= number < LARGEST:
            return False
        return (self.low is None or number > self.low or (number == self.low and not self.above)) and (
            self.high is None or number < self.high or (number == self.high and not self.below)
        )

    def check(self, value: Any, key: str) -> None:
        """Refuse a value that may not be given.

        Args:
            value: What came.
            key: How whoever gave it knows the setting.

        Raises:
            ConfigError: naming the key, what came and what is allowed.
        """
        if not self.fits(value):
            raise ConfigError(key, f"{value!r} is not possible", f"allowed: {self.allowed}")


WHOLE = Limit(whole=True)
COUNT = Limit(low=0, whole=True)
AT_LEAST_ONE = Limit(low=1, whole=True)
SHARE = Limit(low=0, high=1, above=True, below=True)
"""A share that is neither nothing nor all."""

RULE = {
    "decisive": Limit(low=0.5, high=1), "q": SHARE, "min_rows": AT_LEAST_ONE, "on_tolerance": Limit(low=0, high=1),
}  # fmt: skip

EVIDENCE = {
    **RULE, "thresholds": Limit(low=2, whole=True, or_else=("all",)), "permutations": COUNT,
    "bootstraps": Limit(low=2, whole=True, or_else=(0,)), "examples": COUNT,
}  # fmt: skip

SWITCHES = ("randomisation", "stability", "curves")


def check_evidence(given: Mapping[str, Any], key_of: Callable[[str], str]) -> None:
    """Refuse settings of the evidence that are not possible; those that are not given are not looked at.

    Args:
        given: Settings by their name in ``evidence.*``; ``null`` needs ``decisive`` beside it, and ``equal_rows``
            needs ``min_rows``.
        key_of: How whoever gave a setting knows it.

    Raises:
        ConfigError: naming the key, what came and what is allowed.
    """
    for name, limit in EVIDENCE.items():
        if name in given:
            limit.check(given[name], key_of(name))
    for name in SWITCHES:
        if name in given:
            check_switch(given[name], key_of(name))
    if "null" in given:
        Limit(low=0.5, high=float(given["decisive"]), below=True).check(given["null"], key_of("null"))
    if given.get("equal_rows") is not None:
        Limit(low=given["min_rows"], whole=True, or_else=("auto", None)).check(
            given["equal_rows"], key_of("equal_rows")
        )


def check_switch(value: Any, key: str) -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(value, bool):
        raise ConfigError(key, f"{value!r} is unknown", "allowed: True, False")
