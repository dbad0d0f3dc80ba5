"""Do the samples of a batch change each other's states? Then no state is that of one sample."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn

from denote.data.batch import Batch, call, first_of
from denote.states.geometry import ROWS
from denote.states.hooks import Place, eval_mode, parts_of, watched

TOLERANCE = 0.01
"""Of the largest number of a state: more than half precision rounds, less than samples do to each other."""


def places_that_mix(network: nn.Module, example: Batch, places: Collection[Place]) -> set[Place]:
    """The places that give equal inputs of one batch different states, the same ones in every pass.

    So does a recurrent network that has its steps first where the samples should be. A network that draws at random
    gives other states in another pass, and is not meant.

    Args:
        network: Any module; its mode is restored.
        example: A batch with at least one input; values do not matter.
        places: What modules give, samples first.
    """
    made = _given(network, example, places)
    unequal = {place: each for place, each in made.items() if not alike(each, each[:1].expand_as(each))}
    again = _given(network, example, unequal) if unequal else {}
    return {place for place, each in unequal.items() if place in again and alike(each, again[place])}


def _given(network: nn.Module, example: Batch, places: Collection[Place]) -> dict[Place, Tensor]:
    made: dict[Place, Tensor] = {}

    def look(place: Place, value: object) -> None:
        for part, tensor in parts_of(value).items():
            if (exact := place._replace(part=part)) in places:
                made[exact] = tensor.float()

    modules = {place.module: network.get_submodule(place.module) for place in places}
    with eval_mode(network), torch.no_grad(), watched(modules, look, on_input=look):
        call(network, first_of(example, ROWS))
    return made


def alike(one: Tensor, other: Tensor) -> bool:
    """Whether two states are equal but for rounding."""
    largest = one.abs().nan_to_num(posinf=0).max().item() if one.numel() else 0.0
    return torch.allclose(one, other, rtol=0, atol=TOLERANCE * largest, equal_nan=True)
