"""What operations of torch do with axes, by the name that an operation has in torch, in Tensor and in F alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from denote.states.axes import FAINT, HINT, MADE, NORMED, READ, Axes, Axis, reshaped


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


def convolution(op: Operation) -> Found:
    """Channels, then positions, over which one kernel moves."""
    given, weight = op.argument(0, "input"), op.argument(1, "weight")
    axes = op.axes(given)
    if axes is None:
        return
    at = given.ndim - weight.ndim + 1  # 0 without an axis of samples
    axes[at].learn(READ)
    for axis in axes[at + 1 :]:
        axis.learn(-READ)
    yield op.result, (*axes[:at], Axis(MADE), *(Axis(-MADE) for _ in axes[at + 1 :]))


def linear(op: Operation) -> Found:
    """The last axis is read; the others stay."""
    axes = op.axes(op.argument(0, "input"))
    if axes is None:
        return
    _reads_last(axes)
    yield op.result, (*axes[:-1], Axis(MADE))


def _reads_last(axes: Axes) -> None:
    axes[-1].learn(READ)
    for axis in axes[1:-1]:
        axis.learn(-FAINT)


def bilinear(op: Operation) -> Found:
    """The last axes of both are read; the others stay."""
    both = [axes for _, axes in op.followed]
    for axes in both:
        _reads_last(axes)
        for one, other in zip(axes[:-1], both[0][:-1], strict=True):
            one.join(other)
    yield op.result, (*both[0][:-1], Axis(MADE))


def embedding(op: Operation) -> Found:
    """A vector at every position."""
    axes = op.axes(op.argument(0, "input"))
    if axes is None:
        return
    for axis in axes[1:]:
        axis.learn(-READ)
    yield op.result, (*axes[: op.result.ndim - 1], Axis(MADE))


def last_normalised(op: Operation) -> Found:
    """One number per place of the last axis."""
    for _, axes in op.followed[:1]:
        if len(op.argument(1, "normalized_shape", default=())) == 1:
            axes[-1].learn(NORMED if op.argument(2, "weight") is not None else READ)
        yield op.result, axes


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


def product(op: Operation) -> Found:
    """A matrix product, whose factors come last among the arguments."""
    first, second = [each for each in op.tensors if each.ndim][-2:]
    yield op.result, _contracted(op, first, second)


def reflected_product(op: Operation) -> Found:
    """``other @ self`` as Python calls it."""
    second, first = op.args
    yield op.result, _contracted(op, first, second)


def _contracted(op: Operation, first: Tensor, second: Tensor) -> Axes:
    left, right = op.axes(first), op.axes(second)
    n = op.result.ndim
    if first.ndim == 1 or second.ndim == 1:
        longer = left if first.ndim > 1 else right
        return (longer or ())[:n] if longer is not None and len(longer) >= n else tuple(Axis() for _ in range(n))
    rows: Axis | None = left[-2] if left is not None else None
    columns: Axis | None = right[-1] if right is not None else None
    if left is not None and right is not None:
        left[-1].join(right[-2])
    elif left is not None:
        columns = _after(op, second, left[-1], second.shape[-1] == second.shape[-2])
        for axis in left[1:-1]:
            axis.learn(-FAINT)
    elif right is not None:
        rows = _after(op, first, right[-2], first.shape[-1] == first.shape[-2], before=True)
    leading = _broadcast(op, n - 2, [each[:-2] for each in (left, right) if each is not None])
    return (*leading, rows or Axis(), columns or Axis())


def _after(op: Operation, matrix: Tensor, read: Axis, is_square: bool, *, before: bool = False) -> Axis:
    """The axis that a matrix of fixed numbers makes of another: of weights it is one of channels.

    A square matrix that is learned and comes first may be a graph as well, so it proves less.
    """
    if op.is_weight(matrix):
        read.learn(READ)
        return Axis(READ if before and is_square else MADE)
    return read if is_square else Axis()


def _broadcast(op: Operation, n: int, several: Sequence[Axes]) -> Axes:
    made: list[Axis | None] = [None] * n
    for axes in several:
        for place in range(1, min(n, len(axes)) + 1):
            if (there := made[-place]) is None:
                made[-place] = axes[-place]
            else:
                there.join(axes[-place])
    return tuple(axis or Axis() for axis in made)


def summed(op: Operation) -> Found:
    """`torch.einsum` with an equation of letters."""
    factors = list(tensors_in(op.args[1:]))
    before, after = _letters(op.args[0], [factor.ndim for factor in factors], op.result.ndim)
    known: dict[str, Axis] = {}
    factors_of = list(zip(before, factors, strict=True))
    for letters, factor in factors_of:
        for letter, axis in zip(letters, op.axes(factor) or (), strict=False):
            if letter in known:
                known[letter].join(axis)
            known[letter] = axis
    for letters, factor in factors_of:
        if op.axes(factor) is not None:
            continue
        new = [letter for letter in letters if letter not in known]
        read = [letter for letter in letters if letter in known and letter not in after]
        for letter in read if op.is_weight(factor) else ():
            known[letter].learn(READ)
        for letter in new:
            is_square = len(read) == 1 and factor.shape[letters.index(letter)] == factor.shape[letters.index(read[0])]
            if op.is_weight(factor) and read:
                known[letter] = Axis(READ if is_square and letters[0] == letter else MADE)
            elif is_square:
                known[letter] = known[read[0]]
    yield op.result, tuple(known.get(letter) or Axis() for letter in after)


def _letters(equation: str, sizes: Sequence[int], n_after: int) -> tuple[list[str], str]:
    """The letters of every factor and of the result, with digits for the axes that an ellipsis stands for."""
    before, _, after = equation.replace(" ", "").partition("->")
    if "->" not in equation:
        once = sorted(letter for letter in set(before) - set(",.") if before.count(letter) == 1)
        after = ("..." if "..." in before else "") + "".join(once)

    def spelt(letters: str, n: int) -> str:
        n_hidden = n - len(letters.replace("...", ""))
        return letters.replace("...", "".join(str(place) for place in reversed(range(n_hidden))))

    return [spelt(each, n) for each, n in zip(before.split(","), sizes, strict=True)], spelt(after, n_after)


def contracted(op: Operation) -> Found:
    """`torch.tensordot`: the axes that are left of both, one after the other."""
    first, second = op.tensors[:2]
    dims = op.argument(2, "dims", default=2)
    gone, with_it = (range(first.ndim - dims, first.ndim), range(dims)) if isinstance(dims, int) else dims
    left, right = op.axes(first), op.axes(second)
    gone, with_it = [dim % first.ndim for dim in gone], [dim % second.ndim for dim in with_it]
    new = MADE if op.is_weight(second) or op.is_weight(first) else 0.0
    if op.is_weight(second) and left is not None:
        for dim in gone:
            left[dim].learn(READ)
    left, right = left or tuple(Axis(new) for _ in first.shape), right or tuple(Axis(new) for _ in second.shape)
    kept = [axis for dim, axis in enumerate(left) if dim not in gone]
    yield op.result, (*kept, *(axis for dim, axis in enumerate(right) if dim not in with_it))


def attended(op: Operation) -> Found:
    """`F.scaled_dot_product_attention`: queries by the width of values."""
    query, key, value = (op.axes(op.argument(i, name)) for i, name in enumerate(("query", "key", "value")))
    if query is None:  # learned, and the same for every sample
        query = (*(key or ())[:-2], Axis(), Axis())
    query[-2].learn(-READ)
    if key is not None and value is not None:
        key[-2].learn(-READ)
        key[-2].join(value[-2])
        query[-1].join(key[-1])
    yield op.result, (*query[:-1], value[-1] if value is not None else Axis())


def attended_by_heads(op: Operation) -> Found:
    """`F.multi_head_attention_forward`: positions, samples, channels, and the weights of positions on positions."""
    query, key = op.axes(op.argument(0, "query")), op.axes(op.argument(1, "key"))
    if query is None:  # learned, and the same for every sample
        query = (Axis(), *(key or ())[1:-1], Axis())
    query[0].learn(-READ)
    query[-1].learn(READ)
    output, weights = op.result
    yield output, (*query[:-1], Axis(MADE))
    if weights is not None:
        at = key[0] if key is not None else Axis(-READ)
        ahead = [Axis(MADE)] * (weights.ndim - 2 - (len(query) == 3))
        yield weights, (*query[1:-1], *ahead, query[0], Axis(-READ) if at is query[0] else at)


def unpacked(op: Operation) -> Found:
    """Steps of sequences of unlike lengths, brought back into an array."""
    for _, axes in op.followed[:1]:
        first = (op.sample, Axis(-MADE)) if op.argument(2, "batch_first") else (Axis(-MADE), op.sample)
        yield op.result[0], (*first, *axes[1:])


def packed(op: Operation) -> Found:
    """Steps of sequences of unlike lengths, one after the other."""
    for _, axes in op.followed[:1]:
        yield op.result[0], (Axis(), *axes[2:])


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
    given, axes = op.args[0], op.axes(op.args[0])
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


def by_shape(op: Operation) -> Found:
    """What an operation does whose name says nothing: place by place, or axes of one size are the same."""
    for result in tensors_in(op.result):
        if (axes := _elementwise(op, result) or _in_order(op, result)) is not None:
            yield result, axes


def _elementwise(op: Operation, result: Tensor) -> Axes | None:
    """Axes of a result to which all arguments are broadcast."""
    fit = [
        (each, axes) for each, axes in op.followed
        if each.ndim <= result.ndim
        and all(n in (1, m) for n, m in zip(reversed(each.shape), reversed(result.shape), strict=False))
    ]  # fmt: skip
    if not any(each.ndim == result.ndim for each, _ in fit):
        return None
    made: list[Axis | None] = [None] * result.ndim
    for each, axes in fit:
        for place in range(1, each.ndim + 1):
            if each.shape[-place] != result.shape[-place]:
                continue
            if (there := made[-place]) is None:
                made[-place] = axes[-place]
            else:
                there.join(axes[-place])
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
            axes[sizes.index(n)] if sizes.count(n) == 1 and list(result.shape).count(n) == 1
            else axes[0] if place == 0 and n == sizes[0] else Axis()
            for place, n in enumerate(result.shape)
        )  # fmt: skip
    return None


def nothing(op: Operation) -> Found:
    """What is new, such as zeros of another shape."""
    return iter(())


def _under(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


RESHAPES = _under(in_another_shape, "view reshape flatten unflatten view_as reshape_as ravel _unsafe_view")
MOVES = _under(moved, "permute transpose swapaxes swapdims movedim moveaxis T mT H mH t adjoint unsqueeze")
SQUEEZES = _under(squeezed, "squeeze")

RULES: dict[str, Rule] = {
    **RESHAPES, **MOVES, **SQUEEZES,
    **_under(convolution, "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"),
    **_under(linear, "linear"), **_under(bilinear, "bilinear"), **_under(embedding, "embedding embedding_bag"),
    **_under(last_normalised, "layer_norm rms_norm"),
    **_under(with_channels_second(NORMED), "batch_norm"),
    **_under(with_channels_second(READ), "instance_norm group_norm prelu pixel_shuffle pixel_unshuffle"),
    **_under(
        with_channels_second(HINT),
        "max_pool1d max_pool2d max_pool3d max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices "
        "avg_pool1d avg_pool2d avg_pool3d lp_pool1d lp_pool2d lp_pool3d adaptive_max_pool1d adaptive_max_pool2d "
        "adaptive_max_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d fractional_max_pool2d "
        "max_unpool1d max_unpool2d max_unpool3d interpolate upsample dropout1d dropout2d dropout3d local_response_norm",
    ),
    **_under(gated, "glu"), **_under(unfolded, "unfold"),
    **_under(product, "matmul __matmul__ mm bmm addmm baddbmm addbmm mv"),
    **_under(reflected_product, "__rmatmul__"), **_under(summed, "einsum"), **_under(contracted, "tensordot"),
    **_under(attended, "scaled_dot_product_attention"), **_under(attended_by_heads, "multi_head_attention_forward"),
    **_under(packed, "_pack_padded_sequence"), **_under(unpacked, "_pad_packed_sequence"),
    **_under(over_one, "mean sum amax amin std var logsumexp prod norm max min median nanmean nansum any all argmax "
                       "argmin select"),
    **_under(unbound, "unbind __iter__"), **_under(stacked, "stack"), **_under(joined, "cat concat concatenate"),
    **_under(indexed, "__getitem__"), **_under(written, "__setitem__"),
    **_under(nothing, "new_zeros new_ones new_empty new_full new_tensor"),
}  # fmt: skip
"""By name; all others are `by_shape`."""

CARRIED_ON = {*RESHAPES, *MOVES, *SQUEEZES} | set(
    "contiguous clone detach to float half double bfloat16 type type_as cpu cuda data alias expand expand_as "
    "requires_grad_".split()
)
"""Operations whose result holds the numbers that came in, and no others."""
