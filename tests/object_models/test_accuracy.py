"""Held-out accuracy, and the note on a model at chance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import binom
from sklearn.metrics import accuracy_score

from denote.data.module import SamplesModule
from denote.data.sources.digits import DigitsModule
from denote.object_models.architectures.mlp import MLP
from denote.object_models.spec import ModelSpec
from denote.object_models.task import accuracy_note, held_out_score, shuffled_note


def test_accuracy_is_that_of_one_plain_forward(spec: ModelSpec, data_module: SamplesModule) -> None:
    network, rows = spec.initial_network(), data_module.parts.test
    network.train()
    got = held_out_score(network, data_module, rows, batch_size=7)
    assert network.training
    network.eval()
    with torch.no_grad():
        predicted = network(data_module.samples.inputs[rows]).argmax(1).numpy()
    assert got.value == accuracy_score(data_module.samples.targets[rows], predicted)
    assert (got.measure, got.n) == ("accuracy", len(rows))
    with pytest.raises(ValueError, match="no rows"):
        held_out_score(network, data_module, rows[:0])


@pytest.mark.parametrize(("n", "majority"), [(100, 0.1), (1000, 0.5), (50, 0.9)])
def test_the_note_starts_where_the_binomial_test_does(n: int, majority: float) -> None:
    least = int(binom.isf(0.05, n, majority)) + 1  # fewest right answers that beat the most frequent class
    assert accuracy_note(least / n, n, majority) is None
    note = accuracy_note((least - 1) / n, n, majority)
    assert note is not None
    assert f"on {n} rows" in note


def test_accuracy_is_of_what_was_learned() -> None:
    merged = DigitsModule(merge_classes=3)
    merged.setup()
    rows, network = merged.parts.test, MLP((1, 8, 8), 3, layers=1, width=8).eval()
    with torch.no_grad():
        predicted = network(merged.samples.inputs[rows]).argmax(1).numpy()
    expected = accuracy_score(merged.samples.targets[rows] * 3 // 10, predicted)
    assert held_out_score(network, merged, rows).value == expected


def test_the_note_on_shuffled_targets_says_what_accuracy_is_of() -> None:
    assert "true classes of 200 rows, most frequent of them .100" in shuffled_note(200, 0.1)


def test_a_model_below_chance_is_at_chance() -> None:
    assert np.all([accuracy_note(a, 200, 0.3) is not None for a in (0.0, 0.1, 0.3)])
    assert accuracy_note(1.0, 200, 0.3) is None
