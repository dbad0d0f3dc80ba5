"""One pass over the inputs that writes the state of every layer as the network gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float32, Int
from torch import Tensor, nn

from denote.errors import StateError, StoreError
from denote.states.capture import handing_on
from denote.states.hooks import moved_to
from denote.states.layers import Layer

if TYPE_CHECKING:
    from denote.data.samples import Inputs

KEPT_OPEN = 100
"""Files that are held open at once; some systems allow 256."""


def write_states(
    network: nn.Module,
    inputs: Inputs,
    rows: Int[np.ndarray, " row"],
    paths: Mapping[Layer, Path],
    batch_size: int,
    device: torch.device,
) -> None:
    """Run the inputs through the network once and write one ``.npy`` per layer, ``row x neuron``.

    Memory holds one batch, of which one layer's state at a time.

    Args:
        network: The network; mode, hooks and device are as before afterwards.
        inputs: Each row is read once, whatever the number of layers.
        rows: Row ids, in the order of the arrays.
        paths: What is written, and into which files; their folders are made.
        batch_size: Inputs run at once.
        device: Where the network runs.

    Raises:
        StateError: if an activation is NaN or infinite.
        LayerError: if a batch does not give what was listed.
    """
    batch = rows[:0]
    with moved_to(network, device), _new_arrays(paths, len(rows)) as append:

        def keep(layer: Layer, state: Tensor) -> None:
            _check_finite(layer, state, batch)
            append(layer, np.ascontiguousarray(state.numpy()))

        with handing_on(network, list(paths), keep) as run:
            for start in range(0, len(rows), batch_size):
                batch = rows[start : start + batch_size]
                run(inputs[batch].to(device))


@contextmanager
def _new_arrays(
    paths: Mapping[Layer, Path], n_rows: int
) -> Iterator[Callable[[Layer, Float32[np.ndarray, "sample neuron"]], None]]:
    """A function that appends rows to the array of a layer; not through a map, whose pages cost more than writing.

    Opening a file for every batch takes as long as a small layer, but a network may have more layers than files may be
    open at once.
    """
    for layer, path in paths.items():
        _write_header(path, n_rows, layer)
    with ExitStack() as stack:
        kept = {layer: stack.enter_context(path.open("ab")) for layer, path in list(paths.items())[:KEPT_OPEN]}

        def append(layer: Layer, rows: Float32[np.ndarray, "sample neuron"]) -> None:
            try:
                if layer in kept:
                    kept[layer].write(rows.data)
                    return
                with paths[layer].open("ab") as file:
                    file.write(rows.data)
            except OSError as error:  # a disk that others fill
                raise StoreError(
                    "store.path", f"cannot be written ({error})", "another disk, or fewer layers"
                ) from error

        yield append


def _write_header(path: Path, n_rows: int, layer: Layer) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"descr": "<f4", "fortran_order": False, "shape": (n_rows, layer.n_neurons)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)


def _check_finite(layer: Layer, state: Float32[Tensor, "sample neuron"], rows: Int[np.ndarray, " sample"]) -> None:
    # A sum is finite only if all its terms are, and costs no mask; it may overflow, so it only acquits.
    if isfinite(float(state.sum())) or torch.isfinite(state).all():
        return
    bad = (~torch.isfinite(state)).numpy()
    neuron = int(bad.any(axis=0).argmax())
    name, first = layer.neuron_name(neuron), rows[bad.any(axis=1).argmax()]
    raise StateError(
        f"layer {layer.name}, {name}",
        f"{int(bad[:, neuron].sum())} NaN or infinite activations ({int(bad.sum())} in {int(bad.any(axis=0).sum())} "
        f"neurons of the layer) among the {len(rows)} inputs of a batch, the first is row {first}",
    )
