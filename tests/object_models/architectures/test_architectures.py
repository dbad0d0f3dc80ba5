"""Architectures: layers that read well, ids that tell networks apart, mistakes that are named."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch

from denote.errors import ConfigError
from denote.object_models.architectures.building_blocks import ACTIVATIONS, Attention, RandomSigns
from denote.object_models.architectures.convnet import ConvNet, ResNet
from denote.object_models.architectures.mlp import MLP
from denote.object_models.architectures.transformer import Transformer
from denote.object_models.architectures.vit import ViT
from denote.states.listing import list_layers


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
        (MLP, {"normalisation": None}, "architecture.normalisation: no normalisation is called None"),
        (ConvNet, {"normalisation": None}, "architecture.normalisation: no normalisation is called None"),
        (MLP, {"layers": 0}, "architecture.layers: 0 cannot be used; a whole number from 1 to 1000000000"),
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


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 12), (8, 8)])
def test_resnet_and_vit_read_images(shape: tuple[int, ...]) -> None:
    for network in (ResNet(shape, 5, channels=[4, 6], blocks=2), ViT(shape, 5, layers=2, width=8, heads=2, hidden=12)):
        logits = network(torch.randn(4, *shape))
        assert logits.shape == (4, 5)
        logits.sum().backward()
        assert all(parameter.grad is not None for parameter in network.parameters())
        layers = list_layers(network, torch.zeros(1, *shape))
        assert tuple(layer.name for layer in layers) == network.observed_layers
        assert layers[-1].is_head


def test_hidden_units_of_blocks_have_a_sign_and_what_blocks_hand_on_has_none() -> None:
    for observed, identified in (("block", False), ("hidden", True)):
        layers = list_layers(ViT((8, 8), 5, layers=2, observed=observed), torch.zeros(1, 8, 8))
        assert [layer.sign_identified for layer in layers[1:3]] == [identified] * 2
        assert [layer.kind for layer in layers] == ["sequence"] * 3 + ["units"]


def test_a_residual_block_adds_what_came_in() -> None:
    block = ResNet((2, 6, 6), 3, channels=[2], blocks=1).stage_1_1.eval()
    with torch.no_grad():
        for convolution in (block.first.conv, block.second.conv):
            convolution.weight.zero_()
    inputs = torch.randn(2, 2, 6, 6)
    torch.testing.assert_close(block(inputs), inputs.relu())


def test_attention_is_that_of_the_formula_and_sees_no_padding() -> None:
    torch.manual_seed(0)
    attention, inputs = Attention(6, 2), torch.randn(1, 4, 6)
    mask = torch.tensor([[True, True, True, False]])
    query, key, value = attention.query_key_value(inputs[0]).split(6, dim=1)
    heads = []
    for head in (slice(0, 3), slice(3, 6)):
        weights = (query[:, head] @ key[:3, head].T / 3**0.5).softmax(1)
        heads.append(weights @ value[:3, head])
    torch.testing.assert_close(attention(inputs, mask)[0], attention.out(torch.cat(heads, 1)))


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: Transformer((), 2, n_tokens=5, width=10, heads=4), "architecture.width"),
        (lambda: Transformer((), 2, n_tokens=5, dropout=1.0), "architecture.dropout"),
        (lambda: Transformer((), 2, n_tokens=5, observed="all"), "architecture.observed"),
        (lambda: Transformer((), 2, n_tokens=5, positions=3)(torch.zeros(1, 4).long()), "architecture.positions"),
        (lambda: Transformer((8,), 2), "reads token ids"),
        (lambda: ViT((1, 8, 8), 2, patch=3), "architecture.patch"),
        (lambda: ViT((64,), 2), "a vit reads images"),
        (lambda: ResNet((64,), 2), "a resnet reads images"),
        (lambda: ResNet((8, 8), 2, channels=[]), "architecture.channels"),
        (lambda: ResNet((8, 8), 2, blocks=0), "architecture.blocks"),
    ],
)
def test_what_cannot_be_is_named(make: Callable[[], object], key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        make()
