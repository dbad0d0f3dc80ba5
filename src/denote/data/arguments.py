"""What the forward of a network asks for, and which entries of a user's batch are something else."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

LABELS = ("label", "labels", "target", "targets", "y")
"""Names under which batches carry what a network should say, not what it is called with."""


@dataclass(frozen=True)
class Arguments:
    """The arguments of a network's forward.

    Attributes:
        required: Names of those without a default, in order.
        optional: Names of those with one.
        takes_any: Whether it takes arguments of any name.
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    takes_any: bool = False

    @classmethod
    def of(cls, network: Any) -> Arguments:
        """Return the arguments of a network; none where there is no network or its forward does not say."""
        network = getattr(network, "_orig_mod", network)  # what torch.compile was given
        inner = getattr(network, "called_instead", network)  # what only wraps it
        if not isinstance(inner, nn.Module):
            return cls()
        try:
            named = inspect.signature(inner.forward).parameters.values()
        except (TypeError, ValueError):
            return cls(takes_any=True)
        plain = [each for each in named if each.kind in (each.POSITIONAL_OR_KEYWORD, each.POSITIONAL_ONLY)]
        keyword = [each for each in named if each.kind is each.KEYWORD_ONLY]
        return cls(
            tuple(each.name for each in [*plain, *keyword] if each.default is each.empty),
            tuple(each.name for each in [*plain, *keyword] if each.default is not each.empty),
            any(each.kind in (each.VAR_KEYWORD, each.VAR_POSITIONAL) for each in named),
        )

    def takes_batch(self, given: Mapping[str, Any]) -> bool:
        """Whether the forward takes one object that holds everything, and none of it by name."""
        return len(self.required) == 1 and not self.takes_any and not set(given) & {*self.required, *self.optional}

    def without_lengths(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return a batch without lengths of sequences that the forward does not take."""
        taken = {*self.required, *self.optional}
        takes_all = self.takes_any or self.takes_batch(given) or not taken
        return {
            name: each for name, each in given.items() if takes_all or name in taken or not is_length(name, each)
        }  # fmt: skip

    def labels_among(self, given: Mapping[str, Any]) -> list[str]:
        """Return which entries are labels: by their name, unless the forward cannot do without them."""
        return [name for name in given if name.lower() in LABELS and name not in self.required and len(given) > 1]


def is_length(name: str, values: Tensor) -> bool:
    """Whether an entry is one whole number per row that is called a length."""
    return "len" in name.lower() and values.ndim == 1 and values.dtype not in (torch.bool, torch.float32, torch.float64)


class Fields(dict[str, Any]):
    """A batch whose entries are also its attributes, as networks expect that take a whole batch."""

    def __getattr__(self, name: str) -> Any:
        """Return an entry.

        Raises:
            AttributeError: if there is none.
        """
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(f"the batch holds no {name!r}, only {', '.join(self)}") from error
