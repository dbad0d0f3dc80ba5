"""Names of families, properties and attributes as people call them, and of any length and script as a terminal can."""

from __future__ import annotations

from collections.abc import Sequence

from denote.attributes.family_words import FAMILIES, NAMED
from denote.denotation.property_names import affirmed, complement, is_complement, joined

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
    shown = "".join(_visible(character) for character in name[: most + 1])
    return shown if len(shown) <= most else f"{shown[: most - 1].rstrip()}…"


def _visible(character: str) -> str:
    """Escape what moves the cursor or turns the direction of a line: names come from files."""
    if character.isspace() and character not in "\n\r\t\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029":
        return " "
    return character if character.isprintable() else f"\\u{ord(character):04x}"


def listed(names: Sequence[str], most: int = 6) -> str:
    """``odd, prime and loop``; of more than ``most`` names the first, and how many more there are."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return joined_words(names, "and")


def joined_words(names: Sequence[str], last: str) -> str:
    """``0, 4 or 6``."""
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def family_words(family: str, names: Sequence[str] = (), *, one: bool = False) -> str:
    """Return what a family holds, with what was typed for it.

    Args:
        family: As in tables.
        names: Its attributes, which tell the family of those that were asked for by name.
        one: Speak of one of its attributes.

    Returns:
        ``sets of classes (attribute=neuron_subsets)``, ``named attributes (odd, prime and loop)``.
    """
    if family == NAMED:
        of = listed([clean(name) for name in names], 5)
        return ("a named attribute" if one else "named attributes") + (f" ({of})" if of else "")
    option = clean(family)
    singular, plural, option = FAMILIES.get(family, (f"one of {option}", option, option))
    return f"{singular if one else plural} (attribute={option})"


def plain_property(name: str, classes: Sequence[str] = (), *, short: bool = False) -> str:
    """Return a property in words; a set of classes that is told by what it leaves out also lists what it holds.

    Args:
        name: As in tables: ``class=3``, ``NOT class in {1,4,7}``, ``NOT odd``, ``odd AND loop``.
        classes: Names of all classes, where they are known.
        short: Leave out what a set holds where it is told by what it leaves out.

    Returns:
        ``class 3``; ``class 0, 4 or 6``; ``all classes but 1, 4 and 7 (0, 2, 3, 5, 6, 8 or 9)``; ``not odd``.
    """
    if joined(name):
        return name
    target, members = _class_set(affirmed(name), classes)
    if not members:
        return f"not {complement(name)}" if is_complement(name) else name
    if not is_complement(name):
        return f"{target} {joined_words(members, 'or')}"
    several = "classes" if target == USUAL_TARGET else f"values of {target}"
    rest = [each for each in classes if each not in members]
    held = f" ({joined_words(rest, 'or')})" if 0 < len(rest) <= MOST_LISTED and not short else ""
    return f"all {several} but {joined_words(members, 'and')}{held}"


def classes_inside(name: str, classes: Sequence[str]) -> list[int]:
    """Return the places of the classes whose inputs have a property; none where it is no set of classes.

    Args:
        name: As in tables: ``class=3``, ``NOT class in {1,4,7}``.
        classes: Names of all classes.
    """
    members = [] if joined(name) else _class_set(affirmed(name), classes)[1]
    if not members or not set(members) <= set(classes):
        return []
    return [place for place, each in enumerate(classes) if (each in members) != is_complement(name)]


def _class_set(name: str, classes: Sequence[str]) -> tuple[str, list[str]]:
    """Return the target and the classes of a set's name; no classes where it is no such name."""
    target, is_in, rest = name.partition(" in {")
    if is_in and rest.endswith("}"):
        return target, _split(rest[:-1], classes)
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
