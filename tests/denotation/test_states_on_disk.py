"""What is searched on disk, in as little memory as can be, is what is searched in memory, bit by bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from denote.attributes.labels import Family, Labels, SubsetFamily
from denote.data.parts import Halves
from denote.denotation.neurons import Controls, Neurons, observe_neurons
from denote.denotation.search.candidates import search
from denote.denotation.search.properties import Settings, family_halves
from denote.observers.neuron import NeuronProbe, best_thresholds, live_neurons, rank_neurons
from denote.observers.reading import Resources
from denote.observers.sorted_columns import least_memory
from denote.states import state as stored
from denote.states.layers import Layer
from denote.states.state import StoredState

N, NEURONS_OF_STATE = 900, 11
KINDS = ("subsets", "subsets without a class", "attributes", "attributes with nulls", "nothing")


@pytest.fixture
def halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Halves[np.ndarray], Halves[StoredState]]:
    """Rows of fit and of test, mixed in one file: dead, tied and continuous neurons."""
    rng = np.random.default_rng(0)
    whole = rng.standard_normal((N, NEURONS_OF_STATE)).astype(np.float32)
    whole[:, 2] = 3
    whole[:, 3] = np.maximum(whole[:, 3], 0)
    whole[:, 4] += 4 * (np.arange(N) % 3 == 1)
    np.save(tmp_path / "state.npy", whole)
    monkeypatch.setattr(stored, "READ", 1 << 10)
    mapped = np.load(tmp_path / "state.npy", mmap_mode="r")
    rows = Halves(np.arange(0, N, 2), np.arange(1, N, 2))
    return (
        Halves(whole[rows.fit], whole[rows.test]),
        Halves(StoredState(mapped, rows.fit), StoredState(mapped, rows.test)),
    )


def family_of(kind: str) -> Halves[Family]:
    rng = np.random.default_rng(1)
    if kind.startswith("subsets"):
        codes = np.arange(N) % 3
        if "without" in kind:
            codes[::5], codes[[0, 1, 2, 3]] = -1, 3
        family = SubsetFamily("subsets", Labels((), (), np.zeros((N, 0), np.int8)), codes, tuple("abcd"))
    else:
        values = np.stack([np.arange(N) % 3 == 1, rng.random(N) < 0.3, rng.random(N) < 0.5], axis=1).astype(np.int8)
        if "nulls" in kind:
            values[rng.random(values.shape) < 0.2] = -1
        values = values[:, :0] if kind == "nothing" else values
        names = tuple("xyz")[: values.shape[1]]
        family = Family("named", Labels(names, ("named",) * len(names), values))
    return family_halves(family, np.arange(0, N, 2), np.arange(1, N, 2))


def labels_of(rows: slice) -> np.ndarray:
    labels = np.random.default_rng(2).integers(-1, 2, (N, 5)).astype(np.int8)
    labels[:, 0] = np.arange(N) % 3 == 1
    return labels[rows]


def same(one: object, other: object) -> None:
    for name, value in vars(one).items():
        theirs = getattr(other, name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, theirs, err_msg=name)
        elif hasattr(value, "masks"):
            assert value.names == theirs.names
            np.testing.assert_array_equal(value.masks, theirs.masks)
        else:
            assert value == theirs, name


def test_scans(halves: tuple[Halves[np.ndarray], Halves[StoredState]]) -> None:
    inside, outside = halves[0].fit, halves[1].fit
    labels = labels_of(slice(0, N, 2))
    little = Resources(memory=least_memory(outside, labels))
    same(best_thresholds(inside, labels), best_thresholds(outside, labels, resources=little))
    same(rank_neurons(inside, labels), rank_neurons(outside, labels, resources=little))
    same(best_thresholds(inside, labels), best_thresholds(outside, labels))
    np.testing.assert_array_equal(live_neurons(inside), live_neurons(outside))


def test_the_probe_reads_the_one_neuron_it_needs(
    halves: tuple[Halves[np.ndarray], Halves[StoredState]], monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside = halves
    labels = labels_of(slice(0, N, 2))
    little = Resources(memory=least_memory(outside.fit, labels))
    observer = NeuronProbe().fit(outside.fit, labels, resources=little)
    same(NeuronProbe().fit(inside.fit, labels), observer)
    expected = observer.scores(inside.test)
    asked, read = [], StoredState._read

    def noted(self: StoredState, places: np.ndarray, columns: object) -> np.ndarray:
        asked.append(columns)
        return read(self, places, columns)

    monkeypatch.setattr(StoredState, "_read", noted)
    np.testing.assert_array_equal(observer.scores(outside.test), expected)
    assert observer.neuron is not None
    assert [list(columns) for columns in asked] == [sorted(set(observer.neuron.tolist()))]


@pytest.mark.parametrize("kind", KINDS)
def test_search(halves: tuple[Halves[np.ndarray], Halves[StoredState]], kind: str) -> None:
    inside, outside = halves
    family = family_of(kind)
    same(search(inside.fit, family), search(outside.fit, family, Settings(memory=1)))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_evidence(halves: tuple[Halves[np.ndarray], Halves[StoredState]], kind: str) -> None:
    """With the best coordinates of a twin and of the input, and the shuffles, of which all would be read whole."""
    family = family_of(kind)

    def rows(state: Halves[np.ndarray] | Halves[StoredState], memory: int) -> pl.DataFrame:
        shape = (NEURONS_OF_STATE,)
        layer = Layer("block1", 1, 0.5, shape, "none", shape)
        names = [f"unit {i}" for i in range(NEURONS_OF_STATE)]
        controls = Controls(shuffles=1, untrained=[state], raw_input=state)
        return observe_neurons(Neurons(layer, names, settings=Settings(memory=memory)), state, family, controls)

    inside, outside = halves
    assert_frame_equal(rows(inside, 1 << 28), rows(outside, 1), check_exact=True)


def test_nothing_is_read_whole(
    halves: tuple[Halves[np.ndarray], Halves[StoredState]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: StoredState, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        raise AssertionError("the whole state was asked for")

    monkeypatch.setattr(StoredState, "__array__", refused)
    for kind in KINDS:
        search(halves[1].fit, family_of(kind), Settings(memory=1))
    NeuronProbe().fit(halves[1].fit, labels_of(slice(0, N, 2))).scores(halves[1].test)
