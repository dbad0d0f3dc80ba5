"""How observers read a state: by blocks of rows, wherever it lies, with the memory and on the device they may use."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import reduce
from math import isfinite
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int, Int8
from torch import Tensor

from denote.data.parts import Groups as Groups
from denote.errors import StateError
from denote.observers.row_shards import WHOLE, RowShards
from denote.observers.threads import own_threads
from denote.states.state import StoredState

State: TypeAlias = Tensor | np.ndarray | StoredState
"""Activations ``[sample, neuron]``, float32: a tensor, an array, or one that stays on disk."""

Values: TypeAlias = Int8[np.ndarray, "sample attribute"]
"""Labels 1 yes, 0 no, -1 null."""

BLOCK = 1 << 20
"""Numbers of a state that are looked at together (4 MiB)."""


SQUARES = (1e-30, 1e30)
"""Variances whose terms a float32 holds."""

SCALES = (1e-60, 1e70)
"""Variances of which a float32 holds 1 / standard deviation."""


class Kept:
    """What fits of one state make for themselves and keep for the next fits of it.

    Args:
        state: The state, which must not change meanwhile. Of any other object nothing is kept, equal or not.
        bytes: What is held at most.
    """

    def __init__(self, state: State, bytes: int) -> None:
        self.state, self.bytes = state, bytes
        self.made: dict[Hashable, Any] = {}

    def get(self, state: State, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what was made of the state under that name, or make it."""
        if state is not self.state:
            return make()
        if key not in self.made:
            self.made.clear()  # there is room for one
            self.made[key] = make()
        return self.made[key]


@dataclass(frozen=True)
class Resources:
    """What a fit may use. None of it shapes a result beyond rounding.

    Attributes:
        device: Where products are made: ``cpu``, ``cuda``, ``cuda:N``.
        memory: Bytes that a fit may hold besides what it is given and what is kept.
        kept: What fits of one state keep for each other; None keeps nothing.
        shards: The processes that hold rows of the state; by default all rows lie in this one.
    """

    device: str = "cpu"
    memory: float = float("inf")
    kept: Kept | None = field(default=None, compare=False, repr=False)
    shards: RowShards = field(default=WHOLE, compare=False, repr=False)

    def keeping(self, state: State) -> Resources:
        """Return the same with a part of the memory set aside for what fits of one state keep for each other.

        Args:
            state: Of which several fits will be made, as the very same object.
        """
        size = 4 * int(state.shape[0]) * int(state.shape[1])  # a scaled copy
        held = size if size <= self.memory // 4 else 0
        return replace(self, memory=self.memory - held, kept=Kept(state, held))


UNBOUNDED = Resources()
"""The processor, and all memory there is."""


def as_array(state: State) -> np.ndarray:
    """The state as an array, without a copy where it lies in the CPU's memory."""
    return state.detach().cpu().numpy() if isinstance(state, Tensor) else np.asarray(state)


def as_tensor(state: State) -> Tensor:
    """The state as a tensor on the device where it lies, without a copy where torch can share its memory."""
    if isinstance(state, Tensor):
        return state.detach()
    array = np.asarray(state)
    shareable = array.flags.writeable and all(stride >= 0 for stride in array.strides)
    return torch.from_numpy(array if shareable else array.copy())


def rows_of(state: State, rows: Int[np.ndarray, " row"]) -> State:
    """Some rows of a state; those of a float32 array are not copied before they are read."""
    if isinstance(state, np.ndarray) and state.dtype == np.float32:
        return StoredState(state, rows)
    return state[rows]


def row_blocks(state: State, numbers: int | None = None) -> Iterator[tuple[slice, Tensor]]:
    """Blocks of rows in memory, each about that many numbers (default `BLOCK`), with the places of their rows."""
    step = max(1, (numbers or BLOCK) // max(1, state.shape[1]))
    for start in range(0, len(state), step):
        part = slice(start, min(start + step, len(state)))
        block = as_tensor(state[part])
        # Sums of half precision overflow and integers have no mean.
        yield part, block if block.dtype in (torch.float32, torch.float64) else block.float()


def threads_worth(state: State) -> float:
    """Say of how many threads there is a use in a pass over a state."""
    return state.shape[0] * state.shape[1] / BLOCK


def device_of(state: State) -> torch.device:
    """Return where a state lies; on disk it is read by the processor."""
    return state.device if isinstance(state, Tensor) else torch.device("cpu")


@dataclass(frozen=True)
class Moments:
    """What one pass over a state tells of every neuron.

    Attributes:
        mean: In float64.
        variance: Population variance.
        constant: Whether all values are equal.
    """

    mean: Float64[Tensor, " neuron"]
    variance: Float64[Tensor, " neuron"]
    constant: Bool[Tensor, " neuron"]

    @property
    def scale(self) -> Float64[Tensor, " neuron"]:
        """Standard deviation; infinite for a constant neuron, so that dividing by it gives exactly 0."""
        return torch.where(self.constant, torch.inf, self.variance.sqrt())


def moments(state: State, shards: RowShards = WHOLE) -> Moments:
    """Mean, population variance and constancy of every neuron, by blocks of rows joined in float64 (Chan's update).

    Inside a block sums are float32 about the block's own mean, which leaves relative errors of about 1e-6; they are
    float64 where squares would not fit into a float32.

    Args:
        state: Finite activations ``[sample, neuron]``.
        shards: The processes that hold its rows.

    Raises:
        StateError: if activations are so large or so small that not even then they have a variance.
    """
    neurons = _moments(state, torch.float32, shards)
    if not _sound(neurons, *SQUARES).all():
        neurons = _moments(state, torch.float64, shards)
        unsound = torch.nonzero(~_sound(neurons, *SCALES))[:, 0]
        if len(unsound):
            neuron = int(unsound[0])
            raise StateError("state", f"neuron {neuron} varies by too much or too little for its variance to be known")
    return neurons


def _sound(neurons: Moments, low: float, high: float) -> Bool[Tensor, " neuron"]:
    return ((neurons.variance > low) & (neurons.variance < high)) | neurons.constant


def _moments(state: State, precision: torch.dtype, shards: RowShards) -> Moments:
    n_neurons = state.shape[1]
    seen = _Spread(0, *torch.zeros((2, n_neurons), dtype=torch.float64))
    varies = torch.zeros(n_neurons, dtype=torch.bool)
    first = as_tensor(state[:1]).to(precision)

    def of_block(task: tuple[slice, Tensor]) -> tuple[_Spread, Tensor]:
        block = task[1].to(precision)
        new, rough = len(block), block.mean(0)
        other = (block != first).any(0).cpu()
        centred = block - rough
        offset = centred.sum(0).double().cpu() / new
        inside = centred.square_().sum(0).double().cpu() - new * offset.square()
        return _Spread(new, rough.double().cpu() + offset, inside), other

    with own_threads(threads_worth(state), device_of(state)) as threads:
        for block, other in threads.in_order(of_block, row_blocks(state)):
            seen = seen.joined(block)
            varies |= other
    if shards.count > 1:
        seen, varies = _over_shards(seen, varies, first[0].cpu().double(), shards)
    return Moments(seen.mean, seen.square / max(seen.count, 1), ~varies)


@dataclass(frozen=True)
class _Spread:
    """Number, mean and sum of squares about the mean of some rows."""

    count: int
    mean: Float64[Tensor, " neuron"]
    square: Float64[Tensor, " neuron"]

    def joined(self, other: _Spread) -> _Spread:
        """The same of these rows and others, by Chan's update."""
        gap, count = other.mean - self.mean, self.count + other.count
        mean = self.mean + gap * (other.count / count)
        between = gap.square() * (self.count * other.count / count)
        return _Spread(count, mean, self.square + other.square.clamp_min(0) + between)


def _over_shards(
    seen: _Spread, varies: Bool[Tensor, " neuron"], first: Float64[Tensor, " neuron"], shards: RowShards
) -> tuple[_Spread, Bool[Tensor, " neuron"]]:
    """The rows of all processes together, and which neurons vary among them."""
    counts = torch.full_like(first, seen.count)
    of_all = shards.stacked(torch.stack([counts, seen.mean, seen.square, first, varies.double()]))
    parts = [_Spread(int(count[0]), mean, square) for count, mean, square, *_ in of_all]
    differs = of_all[:, 4].bool().any(0) | (of_all[:, 3] != of_all[0, 3]).any(0)
    return reduce(_Spread.joined, parts), differs


def check_shape(state: State, labels: Values) -> None:
    """Refuse a state that is not a matrix with one row per label.

    Raises:
        StateError: with the shape it has.
    """
    if state.ndim != 2 or len(state) != len(labels):
        raise StateError("state", f"has shape {tuple(state.shape)}", f"[{len(labels)}, neurons] goes with the labels")


def check_state(state: State, labels: Values) -> None:
    """Refuse a state that is not a finite matrix with one row per label.

    Raises:
        StateError: naming the first neuron with NaN or infinity, how many numbers it has and how many there are.
    """
    check_shape(state, labels)
    bad: np.ndarray = np.zeros(state.shape[1], dtype=np.int64)

    def of_block(task: tuple[slice, Tensor]) -> np.ndarray | int:
        # A sum is finite only if all its terms are, and costs no mask; it may overflow, so it only acquits.
        if isfinite(float(task[1].sum())):
            return 0
        unsound: np.ndarray = (~torch.isfinite(task[1])).sum(0).cpu().numpy()
        return unsound

    with own_threads(threads_worth(state), device_of(state)) as threads:
        for unsound in threads.in_order(of_block, row_blocks(state)):
            bad = bad + unsound
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise StateError(
            "state",
            f"{int(bad.sum())} numbers are NaN or infinite in {np.count_nonzero(bad)} neurons, first in neuron {first} "
            f"({bad[first]} of {len(state)} samples)",
        )
