"""Networks trained elsewhere: with their weights, at initialisation for untrained twins, or as recorded states."""

from __future__ import annotations

import importlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from denote.errors import ConfigError, StoreError, first_line, install
from denote.notes import Note
from denote.object_models.weights import digest_weights
from denote.streams import stream_seed

log = logging.getLogger(__name__)


PREFIXES = ("", "network.", "model.", "module.")
"""What stands before the names of weights where they were saved inside of something: a LightningModule, a wrapper."""

SHOWN = 5
"""Names that an error lists, each way."""


class Pretrained(ABC):
    """A source of one architecture, with the weights that it was trained to and without.

    Attributes:
        readable_id: What tells it apart in tables.
        is_network: False where there is no network behind the states.
    """

    readable_id: str
    is_network: bool = True

    @abstractmethod
    def fresh(self) -> nn.Module:
        """Return the network at initialisation, drawn from torch's global generator only."""

    @abstractmethod
    def load(self) -> tuple[nn.Module, Sequence[str]]:
        """Return the network with its weights, and the names of those that were not there and are as drawn.

        Raises:
            DenoteError: if the weights cannot be had or do not fit.
        """

    @cached_property
    def _loaded(self) -> tuple[nn.Module, Sequence[str]]:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(stream_seed("missing weights", 0))
            network, missing = self.load()
        if missing:
            log.warning("%s", _remark(missing))
        return network.eval(), missing

    @property
    def network(self) -> nn.Module:
        """The network with its weights, in eval mode on the CPU; loaded once."""
        return self._loaded[0]

    @property
    def remark(self) -> str | None:
        """What every row must say of it: weights that it was not given."""
        missing = self._loaded[1]
        return _remark(missing) if missing else None

    @cached_property
    def weights(self) -> str:
        """Digest of the content of the weights, wherever they lie."""
        return digest_weights(self.network)


def fill(network: nn.Module, weights: Mapping[str, Tensor], where: str, prefix: str | None = None) -> None:
    """Fill a network with weights by name.

    Args:
        network: With as many parameters and buffers.
        weights: A state dict; names may all start with one prefix, and what has another is not the network's.
        where: What to name in an error.
        prefix: The prefix; None tries `PREFIXES` and takes the one that fits best.

    Raises:
        StoreError: listing the first names that the network lacks and those that it has besides, or a shape.
    """
    ours = network.state_dict()
    theirs = _without_prefix(weights, ours, prefix)
    given = {tensor.data_ptr() for name, tensor in ours.items() if name in theirs and tensor.numel()}
    # Tied weights may be saved once, under either name.
    missing = [name for name, tensor in ours.items() if name not in theirs and tensor.data_ptr() not in given]
    unknown = [name for name in theirs if name not in ours]
    if missing or unknown:
        lists = (("missing", missing), ("not in the network", unknown))
        listed = "; ".join(f"{what}: {_first(names)}" for what, names in lists if names)
        problem = f"weights do not match {type(network).__name__}: {listed}"
        raise StoreError(where, problem, "the class and arguments that the weights were trained with")
    for name, tensor in theirs.items():
        if tensor.shape != ours[name].shape:
            problem = f"{name} has shape {tuple(tensor.shape)} and {type(network).__name__} {tuple(ours[name].shape)}"
            raise StoreError(where, problem, "the arguments that the weights were trained with")
    network.load_state_dict(theirs, strict=False)


def _without_prefix(weights: Mapping[str, Tensor], ours: Mapping[str, Tensor], prefix: str | None) -> dict[str, Tensor]:
    stripped = [
        {name.removeprefix(start): tensor for name, tensor in weights.items() if name.startswith(start)}
        for start in (PREFIXES if prefix is None else (prefix,))
    ]
    return max(stripped, key=lambda named: len(named.keys() & ours.keys()))


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _remark(missing: Sequence[str]) -> str:
    return Note.of("missing_weights", weights=len(missing), first=_first(missing))


def imported(module: str, extra: str) -> Any:
    """Return a module of an extra.

    Args:
        module: Its import path.
        extra: Of denote that brings it.

    Raises:
        ConfigError: if it is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except (ImportError, RuntimeError) as error:
        problem = f"needs {module.partition('.')[0]}, which cannot be imported ({first_line(error)})"
        raise ConfigError("architecture", problem, install(extra)) from error


def name_of(path: str) -> str:
    """Return the last part of a path or of a Hub id, for tables."""
    return Path(path).name or path


class Recorded(Pretrained):
    """States of ``dataset=states`` as an object model, so that they are pooled, selected and stored like any others.

    Args:
        dataset: What the dataset offers: ``layers``, their names in order.
    """

    is_network = False
    readable_id = "recorded"

    def __init__(self, dataset: Mapping[str, Any]) -> None:
        if "layers" not in dataset:
            raise ConfigError("architecture", "recorded stands for recorded states alone", "dataset=states")
        self.layers: Sequence[str] = dataset["layers"]

    def fresh(self) -> nn.Module:
        """There is none.

        Raises:
            ConfigError: always.
        """
        raise ConfigError("architecture.trained", "of recorded states no initialisation is known", "allowed: true")

    def load(self) -> tuple[nn.Module, Sequence[str]]:
        """See `Pretrained`."""
        return HandsOn(self.layers), ()


class HandsOn(nn.Module):
    """A layer for every array, which gives it as it is.

    Args:
        layers: Their names, in order.
    """

    def __init__(self, layers: Sequence[str]) -> None:
        super().__init__()
        self.observed_layers = tuple(layers)
        # Not by add_module, which refuses the dots that names of layers have.
        self._modules.update({name: nn.Identity() for name in layers})

    def get_submodule(self, target: str) -> nn.Module:
        """Return a layer by its whole name, which may hold dots."""
        return self._modules.get(target) or super().get_submodule(target)

    def forward(self, **arrays: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample 0"]:
        """No output; what the layers give is seen on the way."""
        outputs: list[Tensor] = [self.get_submodule(name)(values) for name, values in arrays.items()]
        return outputs[0].new_empty(len(outputs[0]), 0)
