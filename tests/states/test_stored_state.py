"""A state on disk reads like the same state in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from denote.errors import ConfigError, StateError
from denote.observers.linear import LinearProbe
from denote.observers.reading import Resources
from denote.states import state as stored
from denote.states.state import StoredState


@pytest.fixture
def on_disk(tmp_path: Path) -> tuple[np.ndarray, StoredState]:
    """Every other row of a file of 3,000 x 24."""
    draws = np.random.default_rng(0)
    whole = (draws.normal(size=(3000, 24)) @ draws.normal(size=(24, 24)) + 5).astype(np.float32)
    np.save(tmp_path / "state.npy", whole)
    rows = np.arange(0, 3000, 2)
    return whole[rows], StoredState(np.load(tmp_path / "state.npy", mmap_mode="r"), rows)


def labels_of(state: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).normal(size=(len(state), 3))
    values = (state[:, :3] - state[:, 3:6] + 4 * noise > np.array([0, 3, 9])).astype(np.int8)
    values[::7, 1] = -1
    return values


@pytest.mark.parametrize("read", [1 << 30, 1 << 11])
def test_blocks_are_those_of_the_array(
    on_disk: tuple[np.ndarray, StoredState], read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "READ", read)
    array, state = on_disk
    assert state.shape == array.shape
    assert np.array_equal(state[100:777], array[100:777])
    assert np.array_equal(state[:, 3:9], array[:, 3:9])
    assert np.array_equal(state[:, np.array([7, 2])], array[:, [7, 2]])
    assert np.array_equal(np.asarray(state), array)
    some = np.array([5, 900, 3])
    chosen = state[some]
    assert isinstance(chosen, StoredState)
    assert np.array_equal(chosen[:], array[some])


def test_streamed_coefficients_are_those_in_memory(
    on_disk: tuple[np.ndarray, StoredState], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("denote.observers.solvers.design.BLOCK_BYTES", 4 * 24 * 300)
    array, state = on_disk
    labels = labels_of(array)
    inside, outside = (
        LinearProbe().fit(array, labels),
        LinearProbe().fit(state, labels, resources=Resources(memory=2 << 20)),
    )
    assert inside.converged.all()
    assert outside.converged.all()
    assert np.linalg.norm(inside.weights - outside.weights) <= 1e-5 * np.linalg.norm(inside.weights)
    np.testing.assert_allclose(inside.scores(array), outside.scores(state), rtol=1e-4, atol=1e-5)


def test_columns_solved_apart_are_the_same(on_disk: tuple[np.ndarray, StoredState]) -> None:
    array, state = on_disk
    labels = np.tile(labels_of(array), (1, 4))
    apart = LinearProbe().fit(state, labels, resources=Resources(memory=1 << 20))
    together = LinearProbe().fit(array, labels)
    np.testing.assert_allclose(apart.weights, together.weights, rtol=1e-4, atol=1e-5)


def test_too_little_memory_says_the_least_that_works(on_disk: tuple[np.ndarray, StoredState]) -> None:
    array, state = on_disk
    with pytest.raises(ConfigError, match=r"memory_limit.*at least (\d+)MiB") as refused:
        LinearProbe().fit(state, labels_of(array), resources=Resources(memory=10_000))
    least = int(str(refused.value).rpartition("at least ")[2].removesuffix("MiB"))
    enough = Resources(memory=least << 20)
    assert LinearProbe().fit(state, labels_of(array), resources=enough).converged.all()


def test_nan_on_disk_is_named(on_disk: tuple[np.ndarray, StoredState]) -> None:
    array, state = on_disk
    broken = state.values.copy()
    broken[[4, 8], 5] = np.nan
    with pytest.raises(StateError, match=r"2 numbers are NaN or infinite in 1 neurons, first in neuron 5 \(2 of"):
        LinearProbe().fit(StoredState(broken, state.rows), labels_of(array))
