"""A network runs once for its listing, and in three small batches more, whoever asks for its layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import denote
from denote.data.batch import Batch
from denote.errors import ConfigError, LayerError

N = 40
INPUTS = torch.randn(N, 6, generator=torch.Generator().manual_seed(0))
LABELS = {"high": (INPUTS[:, 0] > 0).numpy()}
FEW: dict[str, Any] = {"permutations": 0, "bootstraps": 20, "stability": False, "examples": 0, "rule": None}


class Counting(nn.Module):
    """Notes the size of every batch it is called with."""

    def __init__(self, most: int = N) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2))
        self.most, self.sizes = most, []  # type: ignore[var-annotated]

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(len(x))
        if len(x) > self.most:
            raise ValueError(f"{self.most} at most")
        out: Tensor = self.layers(x)
        return out


@pytest.mark.parametrize("of", ["blocks", "leaves", "modules"])
def test_a_listing_is_one_pass_and_three_batches(of: str) -> None:
    network = Counting()
    denote.layers(network, INPUTS, of=of)
    assert network.sizes == [3, 3, 8, 8]


def test_an_observation_lists_once_and_records_once() -> None:
    network = Counting()
    denote.observe(network, INPUTS, LABELS, controls=[], batch_size=N, **FEW)
    assert network.sizes == [3, 3, 8, 8, N]


def test_the_randomisation_check_runs_the_network_once_more_for_all_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    forward = Counting.forward

    def counted(self: Counting, x: Tensor) -> Tensor:
        sizes.append(len(x))
        return forward(self, x)

    monkeypatch.setattr(Counting, "forward", counted)
    denote.observe(Counting(), INPUTS, LABELS, untrained=Counting, controls=[], batch_size=N, **FEW)
    # The listing, the states, when every part runs, and each layer of a network that is drawn anew down to it.
    assert sizes == [3, 3, 8, 8, N, 1, *[N // 2] * 5]


def test_a_network_that_refuses_larger_batches_is_listed_and_fails_when_it_is_recorded() -> None:
    network = Counting(most=3)
    assert denote.layers(network, INPUTS)["note"].is_null().all()
    assert network.sizes == [3, 3, 8, 3]
    with pytest.raises(LayerError, match=r"^network: fails on a batch of 40 samples: ValueError: 3 at most"):
        denote.observe(network, INPUTS, LABELS, controls=[], **FEW)


def test_a_network_that_fails_on_a_sample_is_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"^model: cannot be run on the inputs: ValueError: 2 at most; inputs as"):
        denote.layers(Counting(most=2), INPUTS)


class Mixing(nn.Module):
    """Takes the mean of the batch away, draws, or sorts the batch, in a layer after a plain one."""

    def __init__(self, does: str) -> None:
        super().__init__()
        self.first, self.second, self.does = nn.Linear(6, 5), nn.Linear(5, 4), does

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        if self.does == "mixes":
            x = x - x.mean(0)
        if self.does == "draws":
            x = nn.functional.dropout(x, training=True)
        if self.does == "sorts":
            x = x[x[:, 0].argsort()]
        out: Tensor = self.second(x)
        return out


@pytest.mark.parametrize("n", [1, 2, 3, 8])
@pytest.mark.parametrize(
    ("does", "noted"), [("mixes", "or mix"), ("draws", "dropout or noise is on"), ("sorts", "forward sorts its batch")]
)
def test_what_the_three_batches_tell(does: str, noted: str, n: int) -> None:
    torch.manual_seed(0)
    batch: Batch = INPUTS[np.argsort(INPUTS[:n, 0].numpy())]
    found = denote.layers(Mixing(does), batch).select("layer", "note", "remark").rows()
    if n == 1 and does != "draws":  # one sample has no company but itself
        noted = {"mixes": "or mix", "sorts": ""}[does]
    assert found[0] == ("first", None, None)
    assert noted in ((found[1][1] or "") + (found[1][2] or ""))
