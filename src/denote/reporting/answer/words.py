"""Names of families, properties and attributes as people call them, and of any length and script as a terminal can."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from denote.denotation.property_names import affirmed, complement, is_complement, joined

FAMILIES = {
    "classes": "single classes (attribute=classes)",
    "subsets": "sets of classes (attribute=neuron_subsets)",
    "columns": "columns (attribute=columns)",
    "quantiles": "cut columns (attribute=quantiles)",
    "formulas": "formulas (attribute=formulas)",
}
"""What the families of the ready-made options hold, and what was typed for them."""

NAMED = "named"
"""Family of the attributes that were asked for one by one."""

USUAL_TARGET = "class"
"""Name of the target where a dataset does not give it another."""

MOST_LETTERS = 28
"""Letters of a name in a sentence."""
MOST_LISTED = 9
"""Classes that are listed where a property is told by what is left out."""


def clean(name: str, most: int = MOST_LETTERS) -> str:
    """Return a user's name as it stands in a sentence: visible characters only, and not too many.

    Args:
        name: Any text.
        most: Letters; of a longer name the end is replaced by ``…``.
    """
    shown = "".join(_visible(character) for character in name)
    return shown if len(shown) <= most else f"{shown[: most - 1].rstrip()}…"


def _visible(character: str) -> str:
    """Escape characters that move the cursor or turn the direction of a line: names come from files."""
    if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"):
        return f"\\u{ord(character):04x}"
    return character


def listed(names: Sequence[str], most: int = 6) -> str:
    """``odd, prime and loop``; of more than ``most`` names the first, and how many more there are."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def family_words(family: str, names: Sequence[str] = ()) -> str:
    """Return what a family holds, with what was typed for it.

    Args:
        family: As in tables.
        names: Its attributes, which name the family of those that were asked for one by one.

    Returns:
        ``sets of classes (attribute=neuron_subsets)``; ``odd, prime and loop``.
    """
    if family == NAMED:
        return listed([clean(name) for name in names], 5) if names else "attributes that were named"
    return FAMILIES.get(family, f"attribute={clean(family)}")


def plain_property(name: str, classes: Sequence[str] = ()) -> str:
    """Return a property in words; a set of classes that is told by what is left out also lists what it holds.

    Args:
        name: As in tables: ``class=3``, ``NOT class in {1,4,7}``, ``NOT odd``, ``odd AND loop``.
        classes: Names of all classes, where they are known.

    Returns:
        ``class 3``; ``all but class 1, 4, 7 (0, 2, 3, 5, 6, 8, 9)``; ``not odd``.
    """
    if joined(name):
        return name
    positive = affirmed(name)
    target, members = _class_set(positive, classes)
    if not members:
        return name if not is_complement(name) else f"not {complement(name)}"
    text = f"{target} {', '.join(members)}"
    if not is_complement(name):
        return text
    rest = [each for each in classes if each not in members]
    return f"all but {text}" + (f" ({', '.join(rest)})" if len(members) > 1 and 0 < len(rest) <= MOST_LISTED else "")


def _class_set(name: str, classes: Sequence[str]) -> tuple[str, list[str]]:
    """Return the target and the classes of a set's name; no classes where it is no such name."""
    target, is_in, rest = name.partition(" in {")
    if is_in and rest.endswith("}"):
        members = _split(rest[:-1], classes)
        return target, members
    target, is_one, member = name.partition("=")
    return (target, [member]) if is_one and (member in classes or target == USUAL_TARGET) else ("", [])


def _split(text: str, classes: Sequence[str]) -> list[str]:
    """Split a list of classes at its commas; a class may hold a comma itself, so that names are matched, longest first.

    Where names are not known, or do not match, every comma splits.
    """
    members, rest = [], text
    while rest:
        fits = [each for each in classes if rest == each or rest.startswith(f"{each},")]
        if not fits:
            return [each.strip() for each in text.split(",")]
        members.append(max(fits, key=len))
        rest = rest[len(members[-1]) + 1 :]
    return members
