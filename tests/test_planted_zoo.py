"""Networks of many kinds in which channel 0 reads a fact and channel 1 its opposite, so that only channels show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import denote

N, T, C = 200, 9, 6
YES = np.random.default_rng(0).permutation(np.arange(N) % 2 == 0)
FEW: dict[str, Any] = {"permutations": 0, "bootstraps": 20, "stability": False, "controls": [], "probe": "neuron"}
ZOO: dict[str, Callable[[], tuple[nn.Module, Any, dict[str, int]]]] = {}
"""By name: what makes a network, its inputs, and the planted neuron of its layers."""


def values(*shape: int, channel: int) -> Tensor:
    """Noise of a shape after the samples, with the fact in channel 0 and its opposite in channel 1."""
    noise = torch.randn(N, *shape, generator=torch.Generator().manual_seed(1)) * 0.3
    sign = torch.tensor(2.0 * YES - 1).float().reshape(-1, *[1] * (len(shape) - 1))
    noise.select(channel, 0).add_(sign)
    noise.select(channel, 1).sub_(sign)
    return noise


def sequences() -> Tensor:
    return values(T, C, channel=2)


def signals() -> Tensor:
    return values(C, T, channel=1)


def carrying(module: nn.Module) -> nn.Module:
    """The module with weights that hand on channels 0 and 1 alone."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.zero_()
        for each in module.modules():
            if isinstance(each, nn.LayerNorm | nn.BatchNorm1d | nn.BatchNorm2d):
                each.weight.fill_(1)
            elif isinstance(each, nn.Linear):
                each.weight[:2, :2] = torch.eye(2)
            elif isinstance(each, nn.ConvTranspose1d):
                each.weight[:2, :2, 1] = torch.eye(2)
            elif isinstance(each, nn.Conv1d | nn.Conv2d | nn.Conv3d) and each.groups > 1:
                each.weight[(slice(None), 0, *[size // 2 for size in each.kernel_size])] = 1
            elif isinstance(each, nn.Conv1d | nn.Conv2d | nn.Conv3d):
                each.weight[(slice(2), slice(2), *[size // 2 for size in each.kernel_size])] = torch.eye(2)
            elif isinstance(each, nn.MultiheadAttention):
                width = each.embed_dim
                each.in_proj_weight[2 * width : 2 * width + 2, :2] = torch.eye(2)
            elif isinstance(each, nn.RNNBase | nn.RNNCellBase):
                for name, weight in each.named_parameters():
                    if name.startswith("weight_ih"):
                        # The last of the gates is the candidate or the output, the one before it the candidate.
                        gates = len(weight) // each.hidden_size
                        at = {4: 2, 3: 2, 1: 0}[gates] * each.hidden_size
                        weight[at : at + 2, :2] = torch.eye(2)
    return module


def zoo(make: Callable[[], tuple[nn.Module, Any, dict[str, int]]]) -> Callable[[], Any]:
    ZOO[make.__name__] = make
    return make


class Wrapped(nn.Module):
    """A module `inner`, and what is done with it."""

    def __init__(self, inner: nn.Module, run: Callable[..., Any]) -> None:
        super().__init__()
        self.inner, self.run = inner, run

    def forward(self, *given: Any, **named: Any) -> Any:
        return self.run(self.inner, *given, **named)


def blocks(inner: Callable[[], nn.Module], run: Callable[..., Tensor], n: int = 2) -> nn.Sequential:
    return nn.Sequential(*(Wrapped(carrying(inner()), run) for _ in range(n)))


BOTH = {"0": 0, "1": 0}


@zoo
def lstm() -> Any:
    return carrying(nn.LSTM(C, 5, batch_first=True)), sequences(), {"output": 0, "output[h_n]": 0, "output[c_n]": 0}


@zoo
def gru_with_steps_first() -> Any:
    network = Wrapped(carrying(nn.GRU(C, 5)), lambda gru, x: gru(x.transpose(0, 1))[0][-1])
    return network, sequences(), {"inner": 0, "inner[h_n]": 0}


@zoo
def as_many_steps_as_rows_that_are_tried() -> Any:
    network = Wrapped(carrying(nn.RNN(C, 5)), lambda rnn, x: rnn(x.transpose(0, 1))[0].mean(0))
    return network, values(3, C, channel=2), {"inner": 0, "inner[h_n]": 0}


@zoo
def rnn_of_packed_sequences() -> Any:
    lengths = torch.arange(N) % T + 1
    inputs = sequences()
    padding = torch.arange(T)[None] >= lengths[:, None]
    inputs[padding] = -9 * inputs[padding]

    def run(rnn: nn.RNN, x: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        out: Tensor = pad_packed_sequence(rnn(packed)[0], batch_first=True, total_length=x.shape[1])[0]
        return out

    network = Wrapped(carrying(nn.RNN(C, 5, batch_first=True)), run)
    return network, {"x": inputs, "lengths": lengths}, {"inner": 0, "inner[h_n]": 0}


@zoo
def bidirectional_lstm_of_two_layers() -> Any:
    network = carrying(nn.LSTM(C, 5, 2, batch_first=True, bidirectional=True))
    return network, sequences(), {"output": 0, "output[h_n]": 0, "output[c_n]": 0}


@zoo
def projected_lstm() -> Any:
    network = carrying(nn.LSTM(C, 5, proj_size=3, batch_first=True))
    with torch.no_grad():
        network.weight_hr_l0[:2, :2] = torch.eye(2)
    return network, sequences(), {"output": 0, "output[h_n]": 0, "output[c_n]": 0}


@zoo
def cells_in_a_loop() -> Any:
    def run(cell: nn.LSTMCell, x: Tensor) -> Tensor:
        state, outputs = None, []
        for step in x.unbind(1):
            state = cell(step, state)
            outputs.append(state[0])
        return torch.stack(outputs, 1)

    return blocks(lambda: nn.LSTMCell(C, C), run), sequences(), BOTH


@zoo
def a_loop_that_writes_into_an_array() -> Any:
    def run(cell: nn.GRUCell, x: Tensor) -> Tensor:
        state, outputs = x.new_zeros(len(x), C), torch.zeros(len(x), x.shape[1], C)
        for step in range(x.shape[1]):
            state = cell(x[:, step], state)
            outputs[:, step] = state
        return outputs

    return blocks(lambda: nn.GRUCell(C, C), run), sequences(), BOTH


def attention(**options: Any) -> nn.MultiheadAttention:
    made = nn.MultiheadAttention(C, 2, **options)
    carrying(made)
    with torch.no_grad():
        made.out_proj.weight[:2, :2] = torch.eye(2)
    return made


@zoo
def multihead_attention_alone() -> Any:
    network = Wrapped(attention(batch_first=True), lambda inner, x: inner(x, x, x)[0].mean(1))
    return network, sequences(), {"inner[0]": 0}


@zoo
def multihead_attention_with_steps_first() -> Any:
    def run(inner: nn.Module, x: Tensor) -> Tensor:
        turned = x.transpose(0, 1)
        out: Tensor = inner(turned, turned, turned, need_weights=False)[0].mean(0)
        return out

    return Wrapped(attention(), run), sequences(), {"inner": 0}


def encoder(n: int, **options: Any) -> nn.TransformerEncoder:
    made = nn.TransformerEncoder(nn.TransformerEncoderLayer(C, 2, 8, batch_first=True, **options), n)
    carrying(made)
    for each in made.modules():
        if isinstance(each, nn.MultiheadAttention):
            with torch.no_grad():
                each.out_proj.weight[:2, :2] = torch.eye(2)
    return made


@zoo
def transformer_encoder() -> Any:
    return encoder(2), sequences(), {"layers.0": 0, "layers.1": 0}


@zoo
def transformer_encoder_of_one_layer() -> Any:
    return encoder(1), sequences(), {"layers.0.self_attn": 0, "layers.0.norm2": 0}


@zoo
def transformer_encoder_that_normalises_first() -> Any:
    network = encoder(1, norm_first=True)
    return network, sequences(), {"layers.0.self_attn": 0, "layers.0": 0}


@zoo
def transformer_decoder_layer() -> Any:
    made = carrying(nn.TransformerDecoderLayer(C, 2, 8))
    for each in (made.self_attn, made.multihead_attn):
        with torch.no_grad():
            each.out_proj.weight[:2, :2] = torch.eye(2)

    def run(inner: nn.Module, x: Tensor) -> Tensor:
        turned = x.transpose(0, 1)
        out: Tensor = inner(turned, turned[:4]).mean(0)
        return out

    return Wrapped(made, run), sequences(), {"inner.self_attn": 0, "inner.multihead_attn": 0, "inner.norm3": 0}


class HandWritten(nn.Module):
    """Attention as people write it, with heads."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(C, 3 * C, bias=False), nn.Linear(C, C, bias=False)
        with torch.no_grad():
            self.qkv.weight.zero_()[2 * C : 2 * C + 2, :2] = torch.eye(2)
            self.out.weight.zero_()[:2, :2] = torch.eye(2)

    def forward(self, x: Tensor) -> Tensor:
        b, t, c = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) / c**0.5).softmax(-1)
        return x + self.out((weights @ v).transpose(1, 2).reshape(b, t, c))


@zoo
def hand_written_attention() -> Any:
    return nn.Sequential(HandWritten(), HandWritten()), sequences(), BOTH


@zoo
def conv_and_pooling_function() -> Any:
    run = lambda conv, x: functional.max_pool1d(torch.tanh(conv(x)), 2)  # noqa: E731
    return blocks(lambda: nn.Conv1d(C, C, 3, padding=1), run), signals(), BOTH


@zoo
def as_many_channels_as_steps() -> Any:
    run = lambda conv, x: functional.relu(conv(x)[:, :, 1:-1])  # noqa: E731
    return blocks(lambda: nn.Conv1d(8, 8, 3, padding=1), run, 1), values(8, 10, channel=1), {"0": 0}


@zoo
def gated_linear_units() -> Any:
    run = lambda conv, x: functional.glu(conv(x), dim=1)  # noqa: E731
    return blocks(lambda: nn.Conv1d(C, 2 * C, 3, padding=1), run), signals(), BOTH


@zoo
def inception() -> Any:
    def run(pair: nn.ModuleList, x: Tensor) -> Tensor:
        return torch.cat([conv(x) for conv in pair], 1).relu()

    return blocks(lambda: nn.ModuleList([nn.Conv1d(C, 3, 1), nn.Conv1d(C, 3, 3, padding=1)]), run), signals(), BOTH


@zoo
def upsampling() -> Any:
    network = nn.Sequential(nn.Upsample(scale_factor=2), carrying(nn.Conv1d(C, 4, 3)), nn.Upsample(size=11))
    return network, signals(), {"0": 0, "1": 0, "2": 0}


@zoo
def temporal_convolutions() -> Any:
    run = lambda conv, x: functional.relu(conv(nn.ConstantPad1d((2, 0), 0.0)(x))) + x  # noqa: E731
    network = nn.Sequential(nn.ConstantPad1d((2, 1), 0.0), *blocks(lambda: nn.Conv1d(C, C, 3), run))
    return network, signals(), {"0": 0, "1": 0, "2": 0}


@zoo
def depthwise_convolutions() -> Any:
    run = lambda convs, x: convs(x).transpose(1, 2).contiguous()  # noqa: E731
    make = lambda: nn.Sequential(nn.Conv1d(C, C, 3, padding=1, groups=C), nn.Conv1d(C, C, 1))  # noqa: E731
    return blocks(make, run, 1), signals(), {"0.inner.0": 0, "0.inner.1": 0}


class Gated(nn.Module):
    """A block of WaveNet: its residual, and what skips the others."""

    def __init__(self) -> None:
        super().__init__()
        self.filter, self.gate = nn.Conv1d(C, C, 2, dilation=2), nn.Conv1d(C, C, 2, dilation=2)
        self.skip = nn.Conv1d(C, 4, 1)
        carrying(self)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(self.filter(functional.pad(x, (2, 0)))) * torch.sigmoid(self.gate(functional.pad(x, (2, 0))))
        return x + h, self.skip(h)


class WaveNet(nn.Module):
    """A loop over blocks that give two things."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Gated(), Gated()])

    def forward(self, x: Tensor) -> Tensor:
        total: Any = 0
        for block in self.blocks:
            x, skip = block(x)
            total = total + skip
        return total.mean(2)


@zoo
def wavenet() -> Any:
    return WaveNet(), signals(), {f"blocks.{depth}[{part}]": 0 for depth in (0, 1) for part in (0, 1)}


@zoo
def transposed_convolutions() -> Any:
    run = lambda conv, x: conv(x)[..., :-1] * 2  # noqa: E731
    return blocks(lambda: nn.ConvTranspose1d(C, C, 3, stride=2), run), signals(), BOTH


class Graph(nn.Module):
    """A linear layer between neighbours; `inner` alone knows no graph."""

    def __init__(self, run: Callable[..., Tensor], *, out: int = C) -> None:
        super().__init__()
        self.inner, self.run = carrying(nn.Linear(C, out)), run

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        return self.run(self.inner, x, adjacency)


class Graphs(nn.Module):
    """Two graph layers; the graph is an argument or a buffer."""

    def __init__(self, run: Callable[..., Tensor], adjacency: Tensor | None = None) -> None:
        super().__init__()
        self.first, self.second, self.head = Graph(run), Graph(run), nn.Linear(C, 2)
        self.register_buffer("ring", adjacency)

    def forward(self, x: Tensor, adjacency: Tensor | None = None) -> Tensor:
        adjacency = self.ring if adjacency is None else adjacency
        hidden = self.second(functional.relu(self.first(x, adjacency)), adjacency)
        out: Tensor = self.head(hidden.mean(1))
        return out


RING = (torch.eye(T) + torch.eye(T).roll(1, 0) + torch.eye(T).roll(-1, 0)) / 3
GRAPH_LAYERS = {"first": 0, "first.inner": 0, "second": 0, "second.inner": 0}


@zoo
def graph_convolution_of_a_graph_per_sample() -> Any:
    network = Graphs(lambda inner, x, adjacency: adjacency @ inner(x))
    return network, {"x": sequences(), "adjacency": RING.expand(N, T, T).clone()}, GRAPH_LAYERS


@zoo
def graph_convolution_of_one_graph() -> Any:
    return Graphs(lambda inner, x, ring: torch.tanh(inner(ring @ x)), RING), sequences(), GRAPH_LAYERS


@zoo
def graph_convolution_by_einsum() -> Any:
    run = lambda inner, x, ring: torch.einsum("nm,bmf->bnf", ring, inner(x))  # noqa: E731
    return Graphs(run, RING), sequences(), GRAPH_LAYERS


@zoo
def graph_convolution_of_a_sparse_graph() -> Any:
    def run(inner: nn.Module, x: Tensor, ring: Tensor) -> Tensor:
        near = torch.sparse.mm(ring, inner(x).transpose(0, 1).flatten(1))
        return near.view(T, len(x), C).transpose(0, 1)

    return Graphs(run, RING.to_sparse()), sequences(), GRAPH_LAYERS


@zoo
def graph_sage() -> Any:
    def run(inner: nn.Module, x: Tensor, ring: Tensor) -> Tensor:
        source, target = ring.nonzero().T
        near = torch.zeros_like(x).index_add(1, target, x[:, source])
        return functional.normalize(inner(near / 3) + 0.5 * x, dim=-1)

    return Graphs(run, RING), sequences(), GRAPH_LAYERS


@zoo
def graph_attention() -> Any:
    def run(inner: nn.Module, x: Tensor, ring: Tensor) -> Tensor:
        hidden = inner(x)
        scores = functional.leaky_relu(hidden[:, :, None, 0] + hidden[:, None, :, 1])
        return scores.masked_fill(ring == 0, -torch.inf).softmax(-1) @ hidden

    return Graphs(run, RING), sequences(), GRAPH_LAYERS


class Parameters(nn.Module):
    """A block without modules."""

    def __init__(self, run: Callable[[Tensor, Tensor], Tensor], *shape: int) -> None:
        super().__init__()
        self.run, self.weight = run, nn.Parameter(torch.zeros(shape))
        with torch.no_grad():
            self.weight[(slice(2), slice(2), *[size // 2 for size in shape[2:]])] = torch.eye(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x, self.weight)


def with_weight(run: Callable[[Tensor, Tensor], Tensor], *shape: int) -> nn.Sequential:
    return nn.Sequential(Parameters(run, *shape), Parameters(run, *shape))


@zoo
def functional_convolution() -> Any:
    return with_weight(lambda x, w: functional.relu(functional.conv1d(x, w, padding=1)) + x, C, C, 3), signals(), BOTH


@zoo
def functional_einsum() -> Any:
    return with_weight(lambda x, w: torch.einsum("bct,oc->bot", x, w).tanh(), C, C), signals(), BOTH


@zoo
def functional_product() -> Any:
    return with_weight(lambda x, w: functional.gelu(x @ w), C, C), sequences(), BOTH


@zoo
def functional_product_from_the_left() -> Any:
    return with_weight(lambda x, w: (w @ x).tanh(), C, C), signals(), BOTH


@zoo
def tied_weights() -> Any:
    block = Wrapped(carrying(nn.Conv1d(C, C, 3, padding=1)), lambda conv, x: functional.avg_pool1d(conv(x), 2))
    return nn.Sequential(block, block), values(C, 16, channel=1), {"0": 0, "0#2": 0}


class Mix(nn.Module):
    """A block of an MLP-Mixer: over positions, then over channels."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.tokens, self.channels = nn.LayerNorm(C), nn.Linear(T, T), nn.Linear(C, C)
        carrying(self)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm(x))


@zoo
def mixer() -> Any:
    return nn.Sequential(Mix(), Mix()), sequences(), BOTH


class Bilinear(nn.Module):
    """Products of pairs of channels, one of which is always 1."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs = nn.Bilinear(C, 1, C, bias=False)
        with torch.no_grad():
            self.pairs.weight.zero_()[:2, :2, 0] = torch.eye(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.pairs(x, torch.ones_like(x[..., :1])).tanh() + x


@zoo
def bilinear() -> Any:
    return nn.Sequential(Bilinear(), Bilinear()), sequences(), BOTH


@zoo
def outputs_by_name() -> Any:
    run = lambda conv, x: {"state": functional.max_pool1d(conv(x), 2), "mean": conv(x).mean(2)}  # noqa: E731
    network = Wrapped(
        Wrapped(carrying(nn.Conv1d(C, C, 3)), run), lambda inner, x: inner(x)["state"].flatten(1).sum(1, keepdim=True)
    )
    return network, signals(), {"inner[state]": 0, "inner[mean]": 0}


@dataclass
class Output:
    """What some modules give instead of a tuple."""

    state: Tensor
    mean: Tensor


@zoo
def outputs_in_an_object() -> Any:
    run = lambda conv, x: Output(functional.max_pool1d(conv(x), 2), conv(x).mean(2))  # noqa: E731
    network = Wrapped(Wrapped(carrying(nn.Conv1d(C, C, 3)), run), lambda inner, x: inner(x).mean * 2)
    return network, signals(), {"inner[state]": 0, "inner[mean]": 0}


@zoo
def positions_in_a_grid_with_channels_last() -> Any:
    run = lambda linear, x: functional.gelu(linear(x)).roll(1, 1) + x  # noqa: E731
    return blocks(lambda: nn.Linear(C, C), run), values(4, 4, C, channel=3), BOTH


@zoo
def convolution_that_gives_channels_last() -> Any:
    run = lambda conv, x: conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1) + x  # noqa: E731
    return blocks(lambda: nn.Conv2d(C, C, 3, padding=1), run), values(4, 4, C, channel=3), BOTH


@zoo
def video() -> Any:
    run = lambda conv, x: functional.max_pool3d(conv(x), (1, 2, 2))  # noqa: E731
    return blocks(lambda: nn.Conv3d(C, C, 3, padding=1), run), values(C, 3, 4, 4, channel=1), BOTH


class Patches(nn.Module):
    """Patches of a picture as a sequence, by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(2 * 2 * C, C)
        self.token = nn.Parameter(torch.zeros(1, 1, C))
        with torch.no_grad():
            self.embed.weight.zero_()[:2, :2] = torch.eye(2)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        parts = x.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(b, h * w // 4, 4 * c)
        return torch.cat([self.token.expand(b, -1, -1), self.embed(parts)], 1)


@zoo
def patches() -> Any:
    network = nn.Sequential(Patches(), HandWritten(), HandWritten())
    return network, values(C, 8, 8, channel=1), {"0": 0, "1": 0, "2": 0}


@zoo
def sound_by_convolutions_and_a_recurrence() -> Any:
    def run(parts: nn.ModuleList, x: Tensor) -> Tensor:
        maps = parts[0](x)
        b, c, f, t = maps.shape
        out: Tensor = parts[1](maps.reshape(b, c * f, t).transpose(1, 2))[0]
        return out

    parts = nn.ModuleList([nn.Conv2d(C, C, 3, padding=1), nn.GRU(C * 4, 5, batch_first=True)])
    carrying(parts)
    with torch.no_grad():
        parts[1].weight_ih_l0.zero_()
        parts[1].weight_ih_l0[10, 0] = parts[1].weight_ih_l0[11, 4] = 1
    return Wrapped(parts, run), values(C, 4, T, channel=1), {"inner.0": 0, "inner.1": 0, "inner.1[h_n]": 0}


@pytest.mark.parametrize("name", ZOO)
def test_the_planted_neuron_is_read(name: str) -> None:
    network, inputs, planted = ZOO[name]()
    seen = denote.observe(network, inputs, {"fact": YES}, **FEW)
    for layer, neuron in planted.items():
        row = seen.neurons.filter(layer=layer, neuron=neuron, family="columns")
        assert row["auroc"].to_list() == [1.0], (layer, seen.neurons.select("layer", "neuron", "auroc", "note"))
        assert not any("guess" in (note or "") for note in row["note"])
    cells = seen.cells.filter(pl.col("layer").is_in(list(planted)))
    assert cells["auroc"].to_list() == [1.0] * len(planted)
