"""Draw the labels of label controls, whole groups where an attribute is theirs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np
from jaxtyping import Bool, Int8

from denote.attributes.labels import Labels, equal_rows
from denote.data.parts import Groups, Halves
from denote.observers.rough import Rough
from denote.streams import stream

if TYPE_CHECKING:
    from denote.evidence.bootstrap import AurocBootstrap
    from denote.evidence.measuring import Columns, Hear
    from denote.evidence.scores import PerAttribute
    from denote.observers.observer import Observer


@dataclass(frozen=True)
class Draw:
    """Labels that a control has drawn.

    Attributes:
        control: Name of the control.
        number: Which draw; the same labels however many are drawn besides.
        labels: Attributes with their names, the same on both sides.
        rough: For what observers are fitted where only the distribution over draws is of interest (`Probe.rough`); None
            where they are to be exact.
    """

    control: str
    number: int
    labels: Halves[Labels]
    rough: Rough | None = None

    def __len__(self) -> int:
        return len(self.labels.fit)


@dataclass(frozen=True)
class Refits:
    """Observers of one size that were fitted to the draws of one control.

    Attributes:
        columns: Measured columns of every draw, in order.
        largest: `largest_relevance` of every draw; empty where neurons have no weights to compare.
    """

    columns: Sequence[Columns]
    largest: Sequence[PerAttribute]


class LabelDraws(ABC):
    """Other labels for the same observer, and what its scores on them say of the attributes.

    Attributes:
        name: Name of the control in ``control=`` and in the tables.
        has_band: Heat maps are held against it.
    """

    name: str
    has_band: ClassVar[bool] = False

    @abstractmethod
    def draws(self) -> Iterable[Draw]:
        """Draw labels, one draw after the other, each with at least one attribute."""

    @abstractmethod
    def answer(self, real: Columns, drawn: Sequence[Columns]) -> Columns:
        """Give columns of the attributes' cells, with a ``note`` that says why one is null.

        Args:
            real: The attributes' measured columns, of one size of a probe.
            drawn: Those of every draw, of the same size, in order.
        """

    def hears(self, bootstrap: AurocBootstrap) -> Hear | None:
        """Return what of a bootstrap takes up how its refits rank the test rows; None for nothing."""
        return None

    def intervals(self, real: Columns, refits: Refits, bootstrap: AurocBootstrap | None) -> Columns:
        """Give intervals of the answer's columns (see `answer`)."""
        return {"note": None}

    def band(self, observer: Observer, refits: Refits) -> Columns:
        """Give what the heat map of an observer is held against (see `answer`); it is asked where there is a map."""
        return {"note": None}


@dataclass(frozen=True)
class OnEqualRows(LabelDraws):
    """A control of attributes on equal numbers of rows, on as many itself: more rows alone would be read better.

    Attributes:
        control: Draws its labels of all rows.
        number: Rows of each label in each part; drawn labels that have fewer are null.
        probe_seed: Names the draws of rows.
    """

    control: LabelDraws
    number: int
    probe_seed: int = 0

    @property
    def name(self) -> str:  # type: ignore[override] # of the control
        """See `LabelDraws`."""
        return self.control.name

    @property
    def has_band(self) -> bool:  # type: ignore[override] # of the control
        """See `LabelDraws`."""
        return self.control.has_band

    def draws(self) -> Iterator[Draw]:
        """See `LabelDraws`."""
        for draw in self.control.draws():
            yield replace(draw, labels=equal_rows(draw.labels, self.number, self.probe_seed).labels)

    def answer(self, real: Columns, drawn: Sequence[Columns]) -> Columns:
        """See `LabelDraws`."""
        return self.control.answer(real, drawn)

    def hears(self, bootstrap: AurocBootstrap) -> Hear | None:
        """See `LabelDraws`."""
        return self.control.hears(bootstrap)

    def intervals(self, real: Columns, refits: Refits, bootstrap: AurocBootstrap | None) -> Columns:
        """See `LabelDraws`."""
        return self.control.intervals(real, refits, bootstrap)

    def band(self, observer: Observer, refits: Refits) -> Columns:
        """See `LabelDraws`."""
        return self.control.band(observer, refits)


Values: TypeAlias = Int8[np.ndarray, "sample attribute"]

DRAWS = 20
"""Refits with shuffled labels (METHOD section 5)."""


def shuffled(
    labels: Halves[Values], probe_seed: int, draw: int, groups: Halves[Groups] | None = None
) -> Halves[Values]:
    """One draw of shuffled labels, all attributes moved together so that what they share with each other stays.

    Args:
        labels: Of both parts; each is permuted by a stream of its own.
        probe_seed: Which series of draws.
        draw: Which of them.
        groups: Group of each row. An attribute that is constant in every group of both parts moves with whole
            groups; its nulls stay where they are.
    """
    whole = None if groups is None else group_constant(labels, groups)

    def side(part: str, values: Values, members: Groups | None) -> Values:
        draws = stream("shuffled", probe_seed, draw, part)
        moved: Values = values[draws.permutation(len(values))]
        if whole is not None and members is not None and whole.any():
            moved[:, whole] = _by_group(values[:, whole], members, draws)
        return moved

    fit_groups, test_groups = (None, None) if groups is None else (groups.fit, groups.test)
    return Halves(side("fit", labels.fit, fit_groups), side("test", labels.test, test_groups))


def group_constant(labels: Halves[Values], groups: Halves[Groups]) -> Bool[np.ndarray, " attribute"]:
    """Which attributes have a single value, nulls aside, in every group of both parts."""
    return np.asarray(_constant_in(labels.fit, groups.fit) & _constant_in(labels.test, groups.test))


def _constant_in(values: Values, groups: Groups) -> Bool[np.ndarray, " attribute"]:
    yes, no = labels_held(values, groups)
    return np.asarray(~(yes & no).any(0))


def labels_held(
    values: Values, groups: Groups
) -> tuple[Bool[np.ndarray, "group attribute"], Bool[np.ndarray, "group attribute"]]:
    """Which groups, in ascending order, hold a positive, and which a negative, of every attribute."""
    order = np.argsort(groups, kind="stable")
    _, first = np.unique(groups[order], return_index=True)
    yes, no = (np.logical_or.reduceat(values[order] == label, first, axis=0) for label in (1, 0))
    return yes, no


def _by_group(values: Values, groups: Groups, draws: np.random.Generator) -> Values:
    """Deal the groups' labels among the groups that have one; one order of groups serves all attributes."""
    _, index = np.unique(groups, return_inverse=True)
    yes, no = labels_held(values, groups)
    order = draws.permutation(len(yes))
    dealt = np.full(values.shape, -1, dtype=np.int8)
    for a in range(values.shape[1]):
        labelled = yes[:, a] | no[:, a]
        taker, giver = np.flatnonzero(labelled), order[labelled[order]]
        label = np.full(len(yes), -1, dtype=np.int8)
        label[taker] = yes[giver, a]
        dealt[:, a] = np.where(values[:, a] >= 0, label[index], -1)
    return dealt
