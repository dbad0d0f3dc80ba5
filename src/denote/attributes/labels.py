"""Yes/no labels of samples: the attributes that observers read and the families that neurons are searched over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    """Many attributes from one rule.

    Attributes:
        name: ``classes``, ``subsets``, ``columns``, ``quantiles``, ``named`` or ``formulas``.
        labels: Its attributes, one cell each; none for a family that is only searched by neurons.
        codes: For ``subsets``, the class index of every sample (-1 null), from which neurons are searched over
            all subsets at once; None for others.
        class_names: For ``subsets``, the name of each class index.
        formulas: For ``formulas``, the atoms at every sample and how they are searched; None for others.
        target: What the classes are called.
    """

    name: str
    labels: Labels
    codes: Int[np.ndarray, " sample"] | None = None
    class_names: tuple[str, ...] = ()
    formulas: Formulas | None = None
    target: str = "class"

    @property
    def combines(self) -> bool:
        """Whether properties are combinations, of classes or of atoms, and not attributes one by one.

        Combinations are searched at quantiles, and the parts of a row belong together.
        """
        return self.codes is not None or self.formulas is not None


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
