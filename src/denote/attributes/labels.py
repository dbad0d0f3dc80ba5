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
class Family:
    """Many attributes from one rule.

    Attributes:
        name: ``classes``, ``subsets``, ``columns``, ``quantiles`` or ``named``.
        labels: Its attributes, one cell each; none for a family that is only searched by neurons.
        codes: For ``subsets``, the class index of every sample (-1 null), from which neurons are searched over
            all subsets at once; None for the others, which are searched attribute by attribute.
        class_names: For ``subsets``, the name of each class index.
    """

    name: str
    labels: Labels
    codes: Int[np.ndarray, " sample"] | None = None
    class_names: tuple[str, ...] = ()


def class_set_name(inside: Sequence[str], target: str = "class") -> str:
    """Name of a set of classes: ``class=3`` of one, ``class in {0,6}`` of several."""
    return f"{target}={inside[0]}" if len(inside) == 1 else f"{target} in {{{','.join(inside)}}}"
