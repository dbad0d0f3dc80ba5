"""Is the state of a sample its own? Not where samples of a batch change each other's, or numbers are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from denote.data.batch import Batch, backwards, call, first_of, words_of
from denote.states.geometry import ROWS
from denote.states.hooks import Place, eval_mode, parts_of, watched

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


def unsteady_places(network: nn.Module, example: Batch, places: Mapping[Place, int]) -> Unsteady:
    """Find the places where the state of a sample is not its own, or is drawn.

    Where samples mix, equal inputs of one batch have different states, as in a recurrent network that has its steps
    first where the samples should be; or an input has another state in other company, as in what normalises by the
    statistics of a batch. A network that draws at random gives other states in another pass too, and is not meant.

    Args:
        network: Any module; its mode is restored.
        example: A batch with at least one input; several that differ show whether a forward sorts them.
        places: What modules give, and which axis is that of samples.
    """
    made, again = (_given(network, first_of(example, ROWS), places) for _ in range(2))
    beside = _given(network, _in_other_company(first_of(example, ROWS)), places)
    drawn = {place for place, each in made.items() if place in again and not alike(each, again[place], ROUNDING)}
    mixed = {
        place
        for place, each in made.items()
        if place not in drawn
        and (
            not alike(each, each[:1].expand_as(each))
            or (place in beside and each[:1].shape == beside[place][:1].shape
                and not alike(each[:1], beside[place][:1]))
        )
    }  # fmt: skip
    return Unsteady(mixed, drawn, _sorted(network, example, places) - mixed - drawn)


def _sorted(network: nn.Module, example: Batch, places: Mapping[Place, int]) -> set[Place]:
    """Find the places where a batch in reverse does not give its states in reverse."""
    n = len(example)
    if n == 1 or words_of(example) is not None:
        return set()
    try:
        made, turned = (_given(network, each, places) for each in (example, backwards(example)))
    except Exception:  # a batch of this size fails: recording it says so, with the size
        return set()
    return {
        place for place, each in made.items()
        if place in turned and len(each) == n and turned[place].shape == each.shape
        and not alike(each, turned[place].flip(0))
    }  # fmt: skip


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


def _given(network: nn.Module, batch: Batch, places: Mapping[Place, int]) -> dict[Place, Tensor]:
    """What is at the places, samples first; a copy, as a later module may work in place."""
    made: dict[Place, Tensor] = {}

    def look(place: Place, value: object) -> None:
        module = None if place.is_input else modules[place.module]
        for part, tensor in parts_of(value, module).items():
            if (exact := place._replace(part=part)) in places:
                made[exact] = tensor.float().movedim(places[exact], 0).clone()

    modules = {place.module: network.get_submodule(place.module) for place in places}
    with eval_mode(network), torch.no_grad(), watched(modules, look, on_input=look):
        call(network, batch)
    return made


def alike(one: Tensor, other: Tensor, tolerance: float = TOLERANCE) -> bool:
    """Whether two states are equal but for a share of the largest number."""
    largest = one.abs().nan_to_num(posinf=0).max().item() if one.numel() else 0.0
    return one.shape == other.shape and torch.allclose(one, other, rtol=0, atol=tolerance * largest, equal_nan=True)
