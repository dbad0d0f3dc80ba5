"""Layers of a network: which modules are observed, where they lie in depth, how their neurons are arranged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby
from math import prod
from typing import Any

import numpy as np
from torch import nn

from denote.errors import LayerError, one_of
from denote.notes import Note

UNITS, MAP, SEQUENCE, HEADS = "units", "map", "sequence", "heads"
"""What a sample's output is: one axis of neurons; channels over positions in space; positions, each with neurons;
attention of every head from position to position."""

Selection = int | str | Sequence[int | str]
"""A depth (negative from the end), a name or glob, one of `WORDS`, or a list of those."""

WORDS = ("all", "first", "middle", "last")


def axes_text(axes: Sequence[str]) -> str:
    """Return what axes are in words, several positions side by side as one."""
    alike = [(name, len(list(same))) for name, same in groupby(axes)]
    return " x ".join(name if n == 1 or name != "position" else f"{n} positions" for name, n in alike)


@dataclass(frozen=True)
class Layer:
    """A place in the object model whose output is observed.

    Attributes:
        name: Import-like path of the module inside the network (see `denote.states.hooks.Place`), or ``state`` for all
            layers side by side.
        depth: Place in execution order, 0 first; None for ``state``. What is observed besides the listed layers (a
            block, what comes into a module) has the depth of the last of them that was made before it.
        relative_depth: depth / (number of listed layers - 1); None for ``state`` or a single layer.
        shape: Shape of one sample's output before pooling, its channels first; -1 for any number of positions.
        pooling: ``none``; of feature maps ``mean``, ``max``, ``flatten`` or ``centre``; of sequences ``mean``, ``max``,
            ``first``, ``last``, or ``token`` where samples are words; of attention ``max``.
        grid: Shape of the neuron axis after pooling: ``(128,)`` units, ``(16,)`` channels, ``(16, 8, 8)`` flattened.
        is_head: True for the network's last layer (the logits): drawn, never tested for a depth trend.
        sign_identified: Whether the sign of its neurons means something (:mod:`denote.states.sign`); None for ``state``
            and where nobody looked.
        kind: ``units``, ``map``, ``sequence`` or ``heads``: what a sample's output is.
        channels_last: Whether a map has its channels behind its positions.
        is_listed: False for what is observed only because it was asked for by name.
        axes: What every axis of the tensor is, in its order: ``sample``, ``channel``, ``position``, of attention also
            ``head``, ``query`` and ``key``; empty where its samples come first and its neurons last.
        module_class: Name of the class of the module that gives it; empty where there is none.
        note: What a reader of its results must know: axes that are a guess, another output on the same input.
    """

    name: str
    depth: int | None
    relative_depth: float | None
    shape: tuple[int, ...]
    pooling: str
    grid: tuple[int, ...]
    is_head: bool = False
    sign_identified: bool | None = None
    kind: str = "units"
    channels_last: bool = False
    is_listed: bool = True
    axes: tuple[str, ...] = ()
    module_class: str = ""
    note: Note | None = None

    @property
    def n_neurons(self) -> int:
        """Number of scalars in this layer's state."""
        return prod(self.grid)

    @property
    def shape_text(self) -> str:
        """Shape of one sample's output: ``16 x 8 x 8``, ``any x 64``."""
        return " x ".join("any" if size < 0 else str(size) for size in self.shape)

    @property
    def axes_text(self) -> str:
        """What the axes of the tensor are: ``sample x channel x position`` or ``sample x channel x 2 positions``."""
        return axes_text(self.axes or ("sample", "neuron"))

    def neuron_name(self, index: int) -> str:
        """Return where a neuron is in the layer: ``unit 17``, ``channel 3``, ``channel 3, y 4, x 5`` or ``head 2``.

        Raises:
            IndexError: if the layer has no such neuron.
        """
        if not 0 <= index < self.n_neurons:
            raise IndexError(f"layer {self.name} has no neuron {index}: there are {self.n_neurons}")
        if self.kind in (UNITS, SEQUENCE):
            return f"unit {index}"
        if self.kind == HEADS:
            return f"head {index}"
        channel, *position = (int(at) for at in np.unravel_index(index, self.grid))
        axes = ("z", "y", "x")[-len(position) :] if len(position) > 1 else ("position",)
        return ", ".join([f"channel {channel}", *(f"{axis} {at}" for axis, at in zip(axes, position, strict=False))])


def select_layers(layers: Sequence[Layer], select: Selection) -> list[Layer]:
    """Return the layers a user asks for, each once, in execution order.

    Args:
        layers: All layers, in execution order.
        select: What is asked for.

    Raises:
        LayerError: if there is no such layer; lists them, the nearest first.
    """
    parts = _parts_of(select)
    if not parts:
        raise LayerError("layer.select", "no layer is asked for", one_of("", (layer.name for layer in layers)))
    chosen = {index for part in parts for index in _indices(layers, part)}
    return [layers[index] for index in sorted(chosen)]


def asked_names(select: Selection) -> list[str]:
    """Return the names in a selection, which may be those of layers that are not listed."""
    return [part for part in _parts_of(select) if isinstance(part, str) and part not in WORDS]


def _parts_of(select: Any) -> list[int | str]:
    """Return what a selection lists, numbers of NumPy as whole numbers."""
    alone = isinstance(select, str | bytes) or not isinstance(select, Iterable)
    parts = [int(part) if isinstance(part, np.integer) else part for part in ([select] if alone else select)]
    for part in parts:
        if isinstance(part, bool) or not isinstance(part, int | str):
            raise LayerError("layer.select", f"{part!r}", "allowed: a depth, a name or glob, a list of those, or all")
    return parts


def _indices(layers: Sequence[Layer], part: int | str) -> list[int]:
    """Return the indices of the layers that one part of a selection means."""
    listed = [index for index, layer in enumerate(layers) if layer.is_listed]
    n = len(listed)
    if isinstance(part, int):
        if not -n <= part < n:
            raise LayerError("layer.select", f"there is no depth {part}", f"allowed: {-n} to {n - 1}")
        return [listed[part % n]]
    words = {"all": listed, "first": listed[:1], "middle": listed[(n - 1) // 2 : (n + 1) // 2], "last": listed[-1:]}
    names = [layer.name for layer in layers]
    exact = [index for index, name in enumerate(names) if name == part]
    chosen = exact or words.get(part) or [index for index in listed if fnmatchcase(names[index], part)]
    if not chosen:
        raise LayerError("layer.select", f"no layer is called {part!r}", one_of(part, names))
    return chosen


PASS_THROUGHS = (
    nn.Identity,
    nn.Flatten,
    nn.Unflatten,
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)
"""Modules that carry on what another layer already shows."""

PARAMETRIZATIONS = "parametrizations"

BLOCKS, LEAVES, MODULES = "blocks", "leaves", "modules"
OF = (BLOCKS, LEAVES, MODULES)
"""What the layers are: repeated blocks and the leaves around them, all leaves, all modules."""


def observable(network: nn.Module, of: str = BLOCKS) -> dict[str, nn.Module]:
    """The modules that are layers, by path: what ``network.observed_layers`` names, if it does, else by ``of``.

    Args:
        network: Any module.
        of: ``blocks``: modules of one class that stand in a list or a sequence, as the blocks of a transformer or a
            ResNet do, and the leaves outside of them; ``leaves``: what holds no other module; ``modules``: all.

    Raises:
        LayerError: if ``observed_layers`` names what is not there, or one module twice.
    """
    names = getattr(network, "observed_layers", None)
    if names is not None:
        return _named(network, names)
    if of not in OF:
        raise LayerError("layer.of", f"{of!r}", one_of(of, OF))
    every = _called(network)
    if of == MODULES:
        return every
    blocks = set(_blocks(network)) if of == BLOCKS else set()
    inside = {name for name in every if any(name.startswith(f"{block}.") for block in blocks)}
    leaves = {name for name, module in leaves_of(network).items() if not isinstance(module, PASS_THROUGHS)}
    return {name: module for name, module in every.items() if name in blocks or (name in leaves and name not in inside)}


def around(network: nn.Module, of: str = BLOCKS) -> dict[str, nn.Module]:
    """Return the modules that hold others and are no layers by `observable`: one may do work of its own around them.

    Args:
        network: Any module.
        of: As of `observable`; inside of blocks no module is one.
    """
    if getattr(network, "observed_layers", None) is not None or of == MODULES:
        return {}
    blocks = set(_blocks(network)) if of == BLOCKS else set()
    return {
        name: module
        for name, module in _called(network).items()
        if not is_leaf(module) and not any(name == block or name.startswith(f"{block}.") for block in blocks)
    }


def is_leaf(module: nn.Module) -> bool:
    """Whether a module holds no other but those that make its own weights (`torch.nn.utils.parametrize`)."""
    return all(name == PARAMETRIZATIONS for name, _ in module.named_children())


def leaves_of(network: nn.Module) -> dict[str, nn.Module]:
    """The leaves of a network, by path."""
    return {name: module for name, module in _called(network).items() if is_leaf(module)}


def _called(network: nn.Module) -> dict[str, nn.Module]:
    """The modules below a network, by path, without those that only make the weights of others."""
    every = {name: module for name, module in network.named_modules() if name}
    return {name: module for name, module in every.items() if PARAMETRIZATIONS not in name.split(".")}


def _blocks(network: nn.Module, path: str = "") -> Iterator[str]:
    """Paths of repeated blocks, the outermost ones."""
    children = {name: child for name, child in network.named_children() if not is_leaf(child)}
    often: set[type[nn.Module]] = set()
    if isinstance(network, nn.ModuleList | nn.Sequential):
        often = {kind for kind, times in Counter(map(type, children.values())).items() if times > 1}
        often -= {nn.ModuleList, nn.ModuleDict}  # they are never called
    for name, child in children.items():
        below = f"{path}.{name}" if path else name
        if type(child) in often:
            yield below
        else:
            yield from _blocks(child, below)


def _named(network: nn.Module, names: Sequence[str]) -> dict[str, nn.Module]:
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
