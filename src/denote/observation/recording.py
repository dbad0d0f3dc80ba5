"""How the states of networks are had: from a store, and recorded there where they are not yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from denote.config.keys import digest
from denote.data.parts import Parts
from denote.data.samples import Samples
from denote.errors import ConfigError
from denote.notes import Note
from denote.states.hooks import device_of
from denote.states.layers import BLOCKS, Layer
from denote.states.listing import Listing, list_layers
from denote.states.randomised import Cascade
from denote.states.state import LayerState, state_of_all
from denote.states.store import StateStore

RANDOMISED = 1_000_003
"""Draw of the initialisation that randomised layers get: none of the untrained twins', whose numbers start at 0."""


@dataclass(frozen=True)
class Recording:
    """The samples that networks are run on, and the layers that are recorded.

    Attributes:
        store: Where states are kept, and how networks are run.
        samples: The dataset.
        parts: Its rows; states are those of *fit* and *test*.
        listing: The layers of the networks.
        extract: ``all`` records those too that nobody asked for, ``asked`` does not.
    """

    store: StateStore
    samples: Samples
    parts: Parts
    listing: Listing
    extract: str = "all"

    def holds(self, key: str, layers: Sequence[Layer]) -> bool:
        """Return whether the states of all these layers are in the store already."""
        return self.store.peek(key, self.samples.key, self.parts.observed, layers) is not None

    def states(self, key: str, network: nn.Module, layers: Sequence[Layer | None]) -> list[LayerState]:
        """Return the states of layers on *fit* and *test*; None stands for all listed layers side by side.

        Args:
            key: Of the network.
            network: It.
            layers: Which.
        """
        listed = [layer for layer in self.listing.layers if layer.is_listed]
        asked = list(dict.fromkeys([*(layer for layer in layers if layer), *(listed if None in layers else ())]))
        also = listed if self.extract == "all" else []
        states = self.store.states(key, network, self.samples, self.parts.observed, asked, also)
        by_name = {state.layer.name: state for state in states}
        return [
            state_of_all([by_name[each.name] for each in listed]) if layer is None else by_name[layer.name]
            for layer in layers
        ]

    def randomised(
        self, key: str, network: nn.Module, fresh: nn.Module, layers: Sequence[Layer | None]
    ) -> list[tuple[LayerState | None, str | None]]:
        """Return states on *fit* of every layer after all from the top down to it was drawn anew.

        Only one such network is held at a time.

        Args:
            key: Of the network.
            network: The trained network.
            fresh: Another initialisation of it.
            layers: Which.

        Returns:
            Per layer the state, or None, and what there is to say of it.
        """
        example = self.samples.inputs[self.parts.fit[:1]].to(device_of(network))
        every: Sequence[Layer] = self.listing.layers
        if self.listing.of != BLOCKS:  # what is replaced goes by blocks, whichever layers are observed
            every = list_layers(network, example, asked=[layer.name for layer in layers if layer])
        cascade = Cascade.of(network, fresh, example, every)
        randomised: list[tuple[LayerState | None, str | None]] = []
        for layer in layers:
            other = None if layer is None else cascade.down_to(layer)
            state = None
            if layer is not None and other is not None and other.reaches:
                other_key = randomised_key(key, layer.name)
                (state,) = self.store.states(other_key, other.network, self.samples, self.parts.fit, [layer])
            randomised.append((state, Note.of("no_top") if other is None else other.note))
        return randomised


def randomised_key(key: str, layer: str) -> str:
    """Return the key of a network that is randomised from the top down to a layer.

    Args:
        key: Of the network.
        layer: Name of the layer.
    """
    return digest([key, "randomised", layer, RANDOMISED])


def device_named(name: str) -> torch.device:
    """Where networks run, by ``device``: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        ConfigError: if there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise ConfigError("device", f"{name!r} is unknown", "allowed: auto, cpu, cuda, cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError("device", f"{name!r} is not supported", "allowed: auto, cpu, cuda, cuda:N")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device", f"{name!r} is not there: torch sees no GPU", "allowed: auto, cpu")
    return device
