"""Activations that were recorded elsewhere, as states of layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float32
from torch import Tensor

from denote.data.memory.given_columns import plain_array
from denote.errors import StateError, told
from denote.keys import digest, digest_array
from denote.states.layers import Layer, Selection, select_layers
from denote.states.state import LayerState

Recorded = Mapping[str, Float32[np.ndarray, "row neuron"]]
"""Activations by layer, in order of depth."""


def given_states(states: Any) -> Recorded:
    """Arrays or tensors by layer, as float32.

    Raises:
        StateError: naming the layer whose array is no matrix of numbers, or all lengths if they differ.
    """
    if not isinstance(states, Mapping) or not states:
        raise StateError("states", f"{type(states).__name__}", "a mapping from layers to arrays, row x neuron")
    found = {str(layer): _matrix(str(layer), values) for layer, values in states.items()}
    lengths = {layer: len(array) for layer, array in found.items()}
    if len(set(lengths.values())) > 1:
        raise StateError("states", f"lengths differ: {lengths}")
    return found


def check_rows_of(recorded: Recorded, n_inputs: int) -> None:
    """Refuse activations that are not of as many rows as there are inputs.

    Raises:
        StateError: with both numbers.
    """
    for layer, values in recorded.items():
        if len(values) != n_inputs:
            raise StateError(f"states[{layer!r}]", f"{len(values)} rows, but there are {n_inputs} inputs")


def states_of(recorded: Recorded, select: Selection) -> list[LayerState]:
    """The layers that are asked for; depth is their place in the mapping."""
    last = len(recorded) - 1
    layers = [
        Layer(name, depth, depth / last if last else None, values.shape[1:], "none", values.shape[1:])
        for depth, (name, values) in enumerate(recorded.items())
    ]
    rows = np.arange(len(next(iter(recorded.values()))))
    return [LayerState(layer, recorded[layer.name], rows) for layer in select_layers(layers, select)]


def arrays_key(recorded: Recorded) -> str:
    """Key of the network that the activations are of: their content."""
    return digest({layer: digest_array(values) for layer, values in recorded.items()})


def _matrix(layer: str, values: Any) -> Float32[np.ndarray, "row neuron"]:
    try:
        array = plain_array(values if isinstance(values, Tensor | np.ndarray) else np.asarray(values))
    except ValueError as error:
        raise StateError(f"states[{layer!r}]", "rows of different lengths", "numbers, row x neuron") from error
    except (TypeError, RuntimeError) as error:
        raise StateError(f"states[{layer!r}]", told(error), "numbers, row x neuron") from error
    if array.ndim != 2 or array.dtype.kind not in "buif" or not array.shape[1]:
        shown = f"an array {array.shape} of {array.dtype}"
        raise StateError(f"states[{layer!r}]", shown, "numbers, row x neuron: pool positions first")
    with np.errstate(over="ignore"):  # what becomes infinite is refused with its layer
        return np.asarray(array, dtype=np.float32)
