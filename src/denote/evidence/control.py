"""Negative controls: what holds for every control, whatever it changes (METHOD section 5).

A control is a frozen dataclass of its own module in `denote.evidence.controls`, whose fields are the keys of
``conf/control/NAME.yaml``. These modules load no torch and no polars, so that a config can be checked at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

from denote.notes import Note

if TYPE_CHECKING:
    from denote.attributes.labels import Labels
    from denote.data.parts import Groups, Halves
    from denote.evidence.label_controls import LabelDraws
    from denote.observers.observer import Probe
    from denote.observers.reading import State
    from denote.states.layers import Layer


@dataclass(frozen=True)
class NegativeControl(ABC):
    """Settings of a control; a count of 0 and a switch that is off leave it out.

    Attributes:
        name: Name in ``control=`` and in the tables.
        columns: Columns of the cells that it fills.
        order: Where it stands among the others, in the cells' notes and in lists.
        bare: It needs no setting that has no default, so that its name says all.
    """

    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[int] = 100
    bare: ClassVar[bool] = True

    @classmethod
    def of(cls, settings: Mapping[str, Any] | None) -> Self:
        """Make it of an option's settings; what is left out keeps its default."""
        return cls(**(settings or {}))

    @classmethod
    def nothing(cls) -> Self:
        """Return the control with everything left out."""
        defaults: dict[str, Any] = {field.name: field.default for field in fields(cls)}
        return cls(**{name: None if default is None else type(default)() for name, default in defaults.items()})

    @classmethod
    def among(cls, controls: Iterable[NegativeControl]) -> Self:
        """Return the one of this class, and `nothing` where there is none."""
        return next((control for control in controls if isinstance(control, cls)), cls.nothing())

    @classmethod
    def off(cls) -> Note:
        """Say why its columns are null where it was not asked for."""
        return Note.of("control_off", control=cls.name)

    @property
    def is_on(self) -> bool:
        """Whether any part of it is asked for."""
        return self != self.nothing()


@dataclass(frozen=True)
class ControlSamples:
    """What label controls draw from; rows are those of *fit* and *test*.

    Attributes:
        labels: The attributes.
        groups: Group of every row, where rows of a group are not independent.
        classes: Class of every row, -1 where it is not known; None without classes.
        class_names: Name of each class.
        target: What the classes are called.
        types: Recurring type of every row, -1 where there is none; None where the data has no types.
        min_rows: Least number of rows of each label in each part.
        probe_seed: Names the draws.
    """

    labels: Halves[Labels]
    groups: Halves[Groups] | None = None
    classes: Halves[Groups] | None = None
    class_names: tuple[str, ...] = ()
    target: str = "class"
    types: Halves[Groups] | None = None
    min_rows: int = 1
    probe_seed: int = 0


class LabelControl(NegativeControl):
    """Other labels on the same state.

    Attributes:
        of_all_rows: Its labels are drawn of all rows, so that where attributes are observed on equal numbers of rows,
            it has to be cut to as many.
    """

    of_all_rows: ClassVar[bool] = True

    @abstractmethod
    def prepare(self, samples: ControlSamples) -> LabelDraws | str:
        """Return what draws its labels, or why there are none, as a remark of cells."""


class StateControl(NegativeControl):
    """Other states of a layer for the same labels.

    Attributes:
        column: The column of cells that holds the mean AUROC there.
        too_few: Code of the note on a probe of so many neurons that it may have no value there.
        states_only: Why it is not there where only states are known; None where it needs no network.
    """

    column: ClassVar[str]
    too_few: ClassVar[str]
    states_only: ClassVar[Note | None] = None

    @classmethod
    def inapplicable(cls, probe: Probe) -> str | None:
        """Say why this probe is not fitted there; None where it is."""
        return None

    @property
    def n_made(self) -> int:
        """How many states of a layer's size it makes of the layer's own, for the memory that they take."""
        return 0

    def states(
        self, layer: Layer, state: Halves[State], probe_seed: int, recorded: Sequence[Halves[State]]
    ) -> Sequence[Halves[State]]:
        """Return other states of a layer, at the same rows.

        Args:
            layer: The layer.
            state: Its activations on *fit* and *test*; they cannot be assumed to be in memory.
            probe_seed: Names what is drawn.
            recorded: The same layer of the networks that were recorded for this control, if it has any.
        """
        return recorded
