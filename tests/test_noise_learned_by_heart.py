"""A network of noise that learned random classes by heart: on its own training rows its neurons denote, on others none.

60 hidden units, 600 rows of noise with random classes, trained until all are right, and 600 rows it never saw.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

import denote
from denote.errors import DataError
from denote.observation import Controls

LEARNED, NEW, WIDTH = 600, 600, 60
QUICK: dict[str, Any] = {
    "permutations": 0, "bootstraps": 0, "stability": False, "examples": 0,
    "controls": Controls(shuffles=0, neuron_shuffles=0, rotations=0, twins=0, raw_input=False),
}  # fmt: skip
SAID = "is unknown, and on its own training rows noise denotes"


@pytest.fixture(scope="module")
def world() -> tuple[nn.Module, torch.Tensor, np.ndarray]:
    torch.manual_seed(0)
    inputs = torch.randn(LEARNED + NEW, 100)
    classes = torch.randint(0, 2, (LEARNED + NEW,))
    model = nn.Sequential(nn.Linear(100, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(300):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs[:LEARNED]), classes[:LEARNED]).backward()
        optimizer.step()
    assert (model(inputs[:LEARNED]).argmax(1) == classes[:LEARNED]).all()
    return model, inputs, classes.numpy()


def test_unknown_is_said_first_and_on_every_row(world: tuple[nn.Module, torch.Tensor, np.ndarray]) -> None:
    model, inputs, classes = world
    seen = denote.observe(model, inputs[:LEARNED], classes=classes[:LEARNED], **QUICK)
    assert seen.neurons["denotes"].sum() > 20, "noise denotes on the rows it was trained on"
    assert SAID in seen.findings()[0]
    assert SAID in repr(seen).splitlines()[0]
    for rows in (seen.cells, seen.neurons):
        assert rows["trained_on"].unique().to_list() == ["unknown"]
        assert rows["note"].str.contains("whether the network was trained on the rows it is judged on is unknown").all()
    cards = seen.cards()["card"]
    assert not cards.is_empty()
    assert cards.str.contains("trained_on unknown").all()


@pytest.mark.parametrize("given", ["ids", "mask"])
def test_its_rows_are_not_used_and_none_denotes(world: tuple[nn.Module, torch.Tensor, np.ndarray], given: str) -> None:
    model, inputs, classes = world
    mask = np.arange(LEARNED + NEW) < LEARNED
    seen = denote.observe(
        model, inputs, classes=classes, trained_on=mask if given == "mask" else np.flatnonzero(mask), **QUICK
    )
    assert (seen.cells["n_fit"] + seen.cells["n_test"] == NEW).all()
    assert seen.neurons["denotes"].sum() == 0
    assert not any(SAID in each for each in seen.findings())
    assert "at chance on unseen inputs" in seen.findings()[0]
    assert any("left out of fit and test" in each for each in seen.findings())
    other = denote.observe(
        model, inputs + 1e6 * torch.from_numpy(mask)[:, None], classes=classes, trained_on=mask, **QUICK
    )
    columns = ["layer", "attribute", "auroc", "balanced_accuracy"]
    assert other.cells.select(columns).equals(seen.cells.select(columns)), "whatever its rows hold"


def test_parts_that_are_given_lose_its_rows(world: tuple[nn.Module, torch.Tensor, np.ndarray]) -> None:
    model, inputs, classes = world
    parts = {"fit": np.arange(0, 1000, 2), "test": np.arange(1, 1001, 2)}
    seen = denote.observe(model, inputs, classes=classes, parts=parts, trained_on=range(LEARNED), **QUICK)
    assert (seen.cells["n_fit"] == 200).all()
    found = seen.tables["duplicates"]
    assert found.filter(pl.col("part") == "object")["n_part"].unique().to_list() == [LEARNED]


def test_none_says_nothing_and_too_few_is_a_mistake(world: tuple[nn.Module, torch.Tensor, np.ndarray]) -> None:
    model, inputs, classes = world
    seen = denote.observe(model, inputs[LEARNED:], classes=classes[LEARNED:], trained_on="none", **QUICK)
    assert not any("trained" in each for each in seen.findings())
    assert seen.cells["trained_on"].unique().to_list() == ["none"]
    with pytest.raises(DataError, match="1140 of 1200 rows are trained on, which leaves 30 for fit and 30 for test"):
        denote.observe(model, inputs, classes=classes, trained_on=range(1140), **QUICK)
