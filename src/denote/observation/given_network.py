"""A network in memory as a user hands it over."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from denote.data.batch import Batch, call
from denote.errors import ConfigError, told
from denote.states.hooks import eval_mode


def observable_network(model: Any, example: Batch) -> tuple[nn.Module, Batch]:
    """The model as a network whose layers can be looked at, and a batch where its weights are.

    Args:
        model: What a user handed over.
        example: One sample.

    Raises:
        ConfigError: naming ``model``: it is no network, has no weights yet, or does not run on the inputs.
    """
    model = getattr(model, "_orig_mod", model)  # what torch.compile was given
    if not isinstance(model, nn.Module):
        kind = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise ConfigError("model", f"{kind} came", "allowed: a torch.nn.Module")
    if any(isinstance(each, torch.jit.ScriptModule) for each in model.modules()):
        raise ConfigError("model", "nothing can look into a scripted module", "the model before torch.jit.script")
    check_has_weights(model, "model")
    example = example.to(next((each.device for each in model.parameters()), torch.device("cpu")))
    check_runs(model, example, "model", "inputs as the model takes them")
    return with_modules(model), example


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


def check_runs(network: nn.Module, example: Batch, where: str, allowed: str) -> None:
    """Run a network once without a hook: what fails now is its own or the inputs' doing.

    Args:
        network: It.
        example: One sample, where it is.
        where: What to name in an error.
        allowed: What to do instead.

    Raises:
        ConfigError: saying what the network said.
    """
    try:
        with eval_mode(network), torch.no_grad():
            call(network, example)
    except Exception as error:
        raise ConfigError(where, f"cannot be run on the inputs: {told(error)}", allowed) from error
