"""Samples refuse what nothing later could repair, and say where."""

import numpy as np
import polars as pl
import pytest
import torch

from denote.data.samples import Samples, TensorInputs
from denote.errors import DataError


def make(**changes):
    n = 6
    parts = {
        "name": "toy",
        "inputs": TensorInputs(np.arange(n * 4, dtype=np.uint8).reshape(n, 2, 2), 255),
        "targets": np.arange(n) % 2,
        "classes": ("no", "yes"),
        "table": pl.DataFrame({"class": np.arange(n) % 2}),
        "target": "class",
        "key": "k",
    }
    return Samples(**(parts | changes))


def test_a_batch_is_float32_in_the_order_asked_for_and_bytes_stay_bytes():
    inputs = make().inputs
    batch = inputs[np.array([5, 0])]
    assert batch.dtype == torch.float32
    assert inputs.shape == (2, 2)
    np.testing.assert_allclose(batch[0].flatten().numpy(), np.arange(20, 24) / 255, rtol=1e-6)
    np.testing.assert_allclose(batch[1].flatten().numpy(), np.arange(4) / 255, rtol=1e-6)


def test_a_batch_is_a_copy():
    inputs = TensorInputs(torch.ones(3, 2))
    inputs[np.array([0])].fill_(7.0)
    assert torch.equal(inputs[np.array([0, 1])], torch.ones(2, 2))


def test_values_that_are_not_finite_are_counted_and_the_first_row_named():
    values = np.zeros((5, 3), dtype=np.float32)
    values[2, 1], values[4] = np.nan, np.inf
    with pytest.raises(DataError, match=r"4 NaN or infinite values in 2 of 5 rows, the first in row 2"):
        TensorInputs(values)


@pytest.mark.parametrize(
    "values", [np.array([["a"], ["b"]]), np.array([[1j]]), np.array([[object()]]), torch.ones(2) * 1j]
)
def test_inputs_that_are_no_real_numbers_are_refused(values):
    with pytest.raises(DataError, match="real numbers"):
        TensorInputs(values)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"targets": np.zeros(5, dtype=np.int64)}, r"lengths differ.*'targets': 5"),
        ({"predefined": np.zeros(2, dtype=np.int64)}, r"lengths differ.*'predefined': 2"),
        ({"predefined": np.array([0, 1, 2, 0, 1, 0])}, "0 .train. and 1 .held-out"),
        ({"targets": np.array([0, 1, 2, 0, 1, 0])}, "from 0 to 2 but there are 2 classes"),
        ({"target": "clas"}, "dataset.target.*did you mean 'class'"),
    ],
)
def test_promises_that_do_not_hold_are_refused(changes, said):
    with pytest.raises(DataError, match=said):
        make(**changes)


def test_a_missing_column_lists_the_columns():
    with pytest.raises(DataError, match=r"split.group.*allowed: class"):
        make().column("writer", "split.group")
