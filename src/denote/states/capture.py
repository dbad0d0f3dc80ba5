"""The states of chosen layers for a batch of inputs, from one forward pass that ends at the deepest of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float32
from torch import Tensor, nn

from denote.data.batch import Batch, Named, call
from denote.data.memory.given_columns import short_floats
from denote.errors import DenoteError, LayerError, told
from denote.states.hooks import Place, eval_mode, padding_of, parts_of, watched
from denote.states.layers import Layer
from denote.states.pooling import ANY, arranged, pool

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
        raise LayerError(f"layer {layer.name}", f"gives {shape} for a sample, not {shown} as listed",
                         "inputs of one shape, or a pooling that has neurons of channels")  # fmt: skip
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
