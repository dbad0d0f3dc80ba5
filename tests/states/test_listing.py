"""Layers in execution order, how they are picked, what their neurons are called."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from denote.data.batch import Named
from denote.errors import LayerError
from denote.states.layers import select_layers
from denote.states.listing import list_layers, listing

IMAGE = torch.zeros(1, 1, 8, 8)


class OutOfOrder(nn.Module):
    """Defined head first; one activation serves twice; dropout and identity are passed through."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 2)
        self.second = nn.Linear(5, 4)
        self.activation = nn.ReLU()
        self.drop = nn.Dropout()
        self.nothing = nn.Identity()
        self.unused = nn.Linear(2, 2)
        self.first = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(self.activation(self.first(x)))
        x = self.nothing(self.activation(self.second(x)))
        out: Tensor = self.head(x)
        return out


def test_places_come_in_the_order_of_execution() -> None:
    layers = list_layers(OutOfOrder(), torch.zeros(1, 6))
    assert [layer.name for layer in layers] == ["first", "activation", "second", "activation#2", "head"]
    assert [layer.depth for layer in layers] == [0, 1, 2, 3, 4]
    assert [layer.relative_depth for layer in layers] == [0, 0.25, 0.5, 0.75, 1]
    assert [layer.n_neurons for layer in layers] == [5, 5, 4, 4, 2]
    assert [layer.is_head for layer in layers] == [False] * 4 + [True]


class Ending(nn.Sequential):
    """Two layers, and a function that is no module."""

    ending: Callable[[Tensor], Tensor]

    def forward(self, x: Tensor) -> Tensor:
        return self.ending(super().forward(x))


@pytest.mark.parametrize(
    ("ending", "is_head"),
    [(lambda x: x.log_softmax(1), True), (lambda x: x.unflatten(1, (1, 4)), True), (lambda x: x.sum(1), False)],
)
def test_logits_are_the_head_whatever_function_comes_after_them(
    ending: Callable[[Tensor], Tensor], is_head: bool
) -> None:
    network = Ending(nn.Linear(6, 5), nn.Linear(5, 4))
    network.ending = ending
    assert [layer.is_head for layer in list_layers(network, torch.zeros(1, 6))] == [False, is_head]


def test_an_architecture_is_observed_once_per_block(mlp: nn.Module, convnet: nn.Module) -> None:
    assert [layer.name for layer in list_layers(mlp, IMAGE)] == ["hidden_1", "hidden_2", "hidden_3", "logits"]
    described = {
        layer.name: (layer.shape, layer.pooling, layer.grid) for layer in list_layers(convnet, IMAGE, "flatten")
    }
    assert described == {
        "conv_1": ((4, 4, 4), "flatten", (4, 4, 4)),
        "conv_2": ((6, 2, 2), "flatten", (6, 2, 2)),
        "hidden_1": ((5,), "none", (5,)),
        "logits": ((3,), "none", (3,)),
    }
    assert [layer.grid for layer in list_layers(convnet, IMAGE, "max")] == [(4,), (6,), (5,), (3,)]


def test_listing_leaves_the_network_as_it_was(mlp: nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in mlp.state_dict().items()}
    mlp.hidden_2.eval()
    list_layers(mlp, IMAGE)
    assert mlp.training
    assert not mlp.hidden_2.training
    assert not any(module._forward_hooks for module in mlp.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in mlp.state_dict().items())


def test_one_layer_has_no_relative_depth() -> None:
    (layer,) = list_layers(nn.Sequential(nn.Linear(3, 2)), torch.zeros(1, 3))
    assert (layer.depth, layer.relative_depth, layer.is_head) == (0, None, True)


class Gives(nn.Module):
    """A leaf whose output is whatever it is told."""

    def __init__(self, output: object) -> None:
        super().__init__()
        self.output = output

    def forward(self, x: Tensor) -> object:
        return self.output


class Holder(nn.Module):
    """A network around one leaf."""

    def __init__(self, leaf: nn.Module) -> None:
        super().__init__()
        self.leaf = leaf

    def forward(self, x: Tensor) -> Tensor:
        self.leaf(x)
        return x


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (None, "gives nothing, no tensor"),
        ("text", "gives a str, no tensor"),
        ((torch.zeros(3, 2, dtype=torch.int64),), "gives int64, not real numbers"),
        (torch.zeros(3), r"gives 1 axes \(3,\) for 3 inputs"),
        (torch.zeros(7, 3), r"gives \(7, 3\) for 3 inputs: samples are not first"),
    ],
)
def test_what_cannot_be_observed_is_left_out_with_its_reason(output: object, why: str) -> None:
    with pytest.raises(LayerError, match=f"calls no module that could be observed .leaf {why}"):
        list_layers(Holder(Gives(output)), torch.zeros(1, 2))
    both = nn.Sequential(nn.Linear(2, 2), Holder(Gives(output)))
    found = listing(both, torch.zeros(1, 2))
    assert [layer.name for layer in found.layers] == ["0"]
    (reason,) = found.left_out.values()
    assert re.fullmatch(why, reason)
    with pytest.raises(LayerError, match=f"^layer 1.leaf: {why}"):
        list_layers(both, torch.zeros(1, 2), asked=["1.leaf"])


class Chooses(nn.Module):
    """Names what is to be observed."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.first, self.unused = nn.Linear(2, 2), nn.Linear(2, 2)
        self.again = self.first
        self.observed_layers = names

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.first(x)
        return out


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (["frist"], "observed_layers: the network has no module 'frist'; did you mean 'first'"),
        (["first", "unused"], "layer unused: stands in observed_layers but is never called"),
        (["first", "again"], "observed_layers: 'again' and 'first' are one module"),
    ],
)
def test_a_network_that_names_its_layers_wrongly_is_told(names: list[str], line: str) -> None:
    with pytest.raises(LayerError, match=f"^{line}"):
        list_layers(Chooses(*names), torch.zeros(1, 2))


def test_a_network_without_modules_is_refused() -> None:
    with pytest.raises(LayerError, match="calls no module"):
        list_layers(nn.Flatten(), IMAGE)


def test_an_unknown_pooling_is_named(convnet: nn.Module) -> None:
    with pytest.raises(LayerError, match="did you mean 'mean'"):
        list_layers(convnet, IMAGE, "meen")


@pytest.mark.parametrize(
    ("select", "names"),
    [
        (0, ["hidden_1"]),
        (-1, ["logits"]),
        ("logits", ["logits"]),
        ("hidden_*", ["hidden_1", "hidden_2", "hidden_3"]),
        ("hidden_[13]", ["hidden_1", "hidden_3"]),
        ("all", ["hidden_1", "hidden_2", "hidden_3", "logits"]),
        ("first", ["hidden_1"]),
        ("middle", ["hidden_2"]),
        ("last", ["logits"]),
        ([-1, "first", 0, "logits"], ["hidden_1", "logits"]),
    ],
)
def test_selection(mlp: nn.Module, select: object, names: list[str]) -> None:
    assert [layer.name for layer in select_layers(list_layers(mlp, IMAGE), select)] == names  # type: ignore[arg-type] # a mix


@pytest.mark.parametrize(
    ("select", "line"),
    [
        (4, r"layer.select: there is no depth 4; allowed: -4 to 3"),
        (-5, r"layer.select: there is no depth -5; allowed: -4 to 3"),
        ("logit", r"layer.select: no layer is called 'logit'; did you mean 'logits'\? allowed: hidden_1, hidden_2,"),
        (["first", "conv_*"], r"layer.select: no layer is called 'conv_\*'.*allowed: hidden_1"),
        ([], r"layer.select: no layer is asked for"),
    ],
)
def test_what_is_not_there_lists_what_is(mlp: nn.Module, select: object, line: str) -> None:
    with pytest.raises(LayerError, match=f"^{line}"):
        select_layers(list_layers(mlp, IMAGE), select)  # type: ignore[arg-type] # a mix


def test_names_of_neurons_invert_the_flattening(convnet: nn.Module) -> None:
    conv, _, hidden, _ = list_layers(convnet, IMAGE, "flatten")
    for index in range(conv.n_neurons):
        channel, y, x = np.unravel_index(index, conv.grid)
        assert conv.neuron_name(index) == f"channel {channel}, y {y}, x {x}"
    assert hidden.neuron_name(4) == "unit 4"
    assert list_layers(convnet, IMAGE, "mean")[0].neuron_name(3) == "channel 3"
    with pytest.raises(IndexError, match="no neuron 5: there are 5"):
        hidden.neuron_name(5)


class Sequences(nn.Module):
    """Attention without its name, states of other lengths, maps: what a mask says of each."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.attention, self.shorter, self.by_head, self.pooled = (nn.Identity() for _ in range(5))
        self.observed_layers = ("state",)

    def forward(self, x: Tensor) -> Tensor:
        state = self.state(x)
        self.attention(torch.einsum("rpn,rqn->rpq", x, x)[:, None].expand(-1, 2, -1, -1))
        self.shorter(x[:, ::2])
        self.by_head(x.unflatten(2, (2, -1)))
        out: Tensor = self.pooled(state.mean(1))
        return out


def test_with_a_mask_only_what_it_knows_is_observed() -> None:
    network, values = Sequences(), torch.randn(2, 6, 4)
    del network.observed_layers
    bare = {layer.name: layer.kind for layer in list_layers(network, Named({"x": values}), of="modules")}
    mask = torch.arange(6) < torch.tensor([6, 3])[:, None]
    found = listing(network, Named({"x": values}, mask), of="modules")
    assert {layer.name: layer.kind for layer in found.layers} == {
        "state": "sequence", "attention": "heads", "pooled": "units"
    }  # fmt: skip
    assert set(found.left_out) == {"shorter", "by_head"}
    assert found.left_out["shorter"] == (
        "gives (3, 4) for a sample whose mask has 6 positions: which are padding is not known"
    )
    assert set(bare) == {"state", "attention", "shorter", "by_head", "pooled"}


class StepsFirst(nn.Module):
    """A recurrent network that takes what it is given for steps of one sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Linear(3, 3)
        self.steps = nn.LSTM(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.steps(self.before(x))[0]
        return out


class Draws(nn.Module):
    """Adds numbers that it draws anew, as a variational network does."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Linear(3, 3)
        self.drawn = nn.Identity()
        self.after = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        mean = self.mean(x)
        out: Tensor = self.after(mean + torch.randn_like(mean))
        return out


def test_what_mixes_the_samples_of_a_batch_is_left_out() -> None:
    found = listing(StepsFirst(), torch.ones(2, 3))
    assert [layer.name for layer in found.layers] == ["before"]
    assert found.left_out
    assert "equal inputs" in found.left_out["steps"]
    assert "steps takes steps first: batch_first=True" in found.left_out["steps"]
    assert [layer.name for layer in listing(Draws(), torch.ones(2, 3)).layers] == ["mean", "after"]


class Company(nn.Module):
    """Adds a little of a statistic of the batch to every sample."""

    def __init__(self, statistic: Callable[[Tensor], Tensor], weight: float) -> None:
        super().__init__()
        self.statistic, self.weight = statistic, weight

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight * self.statistic(x)


@pytest.mark.parametrize("weight", [0.05, 0.1, 1.0])
@pytest.mark.parametrize(
    "statistic",
    [lambda x: x.mean(0), lambda x: x.amax(0), lambda x: x.std(0), lambda x: x.roll(1, 0), lambda x: x.norm()],
    ids=["mean", "largest", "deviation", "neighbour", "norm"],
)
def test_a_state_that_moves_a_little_with_the_batch_is_left_out(
    statistic: Callable[[Tensor], Tensor], weight: float
) -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(40, 6, generator=generator)
    network = nn.Sequential(nn.Linear(6, 5), Company(statistic, weight), nn.Linear(5, 2))
    found = listing(network, inputs[:8])
    assert "0" not in found.left_out
    assert set(found.left_out) & {"1", "2"} if weight < 0.1 else set(found.left_out) == {"1", "2"}


def test_a_module_whose_weights_are_made_by_others_is_one_layer() -> None:
    normed = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)), nn.ReLU())
    for of in ("blocks", "leaves", "modules"):
        layers = list_layers(normed, torch.ones(1, 3), of=of)
        assert [(layer.name, layer.sign_identified) for layer in layers] == [("0", False), ("1", True)]


def test_compiled_code_is_looked_into() -> None:
    inside = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    network = nn.Sequential(torch.compile(inside, backend="eager"), nn.Linear(4, 2))
    network(torch.ones(2, 3))
    assert len(list_layers(network, torch.ones(1, 3))) == 3


@pytest.mark.parametrize(("gives", "said"), [(None, "is nothing, no tensor"), ("text", "is a str, no tensor")])
def test_a_network_without_a_layer_is_told_what_it_gives(gives: object, said: str) -> None:
    class Nothing(nn.Module):
        def forward(self, x: Tensor) -> object:
            return gives

    with pytest.raises(LayerError, match=said):
        list_layers(Nothing(), torch.ones(1, 3))
