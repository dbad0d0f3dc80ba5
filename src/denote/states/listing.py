"""The layers of a network in execution order, and how a user picks some of them."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from denote.errors import LayerError, one_of
from denote.states.hooks import Place, eval_mode, watched
from denote.states.layers import Layer
from denote.states.pooling import grid_after, pooling_of
from denote.states.sign import identified_signs

PASS_THROUGHS = (
    nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)  # fmt: skip
"""Modules that carry on what another layer already shows."""

Selection = int | str | Sequence[int | str]


def list_layers(network: nn.Module, example_input: Tensor, pooling: str = "mean") -> list[Layer]:
    """Every layer of a network in execution order, from a forward pass, and what its sign means from another.

    The layers are the modules that ``network.observed_layers`` names, if it does; else its leaf modules without
    pass-throughs. The second call of a module in one pass is a layer of its own, called ``name#2``.

    Args:
        network: Any module; its mode is restored.
        example_input: A batch with at least one input; values do not matter.
        pooling: ``mean``, ``max`` or ``flatten``, for layers that give feature maps.

    Raises:
        LayerError: if a layer's output is no tensor ``[sample, unit]`` or ``[sample, channel, y, x]``.
    """
    # Three equal inputs: the first axis is that of samples only if it is 3 everywhere.
    inputs = example_input[:1].expand(3, *example_input.shape[1:])
    outputs: dict[Place, object] = {}
    with eval_mode(network), torch.inference_mode(), watched(_observable(network), outputs.__setitem__):
        result = network(inputs)
    for name in getattr(network, "observed_layers", ()):
        if Place(name, 1) not in outputs:
            raise LayerError(f"layer {name}", "stands in observed_layers but is never called")
    shapes = {place: _shape(str(place), output) for place, output in outputs.items()}
    if not shapes:
        raise LayerError("layer.select", "the network calls no module that could be observed")
    signs = identified_signs(network, list(shapes), example_input)
    layers = []
    for depth, (place, shape) in enumerate(shapes.items()):
        kind = pooling_of(shape, pooling, str(place))
        relative = depth / (len(shapes) - 1) if len(shapes) > 1 else None
        is_head = depth == len(shapes) - 1 and _decides(outputs[place], result)
        layers.append(Layer(str(place), depth, relative, shape, kind, grid_after(shape, kind), is_head, signs[place]))
    return layers


def select_layers(layers: Sequence[Layer], select: Selection) -> list[Layer]:
    """The layers a user asks for, each once, in execution order.

    Args:
        layers: All layers, in execution order.
        select: A depth (negative from the end), a name or glob, ``all``, ``first``, ``middle``, ``last``, or a list
            of those.

    Raises:
        LayerError: if there is no such layer; lists them, the nearest first.
    """
    parts = [select] if isinstance(select, int | str) else list(select)
    if not parts:
        raise LayerError("layer.select", "no layer is asked for", one_of("", (layer.name for layer in layers)))
    chosen = {depth for part in parts for depth in _depths(layers, part)}
    return [layers[depth] for depth in sorted(chosen)]


def neuron_name(layer: Layer, index: int) -> str:
    """Where a neuron is in its layer: ``unit 17``, ``channel 3`` or ``channel 3, y 4, x 5``.

    Raises:
        IndexError: if the layer has no such neuron.
    """
    if not 0 <= index < layer.n_neurons:
        raise IndexError(f"layer {layer.name} has no neuron {index}: there are {layer.n_neurons}")
    if layer.pooling == "none":
        return f"unit {index}"
    if len(layer.grid) == 1:
        return f"channel {index}"
    _, height, width = layer.grid
    channel, position = divmod(index, height * width)
    return f"channel {channel}, y {position // width}, x {position % width}"


def _observable(network: nn.Module) -> dict[str, nn.Module]:
    names = getattr(network, "observed_layers", None)
    if names is not None:
        return _named_modules(network, names)
    return {
        name: module
        for name, module in network.named_modules()
        if name and not any(True for _ in module.children()) and not isinstance(module, PASS_THROUGHS)
    }


def _named_modules(network: nn.Module, names: Sequence[str]) -> dict[str, nn.Module]:
    modules = dict(network.named_modules(remove_duplicate=False))
    chosen: dict[str, nn.Module] = {}
    for name in names:
        if name not in modules:
            raise LayerError(
                "observed_layers", f"the network has no module {name!r}", one_of(name, filter(None, modules))
            )
        for other, module in chosen.items():
            if module is modules[name]:
                raise LayerError(
                    "observed_layers", f"{name!r} and {other!r} are one module, its calls cannot be told apart"
                )
        chosen[name] = modules[name]
    return chosen


def _shape(name: str, output: object) -> tuple[int, ...]:
    allowed = "a tensor [sample, unit] or [sample, channel, y, x]; observed_layers of the network can leave it out"
    if not isinstance(output, Tensor):
        raise LayerError(f"layer {name}", f"gives a {type(output).__name__}, not a tensor", allowed)
    if output.ndim not in (2, 4):
        raise LayerError(f"layer {name}", f"gives {output.ndim} axes {tuple(output.shape)} for 3 inputs", allowed)
    if output.shape[0] != 3:
        raise LayerError(f"layer {name}", f"gives {tuple(output.shape)} for 3 inputs: samples are not first", allowed)
    return tuple(output.shape[1:])


def _decides(output: object, result: object) -> bool:
    """Whether a network's last layer gives its result, as it is or by a function of as many numbers (a log-softmax)."""
    return isinstance(output, Tensor) and isinstance(result, Tensor) and output.numel() == result.numel()


def _depths(layers: Sequence[Layer], part: int | str) -> list[int]:
    n = len(layers)
    words = {"all": list(range(n)), "first": [0], "middle": [(n - 1) // 2], "last": [n - 1]}
    if isinstance(part, int):
        if not -n <= part < n:
            raise LayerError("layer.select", f"there is no depth {part}", f"allowed: {-n} to {n - 1}")
        return [part % n]
    names = [layer.name for layer in layers]
    exact = [depth for depth, name in enumerate(names) if name == part]
    found = exact or words.get(part) or [depth for depth, name in enumerate(names) if fnmatchcase(name, part)]
    if not found:
        raise LayerError("layer.select", f"no layer is called {part!r}", one_of(part, names))
    return found
