"""Architectures: layers that read well, ids that tell networks apart, mistakes that are named."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch

from denote.errors import ConfigError
from denote.object_models.activations import ACTIVATIONS, RandomSigns
from denote.object_models.convnet import ConvNet
from denote.object_models.mlp import MLP


def test_mlp_8x128_has_nine_places() -> None:
    mlp = MLP((28, 28), 10)
    assert mlp.observed_layers == (*(f"hidden_{i}" for i in range(1, 9)), "logits")
    assert mlp.readable_id == "mlp-8x128-relu"
    assert mlp(torch.zeros(2, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("normalisation", ["none", "batch", "layer"])
def test_every_choice_gives_logits_and_gradients(activation: str, normalisation: str) -> None:
    for make, shape in ((MLP, (1, 8, 8)), (ConvNet, (8, 8)), (ConvNet, (3, 8, 8))):
        options: dict[str, Any] = {"activation": activation, "normalisation": normalisation}
        network = make(shape, 5, **options)
        logits = network(torch.randn(4, *shape))
        assert logits.shape == (4, 5)
        logits.sum().backward()
        assert all(p.grad is not None for p in network.parameters())


def test_the_block_ends_with_its_activation() -> None:
    mlp = MLP((6,), 3, layers=1, width=4, activation="tanh")
    x = torch.randn(5, 6)
    expected = torch.tanh(x @ mlp.hidden_1.linear.weight.T + mlp.hidden_1.linear.bias)
    torch.testing.assert_close(mlp.hidden_1(x), expected)


def test_random_signs_turn_units_and_stay() -> None:
    torch.manual_seed(0)
    mlp = MLP((6,), 3, layers=2, width=64, activation="tanh", random_signs=True)
    signs, x = mlp.hidden_1.signs.signs.clone(), torch.randn(5, 6)
    assert set(signs.tolist()) == {-1.0, 1.0}
    assert not torch.equal(signs, mlp.hidden_2.signs.signs)
    torch.testing.assert_close(mlp.hidden_1(x), torch.tanh(mlp.hidden_1.linear(x)) * signs)
    optimizer = torch.optim.SGD(mlp.parameters(), lr=1.0)
    mlp(x).sum().backward()
    optimizer.step()
    assert torch.equal(mlp.hidden_1.signs.signs, signs)
    assert "hidden_1.signs.signs" in mlp.state_dict()
    assert mlp.observed_layers == ("hidden_1", "hidden_2", "logits")
    assert mlp.readable_id == "mlp-2x64-tanh-signs"


def test_signs_that_are_arbitrary_say_so_and_others_do_not() -> None:
    def arbitrary(network: torch.nn.Module) -> int:
        return sum(isinstance(part, RandomSigns) and part.signs_are_arbitrary for part in network.modules())

    assert [arbitrary(MLP((6,), 3, 2, 4, random_signs=signs)) for signs in (False, True)] == [0, 2]


def test_ids_tell_networks_apart() -> None:
    mlps = [
        MLP((16,), 3, layers, width, activation, normalisation).readable_id
        for layers, width, activation, normalisation in itertools.product(
            (1, 2), (4, 8), ("relu", "tanh"), ("none", "batch", "layer")
        )
    ]
    convnets = [
        ConvNet((8, 8), 3, channels, hidden, kernel, pool, activation, normalisation).readable_id
        for channels, hidden, kernel, pool, activation, normalisation in itertools.product(
            ((4,), (4, 8)), ((), (8,), (64,), (4, 8)), (3, 5), (1, 2), ("relu", "gelu"), ("none", "batch")
        )
    ]
    assert len(set(mlps + convnets)) == len(mlps) + len(convnets)
    assert "mlp-2x8-relu-batch" in mlps
    assert ConvNet((8, 8), 10).readable_id == "convnet-16-32-64"


@pytest.mark.parametrize(
    ("make", "options", "line"),
    [
        (
            MLP,
            {"activation": "rellu"},
            "architecture.activation: no activation is called 'rellu'; did you mean 'relu'",
        ),
        (MLP, {"normalisation": "bach"}, "architecture.normalisation: .*did you mean 'batch'"),
        (MLP, {"layers": 0}, "architecture.layers: 0 cannot be used; a whole number from 1 up"),
        (MLP, {"random_signs": "no"}, "architecture.random_signs: 'no' came; allowed: true, false"),
        (MLP, {"width": 2.5}, "architecture.width: 2.5 cannot be used"),
        (ConvNet, {"channels": (4, 4, 4, 4)}, "architecture.channels: 4 blocks pool 2 x 2 .* 8 x 8; at most 3 blocks"),
        (ConvNet, {"channels": ()}, "architecture.channels: there is no convolutional block"),
        (ConvNet, {"channels": (4, 0)}, "architecture.channels: 0 cannot"),
        (ConvNet, {"kernel": 4}, "architecture.kernel: 4 is even"),
        (ConvNet, {"pool": 0}, "architecture.pool: 0 cannot"),
        (ConvNet, {"hidden": (0,)}, "architecture.hidden: 0 cannot"),
    ],
)
def test_impossible_settings_name_their_key(make: Any, options: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError, match=f"^{line}"):
        make((8, 8), 3, **options)


def test_a_convnet_needs_images() -> None:
    with pytest.raises(ConfigError, match=r"a convnet reads images, .* shape \(64,\).*architecture=mlp"):
        ConvNet((64,), 3)
