"""Of maps and sequences an attribute is erased at every position, so that nothing linear of the whole tells it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from simulate_interventions import bypassing, erased, in_one_pixel, layers_of, recomputing, samples_of
from small_networks import Maps, PaddedIds, Sequences, pictures, sequences, sides
from torch import Tensor, nn

from denote.data.batch import Named, Words
from denote.data.parts import Halves
from denote.interventions.edited_runs import NetworkRows, edited_states, look_at
from denote.interventions.edits import Displace, Distance
from denote.interventions.erasure import ErasureSettings, LayerErasure
from denote.interventions.erasure_by_position import erasure_by_position
from denote.interventions.leace import InTurn, erasure_of
from denote.interventions.random_erasures import random_erasure
from denote.interventions.sites import SiteRows
from denote.observers.linear import LinearProbe
from denote.states.layers import Layer
from denote.states.listing import list_layers
from denote.streams import stream

FEW = ErasureSettings(draws=19)


def opposite_pixels(rows: int = 600) -> tuple[NetworkRows, np.ndarray]:
    """Pictures with an attribute in two pixels, of which no mean over pixels tells anything."""
    x, labels = pictures(rows)
    x = stream("opposite").standard_normal(x.shape).astype(np.float32)
    x[:, 0, 1, 1] += 3 * labels
    x[:, 0, 2, 3] -= 3 * labels
    return samples_of(Maps().eval(), x), labels


def sites_of(data: NetworkRows, layer: Layer, rows: np.ndarray) -> tuple[Tensor, SiteRows]:
    values: list[Tensor] = []
    at: list[SiteRows] = []

    def see(some: Tensor, whose: SiteRows) -> None:
        values.append(some)
        at.append(whose)

    look_at(data, layer, rows, see)
    return torch.cat(values), SiteRows(
        *(torch.cat([getattr(each, name) for each in at]) for name in ("row", "position"))
    )


def test_no_linear_function_of_the_whole_map_tells_what_was_erased() -> None:
    data, labels = opposite_pixels()
    first, *_ = layers_of(data)
    flat, *_ = list_layers(data.network, data.inputs[np.arange(4)], "flatten")
    both = sides(data, labels)
    fit = erasure_by_position(data, first, both.fit, 25)
    before, after = (edited_states(data, first, [flat], edit)[flat] for edit in (None, fit.erasure))
    weights = [LinearProbe().fit(state.fit, both.fit[:, None]).weights for state in (before, after)]
    assert np.abs(weights[1]).max() < 1e-3 * np.abs(weights[0]).max()
    apart = [state.fit[both.fit == 1].mean(0) - state.fit[both.fit == 0].mean(0) for state in (before, after)]
    assert np.abs(apart[0]).max() > 1
    assert np.abs(apart[1]).max() < 1e-5
    assert fit.same
    # One map for all pixels, as pooled states have it, leaves both pixels as they are.
    pooled = erasure_of(edited_states(data, first, [first], None)[first].fit, both.fit, "first")
    left = edited_states(data, first, [flat], pooled)[flat].fit
    assert np.abs(left[both.fit == 1].mean(0) - left[both.fit == 0].mean(0)).max() > 1


@pytest.mark.parametrize("block", [1 << 22, 50])
def test_every_position_has_the_map_of_the_formula(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """X - c (c' S^-1 c)^-1 c' S^-1 (x - mean), with means of the position and one covariance."""
    monkeypatch.setattr("denote.interventions.erasure_by_position.BLOCK", block)
    data, labels = opposite_pixels(200)
    first, *_ = layers_of(data)
    fit = erasure_by_position(NetworkRows(data.network, data.inputs, data.rows, 7), first, labels[data.rows.fit], 25)
    values, at = sites_of(data, first, data.rows.fit)
    x = values.double().numpy().reshape(100, 16, 5)
    of = labels[data.rows.fit]
    apart = x - x.mean(0)
    covariance = np.einsum("rpi,rpj->ij", apart, apart) / 1600
    expected = np.empty_like(x)
    for position in range(16):
        c = x[of == 1, position].mean(0) - x[of == 0, position].mean(0)
        inverse = np.linalg.pinv(covariance, rcond=1e-9) @ c  # three inputs: five channels vary in three dimensions
        expected[:, position] = x[:, position] - np.outer(apart[:, position] @ inverse / (c @ inverse), c)
    new = fit.erasure.new(values, at).double().numpy().reshape(x.shape)
    np.testing.assert_allclose(new, expected, atol=1e-5)


def test_what_one_pixel_computes_again_comes_back_there() -> None:
    found = [erased(partial(in_one_pixel, recomputing), seed) for seed in range(3)]
    assert [each.first for each, _ in found] == [at for _, at in found]
    assert all(each.is_gone and each.note is None for each, _ in found)


def test_what_is_in_one_direction_of_one_pixel_never_comes_back() -> None:
    found = [erased(partial(in_one_pixel, bypassing), seed)[0] for seed in range(5)]
    assert not any(each.comes_back for each in found)
    assert all(each.is_gone and each.later[1].before > 0.8 for each in found)


@pytest.mark.parametrize("pooling", ["max", "centre"])
def test_positions_are_erased_whatever_the_pooling(pooling: str) -> None:
    data, labels = opposite_pixels()
    first, second, _ = list_layers(data.network, data.inputs[np.arange(4)], pooling)
    flat = list_layers(data.network, data.inputs[np.arange(4)], "flatten")[0]
    erasure = LayerErasure(data, first, [second, flat], None, FEW)
    result = erasure.attribute(sides(data, labels))
    assert (result.is_gone, result.comes_back) == (True, False)
    assert result.later[1].before > 0.95


def different_lengths(rows: int = 400) -> tuple[NetworkRows, np.ndarray]:
    """Sequences of which those with the attribute are longer, too."""
    drawn = stream("lengths")
    labels = drawn.integers(0, 2, rows).astype(np.int8)
    ids = drawn.integers(0, 10, (rows, 9)) + 8 * labels[:, None]
    lengths = drawn.integers(2, 8, rows) + labels
    lengths[:3] = 9
    return NetworkRows(Sequences().eval(), PaddedIds(ids, lengths), Halves(*np.arange(rows).reshape(2, -1))), labels


@pytest.mark.parametrize("pooling", ["mean", "last", "first"])
def test_of_sequences_of_different_lengths_the_pooled_state_is_erased_too(pooling: str) -> None:
    data, labels = different_lengths()
    embedding, mixed, _ = list_layers(data.network, data.inputs[np.arange(4)], pooling)
    both = sides(data, labels)
    erasure = LayerErasure(data, embedding, [mixed], None, FEW)
    edit = erasure._fitted(both.fit).erasure
    assert isinstance(edit, InTurn)
    state = edited_states(data, erasure.place, [embedding], edit)[embedding].fit
    assert np.abs(state[both.fit == 1].mean(0) - state[both.fit == 0].mean(0)).max() < 1e-5
    values, at = sites_of(data, erasure.place, data.rows.fit)
    new, label = edit.new(values, at).double(), torch.from_numpy(both.fit)[at.row]
    for position in range(5):
        with_it, without = (new[(at.position == position) & (label == value)].mean(0) for value in (1, 0))
        torch.testing.assert_close(with_it, without, atol=1e-5, rtol=0)
    result = erasure.attribute(both)
    assert result.rank == (1 if pooling == "first" else 2)
    assert result.is_gone
    assert result.note is not None
    assert result.note.codes == ("late_positions",)
    assert "from position 7 on" in result.note


def test_a_recurrent_layer_forgets_what_is_erased_from_its_outputs() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.recurrent, self.mixed, self.head = nn.LSTM(3, 6, batch_first=True), nn.Linear(6, 6), nn.Linear(6, 2)

        def forward(self, x: Tensor) -> Tensor:
            given: Tensor = self.head(self.mixed(self.recurrent(x)[0])[:, -1])
            return given

    with torch.random.fork_rng():
        network = Recurrent().eval()
    drawn = stream("recurrent")
    labels = drawn.integers(0, 2, 600).astype(np.int8)
    x = drawn.standard_normal((600, 5, 3)).astype(np.float32)
    x[:, 3, 0] += 4 * labels
    data = samples_of(network, x)
    first, *later = layers_of(data)
    assert first.kind == "sequence"
    result = LayerErasure(data, first, later, None, FEW).attribute(sides(data, labels))
    assert result.here is not None
    assert result.here.before > 0.9
    assert (result.is_gone, result.comes_back) == (True, False)


def test_the_largest_of_positions_may_tell_what_none_of_them_does_and_a_note_says_so() -> None:
    x, labels = pictures(600)
    x = stream("spread").standard_normal(x.shape).astype(np.float32) * (1 + labels[:, None, None, None])
    data = samples_of(Maps().eval(), x.astype(np.float32))
    first, second, _ = list_layers(data.network, data.inputs[np.arange(4)], "max")
    result = LayerErasure(data, first, [second], None, FEW).attribute(sides(data, labels))
    assert result.note is not None
    assert result.note.codes == ("maxima_not_erased",)
    assert result.here is not None
    assert f"{result.here.after.value:.3f}" in result.note
    assert not result.is_gone


class WordsOfTwo:
    """Sequences of four ids, whose words are two of them each; samples are words."""

    shape = ()

    def __init__(self, ids: np.ndarray) -> None:
        self.ids = torch.from_numpy(ids)

    def __len__(self) -> int:
        return 2 * len(self.ids)

    def __getitem__(self, rows: np.ndarray) -> Named:
        start = torch.from_numpy(rows % 2 * 2)
        words = Words(torch.arange(len(rows)), start, start + 2)
        ids = self.ids[rows // 2]
        return Named(
            {"ids": ids, "mask": torch.ones_like(ids, dtype=torch.bool)}, torch.ones_like(ids, dtype=torch.bool), words
        )


def test_of_words_it_is_not_told_whether_something_comes_back() -> None:
    drawn = stream("words")
    labels = drawn.integers(0, 2, 400).astype(np.int8)
    ids = drawn.integers(0, 10, (200, 4)) + 8 * labels.reshape(200, 2).repeat(2, 1)
    data = NetworkRows(Sequences().eval(), WordsOfTwo(ids), Halves(*np.arange(400).reshape(2, -1)))
    embedding, *later = layers_of(data)
    result = LayerErasure(data, embedding, later, None, FEW).attribute(sides(data, labels))
    assert result.note is not None
    assert result.note.codes == ("erased_by_word",)
    assert (result.is_gone, result.comes_back) == (False, False)
    assert result.here is not None
    assert not result.here.is_read


def test_random_displacements_are_as_long_as_what_the_erasure_moves() -> None:
    data, labels = sequences()
    embedding, *_ = layers_of(data)
    erasure = LayerErasure(data, embedding, [], None, FEW)
    fitted = erasure._fitted(sides(data, labels).fit)
    values, at = sites_of(data, embedding, data.rows.test)
    drawn = [random_erasure(2, fitted.live, fitted.mean, stream("random", draw)) for draw in range(40)]
    moved = fitted.erasure.new(values, at) - values
    for each in drawn[:2]:
        random = Displace(each.direction, Distance(fitted.erasure)).new(values, at) - values
        torch.testing.assert_close(random.norm(dim=1), moved.norm(dim=1), atol=1e-5, rtol=1e-5)
        assert torch.linalg.matrix_rank(random, rtol=1e-4) == 1
        once = each.erasure.new(values, at)
        torch.testing.assert_close(each.erasure.new(once, at), once)
        at_one = (once - values)[at.position == 1]
        assert torch.linalg.matrix_rank(at_one, rtol=1e-4) == 2
    # The two ways along a direction are alike, which a decomposition by itself does not see to.
    assert 0 < sum(float(each.direction[0]) > 0 for each in drawn) < 40
