"""Two devices record what one records, bit for bit, and what one of them cannot record ends both in one line."""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from denote.data.samples import Samples
from denote.errors import StateError
from denote.states import sharing
from denote.states.capture import write_states
from denote.states.layers import Layer
from denote.states.listing import list_layers
from denote.states.sharing import write_shared_states

CPU = torch.device("cpu")


def places(folder: Path, network: nn.Module) -> Mapping[Layer, Path]:
    """Files of all layers."""
    return {layer: folder / f"{layer.name}.npy" for layer in list_layers(network, torch.zeros(1, 1, 8, 8), "flatten")}


def test_two_devices_write_the_arrays_of_one(
    convnet: nn.Module, samples: Samples, rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "WORTHWHILE", 1)
    alone, shared = (places(tmp_path / name, convnet) for name in ("alone", "shared"))
    write_states(convnet, samples.inputs, rows, alone, 3, CPU)
    write_shared_states(convnet, samples.inputs, rows, shared, 3, CPU, 2)
    assert len(rows) % 3  # the last batch is smaller
    for layer, path in alone.items():
        assert shared[layer].read_bytes() == path.read_bytes()
        assert np.load(path).shape == (len(rows), layer.n_neurons)


class SpoiledInputs:
    """Inputs of which one row is not a number."""

    def __init__(self, values: torch.Tensor, row: int) -> None:
        self.values = values.index_fill(0, torch.tensor([row]), torch.nan)
        self.shape = tuple(values.shape[1:])

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: np.ndarray) -> torch.Tensor:
        return self.values[torch.from_numpy(rows)]


def test_a_row_that_another_device_cannot_record_is_named(
    mlp: nn.Module, samples: Samples, rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "WORTHWHILE", 1)
    inputs = SpoiledInputs(samples.inputs[np.arange(len(samples))], 48)
    with pytest.raises(StateError, match=r"^layer hidden_1, .* the first is row 48$"):
        write_shared_states(mlp, inputs, rows, places(tmp_path, mlp), 3, CPU, 2)
    assert multiprocessing.active_children() == []


def test_few_batches_are_recorded_by_this_process(
    mlp: nn.Module, samples: Samples, rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "worker_processes", None)
    write_shared_states(mlp, samples.inputs, rows, places(tmp_path, mlp), 3, CPU, 4)
    assert all(len(np.load(path)) == len(rows) for path in places(tmp_path, mlp).values())
