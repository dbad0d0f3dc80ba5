"""Which network is it? A key of everything that a module in memory shows of itself, and a look at what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from denote.data.samples import Inputs
from denote.errors import StoreError
from denote.keys import digest, digest_tensor
from denote.states.capture import capturing
from denote.states.mixing import alike
from denote.states.state import LayerState

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
