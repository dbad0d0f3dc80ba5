"""The family of formulas: AND, OR and NOT over the attributes that other rules make, searched by neurons only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from denote.attributes import rules
from denote.attributes.expressions import parse_where
from denote.attributes.labels import NULL, Family, FormulaFamily, Formulas, Labels, merge_labels
from denote.data.samples import Samples
from denote.errors import AttributeLabelError

ATOMS: Mapping[str, Callable[[str, Samples], Family]] = {
    "classes": rules.classes,
    "columns": rules.columns,
    "quantiles": rules.quantiles,
}
"""Kinds whose attributes, by their default settings, may be the atoms of formulas."""

LONGEST = 5
"""Atoms of a formula; names of longer ones say little to a reader."""


# As every rule, it has the keys of its option as keywords; one that joins them would be a second list of the keys.
def formulas(
    option: str,
    samples: Samples,
    *,
    atoms: Sequence[str] = tuple(ATOMS),
    where: Mapping[str, str] | None = None,
    length: int = Formulas.length,
    beam: int = Formulas.beam,
    length_penalty: float = Formulas.penalty,
) -> Family:
    """Return all formulas over some attributes; none is a cell.

    Of atoms that are equal or complements of each other on all samples the first is kept.

    Args:
        option: Name of the option.
        samples: Where the atoms come from.
        atoms: Kinds of attributes; one that the data has no attributes of is left out.
        where: More atoms by name, as SQL expressions.
        length: Most atoms of a formula, 1 to 5.
        beam: Formulas of each length that are made longer, at least 1.
        length_penalty: Balanced accuracy on *fit* that an atom more must gain, above 0.

    Raises:
        AttributeLabelError: as `check`, and where the data has no atom.
    """
    check(option, atoms, where, length, beam, length_penalty)
    named = {str(name): text for name, text in (where or {}).items()}
    families = [*_of_kinds(option, samples, atoms), rules.expressions(named, samples, f"attribute.{option}.where")]
    every = merge_labels(families)
    if not len(every):
        problem = f"the data has no attributes of kinds {', '.join(atoms) or '(none)'}"
        raise AttributeLabelError(f"attribute.{option}.atoms", problem, "allowed: other kinds, or atoms by `where`")
    kept = _distinct(every)
    names = tuple(every.names[index] for index in kept)
    unique = Labels(names, ("formulas",) * len(names), np.ascontiguousarray(every.values[:, kept]))
    none = rules.family("formulas", [], len(samples)).labels
    return FormulaFamily("formulas", none, Formulas(unique, length, beam, length_penalty))


def check(
    option: str,
    atoms: Any = tuple(ATOMS),
    where: Any = None,
    length: Any = Formulas.length,
    beam: Any = Formulas.beam,
    length_penalty: Any = Formulas.penalty,
) -> None:
    """Refuse settings that can be known to be wrong without the data.

    Args:
        option: Name of the option.
        atoms: See `formulas`.
        where: See `formulas`.
        length: See `formulas`.
        beam: See `formulas`.
        length_penalty: See `formulas`.

    Raises:
        AttributeLabelError: naming the key.
    """
    key = f"attribute.{option}"
    if isinstance(atoms, str) or not isinstance(atoms, Sequence) or not (atoms or where):
        raise AttributeLabelError(f"{key}.atoms", f"{atoms!r}", f"allowed: a list of {', '.join(ATOMS)}")
    for kind in atoms:
        AttributeLabelError.refuse_unknown(kind, ATOMS, f"{key}.atoms", "{!r} is no kind of atom")
    if not isinstance(where, Mapping | None):
        raise AttributeLabelError(f"{key}.where", f"{where!r}", "allowed: a mapping of names to SQL expressions")
    for name, text in (where or {}).items():
        parse_where(text, f"{key}.where")
        if str(name).startswith("NOT "):
            raise AttributeLabelError(f"{key}.where", f"{name!r} is a name that starts with NOT", "allowed: others")
    if not _whole(length) or not 1 <= length <= LONGEST:
        raise AttributeLabelError(f"{key}.length", f"{length!r}", f"allowed: a whole number from 1 to {LONGEST}")
    if not _whole(beam) or beam < 1:
        raise AttributeLabelError(f"{key}.beam", f"{beam!r}", "allowed: a whole number, 1 or more")
    if isinstance(length_penalty, bool) or not isinstance(length_penalty, int | float) or not 0 < length_penalty < 0.5:
        why = "allowed: above 0 and below .5; without a penalty every neuron takes the longest formula"
        raise AttributeLabelError(f"{key}.length_penalty", f"{length_penalty!r}", why)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _of_kinds(option: str, samples: Samples, atoms: Sequence[str]) -> Iterator[Family]:
    for kind in atoms:
        with suppress(AttributeLabelError):  # with default settings this only says that there are none
            yield ATOMS[kind](option, samples)


def _distinct(atoms: Labels) -> list[int]:
    """Places of the atoms that are neither constant nor equal to an earlier one or its complement."""
    seen: set[bytes] = set()
    kept = []
    for index, values in enumerate(atoms.values.T):
        complement = np.where(values == NULL, NULL, 1 - values).astype(np.int8)
        if seen.isdisjoint((values.tobytes(), complement.tobytes())) and {0, 1} <= set(np.unique(values).tolist()):
            kept.append(index)
        seen.add(values.tobytes())
    return kept
