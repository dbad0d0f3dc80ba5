"""Controls of the user's own: the same observation after the state or the labels were changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from jaxtyping import Float, Int8

from denote.data.parts import Halves
from denote.errors import ConfigError
from denote.evidence.cells import decide_cells
from denote.evidence.control import NegativeControl
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.measuring import measured_sizes
from denote.evidence.replicates import Replicate, replicate_cells
from denote.evidence.rule import Rule
from denote.notes import Note, note
from denote.observers.observer import Probe
from denote.observers.reading import as_array, check_state
from denote.streams import stream

States = Halves[Float[np.ndarray, "row neuron"]]
Values = Halves[Int8[np.ndarray, "row attribute"]]


class Control(ABC):
    """Changes the state or the labels, and leaves everything else: derive from it and name it in ``control.NAME``.

    The observers of every cell are fitted again on what it gives, as often as ``draws`` says. What they find are rows
    of ``controls.parquet`` under the option's name; they decide nothing.

    Attributes:
        draws: How often it is drawn.
    """

    draws: int = 1

    @abstractmethod
    def change(self, state: States, labels: Values, random: np.random.Generator) -> tuple[States, Values]:
        """Another state, other labels, or both.

        Args:
            state: Activations of *fit* and *test*, which cannot be written to.
            labels: 1, 0, or -1 for null, of the same rows; they cannot be written to either.
            random: For what is drawn. It begins anew for every draw, alike for all layers and probes.

        Returns:
            State and labels: as many rows in the same order, the same attributes, any number of neurons.
        """


@dataclass(frozen=True)
class OwnControl(NegativeControl):
    """A user's control under the name by which it was asked for.

    Attributes:
        option: Its name in tables.
        control: The user's.
    """

    option: str
    control: Control

    is_on = True

    def cells(self, data: FitTestData, probe: Probe, rule: Rule) -> Iterator[pl.DataFrame]:
        """Return cells of a probe on what the control makes of a layer, one table a draw.

        Args:
            data: The layer.
            probe: What is fitted.
            rule: When a cell would be decisive; each draw is corrected by itself.

        Raises:
            ConfigError: if the control gives other rows or attributes than it was given.
            StateError: if it gives a state that is not finite.
        """
        state = Halves(_locked(as_array(data.state.fit)), _locked(as_array(data.state.test)))
        labels = Halves(_locked(data.labels.fit.values), _locked(data.labels.test.values))
        for draw in range(self.control.draws):
            other, values = self.control.change(state, labels, stream("control", self.option, data.probe_seed, draw))
            _check(self.option, other, values, labels)
            fit, test = replace(data.labels.fit, values=values.fit), replace(data.labels.test, values=values.test)
            changed = replace(data, state=other, labels=Halves(fit, test))
            curve = measured_sizes(probe.fit_sizes(changed.fit), changed)
            for columns in curve:
                columns["note"] = [note(reason, Note.of("control_alone")) for reason in columns["note"]]
            yield decide_cells(replicate_cells([Replicate(self.option, draw, curve, ())]), rule)


def _locked(array: np.ndarray) -> np.ndarray:
    """The same numbers where nobody can write to them, as the layer is still to be observed."""
    view = array.view()
    view.flags.writeable = False
    return view


def _check(name: str, state: States, labels: Values, own: Values) -> None:
    for part in ("fit", "test"):
        came, needed = getattr(labels, part), getattr(own, part)
        if came.shape != needed.shape or not np.isin(came, (-1, 0, 1)).all():
            problem = f"gave labels {came.shape} of {came.dtype} for {part}"
            raise ConfigError(f"control.{name}", problem, f"needed: 1, 0 or -1, {needed.shape}")
        check_state(getattr(state, part), came)
