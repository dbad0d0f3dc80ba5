"""`denote.observe` of networks and inputs with habits: what is in a store, what works in place, what has no weights."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

import denote
from denote.errors import DenoteError
from denote.observation import Controls

N = 240
NONE = Controls(shuffles=0, neuron_shuffles=0, rotations=0, twins=1, raw_input=False)
QUICK: dict[str, Any] = {
    "permutations": 0, "bootstraps": 0, "stability": False, "examples": 0, "thresholds": 8, "controls": NONE,
}  # fmt: skip


@pytest.fixture(scope="module")
def inputs() -> Tensor:
    return torch.randn(N, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def labels(inputs: Tensor) -> dict[str, np.ndarray]:
    return {"high": (inputs[:, 0] > 0).numpy()}


def network(activation: nn.Module | None = None) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), activation or nn.ReLU(), nn.Linear(8, 3))


class Scaled(nn.Module):
    """Has a setting that no weight shows."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner, self.scale = nn.Linear(6, 8), scale
        self.outer = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.outer(self.inner(x).sub(self.scale).relu())
        return out


@pytest.mark.parametrize(
    ("one", "other"), [(network, lambda: network(nn.Tanh())), (lambda: Scaled(0.0), lambda: Scaled(1.0))]
)
def test_equal_weights_are_not_yet_equal_networks(
    inputs: Tensor, labels: dict[str, np.ndarray], tmp_path: Path, one: Callable[[], nn.Module],
    other: Callable[[], nn.Module],
) -> None:  # fmt: skip
    """A store serves the states of a network to itself only, whatever its weights are."""
    found = denote.observe(one(), inputs, labels, store=tmp_path, **QUICK)
    plain = denote.observe(other(), inputs, labels, **QUICK)
    stored = denote.observe(other(), inputs, labels, store=tmp_path, **QUICK)
    assert stored.neurons.equals(plain.neurons)
    assert not stored.neurons.equals(found.neurons)
    assert denote.observe(one(), inputs, labels, store=tmp_path, **QUICK).neurons.equals(found.neurons)


def test_a_hook_since_the_states_were_stored_is_noticed(
    inputs: Tensor, labels: dict[str, np.ndarray], tmp_path: Path
) -> None:
    model = network()
    denote.observe(model, inputs, labels, store=tmp_path, **QUICK)
    model[0].register_forward_hook(lambda module, arguments, output: output * 0)
    with pytest.raises(DenoteError, match="layer 0: the network gives other states now: it draws"):
        denote.observe(model, inputs, labels, store=tmp_path, **QUICK)


def test_a_store_serves_calls_that_list_other_layers(
    inputs: Tensor, labels: dict[str, np.ndarray], tmp_path: Path
) -> None:
    model = nn.Sequential(network(), nn.Sequential(nn.Linear(3, 3), nn.ReLU()))
    found = [
        denote.observe(model, inputs, labels, store=tmp_path, **QUICK, **how).cells.filter(pl.col("layer") == "0.0")
        for how in ({"layers": "0.0"}, {"of": "modules"}, {"of": "leaves"})
    ]
    assert len({each["auroc"][0] for each in found}) == 1


class InPlace(nn.Module):
    """Works in place on what it is called with."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Linear(8, 3))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x.mul_(2))
        return out


def test_a_network_may_work_in_place(inputs: Tensor, labels: dict[str, np.ndarray]) -> None:
    torch.manual_seed(0)
    before, model = inputs.clone(), InPlace()
    seen = denote.observe(model, inputs, labels, of="leaves", untrained=InPlace, **QUICK)
    assert torch.equal(before, inputs)
    negative = model.layers[1](before.mul(2).relu()) < 0
    assert negative.any()
    assert seen.layers[1].name == "layers.1"
    plain = denote.observe(states={"layers.1": model.layers[1](before.mul(2).relu())}, attributes=labels, **QUICK)
    own = seen.cells.filter(pl.col("layer") == "layers.1")["auroc"][0]
    assert own == pytest.approx(plain.cells["auroc"][0], abs=1e-6)


class Remembers(nn.Module):
    """Keeps a table that its first call makes."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer, self.table = nn.Linear(6, 8), nn.Linear(8, 3), None

    def forward(self, x: Tensor) -> Tensor:
        self.table = torch.ones(8) if self.table is None else self.table
        out: Tensor = self.outer(self.inner(x) * self.table)
        return out


def test_a_network_can_be_trained_afterwards(inputs: Tensor, labels: dict[str, np.ndarray]) -> None:
    model = Remembers()
    denote.observe(model, inputs, labels, **QUICK)
    model(inputs).sum().backward()
    assert model.inner.weight.grad is not None


def test_a_lazy_network_is_not_drawn(inputs: Tensor, labels: dict[str, np.ndarray]) -> None:
    model = nn.Sequential(nn.LazyLinear(8), nn.ReLU())
    with pytest.raises(DenoteError, match="model: it is lazy"):
        denote.observe(model, inputs, labels, **QUICK)
    assert isinstance(model[0], nn.LazyLinear)


def test_nan_is_not_known_however_it_comes(inputs: Tensor, labels: dict[str, np.ndarray]) -> None:
    column = labels["high"].astype(float)
    column[:30] = np.nan
    ways = [column, column.tolist(), pl.Series(column), torch.from_numpy(column), [None] * 30 + column[30:].tolist()]
    found = [denote.observe(network(), inputs, {"high": each}, **QUICK).cells for each in ways]
    assert all(each.equals(found[0]) for each in found)
    assert found[0]["n_fit"][0] + found[0]["n_test"][0] == N - 30


def test_states_beside_inputs_have_their_rows(inputs: Tensor, labels: dict[str, np.ndarray]) -> None:
    longer = {"a": torch.cat([inputs, inputs])}
    with pytest.raises(DenoteError, match=r"states\['a'\]: 480 rows, but there are 240 inputs"):
        denote.observe(states=longer, inputs=inputs, attributes=labels, **QUICK)


def test_inputs_that_have_a_gradient_or_another_byte_order(inputs: Tensor, labels: dict[str, np.ndarray]) -> None:
    plain = denote.observe(network(), inputs, labels, **QUICK).cells
    leaf = inputs.clone().requires_grad_()
    ways = (leaf, torch.utils.data.TensorDataset(leaf), inputs.numpy().astype(">f8"), inputs.to_sparse())
    for each in ways:
        found = denote.observe(network(), each, labels, **{**QUICK, "controls": Controls(shuffles=0, twins=0)}).cells
        assert found["auroc"].equals(plain["auroc"])


class Constant(nn.Module):
    """Gives half precision numbers whose sum over a sequence is beyond it."""

    def __init__(self) -> None:
        super().__init__()
        self.lookup, self.outer = nn.Embedding(9, 4).half(), nn.Linear(4, 2).half()
        with torch.no_grad():
            self.lookup.weight.copy_(12_000 + 1000 * torch.arange(9)[:, None].expand(9, 4))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        out: Tensor = self.outer(self.lookup(input_ids) / 1000)
        return out


def test_the_mean_of_a_long_sequence_in_half_precision() -> None:
    ids = torch.arange(200)[:, None].expand(200, 40) % 2
    encoded = {"input_ids": ids.contiguous(), "attention_mask": torch.ones(200, 40)}
    seen = denote.observe(Constant(), encoded, {"odd": ids[:, 0]}, layers="lookup", **QUICK)
    assert seen.cells["auroc"][0] == 1


@pytest.mark.parametrize(
    ("untrained", "said"),
    [
        (network, "untrained: has the weights of the model"),
        (lambda: nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4)), "another architecture: 2.bias, 2.weight"),
        (nn.Sequential(nn.Linear(6, 8)), "untrained: is another architecture: 2.bias, 2.weight differ"),
        (lambda: nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.Linear(8, 3)), "untrained: it is lazy"),
    ],
)
def test_what_is_no_untrained_network(inputs: Tensor, labels: dict[str, np.ndarray], untrained: Any, said: str) -> None:
    with pytest.raises(DenoteError, match=said):
        denote.observe(network(), inputs, labels, untrained=untrained, **QUICK)


def test_an_untrained_network_is_counted_once(inputs: Tensor, labels: dict[str, np.ndarray]) -> None:
    def same() -> nn.Module:
        torch.manual_seed(5)
        return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))

    with pytest.raises(DenoteError, match="untrained: makes the same network every time"):
        denote.observe(network(), inputs, labels, untrained=same, **QUICK | {"controls": Controls(twins=2)})


class Draws(torch.utils.data.Dataset[Tensor]):
    """Uses the generators of Python and NumPy."""

    def __init__(self, rows: Tensor) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> Tensor:
        random.random()  # noqa: S311
        np.random.rand()  # noqa: NPY002  (the one to be kept)
        return self.rows[row]


def test_random_generators_are_kept(inputs: Tensor, labels: dict[str, np.ndarray]) -> None:
    def states() -> list[Any]:
        return [random.getstate(), [str(each) for each in np.random.get_state()], torch.get_rng_state().tolist()]  # noqa: NPY002

    model = network()
    before = states()
    denote.observe(model, Draws(inputs), labels, **QUICK)
    denote.layers(model, Draws(inputs))
    assert states() == before


def test_a_dataset_of_hugging_face_is_one(inputs: Tensor, labels: dict[str, np.ndarray]) -> None:
    datasets = pytest.importorskip("datasets")
    held = datasets.Dataset.from_dict({"input": inputs.tolist()}).with_format("torch")
    plain, own = (denote.observe(network(), each, labels, **QUICK).cells["auroc"] for each in (inputs, held))
    assert own.equals(plain)


class Centred(nn.Module):
    """Takes the mean of the batch away."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.norm = nn.Linear(6, 8), nn.BatchNorm1d(8, track_running_stats=False)
        self.free = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        normal = self.norm(self.inner(x)) if len(x) > 1 else self.inner(x)
        out: Tensor = self.free(x) + normal[:, :2]
        return out


def test_states_that_other_samples_change_are_left_out(inputs: Tensor) -> None:
    found = denote.layers(Centred(), inputs)
    assert found.filter(pl.col("note").is_null())["layer"].to_list() == ["inner", "free"]
    assert "samples are not its first axis, or mix" in found.filter(pl.col("layer") == "norm")["note"][0]


class Longer(torch.utils.data.Dataset[Tensor]):
    """Sequences of one to five tokens."""

    def __len__(self) -> int:
        return N

    def __getitem__(self, row: int) -> Tensor:
        return torch.arange(1, 2 + row % 5)


def with_zeros(items: list[Tensor]) -> Tensor:
    return nn.utils.rnn.pad_sequence(items, batch_first=True)


def with_mask(items: list[Tensor]) -> dict[str, Tensor]:
    padded = with_zeros(items)
    return {"input": padded, "attention_mask": (padded > 0).long()}


class Looks(nn.Module):
    """A vector per token, NaN in the padding if that is known."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.lookup, self.outer = nn.Embedding(9, 4), nn.Linear(4, 2)

    def forward(self, input: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        out: Tensor = self.outer(self.lookup(input))
        return out if attention_mask is None else out.masked_fill(attention_mask[..., None] == 0, torch.nan)


def test_padding_of_a_collate_function_enters_no_state() -> None:
    labels = {"long": np.arange(N) % 5 > 2}
    loaders = [DataLoader(Longer(), collate_fn=each) for each in (with_mask, with_zeros)]
    few, many = (denote.observe(Looks(), loaders[0], labels, batch_size=n, **QUICK).cells for n in (3, N))
    assert few["auroc"].to_list() == pytest.approx(many["auroc"].to_list())
    with pytest.raises(DenoteError, match=r"inputs: batches differ in shape, \(1,\) and \(5,\), without a mask"):
        denote.observe(Looks(), loaders[1], labels, **QUICK)


def test_an_attribute_called_neuron_hides_no_column(inputs: Tensor, labels: dict[str, np.ndarray]) -> None:
    seen = denote.observe(network(), inputs, {"neuron": labels["high"]}, **QUICK)
    with pytest.raises(DenoteError, match="weights: an attribute is called 'neuron'"):
        seen.weights("0")


class Cast(nn.Module):
    """Gives numbers of a type, as networks in reduced precision do."""

    def __init__(self, kind: torch.dtype) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        return x.real.to(self.kind) if x.is_complex() else x.to(self.kind)


SHORT = (torch.bfloat16, torch.float8_e4m3fn)


@pytest.mark.parametrize("kind", SHORT)
def test_layers_and_inputs_in_short_floats_are_read(
    inputs: Tensor, labels: dict[str, np.ndarray], kind: torch.dtype
) -> None:
    short = nn.Sequential(nn.Identity(), Cast(kind), Cast(torch.float32), nn.Linear(6, 3))
    seen = denote.observe(short, inputs, labels, probe="neuron", **QUICK)
    found = dict(seen.cells.select("layer", "auroc").iter_rows())
    assert list(found) == ["0", "1", "2", "3"] or list(found) == ["1", "2", "3"]
    assert found["1"] == found["2"] > 0.95
    short_inputs = denote.observe(nn.Sequential(Cast(torch.float32), nn.Linear(6, 3)), inputs.to(kind), labels,
                                  probe="neuron", **(QUICK | {"controls": ["raw_input"]}))  # fmt: skip
    assert short_inputs.cells["auroc"][0] == pytest.approx(found["2"], abs=1e-6)


def test_layers_of_complex_numbers_are_left_out_with_a_reason(inputs: Tensor, labels: dict[str, np.ndarray]) -> None:
    waves = nn.Sequential(nn.Identity(), Cast(torch.complex64), Cast(torch.float32), nn.Linear(6, 3))
    notes = dict(denote.layers(waves, inputs).select("layer", "note").iter_rows())
    assert notes["1"] == "gives complex64, not real numbers"
    assert "1" not in denote.observe(waves, inputs, labels, **QUICK).cells["layer"]


@pytest.mark.parametrize("kind", SHORT)
def test_states_in_short_floats_are_the_numbers_they_are(
    inputs: Tensor, labels: dict[str, np.ndarray], kind: torch.dtype
) -> None:
    short = inputs.to(kind)
    found = [denote.observe(states={"a": each}, attributes=labels, **QUICK).cells for each in (short, short.float())]
    assert found[0].equals(found[1])


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (torch.zeros(N, 2, dtype=torch.complex64), "of complex64; numbers, row x neuron"),
        (np.ma.array(np.ones((N, 2)), mask=np.eye(N, 2)), "TypeError: 2 numbers are masked"),
        (torch.zeros(N, 2, dtype=torch.uint8).view(torch.float4_e2m1fn_x2), "float4_e2m1fn_x2 cannot be read"),
        (torch.zeros(N, 2, device="meta"), "meta tensor"),
        (np.zeros((N, 2), dtype="V1"), r"of \|V1"),
        (np.full((N, 2), 1e300), "240 numbers are NaN or infinite"),
    ],
)
def test_states_that_are_no_real_numbers_are_told_in_one_line(
    labels: dict[str, np.ndarray], states: Any, said: str
) -> None:
    with pytest.raises(DenoteError, match=said) as error:
        denote.observe(states={"a": states}, attributes=labels, **QUICK)
    assert len(str(error.value).splitlines()) == 1


def test_masked_inputs_are_refused_and_long_doubles_read(inputs: Tensor, labels: dict[str, np.ndarray]) -> None:
    with pytest.raises(DenoteError, match="inputs: 6 numbers are masked"):
        denote.observe(network(), np.ma.array(inputs.numpy(), mask=np.eye(N, 6)), labels, **QUICK)
    denote.observe(network(), inputs.numpy().astype(np.longdouble), labels, **QUICK)
