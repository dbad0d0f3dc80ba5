"""Rotated states: what stays, what goes, and that they are the same on disk."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from denote.data.parts import Halves
from denote.evidence import rotation
from denote.evidence.rotation import haar, rotated
from denote.observers.neuron import best_thresholds
from denote.states import state as stored
from denote.states.layers import Layer
from denote.states.state import SideBySide, StoredState
from denote.streams import stream


def layer_of(n: int, name: str = "block1") -> Layer:
    return Layer(name, 1, 0.5, (n,), "none", (n,))


def halves(values: np.ndarray) -> Halves[np.ndarray]:
    half = len(values) // 2
    return Halves(values[:half].astype(np.float32), values[half:].astype(np.float32))


def state(n_rows: int = 300, n: int = 20, seed: int = 0) -> Halves[np.ndarray]:
    """Neurons of unlike scale and mean; 4 is dead on fit alone, 7 everywhere."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n_rows, n)) * rng.uniform(0.5, 3, n) + rng.uniform(-5, 5, n)
    values[: n_rows // 2, 4], values[:, 7] = 2, 3
    return halves(values)


def basis(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The matrix that turns one into the other."""
    return np.linalg.lstsq(before.astype(float), after.astype(float), rcond=None)[0]


def test_live_neurons_are_turned_about_their_mean_on_fit_and_dead_ones_are_zero() -> None:
    before = state()
    after = rotated(before, layer_of(20), 0, 0)
    live = np.delete(np.arange(20), [4, 7])
    mean = before.fit.mean(axis=0, dtype=float)
    for part in ("fit", "test"):
        own, turned = getattr(before, part) - mean, getattr(after, part)
        assert turned.dtype == np.float32
        assert not turned[:, [4, 7]].any()
        np.testing.assert_allclose(turned @ turned.T, own[:, live] @ own[:, live].T, rtol=1e-4, atol=1e-3)
    matrix = basis((before.fit - mean)[:, live], after.fit[:, live])
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(18), atol=1e-4)
    np.testing.assert_allclose((before.test - mean)[:, live] @ matrix, after.test[:, live], atol=1e-3)
    assert (np.abs(matrix) > 1e-3).mean() > 0.9, "no permutation"


def test_every_draw_layer_and_seed_has_a_basis_of_its_own() -> None:
    before = state()
    first = rotated(before, layer_of(20), 0, 0).fit
    np.testing.assert_array_equal(first, rotated(before, layer_of(20), 0, 0).fit)
    for other in (
        rotated(before, layer_of(20), 1, 0), rotated(before, layer_of(20), 0, 1),
        rotated(before, layer_of(20, "block2"), 0, 0),
    ):  # fmt: skip
        assert np.abs(other.fit - first).max() > 0.1


def test_test_rows_shape_nothing() -> None:
    before = state()
    changed = Halves(before.fit, np.random.default_rng(1).permuted(before.test, axis=0) * 10)
    one, other = rotated(before, layer_of(20), 0, 0), rotated(changed, layer_of(20), 0, 0)
    np.testing.assert_array_equal(one.fit, other.fit)
    assert not np.array_equal(one.test, other.test)


def test_matrices_are_orthogonal_and_every_one_is_equally_likely() -> None:
    """Of 2,000 draws in 3 dimensions each entry has mean 0 (standard error .013) and variance 1/3 (.007).

    Without the correction of signs the first entry would have mean -.5 or so.
    """
    drawn = np.array([haar(3, stream("test haar", draw)) for draw in range(2000)])
    np.testing.assert_allclose(drawn @ drawn.transpose(0, 2, 1), np.tile(np.eye(3), (2000, 1, 1)), atol=1e-5)
    assert np.abs(drawn.mean(axis=0)).max() < 0.06
    assert np.abs((drawn**2).mean(axis=0) - 1 / 3).max() < 0.035
    assert abs((np.linalg.det(drawn) > 0).mean() - 0.5) < 0.05, "reflections, too"
    expected = stats.ortho_group.rvs(3, 2000, random_state=0)[:, 1, 2]
    assert stats.ks_2samp(drawn[:, 1, 2], expected).pvalue > 0.001


def test_oracle_2_single_neurons_lose_what_a_linear_observer_keeps() -> None:
    """Over 10 rotations the best of 64 neurons reaches .79 on average, with a spread near .03 for each."""
    rng = np.random.default_rng(2)
    label = rng.integers(0, 2, 20_000)
    values = rng.standard_normal((20_000, 64))
    values[:, 5] += 2.5 * (2 * label - 1)
    before, labels = halves(values), label[:10_000, None].astype(np.int8)
    assert best_thresholds(before.fit, labels).balanced_accuracy.max() == pytest.approx(0.9938, abs=0.003)
    best, linear = [], []
    for draw in range(10):
        after = rotated(before, layer_of(64), draw, 0)
        best.append(best_thresholds(after.fit, labels).balanced_accuracy.max())
        weights = basis(after.fit, 2.0 * label[:10_000] - 1)
        linear.append(((after.test @ weights > 0) == label[10_000:]).mean())
    assert np.mean(best) == pytest.approx(0.79, abs=0.03)
    assert max(best) < 0.9
    np.testing.assert_allclose(linear, 0.9938, atol=0.004)


def test_flattened_maps_turn_their_channels_alike_at_every_position() -> None:
    """Channel 2 is dead; channel 1 is dead at the first position only, where it counts as nothing."""
    rng = np.random.default_rng(3)
    maps = rng.standard_normal((400, 5, 2, 3)) + 3
    maps[:, 2], maps[:200, 1, 0, 0] = 1, -1
    layer = Layer("conv", 0, 0.0, (5, 2, 3), "flatten", (5, 2, 3))
    before = halves(maps.reshape(400, -1))
    after = rotated(before, layer, 0, 0)
    live = [0, 1, 3, 4]
    own, turned = (each.test.reshape(200, 5, 2, 3) for each in (before, after))
    own = own - before.fit.mean(axis=0).reshape(5, 2, 3)
    matrix = basis(own[:, live, 1, 2], turned[:, live, 1, 2])
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(4), atol=1e-4)
    own[:, 1, 0, 0] = 0
    for y, x in np.ndindex(2, 3):
        np.testing.assert_allclose(own[:, live, y, x] @ matrix, turned[:, live, y, x], atol=1e-4)
    assert not turned[:, 2].any()


def test_wide_layers_turn_in_random_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "WIDEST", 8)
    before = state()
    after = rotated(before, layer_of(20), 0, 0)
    live = np.delete(np.arange(20), [4, 7])
    matrix = np.abs(basis((before.fit - before.fit.mean(axis=0))[:, live], after.fit[:, live])) > 1e-3
    assert sorted(set(matrix.sum(axis=0))) == [6], "18 neurons in three blocks"
    np.testing.assert_array_equal(matrix, matrix.T)
    assert not matrix[:6, :6].all(), "not in order"


@pytest.mark.parametrize("flattened", [False, True])
def test_what_is_on_disk_is_turned_when_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flattened: bool
) -> None:
    monkeypatch.setattr(stored, "READ", 1 << 10)
    before = state()
    np.save(tmp_path / "left.npy", np.concatenate([before.fit, before.test])[:, :9])
    np.save(tmp_path / "right.npy", np.concatenate([before.fit, before.test])[:, 9:])
    mapped = SideBySide(tuple(np.load(tmp_path / f"{side}.npy", mmap_mode="r") for side in ("left", "right")))
    disk = Halves(StoredState(mapped, np.arange(150)), StoredState(mapped, np.arange(150, 300)))
    layer = Layer("conv", 0, 0.0, (5, 2, 2), "flatten", (5, 2, 2)) if flattened else layer_of(20)
    inside, outside = rotated(before, layer, 0, 0), rotated(disk, layer, 0, 0)
    assert isinstance(outside.test, StoredState)
    close = {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(outside.fit[:], inside.fit, **close)
    np.testing.assert_allclose(outside.test[:, 3:11], inside.test[:, 3:11], **close)
    np.testing.assert_allclose(outside.test[:, np.array([0, 17])], inside.test[:, [0, 17]], **close)
    rows = np.array([140, 3, 77])
    np.testing.assert_allclose(outside.test[rows][:, 2:5], inside.test[rows][:, 2:5], **close)


def test_a_layer_that_is_dead_stays_dead() -> None:
    dead = Halves(np.ones((5, 3), np.float32), np.arange(6, dtype=np.float32).reshape(2, 3))
    after = rotated(dead, layer_of(3), 0, 0)
    assert not after.fit.any()
    assert not after.test.any()
