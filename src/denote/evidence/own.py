"""Controls of the user's own: the same observation after the state or the labels were changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl
from jaxtyping import Float, Int8

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.errors import ConfigError
from denote.evidence.cells import decide_cells
from denote.evidence.measuring import measured_sizes
from denote.evidence.permutations import Groups
from denote.evidence.replicates import Replicate
from denote.evidence.rule import Rule
from denote.observers.observer import Probe, fit_sizes
from denote.observers.reading import Resources, State, as_array, check_state
from denote.streams import stream
from denote.tables import note

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


def changed_cells(
    name: str,
    control: Control,
    state: Halves[State],
    labels: Halves[Labels],
    probe: Probe,
    rule: Rule,
    probe_seed: int,
    groups: Halves[Groups] | None,
    resources: Resources,
) -> Iterator[pl.DataFrame]:
    """Cells of a probe on what a control makes of a layer, one table a draw.

    Args:
        name: Of the control.
        control: It.
        state: Activations of the layer.
        labels: The attributes.
        probe: What is fitted.
        rule: When a cell would be decisive; each draw is corrected by itself.
        probe_seed: Names the draws, and is that of the fits.
        groups: Group of every row, where rows of a group are not independent.
        resources: What fits and scores may use.

    Raises:
        ConfigError: if the control gives other rows or attributes than it was given.
        StateError: if it gives a state that is not finite.
    """
    given = Halves(_locked(as_array(state.fit)), _locked(as_array(state.test)))
    own = Halves(_locked(labels.fit.values), _locked(labels.test.values))
    for draw in range(control.draws):
        other, values = control.change(given, own, stream("control", name, probe_seed, draw))
        _check(name, other, values, own)
        changed = Halves(replace(labels.fit, values=values.fit), replace(labels.test, values=values.test))
        observers = fit_sizes(probe, other.fit, values.fit, probe_seed, resources, groups.fit if groups else None)
        curve = measured_sizes(observers, other, changed, groups, probe_seed, resources)
        for columns in curve:
            columns["note"] = [note(reason, "a control has no controls of its own") for reason in columns["note"]]
        yield decide_cells(Replicate(name, draw, curve, ()).cells, rule)


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
