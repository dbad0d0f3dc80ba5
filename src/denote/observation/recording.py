"""How the states of networks are had: from a store, and recorded there where they are not yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int
from torch import Tensor, nn

from denote.data.parts import Halves, Parts
from denote.data.samples import Inputs, Samples
from denote.errors import ConfigError
from denote.keys import digest
from denote.observers.reading import State
from denote.states.layers import Layer
from denote.states.randomised import randomised_from
from denote.states.state import LayerState, state_of_all
from denote.states.store import StateStore
from denote.states.stored import StoredState
from denote.states.token_counts import TokenCounts, are_token_ids

RANDOMISED = 1_000_003
"""Draw of the initialisation that randomised layers get: none of the untrained twins', whose numbers start at 0."""

UNTRAINED = "randomised_similarity: the object model is not trained"
NO_TOP = "randomised_similarity: all layers side by side have no top"


@dataclass(frozen=True)
class Recording:
    """The samples that networks are run on, and how.

    Attributes:
        store: Where states are kept.
        samples: The dataset.
        parts: Its rows; states are those of *fit* and *test*.
        every: All listed layers, of which ``extract="all"`` records those too that nobody asked for.
        extract: ``all`` or ``asked``.
        batch_size: Inputs run at once.
        device: Where networks run.
    """

    store: StateStore
    samples: Samples
    parts: Parts
    every: Sequence[Layer]
    extract: str = "all"
    batch_size: int = 256
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def holds(self, key: str, layers: Sequence[Layer]) -> bool:
        """Whether the states of all these layers are in the store already."""
        return self.store.peek(key, self.samples.key, self.parts.observed, layers) is not None

    def states(self, key: str, network: nn.Module, layers: Sequence[Layer | None]) -> list[LayerState]:
        """The states of layers on *fit* and *test*; None stands for all listed layers side by side.

        Args:
            key: Of the network.
            network: It.
            layers: Which.
        """
        listed = [layer for layer in self.every if layer.is_listed]
        asked = list(dict.fromkeys([*(layer for layer in layers if layer), *(listed if None in layers else ())]))
        states = self.store.states(
            key, network, self.samples, self.parts.observed, asked, every=listed, extract=self.extract,
            batch_size=self.batch_size, device=self.device,
        )  # fmt: skip
        by_name = {state.layer.name: state for state in states}
        together = [by_name[layer.name] for layer in listed] if None in layers else []
        return [state_of_all(together) if layer is None else by_name[layer.name] for layer in layers]

    def randomised(
        self, key: str, network: nn.Module, fresh: nn.Module, layers: Sequence[Layer | None]
    ) -> list[tuple[LayerState | None, str | None]]:
        """States on *fit* of every layer after all from the top of the network down to it was drawn anew.

        Only one such network is held at a time.

        Args:
            key: Of the network.
            network: The trained network.
            fresh: Another initialisation of it.
            layers: Which.

        Returns:
            Per layer the state, or None, and what there is to say of it.
        """
        home = next((each.device for each in network.parameters()), torch.device("cpu"))
        example = self.samples.inputs[self.parts.fit[:1]].to(home)
        found: list[tuple[LayerState | None, str | None]] = []
        for layer in layers:
            if layer is None:
                found.append((None, NO_TOP))
                continue
            other = randomised_from(network, fresh, example, layer)
            if not other.reaches:
                found.append((None, other.note))
                continue
            (state,) = self.store.states(
                digest([key, "randomised", layer.name, RANDOMISED]), other.network, self.samples, self.parts.fit,
                [layer], extract="asked", batch_size=self.batch_size, device=self.device,
            )  # fmt: skip
            found.append((state, other.note))
        return found


def raw_input(samples: Samples, parts: Parts, memory_limit: int) -> Halves[State] | None:
    """The flattened inputs of *fit* and *test*; drawn or read when asked for where they would fill the memory.

    Of token ids how often each is in a sample; None where inputs are neither numbers of one shape nor ids.

    Args:
        samples: The dataset.
        parts: Its rows.
        memory_limit: Bytes that the observers may hold at once.
    """
    inputs = numbers_of(samples.inputs, parts.fit)
    if inputs is None:
        return None
    fit, test = (StoredState(inputs, rows) for rows in (parts.fit, parts.test))
    if fit.nbytes + test.nbytes > memory_limit // 8:
        return Halves(fit, test)
    return Halves(fit[:], test[:])


@dataclass(frozen=True)
class Flattened:
    """Inputs as numbers side by side, so that observers read them like a state.

    Attributes:
        inputs: The inputs, each one tensor.
    """

    inputs: Inputs

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and of numbers of an input."""
        return len(self.inputs), prod(self.inputs.shape)

    def __getitem__(self, key: tuple[Any, Any]) -> Float32[np.ndarray, "row number"]:
        rows, columns = key
        places = np.arange(len(self.inputs))[rows] if isinstance(rows, slice) else rows
        batch = self.inputs[places]
        if not isinstance(batch, Tensor):
            raise TypeError("inputs by name are not numbers side by side")
        values: np.ndarray = batch.flatten(1).float().numpy()[:, columns]
        return values


def numbers_of(inputs: Inputs, fit: Int[np.ndarray, " row"]) -> Flattened | TokenCounts | None:
    """Inputs as numbers side by side, None where they are none."""
    example = inputs[fit[:1]]
    if isinstance(example, Tensor):
        return None if example.is_complex() else Flattened(inputs)
    return TokenCounts.of(inputs, fit) if are_token_ids(example) else None


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
