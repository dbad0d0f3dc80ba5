"""Batches as data loaders give them: lengths beside sequences, labels beside inputs, networks that take all at once."""

from __future__ import annotations

import logging
import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

import denote
from denote.errors import DenoteError

N, T, C = 200, 9, 6
FEW: dict[str, Any] = {"permutations": 0, "bootstraps": 20, "stability": False, "controls": [], "probe": "neuron"}
YES = np.arange(N) % 2 == 0
LENGTHS = torch.randint(1, T + 1, (N,), generator=torch.Generator().manual_seed(0))
LENGTHS[3] = T


def padded() -> Tensor:
    """Sequences whose first channel says yes or no, and in whose padding stands the opposite, many times over."""
    x = torch.randn(N, T, C, generator=torch.Generator().manual_seed(1)) * 0.3
    x[:, :, 0] += torch.tensor(2.0 * YES - 1)[:, None]
    behind = torch.arange(T)[None] >= LENGTHS[:, None]
    x[behind] = -20 * x[behind]
    return x


class Takes(nn.Module):
    """A linear layer whose first unit reads the first channel."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(C, 4), nn.Linear(4, 2)
        with torch.no_grad():
            self.first.weight.zero_()[0, 0] = 1

    def run(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.first(x).mean(1))
        return out


class TakesBoth(Takes):
    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.run(x) + 0 * lengths[:, None]


class TakesOne(Takes):
    def forward(self, x: Tensor) -> Tensor:
        return self.run(x)


class TakesBatch(Takes):
    def forward(self, batch: Any) -> Tensor:
        assert set(batch) == {"x", "lengths"}
        return self.run(batch["x"]) + self.run(batch.x)


class TakesLabels(Takes):
    def forward(self, x: Tensor, lengths: Tensor | None = None, labels: Tensor | None = None) -> Tensor:
        assert labels is None
        return self.run(x)


class Items(Dataset[Any]):
    """Rows with what a data loader carries beside them."""

    def __init__(self, *, named: bool) -> None:
        self.x, self.named = padded(), named

    def __len__(self) -> int:
        return N

    def __getitem__(self, row: int) -> Any:
        values = (self.x[row], LENGTHS[row], int(YES[row]))
        return dict(zip(("x", "lengths", "labels"), values, strict=True)) if self.named else values


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (TakesBoth, lambda: {"x": padded(), "lengths": LENGTHS}),
        (TakesOne, lambda: {"x": padded(), "lengths": LENGTHS}),
        (TakesBatch, lambda: {"x": padded(), "lengths": LENGTHS}),
        (TakesBoth, lambda: (padded(), LENGTHS)),
        (TakesLabels, lambda: DataLoader(Items(named=True), batch_size=16)),
        (TakesBoth, lambda: DataLoader(Items(named=False), batch_size=16)),
    ],
    ids=["both", "one", "batch", "tuple", "loader", "loader of tuples"],
)
def test_what_lies_behind_the_lengths_enters_no_state(model: type[nn.Module], given: Any) -> None:
    seen = denote.observe(model(), given(), {"fact": YES}, layers="first", **FEW)
    assert seen.neurons.filter(neuron=0)["auroc"].to_list() == [1.0]


@pytest.mark.parametrize(
    ("name", "lengths", "said"),
    [
        ("lengths", LENGTHS - 1, "holds 0 to 8 for inputs of shape .* not used, so padding enters the states"),
        ("lengths", LENGTHS + 9, "holds 10 to 18 for inputs of shape .* not used"),
        ("n", LENGTHS, "may be lengths of sequences: called 'lengths' it keeps padding out"),
    ],
)
def test_lengths_that_cannot_be_used_are_warned_of(
    name: str, lengths: Tensor, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Takes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(C, 2)

        def forward(self, x: Tensor, **others: Tensor) -> Tensor:
            out: Tensor = self.inner(x)
            return out

    with caplog.at_level(logging.WARNING):
        denote.layers(Takes(), {"x": padded(), name: lengths})
    assert len(caplog.messages) == 1
    assert re.search(said, caplog.messages[0])


@pytest.mark.parametrize("held", [True, False])
def test_labels_are_classes_and_never_fed(held: bool, caplog: pytest.LogCaptureFixture) -> None:
    labels = torch.tensor(YES).long()
    given = {"x": padded(), "lengths": LENGTHS, "labels": labels} if held else DataLoader(Items(named=True))
    seen = denote.observe(TakesLabels(), given, layers="first", **FEW)
    assert seen.cells.filter(attribute="class=1")["auroc"].to_list() == [1.0]
    assert "inputs['labels'] is not fed to the model" in caplog.text
    other = denote.observe(TakesLabels(), given, {"fact": ~YES}, layers="first", **FEW)
    assert other.cells["attribute"].to_list() == ["fact"]


def test_an_argument_called_y_is_an_input_where_the_network_needs_it() -> None:
    class Adds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 2)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            out: Tensor = self.inner(x + y)
            return out

    assert denote.layers(Adds(), {"x": torch.ones(4, 3), "y": torch.ones(4, 3)})["layer"].to_list() == ["inner"]


def test_an_entry_that_is_no_tensor_is_named() -> None:
    class Texts(Items):
        def __getitem__(self, row: int) -> Any:
            return {"x": self.x[row], "id": f"row {row}"}

    with pytest.raises(DenoteError, match="whose 'id' is a list"):
        denote.layers(TakesOne(), Texts(named=True))


def test_axes_classes_and_doubts_stand_in_the_tables(caplog: pytest.LogCaptureFixture) -> None:
    class Drops(Takes):
        def forward(self, x: Tensor) -> Tensor:
            return self.run(functional.relu(x)) + self.noisy(functional.dropout(x.mean(1)))

        def __init__(self) -> None:
            super().__init__()
            self.noisy = nn.Linear(C, 2)

    seen = denote.observe(Drops(), padded(), {"fact": YES}, **FEW)
    layers = seen.tables["layers"]
    assert layers.select("layer", "module_class", "axes").rows() == [
        ("first", "Linear", "sample x position x channel"), ("last", "Linear", "sample x channel"),
        ("noisy", "Linear", "sample x channel"),
    ]  # fmt: skip
    for table in (seen.cells, seen.neurons, layers):
        said = dict(table.select("layer", "note").rows())
        assert "another output on the same input" in said["noisy"]
        assert "another output" not in (said["first"] or "")
    assert caplog.text.count("another output on the same input") == 1


def test_a_guess_stands_in_every_row() -> None:
    network = nn.Sequential(nn.Tanh(), nn.Flatten(), nn.Linear(C * T, 2))
    x = padded().transpose(1, 2).contiguous()
    listed = denote.layers(network, x)
    assert listed["axes"].to_list() == ["sample x position x channel", "sample x channel"]
    assert "a guess" in listed["remark"][0]
    seen = denote.observe(network, x, {"fact": YES}, **FEW)
    assert all("axes are a guess" in note for note in seen.neurons.filter(layer="0")["note"])
    said = denote.observe(network, x, {"fact": YES}, kinds="channels_first", **FEW)
    assert said.cells.filter(layer="0")["n_neurons"].to_list() == [C]
    assert not any("guess" in (note or "") for note in said.cells["note"])


def test_another_kind_is_another_state_in_a_store(tmp_path: Any) -> None:
    network, x = nn.Sequential(nn.Tanh(), nn.Flatten(), nn.Linear(C * T, 2)), padded()
    for kinds, n in ((None, C), ("channels_first", T), (None, C)):
        seen = denote.observe(network, x, {"fact": YES}, kinds=kinds, layers="0", store=tmp_path, **FEW)
        assert seen.cells["n_neurons"].to_list() == [n]
