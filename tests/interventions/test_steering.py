"""Steering: known gains are found in the outputs and in the readings downstream, beside random directions."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from simulate_interventions import Affine, Rectified, layers_of, named, samples_of, steered
from small_networks import Failing, Maps, pictures, sequences, sides, untouched
from torch import Tensor, nn

from denote.data.parts import Halves
from denote.errors import ConfigError, DenoteError, LayerError
from denote.interventions.edited_runs import NetworkRows
from denote.interventions.erasure import ErasureSettings, LayerErasure
from denote.interventions.measures import Reader
from denote.interventions.steered import DOSES, Push, SteeredDirection, SteeredNeuron, SteeringSettings
from denote.interventions.steering import LayerSteering
from denote.interventions.task_scores import TaskScores
from denote.interventions.words import LOSS, OUTPUT, READING, SCORE
from denote.observers.linear import LinearProbe
from denote.observers.majority import MajorityProbe
from denote.observers.mlp import MlpProbe
from denote.observers.neuron import NeuronProbe
from denote.observers.observer import Observer
from denote.states.listing import list_layers
from denote.streams import stream

NETWORKS = 10
QUICK = SteeringSettings(directions=19)


def read_alone(rows: int = 300, width: int = 8, seed: int = 0) -> tuple[NetworkRows, np.ndarray]:
    """A network whose first output is three times its first neuron, and whose second is its second neuron."""
    drawn = stream("read alone", seed)
    labels = drawn.integers(0, 2, rows).astype(np.int8)
    x = drawn.standard_normal((rows, width)).astype(np.float32)
    x[:, 0] += 2 * labels
    head = torch.zeros(2, width)
    head[0, 0], head[1, 1] = 3.0, 1.0
    return samples_of(named([Affine(torch.eye(width), torch.zeros(width)), Affine(head, torch.zeros(2))]), x), labels


def unit(width: int, place: int) -> SteeredDirection:
    return SteeredDirection(np.eye(width)[place], "layer_0")


def test_known_gains_are_found_in_outputs_and_readings() -> None:
    for seed in range(NETWORKS):
        result, gains = steered(seed, 19)
        for name, gain in gains.items():
            slope = result.of(*name).slope
            assert slope.value == pytest.approx(gain, rel=0.05)
            assert slope.low - 1e-4 <= gain <= slope.high + 1e-4


def test_a_push_along_what_is_read_moves_more_than_random_ones_and_along_what_is_not_nothing() -> None:
    data, _ = read_alone()
    steering = LayerSteering(data, layers_of(data)[0])
    read, bystander = (steering.subject(unit(8, place)).of(OUTPUT, "0") for place in (0, 5))
    spread = float(data.inputs[data.rows.fit][:, 0].numpy().astype(np.float64).std())
    np.testing.assert_allclose(read.changes, [3 * dose * spread for dose in DOSES], rtol=1e-4)
    assert read.slope.value == pytest.approx(3, rel=1e-4)
    assert read.p_value == 0.01
    assert 0 < read.random < 3
    assert bystander.slope.value == pytest.approx(0, abs=1e-5)
    assert (bystander.p_value, bystander.n_random) == (1.0, 99)


def test_the_slope_is_least_squares_through_every_rows_baseline() -> None:
    """Against the formula written out, with a tail that bends."""
    data, labels = read_alone()
    data.network.add_module("layer_2", Rectified(torch.eye(2), torch.zeros(2)))
    steering = LayerSteering(data, layers_of(data)[0], settings=QUICK)
    result = steering.subject(unit(8, 0))
    x = data.inputs[data.rows.test].double().numpy()
    spread = data.inputs[data.rows.fit][:, 0].double().numpy().std()
    pushes = np.array(DOSES) * spread
    change = np.maximum(3 * (x[:, :1] + pushes), 0) - np.maximum(3 * x[:, :1], 0)
    slopes = change @ pushes / (pushes @ pushes)
    found = result.of(OUTPUT, "0")
    assert found.slope.value == pytest.approx(slopes.mean(), rel=1e-4)
    half = 1.976 * slopes.std(ddof=1) / np.sqrt(len(slopes))  # t of 149 degrees
    assert found.slope.high - found.slope.value == pytest.approx(half, rel=1e-2)
    np.testing.assert_allclose(found.changes, change.mean(0), rtol=1e-4)
    np.testing.assert_allclose(result.pushes, pushes, rtol=1e-5)
    grouped = replace_groups(steering, np.arange(len(x)) // 5).subject(unit(8, 0)).of(OUTPUT, "0")
    assert grouped.slope.value == pytest.approx(found.slope.value)
    assert grouped.slope.low != found.slope.low
    assert labels.size == 300


def replace_groups(steering: LayerSteering, groups: np.ndarray) -> LayerSteering:
    return LayerSteering(steering.data, steering.layer, steering.scores, steering.settings, groups)


def test_score_and_loss_answer_too() -> None:
    data, labels = read_alone()
    data.network.layer_1.shift.data.copy_(torch.tensor([-3.0, 0.0]))
    targets = 1 - labels[data.rows.test].astype(np.int64)  # the first output says 1
    scores = TaskScores("classes", targets, 2)
    result = LayerSteering(data, layers_of(data)[0], scores, QUICK).subject(unit(8, 0))
    score, loss = result.of(SCORE), result.of(LOSS)
    outputs = data.network(data.inputs[data.rows.test]).detach()
    assert score.baseline == pytest.approx(float((outputs.argmax(1).numpy() == targets).mean()))
    assert score.changes[-1] < -0.2 > score.changes[0]
    assert loss.changes[-1] > 1 < loss.changes[0]


def test_a_neuron_is_set_to_its_means_off_and_on() -> None:
    data, _ = read_alone()
    x = data.inputs[data.rows.fit][:, 0].double().numpy()
    off, on = x[x <= 1].mean(), x[x > 1].mean()
    result = LayerSteering(data, layers_of(data)[0], settings=QUICK).subject(SteeredNeuron(0, 1.0, "layer_0"))
    found = result.of(OUTPUT, "0")
    assert result.doses == (0.0, 1.0)
    np.testing.assert_allclose(np.array(found.changes) + found.baseline, [3 * off, 3 * on], rtol=1e-5)
    assert found.slope.value == pytest.approx(3, rel=1e-4)
    assert found.p_value == 0.05
    assert result.of(OUTPUT, "1").slope.value == pytest.approx(0, abs=1e-6)


def test_channels_are_pushed_as_whole_maps() -> None:
    x, labels = pictures()
    for pooling in ("mean", "max"):
        data = samples_of(Maps().eval(), x)
        first, second, _ = list_layers(data.network, data.inputs[np.arange(4)], pooling)
        steering = LayerSteering(data, first, settings=QUICK)
        observer = LinearProbe().fit(steering.state.fit, sides(data, labels).fit[:, None])
        subject = SteeredDirection.of(observer, first.name)
        result = steering.subject(subject, [Reader(first, observer)])
        # The layer's own reading rises by the length of the weights, whatever the pooling: all positions move alike.
        length = float(np.linalg.norm(observer.weights))
        assert result.of(READING, first.name).slope.value == pytest.approx(length, rel=1e-3)
        assert second.pooling == pooling


def test_positions_are_pushed_and_padding_is_not() -> None:
    data, _ = sequences()
    embedding, _, _ = layers_of(data)
    subject = SteeredDirection(np.full(6, 6**-0.5), embedding.name)
    result = LayerSteering(data, embedding, settings=QUICK).subject(subject)
    network = data.network
    gain = network.head.weight.detach() @ network.mixed.weight.detach() @ torch.full((6,), 6**-0.5)
    for place, expected in enumerate(gain):
        assert result.of(OUTPUT, str(place)).slope.value == pytest.approx(float(expected), rel=1e-3)
    seen: list[Tensor] = []
    hook = network.mixed.register_forward_pre_hook(lambda module, given: seen.append(given[0].clone()))
    LayerSteering(replace(data, stacked=1), embedding, settings=replace(QUICK, rows=20)).subject(subject)
    hook.remove()
    mask, (first, *others) = data.inputs.mask[data.rows.test], [each for each in seen if len(each) == 200]
    assert len(others) >= len(DOSES)
    moved = [(each != first).any(2) for each in others]
    assert all(torch.equal(each, mask) or not each.any() for each in moved)
    assert any(torch.equal(each, mask) for each in moved)


def test_the_direction_of_an_observer_is_that_of_its_weights() -> None:
    x = stream("w").standard_normal((200, 4)).astype(np.float32)
    labels = (x[:, 2] < 0).astype(np.int8)[:, None]
    linear, neuron = (SteeredDirection.of(probe.fit(x, labels), "a") for probe in (LinearProbe(), NeuronProbe()))
    assert np.linalg.norm(linear.direction) == pytest.approx(1)
    assert linear.direction[2] < -0.9
    np.testing.assert_array_equal(neuron.direction, [0, 0, -1, 0])


def test_observers_without_a_direction_are_refused() -> None:
    x = stream("w").standard_normal((200, 4)).astype(np.float32)
    labels = (x[:, 2] < 0).astype(np.int8)[:, None]
    for probe, problem in ((MlpProbe(width=4, max_epochs=1), "no one direction"), (MajorityProbe(), "reads no neuron")):
        with pytest.raises(LayerError, match=f"layer a: .*{problem}"):
            SteeredDirection.of(probe.fit(x, labels), "a")
    unfit = LinearProbe().fit(x, np.zeros((200, 1), np.int8))
    with pytest.raises(LayerError, match="no direction: not fitted: 0 positive"):
        SteeredDirection.of(unfit, "a")


def test_what_cannot_be_steered_is_refused() -> None:
    data, _ = read_alone()
    data.network.layer_0.weight.data[3] = 0
    steering = LayerSteering(data, layers_of(data)[0], settings=QUICK)
    for subject, problem in (
        (SteeredNeuron(3, 0.0, "a"), "layer a, neuron 3: is constant on fit"),
        (SteeredNeuron(1, 99.0, "a"), "layer a, neuron 1: is off in every fit row"),
        (SteeredNeuron(1, -99.0, "a"), "layer a, neuron 1: is on in every fit row"),
        (unit(8, 3), "layer layer_0: its state does not vary on fit"),
    ):
        with pytest.raises(LayerError, match=problem):
            steering.subject(subject)
    for settings, problem in (({"doses": (0.0, 1.0)}, "doses"), ({"doses": ()}, "doses"), ({"directions": 18}, "18")):
        with pytest.raises(ConfigError, match=problem):
            SteeringSettings(**settings)


class Aside(nn.Module):
    """One layer that nobody reads, and one that is."""

    def __init__(self) -> None:
        super().__init__()
        self.aside, self.behind, self.used = (Affine(torch.eye(8), torch.zeros(8)) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        self.behind(self.aside(x))
        return self.used(x)


def test_a_layer_that_nobody_reads_is_refused_unless_an_observed_one_does() -> None:
    x = stream("aside").standard_normal((100, 8)).astype(np.float32)
    data = samples_of(Aside().eval(), x)
    aside, behind, used = layers_of(data)
    steering = LayerSteering(data, aside, settings=QUICK)
    with pytest.raises(LayerError, match="layer aside: nobody reads it"):
        steering.subject(unit(8, 0))
    observer = Observer.linear(np.eye(8)[:, :1].copy(), np.zeros(1), (x[:, :1] > 0).astype(np.int8))
    found = steering.subject(unit(8, 0), [Reader(behind, observer)])
    assert found.of(READING, "behind").slope.value == pytest.approx(1, rel=1e-4)
    assert np.isnan(found.of(OUTPUT, "0").p_value)  # it does not depend on the layer: no test
    assert LayerSteering(data, used, settings=QUICK).subject(unit(8, 0)).of(OUTPUT, "1").p_value == 1
    with pytest.raises(LayerError, match="layer aside: nobody reads it"):  # nor does that layer
        steering.subject(unit(8, 0), [Reader(used, observer)])


def test_the_network_is_bit_for_bit_as_before_also_after_an_error() -> None:
    x = stream("kept").standard_normal((200, 8)).astype(np.float32)
    network = named([Affine(torch.eye(8), torch.zeros(8)), nn.BatchNorm1d(8), Failing(torch.eye(8), torch.zeros(8))])
    network.train()
    data = samples_of(network, x)
    first, middle, _ = layers_of(data)
    observer = Observer.linear(np.ones((8, 1)), np.zeros(1), (x[:, :1] > 0).astype(np.int8))
    steering = LayerSteering(data, first, settings=QUICK)
    with torch.no_grad():
        given = deepcopy(network).eval()(torch.from_numpy(x))
    with untouched(network):
        once = steering.subject(unit(8, 0), [Reader(middle, observer)])
        again = LayerSteering(data, first, settings=QUICK).subject(unit(8, 0), [Reader(middle, observer)])
    assert once == again
    with torch.no_grad():
        assert torch.equal(deepcopy(network).eval()(torch.from_numpy(x)), given)
    network.layer_2.broken = True
    with untouched(network), pytest.raises(DenoteError, match="broken"):
        steering.subject(unit(8, 0), [Reader(middle, observer)])


def test_a_network_that_draws_leaves_the_global_generators_as_they_are() -> None:
    class Draws(Affine):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + 0 * torch.rand(())

    x = stream("draws").standard_normal((120, 8)).astype(np.float32)
    labels = (x[:, 0] > 0).astype(np.int8)
    data = samples_of(named([Draws(torch.eye(8), torch.zeros(8)), Affine(torch.eye(8), torch.zeros(8))]), x)
    first, last = layers_of(data)
    scores = TaskScores("classes", labels[data.rows.test].astype(np.int64), 8)
    with untouched(data.network):
        LayerSteering(data, first, scores, QUICK).subject(unit(8, 0))
        LayerErasure(data, first, [last], scores, ErasureSettings(draws=19, min_rows=5)).attribute(sides(data, labels))


def test_outputs_that_are_no_row_of_numbers_give_a_note() -> None:
    class Deep(Affine):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x)[:, None]

    x = stream("deep").standard_normal((100, 8)).astype(np.float32)
    data = samples_of(named([Affine(torch.eye(8), torch.zeros(8)), Deep(torch.eye(8), torch.zeros(8))]), x)
    first, last = layers_of(data)
    targets = np.zeros(50, np.int64)
    observer = Observer.linear(np.ones((8, 1)), np.zeros(1), (x[:, :1] > 0).astype(np.int8))
    steering = LayerSteering(data, first, TaskScores("classes", targets, 8), QUICK)
    found = steering.subject(unit(8, 0), [Reader(last, observer)])
    assert [each.measure for each in found.responses] == [READING]
    assert found.note is not None
    assert found.note.codes == ("outputs_not_told", "no_task_outputs")
    assert found.of(READING, last.name).slope.value == pytest.approx(1, rel=1e-4)


def test_a_push_is_the_same_at_every_site() -> None:
    values = torch.arange(6.0).view(3, 2)
    assert torch.equal(Push(torch.tensor([1.0, 0.0]), 2.0).new(values, None), values + torch.tensor([2.0, 0.0]))  # type: ignore[arg-type]


def test_few_rows_are_compared_and_the_slope_is_of_all() -> None:
    data, _ = read_alone()
    steering = LayerSteering(data, layers_of(data)[0], settings=replace(QUICK, rows=40))
    assert steering.subject(unit(8, 0)).compared_rows == 40
    assert isinstance(steering.state, Halves)
