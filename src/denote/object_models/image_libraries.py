"""Networks of timm and torchvision by name, with the library's weights or those of a file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from denote.errors import ConfigError, DenoteError, StoreError, first_line, one_of
from denote.object_models.checkpoint import read_state_dict
from denote.object_models.pretrained import Pretrained, fill, needs

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

    def _check_name(self, known: Sequence[str]) -> None:
        if self.name not in known:
            near = one_of(self.name, known).partition(" allowed:")[0].removesuffix("allowed:")
            raise ConfigError("architecture.name", f"{self.library} has no network {self.name!r}",
                              near if near.startswith("did") else f"one of its {len(known)} names")  # fmt: skip


class Timm(ImageLibrary):
    """A network of timm."""

    library = "timm"

    def _make(self, *, fetched: bool) -> nn.Module:
        try:
            import timm
        except (ImportError, RuntimeError) as error:
            raise needs("timm", "vision", error) from error
        self._check_name([*timm.list_models(), *timm.list_pretrained()])
        network: nn.Module = timm.create_model(self.name, pretrained=fetched, **self.arguments)
        return network


class TorchVision(ImageLibrary):
    """A network of torchvision."""

    library = "torchvision"

    def _make(self, *, fetched: bool) -> nn.Module:
        try:
            from torchvision import models
        except (ImportError, RuntimeError) as error:
            raise needs("torchvision", "vision", error) from error
        self._check_name(models.list_models())
        network: nn.Module = models.get_model(self.name, weights=None, **self.arguments)
        if fetched:
            weights = models.get_model_weights(self.name).DEFAULT
            # The library's own way would unpickle whatever came.
            fill(network, weights.get_state_dict(progress=False, check_hash=True, weights_only=True), self.name)
        return network
