"""A network in memory as a user hands it over, its layers, and its states beside those it is held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from denote.data.batch import Batch
from denote.errors import ConfigError
from denote.evidence.controls.untrained import Untrained as UntrainedControl
from denote.observation.asked import Asked
from denote.observation.facts import Beside
from denote.observation.identity import check_gives, weights_key
from denote.observation.recording import RANDOMISED, Recording
from denote.states.first_pass import CannotRunError
from denote.states.hooks import device_of
from denote.states.layers import Layer
from denote.states.listing import Listing, listing
from denote.states.state import LayerState
from denote.streams import stream_seed

TRIED = 8
"""Rows that a network is tried on before anything is recorded."""

Untrained = nn.Module | Callable[[], nn.Module] | None
"""The same network without training, or what makes one."""

NO_FACTORY = "randomised_similarity: needs untrained=a function that makes the network"


def observable_network(model: Any) -> nn.Module:
    """Return the model as a network whose layers can be looked at.

    Args:
        model: What a user handed over.

    Raises:
        ConfigError: naming ``model``: it is no network, or has no weights yet.
    """
    model = getattr(model, "_orig_mod", model)  # what torch.compile was given
    if not isinstance(model, nn.Module):
        kind = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise ConfigError("model", f"{kind} came", "allowed: a torch.nn.Module")
    if any(isinstance(each, torch.jit.ScriptModule) for each in model.modules()):
        raise ConfigError("model", "nothing can look into a scripted module", "the model before torch.jit.script")
    check_has_weights(model, "model")
    return with_modules(model)


def listed_layers(
    network: nn.Module,
    example: Batch,
    where: str = "model",
    allowed: str = "inputs as the model takes them",
    **options: Any,
) -> Listing:
    """List the layers of a network, see `listing`.

    Args:
        network: The network.
        example: Some samples.
        where: What to name where the network fails on them.
        allowed: What to do instead.
        **options: Of `listing`: ``pooling``, ``of``, ``asked``, ``kinds``.

    Raises:
        ConfigError: saying what the network said.
    """
    try:
        return listing(network, example.to(device_of(network)), **options)
    except CannotRunError as error:
        raise ConfigError(where, f"cannot be run on the inputs: {error}", allowed) from error


def check_has_weights(network: nn.Module, where: str) -> None:
    """Refuse a network without weights.

    Raises:
        ConfigError: naming ``where``.
    """
    held = [*network.parameters(), *network.buffers()]
    if any(each.is_meta for each in held):
        raise ConfigError(where, "its weights are on the meta device, so it has none", "the model with its weights")
    if any(isinstance(each, UninitializedParameter | UninitializedBuffer) for each in held):
        problem = "it is lazy and has no weights before its first call, which would draw them"
        raise ConfigError(where, problem, "the model after a call")


def with_modules(network: nn.Module) -> nn.Module:
    """The network, or a `Single` of it where it holds no other module, so that there is a layer."""
    network = getattr(network, "_orig_mod", network)
    return network if any(True for _ in network.children()) else Single(network)


class Single(nn.Module):
    """A network that holds no other module, as one that does: what it gives is the layer ``output``.

    Args:
        network: The network.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.output = network

    @property
    def called_instead(self) -> nn.Module:
        """The network, whose arguments these are."""
        network: nn.Module = self.output
        return network

    def forward(self, *arguments: Any, **named: Any) -> Any:
        """What the network gives."""
        return self.output(*arguments, **named)


def states_beside(
    network: nn.Module,
    key: str,
    layers: Sequence[Layer],
    recording: Recording,
    asked: Asked,
    untrained: Untrained,
) -> tuple[list[LayerState], Beside]:
    """Record a network's layers, its untrained twins', and its own after randomisation.

    Torch's global generator is seeded for a factory; whoever calls keeps it.

    Args:
        network: The network.
        key: Its `weights_key`.
        layers: Which layers.
        recording: The samples, and how networks are run on them.
        asked: Which controls there are.
        untrained: The same network without training, or what makes one; a factory is also asked for a network whose
            layers replace the trained ones.
    """
    twins_asked = UntrainedControl.among(asked.controls).twins
    was_held = recording.holds(key, layers)
    states = recording.states(key, network, layers)
    if was_held:
        check_gives(network, recording.samples.inputs, states, recording.store.device)
    if untrained is None or isinstance(untrained, nn.Module):
        factory, twins = None, [with_modules(untrained)] if untrained is not None and twins_asked else []
    else:
        factory, twins = untrained, [_made(untrained, draw) for draw in range(twins_asked)]
    _check_twins(network, key, twins)
    others = [recording.states(weights_key(twin), twin, layers) for twin in twins]
    randomised = []
    if factory is not None and any(probe.has_map for probe in asked.probes.values()):
        randomised = recording.randomised(key, network, _made(factory, RANDOMISED), layers)
    missing = {"randomised": NO_FACTORY} if factory is None else {}
    return states, Beside(others, randomised, missing=missing)


def _check_twins(network: nn.Module, key: str, twins: Sequence[nn.Module]) -> None:
    """Refuse as untrained what is another architecture, the model itself, or one network several times."""
    ours = {name: tuple(each.shape) for name, each in _tensors(network)}
    keys = [key]
    for twin in twins:
        check_has_weights(twin, "untrained")
        theirs = {name: tuple(each.shape) for name, each in _tensors(twin)}
        if differing := sorted({name for name, _ in ours.items() ^ theirs.items()}):
            shown = ", ".join(differing[:3])
            raise ConfigError("untrained", f"is another architecture: {shown} differ", "the model's class, untrained")
        keys.append(weights_key(twin))
        if keys[-1] == key:
            raise ConfigError("untrained", "has the weights of the model", "the network as it was before training")
        if keys[-1] in keys[:-1]:
            allowed = "a function that draws from torch's global generator, or one network"
            raise ConfigError("untrained", "makes the same network every time", allowed)


def _tensors(network: nn.Module) -> list[tuple[str, Tensor]]:
    return [(name, each) for name, each in network.state_dict().items() if isinstance(each, Tensor)]


def _made(factory: Callable[[], nn.Module], draw: int) -> nn.Module:
    """A network of a factory, from a stream of its own."""
    torch.default_generator.manual_seed(stream_seed("untrained", draw))
    network = factory()
    if not isinstance(network, nn.Module):
        raise ConfigError("untrained", f"gave a {type(network).__name__}", "a function that gives a fresh nn.Module")
    return with_modules(network)
