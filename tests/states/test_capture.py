"""Capturing: the numbers of a plain forward pass, and nothing of it left on the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, relu

from denote.data.samples import Samples
from denote.errors import LayerError
from denote.states.capture import capturing
from denote.states.layers import select_layers
from denote.states.listing import list_layers

IMAGE = torch.zeros(1, 1, 8, 8)


def untouched(network: nn.Module) -> bool:
    return not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def block_by_block(mlp: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """The states of the MLP with batch normalisation, written out."""
    states, x = {}, inputs.flatten(1)
    for name in ("hidden_1", "hidden_2", "hidden_3"):
        block = mlp.get_submodule(name)
        x = x @ block.linear.weight.T + block.linear.bias
        norm = block.norm
        x = relu(batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps))
        states[name] = x
    return states | {"logits": x @ mlp.logits.weight.T + mlp.logits.bias}


def test_states_are_those_of_a_plain_forward(mlp: nn.Module, samples: Samples) -> None:
    inputs = samples.inputs[np.arange(20)]
    with capturing(mlp, list_layers(mlp, IMAGE)) as record:
        got = record(inputs)
    expected = block_by_block(mlp, inputs)
    assert list(got) == list(expected)
    for name, state in expected.items():
        torch.testing.assert_close(got[name], state.detach())
        assert not got[name].requires_grad


@pytest.mark.parametrize("pooling", ["mean", "max", "flatten"])
def test_maps_are_pooled(convnet: nn.Module, samples: Samples, pooling: str) -> None:
    inputs = samples.inputs[np.arange(6)]
    convnet.eval()
    maps = convnet.get_submodule("conv_1")(inputs).detach().numpy()
    expected = {"mean": maps.mean((2, 3)), "max": maps.max((2, 3)), "flatten": maps.reshape(6, -1)}[pooling]
    with capturing(convnet, list_layers(convnet, IMAGE, pooling)) as record:
        np.testing.assert_allclose(record(inputs)["conv_1"].numpy(), expected, rtol=1e-5, atol=1e-6)


def test_mode_and_hooks_are_as_before(mlp: nn.Module) -> None:
    mlp.hidden_2.eval()
    with capturing(mlp, list_layers(mlp, IMAGE)) as record:
        assert not mlp.training
        record(IMAGE)
    assert untouched(mlp)
    assert (mlp.training, mlp.hidden_1.training, mlp.hidden_2.training) == (True, True, False)


@pytest.mark.parametrize("broken", [torch.zeros(2, 3), "not a tensor"])
def test_mode_and_hooks_are_as_before_after_an_error(mlp: nn.Module, broken: object) -> None:
    with pytest.raises((LayerError, AttributeError)), capturing(mlp, list_layers(mlp, IMAGE)) as record:
        record(broken)  # type: ignore[arg-type] # that is the error
    assert untouched(mlp)
    assert mlp.training


def test_hooks_go_when_a_later_layer_does_not_exist(mlp: nn.Module, convnet: nn.Module) -> None:
    layers = [*list_layers(mlp, IMAGE)[:1], *list_layers(convnet, IMAGE)[:1]]
    with pytest.raises(AttributeError), capturing(mlp, layers):
        pass
    assert untouched(mlp)


def test_the_forward_ends_at_the_deepest_layer_asked_for(mlp: nn.Module) -> None:
    calls = []
    mlp.logits.register_forward_pre_hook(lambda *_: calls.append(1))
    layers = select_layers(list_layers(mlp, IMAGE), [0, 2])
    calls.clear()
    with capturing(mlp, layers) as record:
        assert list(record(IMAGE)) == ["hidden_1", "hidden_3"]
    assert calls == []
    with capturing(mlp, layers, stop_early=False) as record:
        record(IMAGE)
    assert calls == [1]


def test_work_in_place_does_not_reach_back() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))
    inputs = torch.randn(9, 4)
    with capturing(network, list_layers(network, inputs)) as record:
        got = record(inputs)
    assert (got["0"] < 0).any()
    torch.testing.assert_close(got["1"], relu(got["0"]))


class Shy(nn.Module):
    """Leaves its second layer out, or changes its shape, for some inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Identity()
        self.observed_layers = ("first", "second")

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.first(x)
        if x.sum() > 100:
            return hidden
        out: Tensor = self.second(hidden[:, :1] if x.sum() < -100 else hidden)
        return out


def test_a_layer_that_is_not_reached_or_changes_is_named() -> None:
    shy = Shy()
    with capturing(shy, list_layers(shy, torch.zeros(1, 2))) as record:
        assert set(record(torch.zeros(1, 2))) == {"first", "second"}
        with pytest.raises(LayerError, match=r"^layer second: is not reached by every input"):
            record(torch.full((1, 2), 200.0))
        with pytest.raises(LayerError, match=r"^layer second: gives \(1,\) for a sample, not \(2,\)"):
            record(torch.full((1, 2), -200.0))
        assert set(record(torch.zeros(1, 2))) == {"first", "second"}


def test_a_second_call_has_a_state_of_its_own() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.step = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.step(self.step(x))
            return out

    network, inputs = Twice(), torch.randn(5, 3)
    layers = list_layers(network, inputs)
    with capturing(network, layers) as record:
        got = [record(inputs), record(inputs)][1]
    torch.testing.assert_close(got["step"], network.step(inputs).detach())
    torch.testing.assert_close(got["step#2"], network(inputs).detach())
    with capturing(network, layers[1:]) as record:
        assert list(record(inputs)) == ["step#2"]


def test_half_precision_becomes_single() -> None:
    network = nn.Sequential(nn.Linear(3, 2)).to(torch.bfloat16)
    inputs = torch.randn(4, 3, dtype=torch.bfloat16)
    with capturing(network, list_layers(network, inputs)) as record:
        assert record(inputs)["0"].dtype == torch.float32
