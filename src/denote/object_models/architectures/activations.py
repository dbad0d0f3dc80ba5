"""Activations and normalisations that an architecture may be given by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from denote.errors import ConfigError, one_of

T = TypeVar("T")

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "silu": nn.SiLU,
    "linear": nn.Identity,
}

UNIT_NORMALISATIONS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda width: nn.Identity(),
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
}

CHANNEL_NORMALISATIONS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda channels: nn.Identity(),
    "batch": nn.BatchNorm2d,
    "layer": lambda channels: nn.GroupNorm(1, channels),  # over channels and positions of one sample
}


class RandomSigns(nn.Module):
    """Multiplies every unit by +1 or -1, drawn once at construction and never learned.

    After an odd activation this changes nothing that a network can do, only which side of a unit is called *on*. What
    is said of that side alone is arbitrary by construction.

    Args:
        width: Number of units.
    """

    signs_are_arbitrary = True
    """Read where it is decided whether the sign of a layer's neurons is identified."""
    signs: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("signs", 2.0 * torch.randint(2, (width,)) - 1.0)

    def forward(self, units: Float[Tensor, "*sample unit"]) -> Float[Tensor, "*sample unit"]:
        """The units under their signs."""
        return units * self.signs


def named(table: Mapping[str, T], name: str, key: str) -> T:
    """The entry called ``name``.

    Raises:
        ConfigError: naming ``architecture.<key>`` and what is allowed, if there is none.
    """
    if name not in table:
        raise ConfigError(f"architecture.{key}", f"no {key} is called {name!r}", one_of(name, table))
    return table[name]


def at_least(number: int, least: int, key: str) -> int:
    """The whole number ``number``.

    Raises:
        ConfigError: naming ``architecture.<key>``, if it is no whole number or below ``least``.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise ConfigError(f"architecture.{key}", f"{number!r} cannot be used", f"a whole number from {least} up")
    return number
