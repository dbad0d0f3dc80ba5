"""Follow the axes of tensors through one forward pass, by a rule for every operation of torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from denote.data.batch import Batch
from denote.states import axis_moves as moves
from denote.states import axis_weights as weights
from denote.states.axes import HINT, MADE, NORMED, READ, Axes, Axis, Roles, roles_of
from denote.states.axis_moves import Operation, Rule, by_shape, tensors_in
from denote.states.hooks import Place, parts_of


def _under(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


RESHAPES = _under(moves.in_another_shape, "view reshape flatten unflatten view_as reshape_as ravel _unsafe_view")
MOVES = _under(moves.moved, "permute transpose swapaxes swapdims movedim moveaxis T mT H mH t adjoint unsqueeze")
SQUEEZES = _under(moves.squeezed, "squeeze")

CASTS = "contiguous clone detach to float half double bfloat16 type type_as cpu cuda data alias expand expand_as"
POOLS = ("max_pool", "avg_pool", "lp_pool", "adaptive_max_pool", "adaptive_avg_pool", "max_unpool", "dropout")
DIMENSIONS = ("1d", "2d", "3d")

RULES: dict[str, Rule] = {
    **RESHAPES,
    **MOVES,
    **SQUEEZES,
    **{f"{kind}{n}": weights.convolution for kind in ("conv", "conv_transpose") for n in DIMENSIONS},
    **_under(weights.linear, "linear"),
    **_under(weights.bilinear, "bilinear"),
    **_under(weights.embedding, "embedding embedding_bag"),
    **_under(weights.last_normalised, "layer_norm rms_norm"),
    **_under(weights.product, "matmul __matmul__ mm bmm addmm baddbmm addbmm mv"),
    **_under(weights.reflected_product, "__rmatmul__"),
    **_under(weights.summed, "einsum"),
    **_under(weights.contracted, "tensordot"),
    **_under(weights.attended, "scaled_dot_product_attention"),
    **_under(weights.attended_by_heads, "multi_head_attention_forward"),
    **_under(weights.packed, "_pack_padded_sequence"),
    **_under(weights.unpacked, "_pad_packed_sequence"),
    **_under(moves.with_channels_second(NORMED), "batch_norm"),
    **_under(moves.with_channels_second(READ), "instance_norm group_norm prelu pixel_shuffle pixel_unshuffle"),
    **_under(moves.with_channels_second(HINT), "interpolate upsample local_response_norm"),
    **{f"{kind}{n}": moves.with_channels_second(HINT) for kind in POOLS for n in DIMENSIONS},
    **{f"max_pool{n}_with_indices": moves.with_channels_second(HINT) for n in DIMENSIONS},
    **_under(moves.gated, "glu"),
    **_under(moves.unfolded, "unfold"),
    **_under(moves.over_one, "mean sum amax amin std var logsumexp prod norm max min median nanmean nansum select"),
    **_under(moves.over_one, "any all argmax argmin"),
    **_under(moves.unbound, "unbind __iter__"),
    **_under(moves.stacked, "stack"),
    **_under(moves.joined, "cat concat concatenate"),
    **_under(moves.indexed, "__getitem__"),
    **_under(moves.written, "__setitem__"),
    **_under(moves.nothing, "new_zeros new_ones new_empty new_full new_tensor"),
}
"""By name; all others are `by_shape`."""

CARRIED_ON = {*RESHAPES, *MOVES, *SQUEEZES, *CASTS.split()}
"""Operations whose result holds the numbers that came in, and no others."""


CELLS = (nn.LSTMCell, nn.GRUCell, nn.RNNCell)


@dataclass
class Trace:
    """What one forward pass of equal inputs tells of the tensors that modules give.

    Attributes:
        axes: Of what came out of a module, or into it.
        numbers: Of every call in execution order what came out, as a name that tensors share which hold the same
            numbers in whatever order, and those of what came in.
        result: The name of the numbers that the network returns first, or None.
        problem: Why the pass could not be followed, or None.
    """

    axes: dict[Place, Axes] = field(default_factory=dict)
    numbers: dict[Place, tuple[int | None, frozenset[int]]] = field(default_factory=dict)
    result: int | None = None
    problem: str | None = None

    @property
    def ends_in_functions(self) -> bool:
        """Whether no module gives the numbers that the network returns."""
        return self.result is not None and self.result not in {made for made, _ in self.numbers.values()}

    def roles(self, place: Place) -> Roles | None:
        """What the axes at a place are; None where that is not known."""
        axes = self.axes.get(place)
        return None if axes is None else roles_of(axes)

    def working(self, candidates: Mapping[str, nn.Module], shown: Collection[str]) -> set[str]:
        """The candidates that do work of their own: they give numbers that nothing shown, inside or before, gives.

        Args:
            candidates: Modules that hold others, by path.
            shown: Paths of the modules that are layers anyhow.
        """
        working: set[str] = set()
        seen: set[int] = set()
        for place, (made, given) in self.numbers.items():
            if made is None:
                continue
            if place.module in candidates and made not in seen and made not in given:
                working.add(place.module)
            if place.module in shown or place.module in working:
                seen.add(made)
        return working


class Follower(TorchFunctionMode):
    """Sees every operation of torch inside a ``with``.

    Args:
        modules: Those that tell when they are entered and left, by path.
    """

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.modules, self.trace, self.is_paused = modules, Trace(), False
        self.given: dict[str, frozenset[int]] = {}
        self.axes: Any = WeakTensorKeyDictionary()
        self.numbers: Any = WeakTensorKeyDictionary()
        self.weights: Any = WeakTensorKeyDictionary()
        self.sample = Axis(sample=True)
        self.count = count()
        self.entered: list[Axes | None] = []

    @contextmanager
    def paused(self) -> Iterator[None]:
        """See no operation inside the block."""
        self.is_paused = True
        try:
            yield
        finally:
            self.is_paused = False

    def look(self, place: Place, value: Any) -> None:
        """Note what a module is called with, or gives."""
        module = self.modules[place.module]
        if place.is_input:
            self.given[place.module] = frozenset(self.numbers[x] for x in tensors_in(value) if x in self.numbers)
            self._enter(value)
        else:
            self._leave(module, value)
            self.trace.numbers[place] = (self.first_number(value), self.given.pop(place.module, frozenset()))
        for part, tensor in parts_of(value, None if place.is_input else module).items():
            if axes := self.axes_of(tensor):
                self.trace.axes[place._replace(part=part)] = axes

    def start(self, batch: Batch) -> None:
        """Take the inputs: samples are first, nothing is known of the other axes."""
        for tensor in [batch] if isinstance(batch, Tensor) else batch.tensors.values():
            self.axes[tensor] = (self.sample, *(Axis() for _ in range(tensor.ndim - 1)))
            self.numbers[tensor] = next(self.count)

    def axes_of(self, tensor: Tensor) -> Axes | None:
        """The axes of a tensor that was made of the inputs."""
        axes: Axes | None = self.axes.get(tensor)
        return axes if axes is not None and len(axes) == tensor.ndim else None

    def is_weight(self, tensor: Tensor) -> bool:
        """Whether a tensor is made of parameters alone."""
        return tensor not in self.axes and (isinstance(tensor, nn.Parameter) or tensor in self.weights)

    def first_number(self, output: Any) -> int | None:
        """The name of the numbers that come first in what a module gives, also inside an object such as a dataclass."""
        first = next(chain(tensors_in(output), parts_of(output).values()), None)
        return None if first is None else self.numbers.get(first)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation, and see what it does with the axes."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if self.is_paused:
            return result
        name = func.__name__ if func.__name__ != "__get__" else func.__self__.__name__  # type: ignore[attr-defined]
        if any(True for _ in tensors_in(result)) or name == "__setitem__":
            # What an operation is called with in a way that no rule knows teaches nothing.
            with suppress(IndexError, KeyError, TypeError, ValueError, AttributeError, RuntimeError, StopIteration):
                self._learn(name, Operation(func, args, kwargs, result, self.axes_of, self.is_weight, self.sample))
        return result

    def _learn(self, name: str, op: Operation) -> None:
        given = op.tensors
        if not any(each in self.axes for each in given):
            if given and any(isinstance(each, nn.Parameter) or each in self.weights for each in given):
                for each in tensors_in(op.result):
                    self.weights[each] = True
            return
        main = next(each for each in given if each in self.axes)
        before = self.numbers.get(main)
        carried = name in CARRIED_ON or ("dropout" in name and op.result is main)
        for each in tensors_in(op.result):
            carried = carried or ("dropout" in name and torch.equal(each, main))
            self.numbers[each] = before if carried and before is not None else next(self.count)
        for tensor, axes in RULES.get(name, by_shape)(op):
            if len(axes) == tensor.ndim:
                self.axes[tensor] = axes

    def _enter(self, arguments: Any) -> None:
        """Note what a module is called with, for what its kind says of what comes out."""
        first = next(iter(arguments.values() if isinstance(arguments, Mapping) else arguments), None)
        if isinstance(first, PackedSequence):
            self.entered.append((self.sample, Axis(-MADE), *(self.axes_of(first.data) or (Axis(), Axis()))[1:]))
            return
        tensor = next(tensors_in(arguments), None)
        self.entered.append(None if tensor is None else self.axes_of(tensor))

    def _leave(self, module: nn.Module, output: Any) -> None:
        """Say of what comes out of a module what its kind tells, or what it has in common with what came in."""
        given = self.entered.pop()
        if given is None:
            return
        if isinstance(module, nn.RNNBase):
            self._recurrent(module, given, output)
        elif isinstance(module, CELLS):
            given[-1].learn(READ)
            for each in tensors_in(output):
                self.axes[each] = (*given[:-1], Axis(MADE))
        for each in tensors_in(output):
            if each not in self.axes and each.ndim == len(given):
                self.axes[each] = given
            if each not in self.numbers:
                self.numbers[each] = next(self.count)

    def _recurrent(self, module: nn.RNNBase, given: Axes, output: Any) -> None:
        given[-1].learn(READ)
        if len(given) == 3:
            given[1 if module.batch_first else 0].learn(-MADE)
        states, last = output
        made = Axis(MADE)
        if isinstance(states, PackedSequence):
            self.axes[states.data] = (Axis(), made)
        else:
            self.axes[states] = (*given[:-1], made)
        batch = given[0 if module.batch_first or isinstance(states, PackedSequence) else 1] if len(given) == 3 else None
        for each in tensors_in(last):
            self.axes[each] = (Axis(distinct=True), *([] if batch is None else [batch]), Axis(MADE))
