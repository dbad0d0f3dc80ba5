"""A network or recorded states in memory: their layers, keys, and states beside those they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from denote.config.keys import digest, digest_array, digest_tensor
from denote.data.batch import Batch
from denote.data.memory.given_columns import plain_array
from denote.data.samples import Inputs
from denote.errors import ConfigError, StateError, StoreError, told, type_in_words
from denote.evidence.controls.untrained import Untrained as UntrainedControl
from denote.notes import Note
from denote.observation.arguments import ControlStates, ObservationSettings
from denote.observation.recording import RANDOMISED, Recording
from denote.progress import step
from denote.states.capture import capturing
from denote.states.first_pass import CannotRunError, alike
from denote.states.hooks import device_of
from denote.states.layers import Layer, Selection, select_layers
from denote.states.listing import Listing, listing
from denote.states.state import LayerState
from denote.streams import stream_seed

LOOKED_AT = 4
"""Rows that a network is run on again before its states are taken from a store."""


def weights_key(network: nn.Module) -> str:
    """Key of a network: its modules' classes and settings, its weights and its buffers.

    Weights alone are not enough: activations, numbers of heads and strides have none. Code and hooks cannot be known
    (see `check_gives`).
    """
    modules = {name: _described(each) for name, each in network.named_modules(remove_duplicate=False)}
    buffers = dict(network.named_buffers(remove_duplicate=False))  # also those that are in no state dict
    return digest([modules, _key_of(buffers), _key_of(network.state_dict())])


def check_gives(network: nn.Module, inputs: Inputs, states: Sequence[LayerState], device: torch.device) -> None:
    """Refuse states from a store that are not what the network gives now.

    Args:
        network: What the states are said to be of.
        inputs: What they were recorded on.
        states: As they lie in the store.
        device: Where the network runs.

    Raises:
        StoreError: naming the first layer that gives something else.
    """
    rows = states[0].rows[:LOOKED_AT]
    home = next((each.device for each in network.parameters()), torch.device("cpu"))
    try:
        with capturing(network.to(device), [state.layer for state in states]) as record:
            given = record(inputs[rows].to(device))
    finally:
        network.to(home)
    for state in states:
        if not alike(given[state.layer.name], torch.from_numpy(np.array(state.at(rows)))):
            problem = "the network gives other states now: it draws at random, or its code or its hooks are others"
            raise StoreError(f"store, layer {state.layer.name}", problem, "another store, or none")


def _described(module: nn.Module) -> list[Any]:
    settings = {name: _setting(each) for name, each in vars(module).items() if name[0] != "_" and name != "training"}
    kind = type(module)
    return [kind.__module__, kind.__qualname__, {name: each for name, each in settings.items() if each is not None}]


def _setting(value: Any) -> Any:
    """An attribute of a module, if it is a number, a text, a type, a function or a list of those; else None."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.dtype):
        return str(value)
    if isinstance(value, Tensor):
        return digest_tensor(value)
    if isinstance(value, tuple | list):
        return [_setting(each) for each in value]
    name = getattr(value, "__qualname__", None)  # of a class or a function, such as an activation
    return None if name is None else f"{getattr(value, '__module__', '')}.{name}"


def _key_of(value: Any) -> Any:
    """Something of a state dict, in which quantised modules keep types and tuples too."""
    if isinstance(value, Tensor):
        return digest_tensor(value)
    if isinstance(value, Mapping):
        return {str(name): _key_of(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_key_of(each) for each in value]
    return repr(value)


TRIED = 8
"""Rows that a network is tried on before anything is recorded."""

Untrained = nn.Module | Callable[[], nn.Module] | None
"""The same network without training, or what makes one."""


def observable_network(model: Any) -> nn.Module:
    """Return the model as a network whose layers can be looked at.

    Args:
        model: What a user handed over.

    Raises:
        ConfigError: naming ``model``: it is no network, or has no weights yet.
    """
    model = getattr(model, "_orig_mod", model)  # what torch.compile was given
    if not isinstance(model, nn.Module):
        kind = f"the class {model.__name__}" if isinstance(model, type) else type_in_words(model)
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


@step("states")
def record_states(
    network: nn.Module,
    key: str,
    layers: Sequence[Layer],
    recording: Recording,
    settings: ObservationSettings,
    untrained: Untrained,
) -> tuple[list[LayerState], ControlStates]:
    """Record a network's layers, its untrained twins', and its own after randomisation.

    Torch's global generator is seeded for a factory; whoever calls keeps it.

    Args:
        network: The network.
        key: Its `weights_key`.
        layers: Which layers.
        recording: The samples, and how networks are run on them.
        settings: Which controls there are.
        untrained: The same network without training, or what makes one; a factory is also asked for a network whose
            layers replace the trained ones.
    """
    twins_asked = UntrainedControl.among(settings.controls).twins
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
    if settings.randomisation and factory is not None and any(probe.has_map for probe in settings.probes.values()):
        randomised = recording.randomised(key, network, _made(factory, RANDOMISED), layers)
    missing = {"randomised": Note.of("no_factory")} if factory is None else {}
    return states, ControlStates(others, randomised, missing=missing)


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
        raise ConfigError("untrained", f"gave {type_in_words(network)}", "a function that gives a fresh nn.Module")
    return with_modules(network)


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
