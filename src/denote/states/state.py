"""The recorded activations of one layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from jaxtyping import Float32, Int

from denote.errors import StateError
from denote.states.layers import Layer
from denote.states.listing import neuron_name
from denote.states.stored import SideBySide, StoredState
from denote.tables import note


@dataclass(frozen=True)
class LayerState:
    """Activations of one layer on some rows.

    Attributes:
        layer: The layer.
        values: One row per recorded sample: a read-only memory map, or several side by side.
        rows: Row ids of the recorded samples, ascending.
        parts: For all layers side by side the layers they are made of, else empty.
    """

    layer: Layer
    values: Float32[np.ndarray, "sample neuron"] | SideBySide
    rows: Int[np.ndarray, " sample"]
    parts: tuple[Layer, ...] = ()

    def at(self, rows: Int[np.ndarray, " row"]) -> Float32[np.ndarray, "row neuron"]:
        """The state of some rows, in the order given, in memory.

        Raises:
            StateError: if a row was not recorded.
        """
        values: np.ndarray = self.stored(rows)[:]
        return values

    def stored(self, rows: Int[np.ndarray, " row"]) -> StoredState:
        """The state of some rows, in the order given, where it lies.

        Raises:
            StateError: if a row was not recorded.
        """
        rows = np.asarray(rows, dtype=np.int64)
        places = np.searchsorted(self.rows, rows)
        missing = self.rows[np.minimum(places, len(self.rows) - 1)] != rows
        if missing.any():
            raise StateError(
                f"state of layer {self.layer.name}",
                f"{int(missing.sum())} of {len(rows)} rows were not recorded, the first is row {rows[missing][0]}",
            )
        return StoredState(self.values, places)

    def neuron_name(self, index: int) -> str:
        """Where a neuron is; side by side the layer's name stands in front.

        Raises:
            IndexError: if there is no such neuron.
        """
        if not self.parts:
            return neuron_name(self.layer, index)
        for part, end in zip(self.parts, accumulate(layer.n_neurons for layer in self.parts), strict=True):
            if 0 <= index < end:
                return f"{part.name}, {neuron_name(part, index - end + part.n_neurons)}"
        raise IndexError(f"the state has no neuron {index}: there are {self.layer.n_neurons}")


def state_of_all(states: Sequence[LayerState]) -> LayerState:
    """All layers side by side as one layer called ``state`` without a depth; they stay where they are.

    Raises:
        ValueError: if there are none, or they were recorded on different rows.
    """
    if not states:
        raise ValueError("no states to put side by side")
    rows = states[0].rows
    if any(not np.array_equal(state.rows, rows) for state in states):
        raise ValueError("the states were recorded on different rows")
    n_neurons = sum(state.layer.n_neurons for state in states)
    poolings = dict.fromkeys(state.layer.pooling for state in states if state.layer.pooling != "none")
    notes = [f"{state.layer.name}: {state.layer.note}" for state in states if state.layer.note]
    own = replace(
        states[0].layer, name="state", depth=None, relative_depth=None, is_head=False, sign_identified=None, axes=(),
        kind="units", channels_last=False, module_class="", note=note(*notes),
    )  # fmt: skip
    layer = replace(own, shape=(n_neurons,), grid=(n_neurons,), pooling="+".join(poolings) or "none")
    values = [state.values for state in states]
    arrays = [array for each in values for array in (each.arrays if isinstance(each, SideBySide) else (each,))]
    return LayerState(layer, SideBySide(tuple(arrays)), rows, tuple(state.layer for state in states))
