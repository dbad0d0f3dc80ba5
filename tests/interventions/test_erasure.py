"""Erasure: something is read before, nothing after; where it is computed again it comes back, and nowhere else."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from simulate_interventions import Affine, Rectified, bypassing, erased, layers_of, named, recomputing, samples_of
from small_networks import Failing, Maps, pictures, sequences, sides, untouched
from torch import Tensor, nn

from denote.data.parts import Halves
from denote.errors import ConfigError, DenoteError, LayerError
from denote.interventions.comparing import Comparison
from denote.interventions.edited_runs import NetworkRows, edited_runs, edited_states
from denote.interventions.edits import Displace, Edit, SetByRow, SetTo
from denote.interventions.erasure import ErasureResult, ErasureSettings, LayerErasure, ReadAgain
from denote.interventions.erasure_costs import Loss
from denote.interventions.leace import Projection, erasure_of
from denote.interventions.random_erasures import random_erasure
from denote.interventions.sites import SiteRows
from denote.interventions.task_scores import TaskScores
from denote.interventions.words import ALL, WITH
from denote.notes import Note
from denote.numbers import Estimate
from denote.observers.linear import LinearProbe
from denote.states.layers import Layer
from denote.streams import stream

NETWORKS = 10
FEW = ErasureSettings(draws=19)


def planted(rows: int = 400, width: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A state with an attribute in its first neuron, and the attribute."""
    drawn = stream("planted state", seed)
    labels = drawn.integers(0, 2, rows).astype(np.int8)
    x = drawn.standard_normal((rows, width))
    x[:, 0] += 3 * labels
    return x.astype(np.float32), labels


def largest_correlation(state: np.ndarray, labels: np.ndarray) -> float:
    varying = state[:, state.std(0) > 1e-5 * np.abs(state).max(0)].astype(np.float64)
    return float(np.abs(np.corrcoef(varying.T, labels.astype(float))[-1, :-1]).max())


def constant_and_copied(x: np.ndarray) -> np.ndarray:
    return np.column_stack([x, np.full(len(x), 3.0), x[:, 0], x[:, :2] @ [1.0, 2.0]]).astype(np.float32)


CASES = {
    "plain": lambda x: x,
    "constant and collinear neurons": constant_and_copied,
    "far from zero": lambda x: x + 1000,
    "of different scales": lambda x: x * np.float32(10.0) ** np.arange(-4, x.shape[1] - 4, dtype=np.float32),
    "fewer rows than neurons": lambda x: np.repeat(x[:60], 12, 1) + planted(60, 96, 1)[0] / 4,
}


@pytest.mark.parametrize("name", CASES)
def test_a_probe_learns_something_before_and_nothing_after(name: str) -> None:
    x, labels = planted()
    x = np.ascontiguousarray(CASES[name](x), dtype=np.float32)
    labels = labels[: len(x)]
    erasure = erasure_of(x, labels, "a")
    after = erasure.of(torch.from_numpy(x)).numpy()
    assert erasure.rank == 1
    assert largest_correlation(x, labels) > 0.5
    assert largest_correlation(after, labels) < 2e-4
    weights = [LinearProbe().fit(each, labels[:, None]).weights[:, 0] * each.std(0) for each in (x, after)]
    assert np.abs(weights[1]).max() < 1e-2 * np.abs(weights[0]).max()
    np.testing.assert_allclose(after.mean(0), x.mean(0), rtol=1e-5, atol=1e-4)


def test_rare_and_weak_attributes_are_erased_too() -> None:
    """The package's default leaves what is below .01, and its covariance with a rare label is."""
    drawn = stream("rare")
    labels = (np.arange(20_000) < 60).astype(np.int8)
    x = drawn.standard_normal((20_000, 2)).astype(np.float32)
    x[:, 1] += 0.1 * labels
    after = erasure_of(x, labels, "a").of(torch.from_numpy(x)).numpy()
    assert 2e-3 < largest_correlation(x, labels) < 0.01
    assert largest_correlation(after, labels) < 1e-6


def test_nothing_is_left_of_few_dimensions_whose_shrunk_covariance_is_none() -> None:
    """Of few neurons that are not correlated the package's shrinkage may go too far: negative variances."""
    for seed in range(200):
        drawn = stream("few dimensions", seed)
        n, width = int(drawn.integers(50, 200)), int(drawn.integers(2, 5))
        labels = drawn.integers(0, 2, n).astype(np.int8)
        x = drawn.standard_normal((n, width)).astype(np.float32)
        x[:, 0] += drawn.uniform(0, 2) * labels
        after = erasure_of(x, labels, "a").of(torch.from_numpy(x)).numpy()
        assert largest_correlation(after, labels) < 1e-5


def test_an_erasure_moves_the_state_as_little_as_the_formula_says() -> None:
    """Belrose et al., theorem 4.2, for one attribute: x - c (c' S^-1 c)^-1 c' S^-1 (x - mean)."""
    x, labels = planted(4000)
    z = labels - labels.mean()
    apart = x.astype(np.float64) - x.mean(0, dtype=np.float64)
    c, inverse = apart.T @ z, np.linalg.inv(apart.T @ apart)
    expected = x - (apart @ inverse @ c)[:, None] * c / (c @ inverse @ c)
    got = erasure_of(x, labels, "a").of(torch.from_numpy(x)).numpy()
    # But for the shrinkage, which takes away what neurons are correlated by chance.
    assert ((got - expected) ** 2).sum() < 0.01 * ((expected - x) ** 2).sum()


def test_random_sets_are_orthogonal_projections_of_live_neurons() -> None:
    live = torch.tensor([True, True, False, True, True])
    mean = torch.arange(5.0, dtype=torch.float64)
    one, same, other = (random_erasure(2, live, mean, stream("r", draw)).erasure for draw in (0, 0, 1))
    x = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    at = SiteRows(torch.arange(6), torch.zeros(6, dtype=torch.long))
    once = one.new(x, at)
    torch.testing.assert_close(one.new(once, at), once)
    torch.testing.assert_close(once[:, 2], x[:, 2])
    assert torch.linalg.matrix_rank(once - x) == 2
    assert torch.equal(same.new(x, at), once)
    assert not torch.equal(other.new(x, at), once)


def test_what_is_computed_again_comes_back_where_it_is_computed() -> None:
    found = [erased(recomputing, seed) for seed in range(NETWORKS)]
    assert [each.first for each, _ in found] == [at for _, at in found]
    for result, _ in found:
        assert result.here is not None
        assert result.here.before > 0.9
        assert abs(result.here.after.value - 0.5) < 0.12
        assert result.note is None


def test_what_lies_in_one_direction_never_comes_back() -> None:
    found = [erased(bypassing, seed)[0] for seed in range(NETWORKS)]
    assert not any(each.comes_back for each in found)
    assert [each.first for each in found] == [None] * NETWORKS
    assert all(each.later[0].before > 0.9 for each in found)


def test_known_scores_before_are_taken_as_they_are() -> None:
    _, data, labels, _ = recomputing(0)
    first, *later = layers_of(data)
    known = {layer.name: 0.9 for layer in later}
    result = LayerErasure(data, first, later, None, FEW).attribute(sides(data, labels), known)
    assert [each.before for each in result.later] == [0.9] * len(later)
    assert result.losses == ()


@pytest.mark.parametrize("strict", [{"share": 1.05}, {"level": 0.0}])
def test_what_is_read_hardly_or_not_for_certain_has_not_come_back(strict: dict[str, float]) -> None:
    _, data, labels, at = recomputing(0)
    first, *later = layers_of(data)
    settings = replace(FEW, **strict)
    known = {layer.name: 0.99 for layer in later}
    assert LayerErasure(data, first, later, None, FEW).attribute(sides(data, labels), known).first == at
    result = LayerErasure(data, first, later, None, settings).attribute(sides(data, labels), known)
    assert (result.back, result.comes_back, result.first) == ((), False, None)


def test_p_values_are_corrected_over_the_later_layers() -> None:
    result, _ = erased(recomputing, 4)
    tested = sorted((each for each in result.later if not np.isnan(each.p_value)), key=lambda each: each.p_value)
    assert len(tested) > 1
    stepped = np.array([each.p_value for each in tested]) * np.arange(len(tested), 0, -1)
    np.testing.assert_allclose([each.p_holm for each in tested], np.minimum(np.maximum.accumulate(stepped), 1))
    assert result.here is not None
    assert np.isnan(result.here.p_holm)


def test_less_memory_gives_the_same() -> None:
    _, data, labels, _ = recomputing(1)
    first, *later = layers_of(data)
    results = [
        LayerErasure(data, first, later, None, ErasureSettings(draws=19, memory=memory)).attribute(sides(data, labels))
        for memory in (1, 1 << 30)
    ]
    assert str(results[0]) == str(results[1])


def test_the_network_loses_what_it_used_and_a_random_direction_costs_less() -> None:
    """Its outputs read the attribute's direction alone: without it accuracy falls to chance, but half of each label."""
    x, labels = planted(800, 12)
    head = torch.zeros(2, 12)
    head[:, 0] = torch.tensor([-1.0, 1.0])
    network = named([Affine(torch.eye(12), torch.zeros(12)), Affine(head, torch.tensor([1.5, -1.5]))])
    data = samples_of(network, x)
    first, logits = layers_of(data)
    targets = labels[data.rows.test].astype(np.int64)
    result = LayerErasure(data, first, [logits], TaskScores("classes", targets, 2)).attribute(sides(data, labels))
    score = {loss.effect.rows: loss for loss in result.losses if loss.effect.measure == "score"}
    assert [len(result.losses), len(score)] == [6, 3]
    of_all = score[ALL].effect
    assert of_all.baseline > 0.9
    assert of_all.effect > 0.3
    assert of_all.low is not None
    assert of_all.low < of_all.effect < of_all.high  # type: ignore[operator]
    compared = [loss.comparison for loss in result.losses if isinstance(loss.comparison, Comparison)]
    assert {each.n_random for each in compared} == {99}
    assert len(compared) == 6
    assert compared[0].random < 0.15
    assert compared[0].p_value == 0.01
    assert score[WITH].effect.n_rows == int((targets == 1).sum())
    # The rows by hand: x - c b' (x - mean), then the head.
    erasure = erasure_of(x[data.rows.fit], labels[data.rows.fit], "a")
    given = erasure.of(torch.from_numpy(x[data.rows.test])) @ head.T + torch.tensor([1.5, -1.5])
    assert of_all.value == pytest.approx(float((given.argmax(1).numpy() == targets).mean()))


def test_null_labels_are_left_out() -> None:
    _, data, labels, at = recomputing(2)
    first, *later = layers_of(data)
    partly = labels.copy()
    partly[::5] = -1
    wrong = np.where(partly < 0, 1 - labels, labels).astype(np.int8)  # what hides behind the null labels
    kept = np.flatnonzero(partly >= 0)
    fit, test = (np.intersect1d(side, kept) for side in (data.rows.fit, data.rows.test))
    without = NetworkRows(data.network, data.inputs, Halves(fit, test))
    results = [
        LayerErasure(rows, first, later, None, FEW).attribute(sides(rows, of))
        for rows, of in ((data, partly), (without, wrong))
    ]
    assert results[0].first == at
    assert [round(each.after.value, 6) for each in results[0].later] == [
        round(each.after.value, 6) for each in results[1].later
    ]


def test_groups_widen_the_interval() -> None:
    _, data, labels, at = recomputing(3)
    first, *later = layers_of(data)
    of_rows = np.arange(len(labels)) // 4
    plain, grouped = (
        LayerErasure(data, first, later, None, FEW, groups).attribute(sides(data, labels))
        for groups in (None, sides(data, of_rows))
    )
    assert plain.first == grouped.first == at
    assert grouped.here is not None
    assert grouped.here.after.low < grouped.here.after.value < grouped.here.after.high


def test_where_nothing_arrives_nothing_comes_back() -> None:
    """A branch that goes round the erased layer keeps the attribute, and never lost it."""

    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.sum = (Affine(torch.eye(8), torch.zeros(8)) for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            return self.sum(self.one(x) + self.two(x))

    x, labels = planted(600)
    data = samples_of(Branches().eval(), x)
    one, two, total = layers_of(data)
    scores = TaskScores("classes", labels[data.rows.test].astype(np.int64), 8)
    result = LayerErasure(data, one, [two, total], scores, FEW).attribute(sides(data, labels))
    aside, behind = result.later
    assert not aside.moved
    assert aside.note is not None
    assert aside.note.codes == ("erasure_does_not_reach",)
    assert behind.is_read
    assert result.first == "sum"
    assert result.note is not None
    assert result.note.codes == ("erasure_bypassed",)


def test_channels_are_erased_as_whole_maps() -> None:
    x, labels = pictures()
    data = samples_of(Maps().eval(), x)
    first, second, logits = layers_of(data)
    result = LayerErasure(data, first, [second, logits], None, FEW).attribute(sides(data, labels))
    assert all(each.before > 0.8 for each in result.later)
    assert not result.comes_back
    assert result.here is not None
    assert not result.here.is_read


def test_positions_are_erased_without_padding() -> None:
    data, labels = sequences()
    embedding, mixed, logits = layers_of(data)
    assert embedding.kind == "sequence"
    result = LayerErasure(data, embedding, [mixed, logits], None, FEW).attribute(sides(data, labels))
    assert all(each.before > 0.6 for each in result.later)
    assert not result.comes_back
    assert all(abs(each.after.value - 0.5) < 0.12 for each in result.later)


def test_rounding_errors_of_collinear_neurons_are_not_whitened() -> None:
    x, labels = planted()
    x = constant_and_copied(x + 100)
    erasure = erasure_of(x, labels, "a")
    assert float((erasure.right * torch.from_numpy(x.std(0).astype(np.float64))[:, None]).abs().max()) < 2


def test_nothing_has_come_back_that_was_not_gone() -> None:
    after = Estimate(0.9, 0.8, 1.0)
    here, later = (ReadAgain(name, 0, 0.99, after, 0.0, 0.0, is_read=True, moved=True) for name in ("a", "b"))
    assert ErasureResult(1, here, (later,)).first is None
    assert ErasureResult(1, replace(here, is_read=False), (later,)).first == "b"


class Negative(Edit):
    """Turn the sign of everything."""

    def new(self, values: Tensor, at: object) -> Tensor:
        return -values


@pytest.mark.parametrize("kind", ["maps", "sequences"])
def test_states_under_an_edit_are_those_of_a_network_that_does_it_itself(kind: str) -> None:
    data = samples_of(Maps().eval(), pictures(40)[0]) if kind == "maps" else sequences(40)[0]
    first, *_, last = layers_of(data)
    plain = edited_states(data, first, [first, last], None)
    turned = edited_states(data, first, [first, last], Negative())
    np.testing.assert_allclose(turned[first].test, -plain[first].test, rtol=1e-5, atol=1e-6)
    module = data.network.get_submodule(first.name)
    with torch.no_grad(), module.register_forward_hook(lambda *given: -given[2]):
        batch = data.inputs[data.rows.test]
        expected = data.network(batch) if isinstance(batch, Tensor) else data.network(**batch.tensors)
    np.testing.assert_allclose(turned[last].test, expected.numpy(), rtol=1e-4, atol=1e-5)


def test_an_edit_by_row_meets_its_rows_in_every_batch() -> None:
    data = samples_of(named([Affine(torch.eye(8), torch.zeros(8))]), planted(60)[0])
    (first,) = layers_of(data)
    values = torch.arange(30.0)[:, None]
    states = edited_states(replace(data, batch_size=7), first, [first], SetByRow([3], values))
    np.testing.assert_array_equal(states[first].test[:, 3], values[:, 0])
    np.testing.assert_array_equal(states[first].test[:, 4], data.inputs[data.rows.test][:, 4])


def test_edits_side_by_side_give_what_they_give_alone() -> None:
    data = sequences(60)[0]
    first, middle, _ = layers_of(data)
    edits: list[Edit | None] = [None, Negative(), SetTo([2, 0], torch.tensor([5.0, -1.0]))]

    def watched(asked: list[Edit | None]) -> list[list[Tensor]]:
        seen: list[list[Tensor]] = [[] for _ in asked]
        with edited_runs(NetworkRows(data.network, data.inputs, data.rows, 8, stacked=64), first, [middle]) as runs:
            runs.run(
                data.rows.test,
                asked,
                lambda index, block, layer, state: seen[index].append(state),
                lambda index, block, outputs: seen[index].append(outputs),
            )
        return seen

    together = watched(edits)
    for index, edit in enumerate(edits):
        for one, other in zip(watched([edit])[0], together[index], strict=True):
            torch.testing.assert_close(one, other)
    assert not torch.equal(together[0][0], together[1][0])


def test_the_network_is_bit_for_bit_as_before_also_after_an_error() -> None:
    x, labels = planted()
    network = named([Affine(torch.eye(8), torch.zeros(8)), nn.BatchNorm1d(8), Failing(torch.eye(8), torch.zeros(8))])
    network.train()
    data = samples_of(network, x)
    first, middle, last = layers_of(data)
    scores = TaskScores("classes", labels[data.rows.test].astype(np.int64), 8)
    with torch.no_grad():
        given = deepcopy(network).eval()(torch.from_numpy(x))
    with untouched(network):
        result = LayerErasure(data, first, [middle, last], scores, FEW).attribute(sides(data, labels))
    assert len(result.losses) == 6
    with torch.no_grad():
        assert torch.equal(deepcopy(network).eval()(torch.from_numpy(x)), given)
    erasure = LayerErasure(data, first, [middle, last], scores, FEW)
    assert erasure.state is not None
    network.layer_2.broken = True
    with untouched(network), pytest.raises(DenoteError, match="broken"):
        erasure.attribute(sides(data, labels))


def test_rows_that_touch_each_other_are_not_stacked() -> None:
    class Mixes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = (Affine(torch.eye(8), torch.zeros(8)) for _ in range(2))

        def forward(self, x: Tensor) -> Tensor:
            return self.two(self.one(x) * len(x))

    data = samples_of(Mixes().eval(), planted()[0])
    one = Layer("one", 0, 0.0, (8,), "none", (8,))
    with edited_runs(data, one, [one]) as runs:
        assert not runs._separate


def test_rows_that_touch_each_other_are_seen_wherever_they_stand() -> None:
    """One row far behind the first ones is given the mean of its company."""

    class MixesOnce(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = (Affine(torch.eye(8), torch.zeros(8)) for _ in range(2))

        def forward(self, x: Tensor) -> Tensor:
            state = self.one(x)
            return self.two(torch.where(x[:, :1] > 50, state.mean(), state))

    drawn = planted()[0]
    drawn[:, 0] = drawn[:, 0].clip(-9, 9)
    last = samples_of(MixesOnce().eval(), drawn).rows.test[-1]
    for marked, separate in ((drawn, True), (np.where(np.arange(len(drawn))[:, None] == last, 99, drawn), False)):
        data = samples_of(MixesOnce().eval(), marked.astype(np.float32))
        assert len(data.rows.test) > 100
        with edited_runs(data, Layer("one", 0, 0.0, (8,), "none", (8,))) as runs:
            assert runs._separate is separate


@pytest.mark.parametrize("width", [1, 3])
def test_a_layer_without_a_dimension_to_spare_is_refused(width: int) -> None:
    x = planted()[0][:, :1] * np.linspace(1, 2, width, dtype=np.float32) + 100  # one neuron, and rounding errors
    labels = planted()[1]
    with pytest.raises(LayerError, match="layer a: its state varies in 1 dimension"):
        erasure_of(x, labels, "a")


def test_too_few_rows_are_told() -> None:
    _, data, labels, _ = recomputing(0)
    first, *later = layers_of(data)
    few = labels.copy()
    few[data.rows.test[30:]] = 0
    result = LayerErasure(data, first, later, None, FEW).attribute(sides(data, few))
    assert result.note is not None
    assert result.note.codes == ("few_erasure_rows",)
    assert (result.here, result.later, result.losses, result.rank) == (None, (), (), 0)


def test_too_few_random_sets_are_refused() -> None:
    with pytest.raises(ConfigError, match="18 random sets; 19 at least"):
        ErasureSettings(draws=18)


def test_outputs_that_are_not_of_the_task_give_a_note_and_no_losses() -> None:
    _, data, labels, _ = recomputing(0)
    first, *later = layers_of(data)
    scores = TaskScores("classes", labels[data.rows.test].astype(np.int64), 5)
    result = LayerErasure(data, first, later, scores, FEW).attribute(sides(data, labels))
    assert result.losses == ()
    assert result.note is not None
    assert result.note.codes == ("no_task_outputs",)
    assert result.comes_back


def test_a_probe_does_not_read_rounding_errors() -> None:
    """Behind a layer that carries the erased direction alone, neurons are constant but for rounding."""
    x, labels = planted(800)
    erasure = erasure_of(x[:400], labels[:400], "layer_0")
    reads = erasure.right[:, 0].float()[None]
    network = named(
        [
            Affine(torch.eye(8), torch.zeros(8)),
            Affine(reads, torch.zeros(1)),
            Rectified(torch.ones(3, 1), torch.zeros(3)),
        ]
    )
    data = samples_of(network, x)
    first, *later = layers_of(data)
    result = LayerErasure(data, first, later, None, FEW).attribute(sides(data, labels))
    assert [each.before > 0.9 for each in result.later] == [True, True]
    assert not result.comes_back
    assert all(not each.is_read and each.after.value == 0.5 for each in result.later)


def test_results_are_plain_values() -> None:
    result, _ = erased(recomputing, 0)
    assert all(isinstance(each, ReadAgain) for each in result.later)
    assert all(type(value) is float for each in result.later for value in (each.before, each.p_value, each.p_holm))
    assert isinstance(Projection.rank, property)


def reads_first(width: int) -> tuple[NetworkRows, np.ndarray]:
    """A network whose outputs read the direction of an attribute alone, half of all rows."""
    x, labels = planted(800, width)
    head = torch.zeros(2, width)
    head[:, 0] = torch.tensor([-1.0, 1.0])
    return samples_of(
        named([Affine(torch.eye(width), torch.zeros(width)), Affine(head, torch.tensor([1.5, -1.5]))]), x
    ), labels


def score_with(data: NetworkRows, labels: np.ndarray) -> Loss:
    first, logits = layers_of(data)
    scores = TaskScores("classes", labels[data.rows.test].astype(np.int64), 2)
    result = LayerErasure(data, first, [logits], scores, FEW).attribute(sides(data, labels))
    (found,) = [each for each in result.losses if (each.effect.measure, each.effect.rows) == ("score", WITH)]
    return found


def test_an_erasure_costs_more_than_random_where_it_does_against_both_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    data, labels = reads_first(12)
    compared = score_with(data, labels).comparison
    assert isinstance(compared, Comparison)
    assert compared.p_value == 1 / 20

    class AlongIt(Displace):
        """Moves states along the direction that is read, whatever was drawn."""

        def new(self, values: Tensor, at: SiteRows) -> Tensor:
            along = torch.eye(12)[0]
            return values - 3 * along

    monkeypatch.setattr("denote.interventions.erasure_costs.Displace", AlongIt)
    moved = score_with(data, labels).comparison
    assert isinstance(moved, Comparison)
    assert moved.p_value == 1
    assert moved.random > 0.8 > compared.random
    assert (moved.n_random, moved.note.codes if moved.note else ()) == (19, ("random_sets",))


def test_of_few_neurons_no_random_direction_is_another_one() -> None:
    found = score_with(*reads_first(4))
    assert isinstance(found.comparison, Note)
    assert found.comparison.codes == ("narrow_layer",)
    assert found.effect.effect > 0.3
