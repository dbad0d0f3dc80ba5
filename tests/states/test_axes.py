"""Which axis of a tensor is that of channels, where no module says it: from what the network does with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence

from denote.data.batch import Named
from denote.errors import LayerError
from denote.states.listing import list_layers, listing

B, T, C = 4, 9, 6


class Block(nn.Module):
    """Parts and what is done with them."""

    def __init__(self, run: Callable[..., Any], **parts: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.run = run
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *given: Any, **named: Any) -> Any:
        return self.run(self, *given, **named)


def weights(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape) * 0.3)


def window_attention(self: Any, x: Tensor) -> Tensor:
    b, h, w, c = x.shape
    parts = self.norm(x).view(b, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, c)
    parts = self.attention(parts, parts, parts)[0].view(b, h // 2, w // 2, 2, 2, c)
    return x + parts.permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)


def recurrence(self: Any, x: Tensor) -> Tensor:
    hidden, outputs = torch.zeros(len(x), C), []
    for step in x.permute(1, 0, 2):
        hidden = torch.tanh(step @ self.into + functional.linear(hidden, self.over))
        outputs.append(hidden.unsqueeze(0))
    return torch.cat(outputs).transpose(0, 1)


def selective_scan(self: Any, x: Tensor) -> Tensor:
    hidden = self.conv(self.into(x).transpose(1, 2))[..., :T].transpose(1, 2)
    out: Tensor = self.out(functional.silu(hidden) * functional.silu(self.gate(x)))
    return out


def heads(self: Any, x: Tensor) -> Tensor:
    hidden = self.linear(x).view(*x.shape[:2], 2, C // 2)
    score = hidden.sum(-1)
    mixed = torch.einsum("bijh,bjhd->bihd", (score[:, :, None] + score[:, None]).softmax(2), hidden)
    return mixed.flatten(2)


FIRST, LAST = "sample x channel x position", "sample x position x channel"
AXES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str]] = {
    "normalised by hand, channels first": (
        lambda: Block(lambda s, x: x / (x.std(1, keepdim=True) + 1) * s.gain, gain=weights(C, 1)), (C, T), FIRST,
    ),
    "normalised by hand, channels last": (
        lambda: Block(lambda s, x: x / (x.std(-1, keepdim=True) + 1) * s.gain, gain=weights(C)), (T, C), LAST,
    ),
    "normalised without weights": (
        lambda: Block(lambda s, x: functional.elu(s.norm(x)), norm=nn.InstanceNorm1d(C)), (C, T), FIRST,
    ),
    "squeeze and excitation": (
        lambda: Block(lambda s, x: x * s.gate(x.mean(2)).sigmoid()[:, :, None], gate=nn.Linear(C, C)), (C, T), FIRST,
    ),
    "convolution by Fourier transform": (
        lambda: Block(
            lambda s, x: torch.fft.irfft(torch.fft.rfft(x, n=18) * torch.fft.rfft(s.kernel, n=18))[..., :T]
            + x * s.skip[:, None], kernel=weights(C, T), skip=weights(C),
        ), (C, T), FIRST,
    ),
    "mixing by Fourier transform": (
        lambda: Block(lambda s, x: s.norm(torch.fft.fft2(x).real + x), norm=nn.LayerNorm(C)), (T, C), LAST,
    ),
    "recurrence by hand": (lambda: Block(recurrence, into=weights(C, C), over=weights(C, C)), (T, C), LAST),
    "learned queries": (
        lambda: Block(
            lambda s, x: s.attention(s.queries.expand(len(x), -1, -1), x, x)[0] * 2, queries=weights(1, T, C),
            attention=nn.MultiheadAttention(C, 2, batch_first=True),
        ), (T, C), LAST,
    ),
    "heads of a graph": (lambda: Block(heads, linear=nn.Linear(C, C)), (T, C), LAST),
    "polynomials of a graph": (
        lambda: Block(lambda s, x: sum(torch.matrix_power(torch.eye(T).roll(1, 0), k) @ x @ s.weights[k]
                                       for k in range(2)), weights=weights(2, C, C)), (T, C), LAST,
    ),
    "a learned graph": (
        lambda: Block(lambda s, x: s.graph.softmax(1) @ s.linear(x), graph=weights(T, T), linear=nn.Linear(C, C)),
        (T, C), LAST,
    ),
    "a sample at a time": (
        lambda: Block(lambda s, x: torch.stack([s.conv(row) for row in x]), conv=nn.Conv1d(C, C, 3, padding=1)),
        (C, T), FIRST,
    ),
    "shuffled channels": (
        lambda: Block(lambda s, x: s.conv(x).view(len(x), 2, 3, -1).transpose(1, 2).reshape(len(x), C, -1),
                      conv=nn.Conv1d(C, C, 1, groups=2)), (C, T), FIRST,
    ),
    "largest of pairs of channels": (
        lambda: Block(lambda s, x: s.conv(x).view(len(x), C, 2, -1).amax(2), conv=nn.Conv1d(C, 2 * C, 1)),
        (C, T), FIRST,
    ),
    "selective scan": (
        lambda: Block(
            selective_scan, into=nn.Linear(C, 8), gate=nn.Linear(C, 8), conv=nn.Conv1d(8, 8, 4, padding=3, groups=8),
            out=nn.Linear(8, C),
        ), (T, C), LAST,
    ),
    "tensordot": (
        lambda: Block(lambda s, x: torch.tensordot(x, s.w, dims=([1], [0])).transpose(1, 2).tanh(), w=weights(C, C)),
        (C, T), FIRST,
    ),
    "einsum with an ellipsis": (
        lambda: Block(lambda s, x: torch.einsum("...i,io->...o", x, s.w), w=weights(C, C)), (T, C), LAST,
    ),
    "product and sum": (
        lambda: Block(lambda s, x: (x[:, None] * s.w[None, :, :, None]).sum(2), w=weights(C, C)), (C, T), FIRST,
    ),
    "kernel over windows": (
        lambda: Block(lambda s, x: torch.einsum("bctk,ock->bot", functional.pad(x, (1, 1)).unfold(2, 3, 1), s.w),
                      w=weights(C, C, 3)), (C, T), FIRST,
    ),
    "columns of an image": (
        lambda: Block(lambda s, x: (s.w @ functional.unfold(x, 3, padding=1)).view(x.shape), w=weights(C, 9 * C)),
        (C, 4, 4),
        "sample x channel x 2 positions",
    ),
    "attention in windows": (
        lambda: Block(window_attention, norm=nn.LayerNorm(C),
                      attention=nn.MultiheadAttention(C, 2, batch_first=True)), (8, 8, C),
        "sample x 2 positions x channel",
    ),
    "frames of a video": (
        lambda: Block(lambda s, x: s.conv(x.flatten(0, 1)).view(x.shape), conv=nn.Conv2d(3, 3, 3, padding=1)),
        (5, 3, 4, 4), "sample x position x channel x 2 positions",
    ),
    "a recurrence with a residual": (
        lambda: Block(lambda s, x: s.rnn(x)[0] + x, rnn=nn.LSTM(C, C, batch_first=True)), (T, C), LAST,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AXES)
def test_channels_are_told_from_positions(name: str) -> None:
    torch.manual_seed(0)
    block, shape, axes = AXES[name]
    network = nn.Sequential(block(), block())
    for layer in list_layers(network, torch.randn(B, *shape)):
        assert (layer.axes_text, layer.note) == (axes, None), layer
        assert layer.n_neurons == (3 if name == "frames of a video" else C)


def test_a_guess_is_said_and_can_be_set() -> None:
    network, x = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Flatten(), nn.Linear(C * T, 2)), torch.randn(B, C, T)
    guess = {layer.name: (layer.axes_text, layer.note) for layer in list_layers(network, x)}
    assert guess["0"] == (LAST, f"axes are a guess: {LAST} (layer.kind sets them, kinds in Python)")
    assert guess["3"] == ("sample x channel", None)
    for kinds in ("channels_first", {"0": "channels_first", "[1]": "channels_first"}):
        said = list_layers(network, x, kinds=kinds)
        assert [(each.axes_text, each.n_neurons, each.note) for each in said[:2]] == [(FIRST, C, None)] * 2
    # A kind for all is for guesses, one by name is for that layer whatever is read there.
    conv = nn.Sequential(nn.Conv1d(C, 4, 3), nn.Conv1d(4, 4, 3))
    assert [layer.axes_text for layer in list_layers(conv, x, kinds="sequence")] == [FIRST] * 2
    assert [layer.axes_text for layer in list_layers(conv, x, kinds={"1": "sequence"})] == [FIRST, LAST]


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ("chanels_first", "layer.kind: 'chanels_first' came; did you mean 'channels_first'"),
        ({"nope": "sequence"}, "layer.kind: no layer is called 'nope'"),
        ({"0": "heads"}, "layer.kind: heads has 4 axes, but 0 gives 3"),
    ],
)
def test_a_kind_that_cannot_be_is_refused(kinds: Any, said: str) -> None:
    with pytest.raises(LayerError, match=said):
        list_layers(nn.Sequential(nn.ReLU()), torch.randn(B, C, T), kinds=kinds)


def test_weights_of_attention_beside_a_state_are_heads() -> None:
    def attend(self: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        parts = self.linear(x).view(*x.shape[:2], 2, C // 2).transpose(1, 2)
        shares = (parts @ parts.transpose(2, 3)).softmax(-1)
        return (shares @ parts).transpose(1, 2).flatten(2), shares

    network = Block(lambda self, x: self.block(x)[0] * 2, block=Block(attend, linear=nn.Linear(C, C)))
    found = {layer.name: layer for layer in list_layers(network, torch.randn(B, T, C))}
    assert found["block[0]"].axes_text == LAST
    # The mean of what adds up to 1 says nothing of a sample.
    assert (found["block[1]"].kind, found["block[1]"].pooling) == ("heads", "max")


def test_what_is_called_inside_vmap_is_left_out_and_what_is_around_it_shown() -> None:
    parts = {"conv": nn.Conv1d(C, C, 3, padding=1)}
    network = Block(lambda self, x: torch.vmap(lambda row: self.conv(row).relu())(x), **parts)
    found = listing(nn.Sequential(network), torch.randn(B, C, T))
    assert [layer.name for layer in found.layers] == ["0"]
    assert "torch.vmap" in found.left_out["0.conv"]


def test_as_much_evidence_for_either_axis_is_a_guess() -> None:
    def gate(self: Any, x: Tensor) -> Tensor:
        return self.out(self.first(x) * self.over_positions(self.second(x)))

    parts = {"first": nn.Linear(C, 8), "second": nn.Linear(C, 8), "over_positions": nn.Conv1d(T, T, 1)}
    network = nn.Sequential(*(Block(gate, **parts, out=nn.Linear(8, C)) for _ in range(2)))
    assert all("guess" in (layer.note or "") for layer in list_layers(network, torch.randn(B, T, C)))


def test_recurrent_modules_are_named_alike() -> None:
    for kind, parts in ((nn.LSTM, ["", "[h_n]", "[c_n]"]), (nn.GRU, ["", "[h_n]"]), (nn.RNN, ["", "[h_n]"])):
        network = Block(lambda s, x: s.inner(x)[0], inner=kind(C, 5, 2, batch_first=True, bidirectional=True))
        layers = list_layers(network, torch.randn(B, T, C))
        assert [layer.name for layer in layers] == [f"inner{part}" for part in parts]
        assert [layer.n_neurons for layer in layers] == [10, 20, 20][: len(parts)]
    cells = Block(lambda s, x: s.second(s.first(x[:, 0])[0]), first=nn.LSTMCell(C, 5), second=nn.GRUCell(5, 4))
    assert [layer.name for layer in list_layers(cells, torch.randn(B, T, C))] == ["first", "first[c]", "second"]


def test_work_around_a_module_is_a_layer() -> None:
    around = Block(lambda s, x: torch.eye(T).roll(1, 0) @ s.inner(x), inner=nn.Linear(C, C))
    handing_on = Block(lambda s, x: s.inner(x).transpose(1, 2).contiguous(), inner=nn.Linear(C, C))
    network = nn.Sequential(around, handing_on)
    for of in ("blocks", "leaves"):
        names = [layer.name for layer in list_layers(Block(lambda s, x: s.a(x), a=network), torch.ones(B, T, C), of=of)]
        assert names == (["a.0", "a.1"] if of == "blocks" else ["a.0.inner", "a.0", "a.1.inner"])


def test_what_the_network_itself_does_last_is_said() -> None:
    network = Block(lambda s, x: functional.relu(s.inner(x)).mean(1) @ s.w, inner=nn.Linear(C, C), w=weights(C, 2))
    found = listing(network, torch.randn(B, T, C))
    assert [layer.name for layer in found.layers] == ["inner"]
    assert "functions make behind its last module" in found.left_out["the network"]
    ends = Block(lambda s, x: functional.log_softmax(s.inner(x), 1), inner=nn.Linear(C, 2))
    assert listing(ends, torch.randn(B, C)).left_out == {}


def test_what_comes_into_a_recurrent_module_is_a_layer() -> None:
    network = Block(lambda s, x: s.inner(x)[0], inner=nn.LSTM(C, 5, batch_first=True))
    layers = list_layers(network, torch.randn(B, T, C), asked=["inner.input"])
    assert [layer.name for layer in layers] == ["inner.input", "inner", "inner[h_n]", "inner[c_n]"]


def test_attention_is_a_layer_also_where_one_kernel_runs_a_block() -> None:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(C, 2, 8, batch_first=True), 2)
    mask = torch.arange(T) < torch.tensor([[T], [4]])
    network = Block(lambda s, x, attention_mask: s.inner(x, src_key_padding_mask=~attention_mask), inner=encoder)
    batch = Named({"x": torch.randn(2, T, C), "attention_mask": mask}, mask)
    was = torch.backends.mha.get_fastpath_enabled()
    layers = {layer.name: layer for layer in list_layers(network, batch, of="leaves")}
    assert torch.backends.mha.get_fastpath_enabled() == was
    assert {"inner.layers.0.self_attn", "inner.layers.1.self_attn"} <= set(layers)
    assert layers["inner.layers.0.self_attn"].module_class == "MultiheadAttention"


def test_what_a_network_sorts_or_takes_for_steps_is_left_out() -> None:
    def sorts(self: Any, x: Tensor, lengths: Tensor) -> Tensor:
        ordered, index = lengths.sort(descending=True)
        packed = self.rnn(pack_padded_sequence(x[index], ordered, batch_first=True))[1][-1]
        return self.head(packed[index.argsort()])

    lengths = torch.tensor([2, 9, 4, 7])
    parts = {"rnn": nn.GRU(C, 5, batch_first=True), "head": nn.Linear(5, 2)}
    found = listing(Block(sorts, **parts), Named({"x": torch.randn(B, T, C), "lengths": lengths}))
    assert [layer.name for layer in found.layers] == ["head"]
    assert "forward sorts its batch" in found.left_out["rnn"]
    network = Block(
        lambda s, x: s.out(s.rnn(s.into(x))[0]), into=nn.Linear(C, C), rnn=nn.GRU(C, 5), out=nn.Linear(5, 2)
    )
    found = listing(network, torch.randn(B, T, C))
    assert [layer.name for layer in found.layers] == ["into"]
    assert "rnn takes steps first: batch_first=True" in found.left_out["rnn"]
    assert "rnn takes steps first: batch_first=True" in found.left_out["rnn[h_n]"]


def test_dropout_that_is_left_on_is_said() -> None:
    network = Block(
        lambda s, x: s.second(functional.dropout(s.first(x))), first=nn.Linear(C, 40), second=nn.Linear(40, 2),
    )  # fmt: skip
    notes = {layer.name: layer.note for layer in list_layers(network, torch.randn(B, C))}
    assert notes == {"first": None, "second": "gives another output on the same input: dropout or noise is on"}


def test_attention_without_heads_has_no_neurons() -> None:
    network = Block(lambda s, x: s.inner(x, x, x)[0], inner=nn.MultiheadAttention(C, 2, batch_first=True))
    found = listing(network, torch.randn(B, T, C))
    assert [layer.name for layer in found.layers] == ["inner[0]"]
    assert "no neurons" in found.left_out["inner[1]"]
