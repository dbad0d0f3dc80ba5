"""Every layer of many architectures is intervened on, or says why not; the network is left as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from denote.data.batch import Batch, selected
from denote.errors import LayerError
from denote.interventions.edits import SetTo
from denote.interventions.passes import layer_passes
from denote.object_models.architectures.convnet import ConvNet
from denote.states.layers import MODULES, Layer
from denote.states.listing import listing

HUGGING_FACE = [
    ("encoder", "bert"),
    ("encoder", "distilbert"),
    ("encoder", "albert"),
    ("decoder", "gpt2"),
    ("decoder", "opt"),
    ("decoder", "llama"),
    ("decoder", "mamba"),
    ("both", "t5"),
    ("both", "bart"),
    ("image", "vit"),
    ("image", "convnext"),
    ("image", "resnet"),
    ("sound", "wav2vec2"),
]


class Held:
    """One batch, row by row."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.shape = ()

    def __len__(self) -> int:
        return len(self.batch)

    def __getitem__(self, rows: Any) -> Batch:
        return selected(self.batch, torch.as_tensor(np.asarray(rows)))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(5, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0][:, -1])


def intervened(network: nn.Module, layers: list[Layer], batch: Batch) -> dict[str, str]:
    """Set the first neuron of every layer; the reason of those where that cannot be done, empty for the others."""
    before = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    random = torch.random.get_rng_state()
    reasons: dict[str, str] = {}
    for layer in layers:
        kept: list[Tensor] = []
        try:
            with layer_passes(network, layer, Held(batch), np.arange(len(batch))) as passes:
                values, _ = passes.values()
                edit = SetTo([0], values[:, 0].max()[None] + 1)
                passes.run([edit], lambda edit, row, outputs, kept=kept: kept.append(outputs))
                assert kept[0].shape == passes.baseline().shape
                assert torch.isfinite(kept[0]).all()
            reasons[layer.name] = ""
        except LayerError as error:
            reasons[layer.name] = error.problem
    assert not any("\n" in reason for reason in reasons.values())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert modes == [module.training for module in network.modules()]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert torch.equal(random, torch.random.get_rng_state())
    return reasons


@pytest.mark.parametrize(("kind", "name"), HUGGING_FACE, ids=[name for _, name in HUGGING_FACE])
def test_layers_of_hugging_face_are_intervened_on(kind: str, name: str) -> None:
    pytest.importorskip("transformers")
    from hugging_face_zoo import FAMILIES, batches, built

    network, batch = built(name, FAMILIES[kind][name]), batches(kind)[0]
    reasons = intervened(network, listing(network, batch).layers, batch)
    told = {"the weights of attention cannot be set one head at a time"}
    assert set(reasons.values()) - {""} <= told
    assert list(reasons.values()).count("") > len(reasons) / 2


def test_a_recurrent_network_is_intervened_on_at_its_outputs() -> None:
    network, batch = Recurrent(), torch.rand(6, 4, 5)
    reasons = intervened(network, listing(network, batch).layers, batch)
    assert reasons["lstm"] == ""


def test_packed_sequences_are_refused_by_name() -> None:
    class Packed(Recurrent):
        def forward(self, x: Tensor) -> Tensor:
            packed = nn.utils.rnn.pack_padded_sequence(x, torch.full((len(x),), 3), batch_first=True)
            return self.head(self.lstm(packed)[1][0][-1])

    network, batch = Packed(), torch.rand(6, 4, 5)
    reasons = intervened(network, [layer for layer in listing(network, batch).layers if layer.name == "lstm"], batch)
    assert "in which no tensor can be replaced" in reasons["lstm"]


def test_residual_blocks_and_their_parts_are_intervened_on() -> None:
    network, batch = ConvNet((1, 8, 8), 3, channels=(4, 6), hidden=(5,)), torch.rand(6, 1, 8, 8)
    reasons = intervened(network, listing(network, batch, of=MODULES).layers, batch)
    assert set(reasons.values()) == {""}
