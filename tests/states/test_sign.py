"""Whether the sign of a layer means something is read off its modules."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from denote.object_models.architectures.convnet import ConvNet
from denote.object_models.architectures.mlp import MLP
from denote.states.listing import list_layers

IMAGE = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
IDENTIFIED = {"relu": True, "gelu": True, "silu": True, "sigmoid": False, "elu": True, "leaky_relu": True,
              "tanh": False, "linear": False}  # fmt: skip


def signs(network: nn.Module, inputs: Tensor = IMAGE) -> list[bool | None]:
    return [layer.sign_identified for layer in list_layers(network, inputs)]


@pytest.mark.parametrize("activation", IDENTIFIED)
@pytest.mark.parametrize("normalisation", ["none", "batch", "layer"])
def test_an_mlp_is_as_its_activation_whatever_normalises_before_it(activation: str, normalisation: str) -> None:
    network = MLP((1, 8, 8), 3, layers=2, width=5, activation=activation, normalisation=normalisation)
    assert signs(network) == [IDENTIFIED[activation]] * 2 + [False]


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("pool", [1, 2])
def test_a_convnet_is_as_its_activation_and_max_pooling_makes_a_sign_mean_something(activation: str, pool: int) -> None:
    network = ConvNet((1, 8, 8), 3, channels=(4, 4), hidden=(6,), activation=activation, pool=pool)
    convolved = IDENTIFIED[activation] or pool > 1  # the largest of -x is not minus the largest of x
    assert signs(network) == [convolved, convolved, IDENTIFIED[activation], False]


class Signs(nn.Module):
    signs_are_arbitrary = True

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("signs", torch.where(torch.arange(width) % 2 == 0, 1.0, -1.0))

    def forward(self, values: Tensor) -> Tensor:
        return values * self.signs


class Block(nn.Module):
    """``body``, and something that is no module after it."""

    def __init__(self, body: nn.Module, then: str) -> None:
        super().__init__()
        self.body, self.then = body, then

    def forward(self, values: Tensor) -> Tensor:
        made = self.body(values)
        if self.then == "sum in place":
            made += values
            return made
        return made + values if self.then == "sum" else torch.relu(made)


def one(block: nn.Module) -> bool | None:
    network = nn.Sequential(nn.Flatten(), block)
    network.observed_layers = ("1",)  # type: ignore[assignment]
    return signs(network)[0]


RELU_64 = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
CASES = {
    "turned by a buffer": (nn.Sequential(nn.Linear(64, 64), nn.ReLU(), Signs(64)), False),
    "turned, then dropout": (nn.Sequential(nn.Linear(64, 64), nn.ReLU(), Signs(64), nn.Dropout()), False),
    "turned, then pooled": (
        nn.Sequential(nn.Linear(64, 64), nn.ReLU(), Signs(64), nn.Unflatten(1, (8, 8)), nn.MaxPool1d(2), nn.Flatten()),
        False,
    ),
    "dropout after ReLU": (nn.Sequential(nn.Linear(64, 64), nn.ReLU(inplace=True), nn.Dropout()), True),
    "normalised after ReLU": (nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.LayerNorm(64)), False),
    "normalised without weights": (nn.Sequential(nn.Linear(64, 64), nn.LayerNorm(64, elementwise_affine=False)), False),
    "batch statistics without weights": (nn.Sequential(RELU_64, nn.BatchNorm1d(64, affine=False)), False),
    "hard sigmoid": (nn.Sequential(nn.Linear(64, 64), nn.Hardsigmoid()), False),
    "hard tanh": (nn.Sequential(nn.Linear(64, 64), nn.Hardtanh()), False),
    "mean of tanh": (
        nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Unflatten(1, (8, 8)), nn.AvgPool1d(2), nn.Flatten()), False,
    ),
    "mean of ReLU": (nn.Sequential(RELU_64, nn.Unflatten(1, (8, 8)), nn.AvgPool1d(2), nn.Flatten()), True),
    "residual sum": (Block(RELU_64, "sum"), False),
    "residual sum in place": (Block(RELU_64, "sum in place"), False),
    "ReLU after a residual sum": (nn.Sequential(Block(RELU_64, "sum"), nn.ReLU()), True),
    "a function that is no module": (Block(nn.Linear(64, 64), "relu"), False),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_comes_after_the_last_weights_decides(name: str) -> None:
    block, identified = CASES[name]
    assert one(block) is identified


def test_a_sigmoid_unit_may_be_turned_and_the_network_does_the_same() -> None:
    first, second = nn.Linear(64, 5), nn.Linear(5, 3)
    inputs, network = IMAGE.flatten(1), nn.Sequential(first, nn.Sigmoid(), second)
    with torch.no_grad():
        before = network(inputs)
        second.bias += second.weight[:, 2]
        for weight in (first.weight[2], first.bias[2:3], second.weight[:, 2]):
            weight.neg_()
        torch.testing.assert_close(network(inputs), before)


def test_leaves_that_are_layers_by_themselves() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.ReLU(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))
    assert signs(network) == [False, True, False, False, False]


def test_the_second_call_of_a_shared_module_is_judged_by_itself() -> None:
    relu = nn.ReLU()
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), relu, nn.Linear(4, 4), relu)
    names = {layer.name: layer.sign_identified for layer in list_layers(network, IMAGE)}
    assert names == {"1": False, "2": True, "3": False, "2#2": True}


@pytest.mark.parametrize(("activation", "identified"), [(nn.ReLU, True), (nn.Tanh, False)])
def test_a_mean_hands_on_what_the_layer_before_it_means_where_both_are_layers(
    activation: type[nn.Module], identified: bool
) -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), activation(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(36, 2))
    assert signs(network) == [False, identified, identified, False]
