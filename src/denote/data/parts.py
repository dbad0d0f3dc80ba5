"""The three disjoint parts of the data: *object* trains the network, *fit* chooses, *test* reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from jaxtyping import Int

T_co = TypeVar("T_co", covariant=True)

Groups: TypeAlias = Int[np.ndarray, " sample"]
"""Group of every row, where rows of one group are not independent."""


@dataclass(frozen=True)
class Halves(Generic[T_co]):
    """The *fit* and the *test* side of one thing: a state, labels, class codes, groups."""

    fit: T_co
    test: T_co


@dataclass(frozen=True)
class Parts:
    """Row ids of the three disjoint parts, each ascending."""

    object: Int[np.ndarray, " object_row"]
    fit: Int[np.ndarray, " fit_row"]
    test: Int[np.ndarray, " test_row"]

    @property
    def observed(self) -> Int[np.ndarray, " observed_row"]:
        """The rows a state is recorded on: *fit* and *test*, ascending."""
        return np.sort(np.concatenate([self.fit, self.test]))
