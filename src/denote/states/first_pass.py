"""The one forward pass that everything about layers is read from, and the check that samples do not mix."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from denote.data.batch import Batch, backwards, first_of, words_of
from denote.errors import LayerError, told, type_in_words
from denote.states.hooks import Place, is_mapped, padding_of, parts_of, run_watched
from denote.states.layers import leaves_of
from denote.states.sign import Tails
from denote.states.tracing import Follower, Trace

ROWS = 3
"""Equal inputs that a network is listed with: the axis of samples is 3 everywhere."""


class CannotRunError(Exception):
    """A network that fails on its inputs; the text is what it said, in one line."""


@dataclass(frozen=True)
class Output:
    """One tensor of a pass.

    Attributes:
        module: What gave it, or is called with it.
        value: A copy, as a later module may work in place; None inside of `torch.vmap`, where there is no whole tensor.
        is_packed: Whether it was packed sequences, and knows its own padding.
    """

    module: nn.Module
    value: Tensor | None
    is_packed: bool = False


@dataclass
class FirstPass:
    """What one forward pass of `ROWS` equal inputs shows.

    Attributes:
        trace: What the operations of torch tell of axes, and of which numbers are the same.
        tails: What leads to every output from the last module with numbers of its own.
        outputs: What is at the places that were looked at, in the order in which it was made; or, where there is no
            tensor, what there is instead.
        result: What the network returns.
    """

    trace: Trace
    tails: Tails
    outputs: dict[Place, Output | str] = field(default_factory=dict)
    result: Any = None

    def keep_only(self, wanted: Callable[[Place], bool]) -> None:
        """Forget what is at other places."""
        self.outputs = {place: output for place, output in self.outputs.items() if wanted(place)}

    def returns(self, place: Place) -> bool:
        """Return whether a place gives the network's result, as it is or by a function of as many numbers."""
        output, first = self.outputs[place], next(iter(parts_of(self.result).values()), None)
        value = output.value if isinstance(output, Output) else None
        return first is not None and value is not None and first.numel() == value.numel()


def first_pass(
    network: nn.Module, example: Batch, shown: Mapping[str, nn.Module], further: Collection[Place]
) -> FirstPass:
    """Run `ROWS` equal inputs through a network; once more where torch's operations cannot be followed meanwhile.

    Args:
        network: Any module; its mode is restored.
        example: A batch with at least one input; values do not matter.
        shown: The modules whose outputs are kept, by path.
        further: Places that are kept too.

    Raises:
        CannotRunError: if the network fails.
        LayerError: if it writes to its weights.
    """
    modules = {name: module for name, module in network.named_modules() if name} | dict(shown)
    follower = Follower(modules)
    try:
        return _run(network, first_of(example, ROWS), (shown, further), follower, is_followed=True)
    except LayerError:  # it runs, and cannot be left as it was
        raise
    except Exception as error:
        follower.trace.problem = f"{type(error).__name__}: {error}"
    try:
        return _run(network, first_of(example, ROWS), (shown, further), follower, is_followed=False)
    except Exception as error:
        raise CannotRunError(told(error)) from error


def _run(
    network: nn.Module,
    batch: Batch,
    kept: tuple[Mapping[str, nn.Module], Collection[Place]],
    follower: Follower,
    *,
    is_followed: bool,
) -> FirstPass:
    shown, further = kept
    seen = FirstPass(follower.trace, Tails(leaves_of(network), {*shown, *(place.module for place in further)}))

    def keep(place: Place, value: Any) -> None:
        wanted = place.module in shown and not place.is_input
        module = follower.modules[place.module]
        giver = None if place.is_input else module
        tensors = parts_of(value, giver)
        for part, tensor in tensors.items():
            exact = place._replace(part=part)
            if wanted or exact in further:
                copied = None if is_mapped(tensor) else tensor.clone()
                seen.outputs[exact] = Output(module, copied, padding_of(value, part, giver) is not None)
        if not tensors and (wanted or place in further):
            seen.outputs[place] = f"gives {type_in_words(value)}, no tensor"

    def look(place: Place, value: Any) -> None:
        if is_followed:
            follower.look(place, value)
        with follower.paused():
            seen.tails.look(place, value)
            keep(place, value)

    if is_followed:
        follower.start(batch)
    inside = follower if is_followed else None
    seen.result = run_watched(network, batch, follower.modules, look, look, inside)
    if is_followed:
        with follower:
            seen.trace.result = follower.first_number(seen.result)
    return seen


TOLERANCE = 0.01
"""Of the largest number of a state: more than half precision rounds, less than samples do to each other."""

ROUNDING = 1e-5
"""Of the largest number of a state: more than two passes over the same inputs differ without drawing."""


@dataclass(frozen=True)
class Unsteady:
    """Places whose state of a sample is not always the same.

    Attributes:
        mixed: Where it depends on the other samples of the batch.
        drawn: Where it is another in every pass, as where dropout is left on.
        sorted: Where it lies at another place than the sample, as where a forward sorts its batch by length.
    """

    mixed: set[Place]
    drawn: set[Place]
    sorted: set[Place]


Given = Callable[[Batch], Mapping[Place, Tensor]]
"""From a batch to what is at the places of one forward pass, samples first, in copies."""


def unsteady_places(made: Mapping[Place, Tensor], example: Batch, given: Given) -> Unsteady:
    """Find the places where the state of a sample is not its own, or is drawn; three more batches tell.

    The first is that of the listing again: what differs is drawn. Then come several samples, and these the last one
    first with every second of them turned around. Where samples mix, equal inputs of one batch have different states,
    as in a recurrent network that has its steps first where the samples should be; or the state of an input changes
    with the rest of the batch (copies of itself, other samples, other samples turned around), as in what normalises by
    the statistics of a batch. Where a forward sorts, every state that should be at one place of the reversed batch is
    at another.

    Args:
        made: What equal inputs gave at the places, samples first.
        example: A batch with at least one input; several that differ show whether a forward sorts them.
        given: Runs a batch.
    """
    again = given(first_of(example, ROWS))
    drawn = {place for place, each in made.items() if place in again and not alike(each, again[place], ROUNDING)}
    unequal = {place for place, each in made.items() if not alike(each, each[:1].expand_as(each))}
    others = _turned(first_of(example, ROWS), slice(1, None))
    moved, elsewhere = _in_reverse(made, example, given)
    if moved is None:
        moved, elsewhere = _beside_others(made, given(others)), set()
    return Unsteady((unequal | moved) - drawn, drawn, elsewhere - unequal - moved - drawn)


def _beside_others(made: Mapping[Place, Tensor], beside: Mapping[Place, Tensor]) -> set[Place]:
    """Return the places where the first sample has another state in other company."""
    firsts = {place: (each[:1], beside[place][:1]) for place, each in made.items() if place in beside}
    return {place for place, (one, other) in firsts.items() if one.shape == other.shape and not alike(one, other)}


def _in_reverse(made: Mapping[Place, Tensor], example: Batch, given: Given) -> tuple[set[Place] | None, set[Place]]:
    """Return the places where samples mix, and those where they lie elsewhere, by a batch and its reverse.

    Nothing (None) is known of a batch of one sample, of samples that are words, and of a batch that the network does
    not take: recording it says so, with the size.
    """
    n = len(example)
    if n == 1 or words_of(example) is not None:
        return None, set()
    reverse = backwards(_turned(example, slice(1, None, 2)))  # made before the network works in place on the batch
    try:
        straight, turned = given(example), given(reverse)
    except Exception:
        return None, set()
    mixed: set[Place] = set()
    elsewhere: set[Place] = set()
    for place, each in straight.items():
        if place not in turned or len(each) != n or turned[place].shape != each.shape:
            continue
        largest, back = each.abs().nan_to_num(posinf=0).max().item(), turned[place].flip(0)
        kept = range(0, n, 2)
        if all(_same(each[row], back[row], largest) for row in kept):
            if place in _beside_others(made, {place: each}):
                mixed.add(place)
            continue
        n_there = sum(any(_same(one, other, largest) for other in back) for one in each)
        (elsewhere if n_there >= len(kept) else mixed).add(place)
    return mixed, elsewhere


def _same(one: Tensor, other: Tensor, largest: float, tolerance: float = TOLERANCE) -> bool:
    return torch.allclose(one, other, rtol=0, atol=tolerance * largest, equal_nan=True)


def _turned(batch: Batch, rows: slice) -> Batch:
    """Turn some rows around: other inputs, of numbers or ids that the network knows."""

    def turned(each: Tensor) -> Tensor:
        # Ids and masks by position; of a map its last axis, as it may have one channel only.
        if each.ndim < 2:
            return each
        axis = -1 if each.is_floating_point() else 1
        held = each.view(torch.uint8) if each.itemsize == 1 else each  # PyTorch turns no floats of 8 bits
        held = held.clone()
        held[rows] = held[rows].flip(axis)
        return held.view(each.dtype)

    if isinstance(batch, Tensor):
        return turned(batch)
    tensors = {name: turned(each) for name, each in batch.tensors.items()}
    return replace(batch, tensors=tensors, mask=None if batch.mask is None else turned(batch.mask))


def alike(one: Tensor, other: Tensor, tolerance: float = TOLERANCE) -> bool:
    """Whether two states are equal but for a share of the largest number."""
    largest = one.abs().nan_to_num(posinf=0).max().item() if one.numel() else 0.0
    return one.shape == other.shape and _same(one, other, largest, tolerance)
