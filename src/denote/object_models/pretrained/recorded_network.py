"""The place of a network of which only the states are known: every layer hands on what was recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from denote.errors import ConfigError
from denote.object_models.pretrained.source import Pretrained


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
        found = self._modules.get(target)
        return super().get_submodule(target) if found is None else found

    def forward(self, **arrays: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample 0"]:
        """No output; what the layers give is seen on the way."""
        given: Tensor | None = None
        for name, values in arrays.items():
            given = self.get_submodule(name)(values)
        assert given is not None  # noqa: S101  (for the type checker; there is at least one layer)
        return given.new_empty(len(given), 0)
