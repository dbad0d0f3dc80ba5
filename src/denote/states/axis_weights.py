"""What operations with weights do with axes: which they read, which they make."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from denote.states.axes import FAINT, MADE, NORMED, READ, Axes, Axis
from denote.states.axis_moves import Found, Operation, by_place, tensors_in


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
    leading = by_place(n - 2, [each[:-2] for each in (left, right) if each is not None])
    return (*(axis or Axis() for axis in leading), rows or Axis(), columns or Axis())


def _after(op: Operation, matrix: Tensor, read: Axis, is_square: bool, *, before: bool = False) -> Axis:
    """The axis that a matrix of fixed numbers makes of another: of weights it is one of channels.

    A square matrix that is learned and comes first may be a graph as well, so it proves less.
    """
    if op.is_weight(matrix):
        read.learn(READ)
        return Axis(READ if before and is_square else MADE)
    return read if is_square else Axis()


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
