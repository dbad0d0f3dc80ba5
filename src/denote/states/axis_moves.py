"""Follow axes through operations without weights: reorder, flatten, join, take away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from denote.states.axes import HINT, READ, Axes, Axis, reshaped


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


def with_channels_second(strength: float) -> Rule:
    """An operation whose input has its channels on the axis after that of samples, before its positions."""

    def rule(op: Operation) -> Found:
        for given, axes in op.followed[:1]:
            if given.ndim > 2:
                axes[1].learn(strength)
                for axis in axes[2:]:
                    axis.learn(-strength)
        yield from by_shape(op)

    return rule


def gated(op: Operation) -> Found:
    """Halves of channels, one of which gates the other."""
    for _, axes in op.followed[:1]:
        axes[op.argument(1, "dim", default=-1)].learn(HINT)
    yield from by_shape(op)


def unfolded(op: Operation) -> Found:
    """Patches: those of F.unfold are channels by position."""
    for given, axes in op.followed[:1]:
        if op.result.ndim == 3 and given.ndim == 4:
            yield op.result, (axes[0], Axis(READ), Axis(-READ))
        else:
            yield from by_shape(op)


def moved(op: Operation) -> Found:
    """Axes that are put in another order, taken away or added: seen from what becomes of their sizes.

    The operation is tried on a tensor without contents whose axes have sizes of their own.
    """
    sizes = [1009 + 2 * place for place in range(8)]
    for given, axes in op.followed[:1]:
        tried = torch.empty(sizes[: given.ndim], device="meta", dtype=given.dtype)

        def like(value: Any, given: Tensor = given, tried: Tensor = tried) -> Any:
            return tried if value is given else value

        made = op.function(*map(like, op.args), **{name: like(value) for name, value in op.named.items()})
        for result, trial in zip(tensors_in(op.result), tensors_in(made), strict=True):
            yield result, tuple(axes[sizes.index(n)] if n in sizes else Axis() for n in trial.shape)


def over_one(op: Operation) -> Found:
    """What takes an axis away where it is told which, and works by place where it is not."""
    told = len(op.followed) == 1 and (len(op.args) > 1 or "dim" in op.named or "axis" in op.named)
    yield from (moved(op) if told else by_shape(op))


def unbound(op: Operation) -> Found:
    """A tensor for every place of an axis."""
    for given, axes in op.followed[:1]:
        gone = op.argument(1, "dim", default=0) % given.ndim
        for each in tensors_in(op.result):
            yield each, axes[:gone] + axes[gone + 1 :]


def squeezed(op: Operation) -> Found:
    """Without axes of size 1."""
    for given, axes in op.followed[:1]:
        dims = op.argument(1, "dim", default=tuple(range(given.ndim)))
        gone = {dim % given.ndim for dim in (dims if isinstance(dims, tuple | list) else (dims,))}
        kept = [a for place, a in enumerate(axes) if place not in gone or given.shape[place] != 1]
        yield op.result, tuple(kept)


def stacked(op: Operation) -> Found:
    """A new axis, at whose places lie tensors that are alike."""
    several = [axes for _, axes in op.followed]
    if not several:
        return
    for axes in several[1:]:
        for one, other in zip(several[0], axes, strict=True):
            one.join(other)
    at = op.argument(1, "dim", default=0) % op.result.ndim
    yield op.result, (*several[0][:at], Axis(-HINT), *several[0][at:])


def joined(op: Operation) -> Found:
    """Tensors behind each other on one of their axes."""
    several = [axes for _, axes in op.followed if len(axes) == op.result.ndim]
    for axes in several[1:]:
        for one, other in zip(several[0], axes, strict=True):
            one.join(other)
    if several:
        yield op.result, several[0]


def in_another_shape(op: Operation) -> Found:
    """A reshape."""
    for given, axes in op.followed[:1]:
        yield op.result, reshaped(axes, given.shape, op.result.shape)


def indexed(op: Operation) -> Found:
    """Indexing with numbers, slices, None and one list or tensor."""
    axes = op.axes(op.args[0])
    if axes is not None:
        yield op.result, _at(axes, op.args[1], op.result.ndim)


def _at(axes: Axes, key: Any, n: int) -> Axes:
    keys = list(key) if isinstance(key, tuple) else [key]
    used = sum(0 if each is None or each is Ellipsis else _covers(each) for each in keys)
    rest, made, many = list(axes), [], 0
    if not any(each is Ellipsis for each in keys):
        keys.append(Ellipsis)
    for each in keys:
        if each is Ellipsis:
            made += [rest.pop(0) for _ in range(len(axes) - used)]
        elif each is None:
            made.append(Axis())
        elif isinstance(each, slice):
            made.append(rest.pop(0))
        elif isinstance(each, int):
            rest.pop(0)
        else:
            taken = [rest.pop(0) for _ in range(_covers(each))]
            many += 1
            made += [Axis() if taken[0].root.sample else taken[0]]
    return tuple(made) if len(made) == n and many < 2 else tuple(Axis() for _ in range(n))


def _covers(key: Any) -> int:
    """Number of axes that one entry of an index is about."""
    return key.ndim if isinstance(key, Tensor) and key.dtype == torch.bool else 1


def written(op: Operation) -> Found:
    """A tensor into which another is written."""
    target, key, value = op.args
    axes = op.axes(target) or tuple(Axis() for _ in range(target.ndim))
    if isinstance(value, Tensor) and (theirs := op.axes(value)) is not None:
        within = _at(axes, key, target[key].ndim)
        for one, other in zip(reversed(within), reversed(theirs), strict=False):
            one.join(other)
        yield target, axes


def by_place(n: int, several: Iterable[Sequence[Axis | None]]) -> list[Axis | None]:
    """Return the last ``n`` axes of tensors that are broadcast; those of one place are joined, None stands for none."""
    made: list[Axis | None] = [None] * n
    for axes in several:
        for place, axis in zip(range(n - 1, -1, -1), reversed(axes), strict=False):
            if (there := made[place]) is not None and axis is not None:
                there.join(axis)
            made[place] = there or axis
    return made


def by_shape(op: Operation) -> Found:
    """What an operation does whose name says nothing: place by place, or axes of one size are the same."""
    for result in tensors_in(op.result):
        if (axes := _elementwise(op, result) or _in_order(op, result)) is not None:
            yield result, axes


def _elementwise(op: Operation, result: Tensor) -> Axes | None:
    """Axes of a result to which all arguments are broadcast."""
    fit = [
        (each.shape, axes)
        for each, axes in op.followed
        if each.ndim <= result.ndim
        and each.is_floating_point() == result.is_floating_point()  # an index is no operand, whatever its length
        and all(n in (1, m) for n, m in zip(reversed(each.shape), reversed(result.shape), strict=False))
    ]
    if not any(len(shape) == result.ndim for shape, _ in fit):
        return None
    sizes = result.shape
    whole = [
        [axis if n == m else None for axis, n, m in zip(axes, shape, sizes[len(sizes) - len(shape) :], strict=True)]
        for shape, axes in fit
    ]
    made = by_place(result.ndim, whole)
    axes = tuple(axis or Axis() for axis in made)
    for weight in op.tensors:
        if op.is_weight(weight) and weight.ndim <= result.ndim:
            wide = [place for place in range(1, weight.ndim + 1) if weight.shape[-place] > 1]
            for place in wide:
                if made[-place] is None:
                    axes[-place].learn(READ)
            if len(wide) == 1 and weight.shape[-wide[0]] == result.shape[-wide[0]]:
                axes[-wide[0]].learn(READ)
    return axes


def _in_order(op: Operation, result: Tensor) -> Axes | None:
    """Axes by place where there are as many, else those that alone have their size."""
    for given, axes in op.followed[:1]:
        if given.ndim == result.ndim:
            return axes
        sizes = list(given.shape)
        return tuple(
            axes[sizes.index(n)]
            if sizes.count(n) == 1 and list(result.shape).count(n) == 1
            else axes[0]
            if place == 0 and n == sizes[0]
            else Axis()
            for place, n in enumerate(result.shape)
        )
    return None


def nothing(op: Operation) -> Found:
    """What is new, such as zeros of another shape."""
    return iter(())
