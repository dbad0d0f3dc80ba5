"""Weights are bit for bit as before, also where a forward pass renormalises them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import denote
from denote.errors import LayerError
from denote.object_models.unwritten_weights import weights_kept
from denote.states.capture import capturing
from denote.states.listing import list_layers


def ids() -> tuple[Tensor, np.ndarray]:
    drawn = torch.from_numpy(np.random.default_rng(0).integers(0, 30, size=(300, 4)))
    return drawn, (drawn[:, 0] > 14).long().numpy()


def made(kind: Callable[..., nn.Module] = nn.Embedding) -> nn.Sequential:
    torch.manual_seed(0)
    width = 32 if kind is nn.Embedding else 8
    return nn.Sequential(kind(30, 8, max_norm=1.0), nn.Flatten(), nn.Linear(width, 8), nn.ReLU(), nn.Linear(8, 2))


def weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def is_as(network: nn.Module, before: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("interventions", ["none", "ablate", "erase", "steer"])
def test_an_observation_leaves_an_embedding_that_renormalises_as_it_was(interventions: Any) -> None:
    network, (inputs, classes) = made(), ids()
    before = weights(network)
    assert before["0.weight"].norm(dim=1).max() > 1.5
    seen = denote.observe(
        network, inputs, classes=classes, probe="linear", evidence="quick", interventions=interventions,
        trained_on="none", progress="none",
    )  # fmt: skip
    assert seen.cells.height
    assert is_as(network, before)


@pytest.mark.parametrize("kind", [nn.Embedding, nn.EmbeddingBag])
def test_states_are_those_of_renormalised_weights(kind: Callable[..., nn.Module]) -> None:
    network, inputs = made(kind), ids()[0]
    before = weights(network)
    with capturing(network, list_layers(network, inputs)) as record:
        states = record(inputs)
    assert is_as(network, before)
    with torch.no_grad():
        torch.testing.assert_close(states["3"], network[:4](inputs))
    assert not is_as(network, before)


def test_weights_are_put_back_after_an_error() -> None:
    network, inputs = made(), ids()[0]
    before = weights(network)
    with suppress(ZeroDivisionError), weights_kept(network):
        network(inputs)
        raise ZeroDivisionError
    assert is_as(network, before)


class Clamps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.first.weight.clamp_(-0.1, 0.1)
        return self.head(self.first(x))


def test_what_writes_to_other_weights_is_refused_by_name() -> None:
    with pytest.raises(LayerError, match=r"a forward pass writes to its weight first\.weight, so that") as refused:
        list_layers(Clamps(), torch.rand(3, 4))
    assert "\n" not in str(refused.value)
