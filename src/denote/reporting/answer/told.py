"""One question's answer at several lengths: alone, beside that of other networks, and as a value in a list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from denote.reporting.answer.words import listed

Versions: TypeAlias = list[list[str]]
"""Lines of a block, from the fullest version to the shortest."""


@dataclass(frozen=True)
class Told:
    """What is told of one group of networks.

    Attributes:
        versions: Lines for one group alone, from the fullest version to the shortest.
        sentence: What the first screen says of one group alone.
        line: The same beside others, where up to `MOST_APART` groups stand below each other; without a full stop.
        value: A few words, where there are more.
    """

    versions: Versions
    sentence: str
    line: str
    value: str


MOST_APART = 3
"""Groups of networks that have a line each."""
MOST_VALUES = (8, 3, 2)
"""Values that are listed of more groups, and of how many names each; ever fewer until the list fits."""


def together(named: Sequence[tuple[str, Told]], legend: str = "") -> Versions:
    """Put what is told of several groups into versions of one block; of equals once, with all their names.

    Args:
        named: Groups by name.
        legend: Explains the words of several groups, where there is room.
    """
    if not named:
        return []
    if len(named) == 1:
        return named[0][1].versions
    values = _alike((told.value, name) for name, told in named)
    lists = [[_listed(values, most)] for most in MOST_VALUES]
    lines = _alike((told.line, name) for name, told in named)
    apart = [[f"{listed(names, MOST_APART)}: {line}." for line, names in lines.items()]]
    versions = lists if len(named) > MOST_APART else [*apart, *lists]
    return [[*versions[0], legend], *versions] if legend else versions


def _alike(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Names by what is told of them."""
    names = defaultdict[str, list[str]](list)
    for told, name in pairs:
        names[told].append(name)
    return names


def _listed(values: Mapping[str, Sequence[str]], most: int) -> str:
    """``10 of 14 decisive (digits, mnist), 8 of 14 decisive (shapes)``."""
    if len(values) == 1:
        ((value, names),) = values.items()
        return f"All{f' ({listed(names, most)})' if most == MOST_VALUES[0] else ''}: {value}."
    said = [f"{value} ({listed(names, most)})" for value, names in [*values.items()][:most]]
    more = sum(map(len, [*values.values()][most:]))
    return "; ".join(said) + (f"; and {more} more" if more else "") + "."
