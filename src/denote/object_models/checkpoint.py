"""A network of any class with weights from a file: safetensors, a Lightning checkpoint or a state dict, never code."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError  # only the error
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from denote.errors import ConfigError, StoreError, first_line
from denote.object_models.pretrained import Pretrained, fill, name_of

SAFE = ".safetensors"
CODE = "torch.save(network.state_dict(), ...) or safetensors on the machine that made it"


class Checkpoint(Pretrained):
    """A class and the weights of one of its networks.

    Args:
        dataset: What the dataset offers, by name of an argument: ``input_shape``, ``n_classes``, of token ids
            ``n_tokens`` and ``per_position``; a class that asks for one and is not given it gets it.
        network_class: The network's class.
        path: File of the weights.
        arguments: Of the class.
        prefix: What stands before the names of the weights in the file; None tries those that are usual.
    """

    def __init__(
        self, dataset: Mapping[str, Any], network_class: type[nn.Module], path: str,
        arguments: Mapping[str, Any] | None = None, prefix: str | None = None,
    ) -> None:  # fmt: skip
        if arguments is not None and not isinstance(arguments, Mapping):
            raise ConfigError("architecture.arguments", f"{arguments!r} came", "allowed: arguments by name")
        self.path, self.prefix, self.network_class = Path(path).expanduser(), prefix, network_class
        asked = inspect.signature(network_class).parameters
        self.arguments = {name: value for name, value in dataset.items() if name in asked} | dict(arguments or {})
        self.readable_id = f"{network_class.__name__.lower()}-{name_of(path)}"

    def fresh(self) -> nn.Module:
        """See `Pretrained`."""
        try:
            return self.network_class(**self.arguments)
        except (TypeError, ValueError) as error:
            name = self.network_class.__name__
            allowed = f"allowed: the arguments of {name}"
            raise ConfigError("architecture.arguments", first_line(error), allowed) from error

    def load(self) -> tuple[nn.Module, Sequence[str]]:
        """See `Pretrained`."""
        network = self.fresh()
        fill(network, read_state_dict(self.path), str(self.path), self.prefix)
        return network, ()


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Weights by name from a file, of which nothing is run.

    Args:
        path: safetensors, or what ``torch.save`` wrote of a state dict or of a mapping with one under ``state_dict``,
            as Lightning's checkpoints are.

    Raises:
        StoreError: if there is no such file, it holds more than weights and plain values, or cannot be read.
    """
    if not path.is_file():
        raise StoreError(str(path), "there is no such file", "architecture.path=FILE")
    try:
        if path.suffix == SAFE:
            return load_file(path)
        with warnings.catch_warnings(action="ignore"):  # of old formats, before they are refused or read all the same
            held = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        problem = "holds more than weights and plain values (code or objects), so it was not opened"
        raise StoreError(str(path), problem, f"allowed: weights alone, saved by {CODE}") from error
    except (OSError, EOFError, RuntimeError, ValueError, SafetensorError) as error:
        problem = f"cannot be read ({first_line(error)})"
        raise StoreError(str(path), problem, f"allowed: weights saved by {CODE}") from error
    inner = held.get("state_dict", held) if isinstance(held, Mapping) else held
    if not isinstance(inner, Mapping) or not inner or not all(isinstance(each, Tensor) for each in inner.values()):
        raise StoreError(str(path), f"holds no weights by name but a {type(held).__name__}", f"allowed: {CODE}")
    return dict(inner)
