"""What made a layer, and all above it, becomes that of another network; what lies below stays bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from denote.data.samples import Samples
from denote.errors import LayerError
from denote.object_models.architectures.convnet import ConvNet
from denote.object_models.architectures.mlp import MLP
from denote.states.capture import capturing
from denote.states.layers import Layer
from denote.states.listing import list_layers
from denote.states.randomised import Cascade, Randomised
from denote.streams import torch_stream

IMAGE = torch.zeros(1, 1, 8, 8)


def drawn(network: nn.Module, name: str = "fresh") -> nn.Module:
    """The network with other numbers in every parameter and every buffer, variances positive."""
    generator = torch_stream("randomised tests", name)
    for tensor in [*network.parameters(), *network.buffers()]:
        tensor.data.copy_(torch.rand(tensor.shape, generator=generator).add_(0.1).mul_(0.3 if tensor.ndim else 99))
    return network


def fresh_like(network: nn.Module) -> nn.Module:
    """Another draw of one of the two networks of the fixtures."""
    if isinstance(network, MLP):
        return drawn(MLP((1, 8, 8), 3, layers=3, width=7, normalisation="batch"))
    return drawn(ConvNet((1, 8, 8), 3, channels=(4, 6), hidden=(5,)))


@pytest.fixture(params=["mlp", "convnet"])
def network(request: pytest.FixtureRequest) -> nn.Module:
    network: nn.Module = request.getfixturevalue(request.param)
    return network


def states(network: nn.Module, inputs: Tensor, layers: list[Layer]) -> dict[str, Tensor]:
    with capturing(network, layers) as record:
        return record(inputs)


def down_to(network: nn.Module, layer: str, example: Tensor) -> Randomised:
    """Randomise a network whose layers are its leaves."""
    fresh = drawn(type(network)())
    layers = list_layers(network, example)
    (wanted,) = [each for each in layers if each.name == layer]
    return Cascade.of(network, fresh, example, layers).down_to(wanted)


def test_from_the_top_down_to_the_layer_all_is_new_and_below_all_is_old(network: nn.Module, samples: Samples) -> None:
    fresh, inputs = fresh_like(network), samples.inputs[np.arange(20)]
    layers = list_layers(network, IMAGE)
    trained = states(network, inputs, layers)
    blocks = [layer.name for layer in layers]
    cascade = Cascade.of(network, fresh, IMAGE, layers)
    for depth, layer in enumerate(layers):
        found = cascade.down_to(layer)
        assert (found.kept, found.reaches, found.note) == ((), True, None)
        for name, tensor in found.network.state_dict().items():
            is_new = blocks.index(name.split(".")[0]) >= depth
            assert torch.equal(tensor, (fresh if is_new else network).state_dict()[name]), name
            assert (name in found.replaced) is is_new
        seen = states(found.network, inputs, layers)
        # Only what lies above a layer is new: the state of the layer cannot tell.
        assert all(torch.equal(seen[name], trained[name]) for name in blocks[:depth])
        assert not any(torch.equal(seen[name], trained[name]) for name in blocks[depth:])


def test_nothing_is_left_behind(network: nn.Module) -> None:
    network.train()
    network.get_submodule("logits").eval()
    network(torch.randn(4, 1, 8, 8, generator=torch_stream("batch"))).sum().backward()
    fresh, layers = fresh_like(network), list_layers(network, IMAGE)

    def facts(one: nn.Module) -> list[Tensor]:
        gradients = [p.grad.clone() for p in one.parameters() if p.grad is not None]
        return [*(t.clone() for t in one.state_dict().values()), *gradients, torch.get_rng_state()]

    def modes(one: nn.Module) -> list[bool]:
        return [module.training for module in one.modules()]

    before, modes_before = [*facts(network), *facts(fresh)], modes(network)
    found = Cascade.of(network, fresh, IMAGE, layers).down_to(layers[1])
    after = [*facts(network), *facts(fresh)]
    assert len(before) == len(after)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert modes(network) == modes(found.network) == modes_before
    for module in [*network.modules(), *found.network.modules()]:
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


class Drawing(nn.Module):
    """Draws in its forward pass from the global generator."""

    def __init__(self) -> None:
        super().__init__()
        self.unit = nn.Linear(4, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        output: Tensor = self.unit(inputs + torch.randn(inputs.shape))
        return output


def test_a_network_that_draws_leaves_the_generator_alone() -> None:
    network, example = drawn(Drawing(), "trained"), torch.zeros(1, 4)
    (layer,) = list_layers(network, example)
    fresh, before = drawn(Drawing()), torch.get_rng_state()
    Cascade.of(network, fresh, example, [layer]).down_to(layer)
    assert torch.equal(torch.get_rng_state(), before)


class Leaves(nn.Sequential):
    """No named blocks, so that every leaf is a layer."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3))


def test_an_activation_is_made_by_the_module_before_it() -> None:
    network, example = drawn(Leaves(), "trained"), torch.zeros(1, 4)
    assert down_to(network, "3", example).replaced == ("2.weight", "2.bias", "4.weight", "4.bias")
    assert down_to(network, "2", example).replaced == ("2.weight", "2.bias", "4.weight", "4.bias")
    assert len(down_to(network, "1", example).replaced) == 6


class Recurrent(nn.Module):
    """One module called twice, between two that are called once."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.again, self.last = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        output: Tensor = self.last(self.again(self.again(self.first(inputs))))
        return output


def test_a_module_that_is_called_on_both_sides_stays_and_is_reported() -> None:
    network, example = drawn(Recurrent(), "trained"), torch.zeros(1, 4)
    second = down_to(network, "again#2", example)
    assert second.kept == ("again.weight", "again.bias")
    assert not second.reaches
    assert second.note is not None
    assert "nothing that makes this layer was replaced" in second.note
    assert "again.weight" in second.note
    first = down_to(network, "again", example)
    assert first.replaced == ("again.weight", "again.bias", "last.weight", "last.bias")
    assert (first.kept, first.reaches) == ((), True)


class Tied(nn.Module):
    """Reads and writes with one weight, and scales everything with a weight of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.read, self.middle, self.write = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
        self.write.weight = self.read.weight

    def forward(self, inputs: Tensor) -> Tensor:
        output: Tensor = self.write(self.middle(self.read(inputs)) * self.scale)
        return output


def test_tied_weights_and_weights_around_both_sides_stay_and_are_reported() -> None:
    network = drawn(Tied(), "trained")
    found = down_to(network, "middle", torch.zeros(1, 4))
    assert found.replaced == ("middle.weight", "middle.bias", "write.bias")
    assert found.kept == ("scale", "read.weight", "write.weight")
    assert found.reaches
    assert found.note is not None
    assert found.note.endswith("kept as trained: scale, read.weight, write.weight")
    assert found.network.read.weight is found.network.write.weight
    assert torch.equal(found.network.read.weight, network.read.weight)  # type: ignore[arg-type, union-attr]


class Attending(nn.Module):
    """Attention, whose output projection holds weights and is never called as a module."""

    observed_layers = ("embed", "body")

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(4, 8)
        self.body = nn.Sequential(nn.Unflatten(1, (2, 4)), nn.TransformerEncoderLayer(4, 2, 5, batch_first=True))
        self.body.append(nn.Flatten())

    def forward(self, inputs: Tensor) -> Tensor:
        output: Tensor = self.body(self.embed(inputs))
        return output


def test_weights_of_a_module_that_is_never_called_go_with_the_one_around_it() -> None:
    found = down_to(drawn(Attending(), "trained"), "body", torch.zeros(1, 4))
    assert set(found.replaced) == {name for name, _ in Attending().named_parameters() if name.startswith("body")}
    assert any("out_proj" in name for name in found.replaced)
    assert found.kept == ()


def test_without_anything_learned_the_note_says_so() -> None:
    network, example = drawn(Leaves()), torch.zeros(1, 4)
    layers = list_layers(network, example)
    found = Cascade.of(network, drawn(Leaves()), example, layers).down_to(layers[2])
    assert (found.replaced, found.reaches) == ((), False)
    assert "nothing is learned" in (found.note or "")


def test_other_architectures_and_unknown_layers_are_refused(mlp: nn.Module) -> None:
    layers = list_layers(mlp, IMAGE)
    other = MLP((1, 8, 8), 3, layers=3, width=6, normalisation="batch")
    with pytest.raises(ValueError, match=r"another architecture: hidden_1.linear.bias, hidden_1.linear.weight"):
        Cascade.of(mlp, other, IMAGE, layers)
    state = Layer("state", None, None, (21,), "none", (21,))
    with pytest.raises(LayerError, match="layer state: cannot be randomised down to"):
        Cascade.of(mlp, fresh_like(mlp), IMAGE, layers).down_to(state)
