"""The participation ratio against eigenvalues, whichever matrix it is made of and wherever the state lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denote.evidence import participation
from denote.evidence.participation import active_share, participation_ratio
from denote.states.state import StoredState


def by_eigenvalues(values: np.ndarray) -> float:
    found = np.linalg.eigvalsh(np.cov(values.T.astype(float)))
    return float(found.sum() ** 2 / (found**2).sum())


@given(n=st.integers(3, 30), d=st.integers(2, 30), seed=st.integers(0, 10_000))
def test_it_is_what_the_eigenvalues_of_the_covariance_say(n: int, d: int, seed: int) -> None:
    draws = np.random.default_rng(seed)
    values = (draws.standard_normal((n, d)) * draws.lognormal(0, 2, d) + 50).astype(np.float32)
    live = np.ones(d, bool)
    live[0] = False
    ratio, remark = participation_ratio(values, live)
    expected = 1.0 if d == 2 else by_eigenvalues(values[:, 1:])
    assert ratio == pytest.approx(expected, rel=1e-4)
    assert 1 - 1e-9 <= ratio <= live.sum() + 1e-9
    assert remark is None


def test_equal_independent_neurons_count_fully_and_copies_once() -> None:
    draws = np.random.default_rng(0).standard_normal((20_000, 6)).astype(np.float32)
    assert participation_ratio(draws, np.ones(6, bool))[0] == pytest.approx(6, rel=0.01)
    copies = np.repeat(draws[:, :2], 5, axis=1)
    assert participation_ratio(copies, np.ones(10, bool))[0] == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("scale", [1e-18, 1e15])
def test_units_do_not_matter(scale: float) -> None:
    values = np.random.default_rng(1).standard_normal((200, 9)).astype(np.float32)
    expected = participation_ratio(values, np.ones(9, bool))[0]
    assert participation_ratio(values * np.float32(scale), np.ones(9, bool))[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("shape", [(40, 300), (300, 40)])
def test_a_state_on_disk_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    monkeypatch.setattr("denote.states.state.READ", 1 << 10)
    monkeypatch.setattr("denote.observers.reading.BLOCK", 1 << 10)
    monkeypatch.setattr(participation, "COLUMNS", 7)
    values = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    np.save(tmp_path / "state.npy", values)
    stored = StoredState(np.load(tmp_path / "state.npy", mmap_mode="r"), np.arange(len(values)))
    live = np.arange(shape[1]) % 3 > 0
    assert participation_ratio(stored, live)[0] == pytest.approx(by_eigenvalues(values[:, live]), rel=1e-4)
    assert active_share(stored, live) == pytest.approx((values[:, live] > 0).mean())


def test_many_rows_of_many_neurons_are_drawn_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(participation, "MOST", 50)
    values = np.random.default_rng(3).standard_normal((120, 80)).astype(np.float32)
    live = np.ones(80, bool)
    first, remark = participation_ratio(values, live, "layer")
    assert remark == "participation_ratio: of 50 rows of 120, drawn at random"
    assert participation_ratio(values, live, "layer")[0] == first
    assert participation_ratio(values, live, "other layer")[0] != first
    assert participation_ratio(values[:, :50], live[:50])[1] is None


def test_nothing_that_varies_has_none() -> None:
    values = np.ones((5, 3), np.float32)
    assert np.isnan(participation_ratio(values, np.ones(3, bool))[0])
    ratio, remark = participation_ratio(values, np.zeros(3, bool))
    assert np.isnan(ratio)
    assert remark == "participation_ratio: no live neuron"
    assert np.isnan(active_share(values, np.zeros(3, bool)))
    assert active_share(np.array([[1.0, -1, 0], [1, 2, 0]]), np.array([True, True, True])) == pytest.approx(0.5)
