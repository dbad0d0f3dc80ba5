"""Networks with weights from a file (safetensors, a Lightning checkpoint or a state dict), or of an image library."""

from __future__ import annotations

import inspect
import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from pickle import UnpicklingError  # only the error
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from denote.config.given_files import check_regular
from denote.errors import ConfigError, DenoteError, StoreError, first_line, type_in_words
from denote.object_models.pretrained.source import Pretrained, fill, imported, name_of

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
        self,
        dataset: Mapping[str, Any],
        network_class: type[nn.Module],
        path: str,
        arguments: Mapping[str, Any] | None = None,
        prefix: str | None = None,
    ) -> None:
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
            allowed = f"allowed: the arguments of {self.network_class.__name__}"
            raise ConfigError("architecture.arguments", first_line(error), allowed) from error

    def load(self) -> tuple[nn.Module, Sequence[str]]:
        """See `Pretrained`."""
        network = self.fresh()
        fill(network, read_state_dict(self.path), str(self.path), self.prefix)
        return network, ()


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Return weights by name from a file, of which nothing is run.

    Args:
        path: safetensors, or what ``torch.save`` wrote of a state dict or of a mapping with one under ``state_dict``,
            as Lightning's checkpoints are.

    Raises:
        StoreError: if there is no such file, it holds more than weights and plain values, or cannot be read.
    """
    check_regular(path, "architecture.path", StoreError, "architecture.path=FILE")
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
    if not isinstance(inner, Mapping) or not inner or not all(isinstance(tensor, Tensor) for tensor in inner.values()):
        raise StoreError(str(path), f"holds no weights by name but {type_in_words(held)}", f"allowed: {CODE}")
    return dict(inner)


OFFLINE = (
    "download the weights where there is a network, and name the file: architecture.path=FILE; or "
    "architecture.trained=false for random weights"
)


class ImageLibrary(Pretrained):
    """A network by its name in a library.

    Args:
        dataset: What the dataset offers; not asked.
        name: Of the network.
        path: File of weights; None takes those that the library fetches.
        arguments: Further arguments of the library's function, such as ``num_classes``.
    """

    library: str

    def __init__(
        self, dataset: Mapping[str, Any], name: str, path: str | None = None, arguments: Mapping[str, Any] | None = None
    ) -> None:
        self.name, self.path, self.arguments = name, path, dict(arguments or {})
        self.readable_id = name

    def fresh(self) -> nn.Module:
        """See `Pretrained`."""
        return self._made(fetched=False)

    def load(self) -> tuple[nn.Module, Sequence[str]]:
        """See `Pretrained`."""
        if self.path is None:
            return self._made(fetched=True), ()
        network = self.fresh()
        fill(network, read_state_dict(Path(self.path).expanduser()), self.path)
        return network, ()

    def _made(self, *, fetched: bool) -> nn.Module:
        try:
            return self._make(fetched=fetched)
        except DenoteError:
            raise
        except (TypeError, ValueError, RuntimeError, OSError) as error:
            line = first_line(error)
            if fetched:
                raise StoreError(f"architecture.name={self.name}", f"no weights ({line})", OFFLINE) from error
            raise ConfigError(f"architecture.name={self.name}", line, f"allowed: networks of {self.library}") from error

    @abstractmethod
    def _make(self, *, fetched: bool) -> nn.Module: ...

    def _check_name(self, names: Sequence[str]) -> None:
        if self.name not in names:
            near = get_close_matches(self.name, names, n=1)
            allowed = f"did you mean '{near[0]}'?" if near else f"one of its {len(names)} names"
            raise ConfigError("architecture.name", f"{self.library} has no network {self.name!r}", allowed)


class Timm(ImageLibrary):
    """A network of timm."""

    library = "timm"

    def _make(self, *, fetched: bool) -> nn.Module:
        timm = imported("timm", "vision")
        self._check_name([*timm.list_models(), *timm.list_pretrained()])
        network: nn.Module = timm.create_model(self.name, pretrained=fetched, **self.arguments)
        return network


class TorchVision(ImageLibrary):
    """A network of torchvision."""

    library = "torchvision"

    def _make(self, *, fetched: bool) -> nn.Module:
        models = imported("torchvision.models", "vision")
        self._check_name(models.list_models())
        network: nn.Module = models.get_model(self.name, weights=None, **self.arguments)
        if fetched:
            weights = models.get_model_weights(self.name).DEFAULT
            # The library's own way would unpickle whatever came.
            fill(network, weights.get_state_dict(progress=False, check_hash=True, weights_only=True), self.name)
        return network
