"""Histograms count every activation once, wherever the state lies."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from denote.denotation.histograms import N_BINS, histograms
from denote.observers import reading
from denote.observers.reading import State
from denote.states.state import StoredState
from denote.streams import stream
from denote.tables import HISTOGRAMS


@pytest.fixture(params=["array", "disk"])
def state(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    monkeypatch.setattr(reading, "BLOCK", 35)
    values = np.maximum(stream("histograms").normal(size=(90, 5)), 0).astype(np.float32)
    values[:, 3] = 2.5
    if request.param == "array":
        return values[10:]
    np.save(tmp_path / "state.npy", values)
    return StoredState(np.load(tmp_path / "state.npy", mmap_mode="r"), np.arange(10, 90))


def test_bins_are_those_of_numpy(state: State) -> None:
    found, values = histograms(state), np.asarray(state)
    assert found.schema.items() <= dict(HISTOGRAMS).items()
    assert found["neuron"].to_list() == [0, 1, 2, 3, 4]
    for neuron, low, high, counts in found.filter(pl.col("neuron") != 3).iter_rows():
        assert (low, high) == (values[:, neuron].min(), values[:, neuron].max())
        expected, _ = np.histogram(values[:, neuron].astype(np.float64), N_BINS)
        assert counts == expected.tolist()


def test_a_constant_neuron_has_one_bin(state: State) -> None:
    assert histograms(state).row(3) == (3, 2.5, 2.5, [80] + [0] * (N_BINS - 1))


def test_what_is_not_finite_is_in_no_bin() -> None:
    largest = np.finfo(np.float32).max
    columns = [[np.nan, 0, 1, np.inf], [np.nan, -np.inf, np.nan, np.inf], [-largest, largest, 0, 0], [0, 1e-45, 0, 0]]
    found = histograms(np.array(columns, dtype=np.float32).T)
    assert found["low"].to_list() == [0, None, -largest, 0]
    assert found["counts"].list.sum().to_list() == [2, 0, 4, 4]
    assert [row[0] for row in found["counts"].to_list()] == [1, 0, 1, 3]


def test_a_state_without_rows_or_neurons_has_empty_histograms() -> None:
    assert histograms(np.zeros((0, 2), np.float32)).row(1) == (1, None, None, [0] * N_BINS)
    assert histograms(np.zeros((3, 0), np.float32)).is_empty()
