"""Labels that label controls draw, in one form for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from denote.attributes.label_rows import equal_rows
from denote.attributes.labels import Labels
from denote.data.parts import Halves

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
    """

    control: str
    number: int
    labels: Halves[Labels]

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

    def draws(self) -> Iterator[Draw]:
        """See `LabelDraws`."""
        for draw in self.control.draws():
            yield replace(draw, labels=equal_rows(draw.labels, self.number, self.probe_seed).labels)

    def answer(self, real: Columns, drawn: Sequence[Columns]) -> Columns:
        """See `LabelDraws`."""
        return self.control.answer(real, drawn)
