"""The accuracy of a network from outside is read off its recorded outputs, where their places are the classes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from denote.data.memory.given_samples import given_samples, no_inputs
from denote.data.parts import Parts
from denote.observation.accuracy import recorded_accuracy
from denote.states.layers import Layer
from denote.states.state import LayerState

N, K = 120, 3
LABELS = np.arange(N) % K
PARTS = Parts(np.arange(0), np.arange(60), np.arange(60, N))
HEAD = Layer("logits", 1, 1.0, (K,), "none", (K,), is_head=True)
WRONG = 6


def outputs() -> np.ndarray:
    """Scores that are wrong in `WRONG` of 60 test rows."""
    told = LABELS.copy()
    told[60 : 60 + WRONG] += 1
    return np.eye(K, dtype=np.float32)[told % K] * 5 - 3


def accuracy(layer: Layer = HEAD, classes: Any = LABELS, values: np.ndarray | None = None) -> Any:
    state = LayerState(layer, outputs() if values is None else values, np.arange(N))
    return recorded_accuracy([state], given_samples(no_inputs(N), None, classes, None, "data"), PARTS)


def test_it_is_the_share_of_test_rows_whose_largest_output_is_the_class() -> None:
    assert accuracy() == (1 - WRONG / 60, None)


def test_chance_is_remarked() -> None:
    found, remark = accuracy(values=np.tile([1.0, 0.0, 0.0], (N, 1)).astype(np.float32))
    assert found == pytest.approx(1 / K)
    assert remark.startswith("object model at chance")


@pytest.mark.parametrize(
    ("layer", "classes"),
    [
        (replace(HEAD, is_head=False), LABELS),
        (HEAD, LABELS + 1),
        (HEAD, np.array(list("abc"))[LABELS]),
        (HEAD, LABELS % 2),
        (HEAD, None),
        (replace(HEAD, shape=(K, 4)), LABELS),
    ],
)
def test_it_is_not_known_where_outputs_are_no_scores_of_these_classes(layer: Layer, classes: Any) -> None:
    assert accuracy(layer, classes) == (None, None)
