"""One call of an operation of torch, as the rules for axes see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from denote.states.axes import Axes, Axis


@dataclass(frozen=True)
class Operation:
    """One call of an operation.

    Attributes:
        function: What was called.
        args: With these arguments, by place.
        named: And these, by name.
        result: What it gave.
        axes: The axes of tensors that were made of the inputs.
        is_weight: Whether a tensor is made of parameters alone.
        sample: The axis of samples.
    """

    function: Callable[..., Any]
    args: Sequence[Any]
    named: Mapping[str, Any]
    result: Any
    axes: Callable[[Tensor], Axes | None]
    is_weight: Callable[[Tensor], bool]
    sample: Axis

    def argument(self, place: int, *names: str, default: Any = None) -> Any:
        """An argument by its place, or by any of its names."""
        if place < len(self.args):
            return self.args[place]
        return next((self.named[name] for name in names if name in self.named), default)

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors among the arguments."""
        return list(tensors_in([*self.args, *self.named.values()]))

    @property
    def followed(self) -> list[tuple[Tensor, Axes]]:
        """Those that were made of the inputs, and their axes."""
        return [(each, axes) for each in self.tensors if (axes := self.axes(each)) is not None]


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors that something holds, whatever the nesting."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from tensors_in(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from tensors_in(each)


Found = Iterator[tuple[Tensor, Axes]]
Rule = Callable[[Operation], Found]
