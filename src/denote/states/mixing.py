"""Do the samples of a batch change each other's states? Then no state is that of one sample."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import torch
from torch import Tensor, nn

from denote.data.batch import Batch, call, first_of
from denote.states.geometry import ROWS
from denote.states.hooks import Place, eval_mode, parts_of, watched

TOLERANCE = 0.01
"""Of the largest number of a state: more than half precision rounds, less than samples do to each other."""


def places_that_mix(network: nn.Module, example: Batch, places: Collection[Place]) -> set[Place]:
    """The places where the state of a sample is not its own.

    They give equal inputs of one batch different states, as a recurrent network does that has its steps first where the
    samples should be; or an input another state in other company, as what normalises by the statistics of a batch does.
    A network that draws at random gives other states in another pass too, and is not meant.

    Args:
        network: Any module; its mode is restored.
        example: A batch with at least one input; values do not matter.
        places: What modules give, samples first.
    """
    made = _given(network, first_of(example, ROWS), places)
    beside = _given(network, _in_other_company(first_of(example, ROWS)), places)
    suspects = {
        place: each
        for place, each in made.items()
        if not alike(each, each[:1].expand_as(each)) or (place in beside and not alike(each[:1], beside[place][:1]))
    }
    again = _given(network, first_of(example, ROWS), suspects) if suspects else {}
    return {place for place, each in suspects.items() if place in again and alike(each, again[place])}


def _in_other_company(batch: Batch) -> Batch:
    """The same first row, the others turned around: other inputs, of numbers or ids that the network knows."""
    if isinstance(batch, Tensor):
        return _turned(batch)
    tensors = {name: _turned(each) for name, each in batch.tensors.items()}
    return replace(batch, tensors=tensors, mask=None if batch.mask is None else _turned(batch.mask))


def _turned(rows: Tensor) -> Tensor:
    # Ids and masks by position; of a map its last axis, as it may have one channel only.
    if rows.ndim < 2:
        return rows
    axis = -1 if rows.is_floating_point() else 1
    held = rows.view(torch.uint8) if rows.itemsize == 1 else rows  # PyTorch turns no floats of 8 bits
    return torch.cat([held[:1], held[1:].flip(axis)]).view(rows.dtype)


def _given(network: nn.Module, batch: Batch, places: Collection[Place]) -> dict[Place, Tensor]:
    made: dict[Place, Tensor] = {}

    def look(place: Place, value: object) -> None:
        for part, tensor in parts_of(value).items():
            if (exact := place._replace(part=part)) in places:
                made[exact] = tensor.float()

    modules = {place.module: network.get_submodule(place.module) for place in places}
    with eval_mode(network), torch.no_grad(), watched(modules, look, on_input=look):
        call(network, batch)
    return made


def alike(one: Tensor, other: Tensor) -> bool:
    """Whether two states are equal but for rounding."""
    largest = one.abs().nan_to_num(posinf=0).max().item() if one.numel() else 0.0
    return torch.allclose(one, other, rtol=0, atol=TOLERANCE * largest, equal_nan=True)
