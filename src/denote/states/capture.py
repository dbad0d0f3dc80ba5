"""Record the states of chosen layers: one batch in memory, or all inputs on disk, in one forward pass each."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import torch
from jaxtyping import Float32, Int
from torch import Tensor, nn

from denote.data.batch import Batch, Named, call
from denote.data.memory.given_columns import short_floats
from denote.errors import DenoteError, LayerError, StateError, told
from denote.progress import counted
from denote.states.hooks import Place, eval_mode, moved_to, padding_of, parts_of, watched
from denote.states.layers import Layer
from denote.states.pooling import ANY, arranged, pool

if TYPE_CHECKING:
    from denote.data.samples import Inputs


Record = Callable[[Batch], dict[str, Float32[Tensor, "sample neuron"]]]
"""From a batch of inputs to the state of each layer by name, on the CPU."""

Keep = Callable[[Layer, Float32[Tensor, "sample neuron"]], None]
"""Gets the state of a layer, on the CPU, before the next module runs, which may work in place on the same memory."""


class _SeenAll(Exception):  # noqa: N818 # no error: it ends a forward pass that nobody needs the rest of
    pass


@contextmanager
def capturing(network: nn.Module, layers: Sequence[Layer], *, stop_early: bool = True) -> Iterator[Record]:
    """Observe ``layers`` of a network inside the block; hooks, mode and gradients are as before when it is left.

    Args:
        network: Any module.
        layers: What to observe, as `list_layers` gives them.
        stop_early: End the forward pass after the deepest of them.

    Yields:
        A function from a batch of inputs to the pooled states by layer name.

    Raises:
        LayerError: when a batch does not reach a layer or its output has another shape than listed.
    """
    seen: dict[str, Tensor] = {}

    def keep(layer: Layer, state: Tensor) -> None:
        seen[layer.name] = state.clone()

    def record(batch: Batch) -> dict[str, Tensor]:
        seen.clear()
        run(batch)
        return {layer.name: seen[layer.name] for layer in layers}

    with handing_on(network, layers, keep, stop_early=stop_early) as run:
        yield record


@contextmanager
def handing_on(
    network: nn.Module, layers: Sequence[Layer], keep: Keep, *, stop_early: bool = True
) -> Iterator[Callable[[Batch], None]]:
    """Like `capturing`, but every state is handed on as soon as it is made, so that none has to be copied and held.

    Args:
        network: Any module.
        layers: What to observe, as `list_layers` gives them.
        keep: Gets every layer's state of a batch.
        stop_early: End the forward pass after the deepest of them.

    Yields:
        A function that runs a batch of inputs.

    Raises:
        LayerError: when a batch does not reach a layer or its output has another shape than listed.
    """
    asked: dict[tuple[str, int, bool], list[tuple[Layer, str]]] = defaultdict(list)
    for layer in layers:
        place = Place.of(layer.name)
        asked[(*place.at, place.is_input)].append((layer, place.part))
    modules = {name: network.get_submodule(name) for name, *_ in asked}
    seen: set[str] = set()
    batches: list[Batch] = []

    def look(place: Place, value: Any) -> None:
        for layer, part in asked.get((*place.at, place.is_input), ()):
            module = None if place.is_input else modules[place.module]
            batch = _with_padding(batches[-1], padding_of(value, part, module))
            keep(layer, _neurons(layer, parts_of(value, module).get(part), batch))
            seen.add(layer.name)
        if stop_early and len(seen) == len(layers):
            raise _SeenAll

    def run(batch: Batch) -> None:
        calls.clear()
        seen.clear()
        batches[:] = [batch]
        # Not in inference mode: what a network keeps of a pass, such as a table of positions, could not be trained on.
        with torch.no_grad(), suppress(_SeenAll):
            _call(network, batch)
        for layer in layers:
            if layer.name not in seen:
                raise LayerError(f"layer {layer.name}", "is not reached by every input")

    on_input = look if any(is_input for *_, is_input in asked) else None
    with eval_mode(network), watched(modules, look, on_input) as calls:
        yield run


def _call(network: nn.Module, batch: Batch) -> None:
    """Run a batch; what another library says of it becomes one line."""
    try:
        call(network, batch)
    except (DenoteError, _SeenAll):
        raise
    except Exception as error:
        problem = f"fails on a batch of {len(batch)} samples: {told(error)}"
        raise LayerError("network", problem, "inputs that it takes, all of them") from error


def _neurons(layer: Layer, output: Tensor | None, batch: Batch) -> Tensor:
    if output is None:
        raise LayerError(f"layer {layer.name}", "gives no such tensor for every input")
    shape = tuple(output.shape[1:])
    if output.ndim == (len(layer.axes) or output.ndim):
        output = arranged(output, layer)
        shape = tuple(output.shape[1:])
    if not _fits(layer, shape):
        shown = tuple("any" if size == ANY else size for size in layer.shape)
        raise LayerError(
            f"layer {layer.name}",
            f"gives {shape} for a sample, not {shown} as listed",
            "inputs of one shape, or a pooling that has neurons of channels",
        )
    state = pool(short_floats(output), layer, batch).to("cpu", torch.float32)
    if len(state) != len(batch):
        raise LayerError(f"layer {layer.name}", f"gives {len(state)} rows for {len(batch)} inputs")
    return state


def _with_padding(batch: Batch, mask: Tensor | None) -> Batch:
    """The batch, with the padding that packed sequences know of themselves."""
    if mask is None:
        return batch
    named = Named({"": batch}) if isinstance(batch, Tensor) else batch
    return replace(named, mask=mask)


def _fits(layer: Layer, shape: tuple[int, ...]) -> bool:
    """Whether what came has the neurons that were listed; what is pooled may have any number of positions."""
    if shape == layer.shape or len(shape) != len(layer.shape):
        return shape == layer.shape
    pooled = layer.kind == "sequence" or layer.grid == layer.shape[:1]
    return all(
        got == listed or listed == ANY or (pooled and axis > 0)
        for axis, (got, listed) in enumerate(zip(shape, layer.shape, strict=True))
    ) and (layer.kind != "sequence" or shape[1:] == layer.shape[1:])


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
    new_arrays(paths, len(rows))
    write_rows(network, inputs, rows, paths, batch_size, device)


def write_rows(
    network: nn.Module,
    inputs: Inputs,
    rows: Int[np.ndarray, " row"],
    paths: Mapping[Layer, Path],
    batch_size: int,
    device: torch.device,
    first: int = 0,
) -> None:
    """Run some of the inputs through the network and write their states into arrays that are there.

    Args:
        network: See `write_states`.
        inputs: See `write_states`.
        rows: Row ids of these inputs.
        paths: The arrays, made by `new_arrays`.
        batch_size: Inputs run at once.
        device: Where the network runs.
        first: Place in the arrays of the first of the rows.
    """
    batch = rows[:0]
    with moved_to(network, device), _written_from(paths, first) as append:

        def keep(layer: Layer, state: Tensor) -> None:
            _check_finite(layer, state, batch)
            append(layer, np.ascontiguousarray(state.numpy()))

        with handing_on(network, list(paths), keep) as run:
            for start in counted("batch", range(0, len(rows), batch_size)):
                batch = rows[start : start + batch_size]
                run(inputs[batch].to(device))


@contextmanager
def _written_from(
    paths: Mapping[Layer, Path], first: int
) -> Iterator[Callable[[Layer, Float32[np.ndarray, "sample neuron"]], None]]:
    """A function that writes the next rows of a layer's array; not through a map, whose pages cost more than writing.

    Opening a file for every batch takes as long as a small layer, but a network may have more layers than files may be
    open at once.
    """
    places = dict.fromkeys(paths, first)
    with ExitStack() as stack:
        kept = {layer: stack.enter_context(_opened_at(paths, layer, first)) for layer in list(paths)[:KEPT_OPEN]}

        def append(layer: Layer, rows: Float32[np.ndarray, "sample neuron"]) -> None:
            if layer in kept:
                kept[layer].write(rows.data)
            else:
                with _opened_at(paths, layer, places[layer]) as file:
                    file.write(rows.data)
            places[layer] += len(rows)

        yield append


def _opened_at(paths: Mapping[Layer, Path], layer: Layer, row: int) -> BinaryIO:
    """The file of a layer's array, at a row."""
    file = paths[layer].open("r+b")
    np.lib.format.read_magic(file)
    np.lib.format.read_array_header_1_0(file)
    file.seek(4 * layer.n_neurons * row, os.SEEK_CUR)
    return file


def new_arrays(paths: Mapping[Layer, Path], n_rows: int) -> None:
    """Make the ``.npy`` files of layers, of which no row is written yet, and their folders."""
    for layer, path in paths.items():
        _write_header(path, n_rows, layer)


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
