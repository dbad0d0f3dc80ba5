"""Refuse what is typed, or stands in a sweep's parameters, that no parser should have to read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from denote.errors import ConfigError

LONGEST = 20_000
"""Characters of an argument."""
DEEPEST = 50
"""Brackets inside each other, and parts of a key."""
MOST_DIGITS = 400
"""Digits of a number: Python reads no more than some thousands."""

_DIGITS = re.compile(rf"\d{{{MOST_DIGITS + 1},}}")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_CONTROL = re.compile(r"[^\S\t\n\r ]|[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def check_written(arguments: Sequence[str]) -> list[str]:
    """Return arguments, none of which is too long, nested too deep, or no text.

    Args:
        arguments: Of a command, or the overrides of a job.

    Raises:
        ConfigError: naming the key, what came and what is allowed.
    """
    for argument in arguments:
        key = argument.partition("=")[0]
        if len(argument) > LONGEST:
            allowed = f"allowed: at most {LONGEST}; what is longer stands in a file: --config-dir, experiment="
            raise ConfigError(key, f"{len(argument)} characters came", allowed)
        if (strange := _CONTROL.search(argument)) is not None:
            problem = f"holds {strange[0]!r}, which is no text"
            raise ConfigError(key, problem, "allowed: text in UTF-8 without control characters")
        if (digits := _DIGITS.search(argument)) is not None:
            raise ConfigError(key, f"a number of {len(digits[0])} digits came", f"allowed: at most {MOST_DIGITS}")
        if _depth(_QUOTED.sub("", argument)) > DEEPEST or key.count(".") > DEEPEST:
            raise ConfigError(key, "is nested too deep", f"allowed: {DEEPEST} levels")
    return list(arguments)


def _depth(text: str) -> int:
    """Return how many brackets are open at once."""
    if sum(map(text.count, "([{")) <= DEEPEST:
        return 0
    depth = most = 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        most = max(most, depth)
    return most
