"""Names of properties: their complements, and how they are put together."""

from __future__ import annotations

import numpy as np


def complement(name: str) -> str:
    """Name of the property that holds exactly where this one does not, and back.

    ``NOT odd`` for ``odd``, ``NOT (odd AND prime)`` for ``odd AND prime``.
    """
    if not is_complement(name):
        return f"NOT ({name})" if joined(_bare(name)) else f"NOT {name}"
    rest = name.removeprefix("NOT ")
    return rest[1:-1] if rest != _bare(rest) and joined(_bare(rest)) else rest


def affirmed(name: str) -> str:
    """Of a name and its complement the one without ``NOT``: ``odd AND prime`` for both it and ``NOT (odd AND prime)``.

    What only starts with NOT, as ``NOT odd AND prime``, is the complement of nothing.
    """
    return complement(name) if is_complement(name) else name


def is_complement(name: str) -> bool:
    """Tell if a name is ``NOT`` of another."""
    return name.startswith("NOT ") and not joined(name)


def in_parentheses(name: str) -> str:
    """The name as it stands beside AND and OR: in parentheses where it holds one of them itself."""
    return f"({name})" if joined(name) else name


def joined(name: str) -> bool:
    """Tell if AND or OR stands in a name outside of all parentheses."""
    if " AND " not in name and " OR " not in name:
        return False  # at once: of many classes names are long
    depth = 0
    for place, character in enumerate(name):
        depth += (character == "(") - (character == ")")
        if depth == 0 and name.startswith((" AND ", " OR "), place):
            return True
    return False


def _bare(name: str) -> str:
    """A name without parentheses around all of it."""
    while name.startswith("(") and name.endswith(")") and _closes_last(name):
        name = name[1:-1]
    return name


def _closes_last(name: str) -> bool:
    """Tell if the first parenthesis is closed by the last one."""
    depths = np.cumsum([(character == "(") - (character == ")") for character in name])
    return bool(depths.argmin() == len(name) - 1)
