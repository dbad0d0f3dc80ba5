"""The states of chosen layers for a batch of inputs, from one forward pass that ends at the deepest of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from denote.errors import LayerError
from denote.states.hooks import Place, eval_mode, watched
from denote.states.layers import Layer
from denote.states.pooling import pool

Record = Callable[[Float[Tensor, " sample *shape"]], dict[str, Float32[Tensor, "sample neuron"]]]
"""From a batch of inputs to the state of each layer by name, on the CPU."""


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
    asked = {Place.of(layer.name): layer for layer in layers}
    modules = {place.module: network.get_submodule(place.module) for place in asked}
    seen: dict[str, Tensor] = {}

    def on_output(place: Place, output: object) -> None:
        layer = asked.get(place)
        if layer is None:
            return
        seen[layer.name] = _neurons(layer, output)
        if stop_early and len(seen) == len(asked):
            raise _SeenAll

    with eval_mode(network), watched(modules, on_output) as calls:
        yield lambda inputs: _forward(network, inputs, calls, seen, layers)


def _forward(
    network: nn.Module, inputs: Tensor, calls: Counter[str], seen: dict[str, Tensor], layers: Sequence[Layer]
) -> dict[str, Tensor]:
    calls.clear()
    seen.clear()
    with torch.inference_mode(), suppress(_SeenAll):
        network(inputs)
    for layer in layers:
        if layer.name not in seen:
            raise LayerError(f"layer {layer.name}", "is not reached by every input")
        if len(seen[layer.name]) != len(inputs):
            raise LayerError(f"layer {layer.name}", f"gives {len(seen[layer.name])} rows for {len(inputs)} inputs")
    return dict(seen)


def _neurons(layer: Layer, output: object) -> Tensor:
    if not isinstance(output, Tensor) or tuple(output.shape[1:]) != layer.shape:
        shape = tuple(output.shape[1:]) if isinstance(output, Tensor) else type(output).__name__
        raise LayerError(f"layer {layer.name}", f"gives {shape} for a sample, not {layer.shape} as listed")
    # A copy: a later module may work in place.
    return pool(output, layer.pooling).to("cpu", torch.float32, copy=True)
