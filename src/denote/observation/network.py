"""The states of a network in memory, and of those that it is held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from denote.errors import ConfigError
from denote.evidence.controls.raw_input import RawInput
from denote.evidence.controls.untrained import Untrained as UntrainedControl
from denote.observation.asked import Asked
from denote.observation.facts import Beside
from denote.observation.given_network import check_has_weights, with_modules
from denote.observation.identity import check_gives, weights_key
from denote.observation.recording import RANDOMISED, Recording, raw_input
from denote.states.layers import Layer
from denote.states.state import LayerState
from denote.streams import stream_seed

Untrained = nn.Module | Callable[[], nn.Module] | None
"""The same network without training, or what makes one."""

NO_FACTORY = "randomised_similarity: needs untrained=a function that makes the network"


def states_beside(
    model: nn.Module, key: str, layers: Sequence[Layer], recording: Recording, asked: Asked, untrained: Untrained,
    memory_limit: int,
) -> tuple[list[LayerState], Beside]:  # fmt: skip
    """Record a network's layers, its untrained twins', and its own after randomisation.

    Torch's global generator is seeded for a factory; whoever calls keeps it.

    Args:
        model: The network.
        key: Its `weights_key`.
        layers: Which layers.
        recording: The samples, and how networks are run on them.
        asked: Which controls there are.
        untrained: The same network without training, or what makes one; a factory is also asked for a network whose
            layers replace the trained ones.
        memory_limit: Bytes that the observers may hold at once.
    """
    twins_asked = UntrainedControl.among(asked.controls).twins
    was_held = recording.holds(key, layers)
    states = recording.states(key, model, layers)
    if was_held:
        check_gives(model, recording.samples.inputs, states, recording.device)
    if untrained is None or isinstance(untrained, nn.Module):
        factory, twins = None, [with_modules(untrained)] if untrained is not None and twins_asked else []
    else:
        factory, twins = untrained, [_made(untrained, draw) for draw in range(twins_asked)]
    _check_twins(model, key, twins)
    others = [recording.states(weights_key(twin), twin, layers) for twin in twins]
    randomised = []
    if factory is not None and any(probe.has_map for probe in asked.probes.values()):
        randomised = recording.randomised(key, model, _made(factory, RANDOMISED), layers)
    reads_input = RawInput.among(asked.controls).enabled
    shown = raw_input(recording.samples, recording.parts, memory_limit) if reads_input else None
    missing = {"randomised": NO_FACTORY} if factory is None else {}
    return states, Beside(others, randomised, shown, missing)


def _check_twins(model: nn.Module, key: str, twins: Sequence[nn.Module]) -> None:
    """Refuse as untrained what is another architecture, the model itself, or one network several times."""
    ours = {name: tuple(each.shape) for name, each in _tensors(model)}
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
