"""Which modules of a network are layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from torch import nn

from denote.errors import LayerError, one_of

PASS_THROUGHS = (
    nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)  # fmt: skip
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
        name: module for name, module in _called(network).items()
        if not is_leaf(module) and not any(name == block or name.startswith(f"{block}.") for block in blocks)
    }  # fmt: skip


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
