"""Yes/no labels of samples: the attributes that observers read and the families that neurons are searched over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from jaxtyping import Int, Int8

NULL = -1
"""The label of a row to which an attribute does not apply."""


@dataclass(frozen=True)
class Labels:
    """Attributes side by side.

    Attributes:
        names: One name per attribute, unique.
        families: The family of each attribute.
        values: 1 yes, 0 no, -1 null.
    """

    names: tuple[str, ...]
    families: tuple[str, ...]
    values: Int8[np.ndarray, "sample attribute"]

    def at(self, rows: Int[np.ndarray, " row"]) -> Labels:
        """The same attributes on some rows, in the order given."""
        return replace(self, values=self.values[rows])

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class Formulas:
    """What formulas are made of, and how they are searched.

    Attributes:
        atoms: The attributes that they join by AND, OR and NOT.
        length: Most atoms of a formula.
        beam: Formulas of each length that are made longer.
        penalty: What every atom beyond the first costs, in balanced accuracy; above 0.
    """

    atoms: Labels
    length: int = 3
    beam: int = 32
    penalty: float = 0.005


@dataclass(frozen=True)
class Family:
    """Many attributes from one rule, which neurons are searched over one by one.

    Attributes:
        name: ``classes``, ``columns``, ``quantiles``, ``named`` or the option of a user's own; of the other kinds of
            family ``subsets`` and ``formulas``.
        labels: Its attributes, one cell each; none for a family that is only searched by neurons.
    """

    name: str
    labels: Labels

    combines: ClassVar[bool] = False
    """Properties are combinations, of classes or of atoms: they are searched at quantiles, and the parts of a row
    belong together."""

    every_threshold: ClassVar[bool] = True
    """Controls that read a property off one coordinate try every threshold, not quantiles alone."""

    def at(self, rows: Int[np.ndarray, " row"]) -> Self:
        """Return the family on some rows, in the order given."""
        return replace(self, labels=self.labels.at(rows))

    @property
    def members(self) -> Int8[np.ndarray, "row member"]:
        """What properties are made of, as labels."""
        return self.labels.values

    def with_members(self, members: Int8[np.ndarray, "row member"]) -> Self:
        """Return the family with other labels of its `members`."""
        return replace(self, labels=replace(self.labels, values=members))


@dataclass(frozen=True)
class SubsetFamily(Family):
    """Sets of classes: neurons are searched over all subsets at once.

    Attributes:
        codes: Class index of every sample, -1 for null.
        class_names: Name of each class index.
        target: What the classes are called.
    """

    codes: Int[np.ndarray, " sample"]
    class_names: tuple[str, ...] = ()
    target: str = "class"

    combines = True
    every_threshold = False

    def at(self, rows: Int[np.ndarray, " row"]) -> Self:
        """See `Family`."""
        return replace(super().at(rows), codes=self.codes[rows])

    @property
    def members(self) -> Int8[np.ndarray, "row class"]:
        """Class codes as one attribute per class."""
        codes = self.codes[:, None]
        return np.where(codes < 0, NULL, codes == np.arange(len(self.class_names))).astype(np.int8)

    def with_members(self, members: Int8[np.ndarray, "row class"]) -> Self:
        """See `Family`."""
        return replace(self, codes=np.where((members < 0).any(axis=1), -1, members.argmax(axis=1)))


@dataclass(frozen=True)
class FormulaFamily(Family):
    """Formulas of atoms, of which neurons are searched for the best.

    Attributes:
        formulas: The atoms at every sample and how they are searched.
    """

    formulas: Formulas

    combines = True

    def at(self, rows: Int[np.ndarray, " row"]) -> Self:
        """See `Family`."""
        return replace(super().at(rows), formulas=replace(self.formulas, atoms=self.formulas.atoms.at(rows)))

    @property
    def members(self) -> Int8[np.ndarray, "row atom"]:
        """Labels of the atoms."""
        return self.formulas.atoms.values

    def with_members(self, members: Int8[np.ndarray, "row atom"]) -> Self:
        """See `Family`."""
        return replace(self, formulas=replace(self.formulas, atoms=replace(self.formulas.atoms, values=members)))


def merge_labels(families: Sequence[Family]) -> Labels:
    """All attributes side by side, each name once: the first family that has it keeps it."""
    names: dict[str, str] = {}
    blocks = []
    for family in families:
        new = [column for column, name in enumerate(family.labels.names) if name not in names]
        names.update({family.labels.names[column]: family.labels.families[column] for column in new})
        blocks.append(family.labels.values[:, new])
    return Labels(tuple(names), tuple(names.values()), np.concatenate(blocks, axis=1))


def class_set_name(inside: Sequence[str], target: str = "class") -> str:
    """Name of a set of classes: ``class=3`` of one, ``class in {0,6}`` of several."""
    return f"{target}={inside[0]}" if len(inside) == 1 else f"{target} in {{{','.join(inside)}}}"
