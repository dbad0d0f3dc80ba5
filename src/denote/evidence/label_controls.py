"""Label controls: other labels on the same state, in one form for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from denote.attributes.label_rows import equal_rows
from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.estimate import mean_of_defined
from denote.evidence.measuring import Columns
from denote.evidence.permutations import Groups, shuffled


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


class LabelControl(Protocol):
    """Other labels for the same observer, and what its scores on them say of the attributes."""

    @property
    def name(self) -> str:
        """Name of the control in ``control=`` and in the tables."""
        ...

    def draws(self) -> Iterable[Draw]:
        """Its labels, one draw after the other."""
        ...

    def answer(self, real: Columns, drawn: Sequence[Columns]) -> Columns:
        """Columns of the attributes' cells, with a ``note`` that says why one is null.

        Args:
            real: The attributes' measured columns, of one size of a probe.
            drawn: Those of every draw, of the same size, in order.
        """
        ...


@dataclass(frozen=True)
class Shuffled:
    """The attributes' own labels in random order (METHOD section 5): can the observer find what is not there?

    Attributes:
        labels: The attributes.
        n_draws: How many orders.
        probe_seed: Names the draws.
        groups: Group of every row, where rows of a group are not independent.
    """

    labels: Halves[Labels]
    n_draws: int
    probe_seed: int = 0
    groups: Halves[Groups] | None = None

    name = "shuffled"

    def draws(self) -> Iterator[Draw]:
        """See `LabelControl`; labels of a draw are made when it is asked for."""
        own = self.labels
        for number in range(self.n_draws):
            values = shuffled(Halves(own.fit.values, own.test.values), self.probe_seed, number, self.groups)
            yield Draw(
                self.name, number, Halves(replace(own.fit, values=values.fit), replace(own.test, values=values.test))
            )

    def answer(self, real: Columns, drawn: Sequence[Columns]) -> Columns:
        """``control_auroc``, the mean over draws, and ``selectivity``, the real AUROC minus that."""
        mean = mean_of_defined([columns["auroc"] for columns in drawn])
        return {"control_auroc": mean, "selectivity": real["auroc"] - mean, "note": [None] * len(mean)}


@dataclass(frozen=True)
class OnEqualRows:
    """A control of attributes on equal numbers of rows, on as many itself: more rows alone would be read better.

    Attributes:
        control: Draws its labels of all rows.
        number: Rows of each label in each part; drawn labels that have fewer are null.
        probe_seed: Names the draws of rows.
    """

    control: LabelControl
    number: int
    probe_seed: int = 0

    @property
    def name(self) -> str:
        """See `LabelControl`."""
        return self.control.name

    def draws(self) -> Iterator[Draw]:
        """See `LabelControl`."""
        for draw in self.control.draws():
            yield replace(draw, labels=equal_rows(draw.labels, self.number, self.probe_seed).labels)

    def answer(self, real: Columns, drawn: Sequence[Columns]) -> Columns:
        """See `LabelControl`."""
        return self.control.answer(real, drawn)
