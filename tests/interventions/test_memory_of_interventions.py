"""Interventions hold no more samples at once than the memory has room for."""

import tracemalloc
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from small_networks import Maps, pictures

from denote.data.batch import Named, Words
from denote.data.parts import Halves
from denote.data.samples import TensorInputs
from denote.interventions.edited_runs import NetworkRows
from denote.interventions.edits import SetTo
from denote.interventions.passes import BYTES_HELD, BYTES_PASSED, LayerPasses, Sizes
from denote.interventions.replacing import replaceable
from denote.interventions.steered import SteeredDirection, SteeringSettings
from denote.interventions.steering import LayerSteering
from denote.observation.ablated import DONOR_BYTES, LEAST_DONORS, MOST_DONORS, n_donors
from denote.observation.layer_run import LayerRun, NetworkRun
from denote.states.layers import Layer
from denote.states.listing import list_layers


class Counted(Maps):
    """Remembers how many rows came at once."""

    most = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.most = max(self.most, len(x))
        return super().forward(x)


def layer_of(network: torch.nn.Module, memory: float) -> LayerRun:
    inputs, rows = TensorInputs(pictures(100)[0]), np.arange(100)
    state = SimpleNamespace(layer=list_layers(network, inputs[rows[:3]])[0])
    run = NetworkRun(network, inputs, None, torch.device("cpu"), 64, memory)
    info = SimpleNamespace(parts=SimpleNamespace(fit=rows[:50], test=rows[50:]))
    return LayerRun(cast("Any", None), cast("Any", [state]), 0, run, cast("Any", info), cast("Any", None))


def test_no_more_samples_are_run_at_once_than_fit() -> None:
    network = Counted()
    at = layer_of(network, memory=(BYTES_HELD + BYTES_PASSED) * 5 * 4 * 4 * 7.5)
    assert (at.sizes.layer, at.at_once) == (5 * 4 * 4, 7)
    network.most = 0
    with at.passes(at.info.parts.test) as passes:
        passes.values()
        passes.run([SetTo([neuron], torch.zeros(1)) for neuron in range(5)], lambda edit, row, outputs: None)
    assert network.most <= 7  # also when it is tried whether copies touch each other
    assert (at.rows.batch_size, at.rows.stacked) == (7, 7)
    assert layer_of(network, memory=1).at_once == 1
    much = layer_of(network, memory=1 << 30)
    assert (much.at_once, much.rows.stacked) == (64, 64)  # what was asked for


def test_what_is_wider_than_the_layer_counts_too() -> None:
    at, wide = layer_of(Counted(), memory=1e6), SimpleNamespace(layer=SimpleNamespace(shape=(100, -1, 80)))
    assert at.fitting == int(1e6 / (80 * (BYTES_HELD + BYTES_PASSED)))
    wider = replace(at, states=[*at.states, cast("Any", wide)])
    assert wider.fitting == int(1e6 / (80 * BYTES_HELD + 8000 * BYTES_PASSED))


def test_what_is_wide_and_not_observed_counts_too() -> None:
    wide = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 500), torch.nn.ReLU(), torch.nn.Linear(500, 7))
    network = torch.nn.Sequential(wide, torch.nn.Linear(7, 5))
    at = layer_of(network, memory=1e6)
    narrow = replace(at, states=[cast("Any", SimpleNamespace(layer=layers_of(network)["1"]))])
    assert (narrow.sizes.layer, narrow.sizes.widest) == (5, 500)
    assert narrow.fitting == int(1e6 / (5 * BYTES_HELD + 500 * BYTES_PASSED))


def layers_of(network: torch.nn.Module) -> dict[str, Layer]:
    return {layer.name: layer for layer in list_layers(network, torch.rand(3, 3, 4, 4))}


def test_an_erasure_runs_in_as_many_threads_as_memory_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("denote.observers.threads.threads_available", lambda: 3)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 7), torch.nn.Linear(7, 5))
    for n, n_threads in ((130, 2), (70, 1), (400, 3)):  # of 64 samples at once
        at = layer_of(network, memory=(7 * BYTES_HELD + 48 * BYTES_PASSED) * n)
        at = replace(at, states=[cast("Any", SimpleNamespace(layer=layers_of(network)["1"]))])
        assert at.at_once == 64
        with at.rows.passes(at.state.layer) as passes:
            assert passes._threads.count == n_threads
        with at.passes(at.info.parts.test) as passes:
            assert passes._threads.count == n_threads


def test_samples_that_touch_each_other_are_no_reason_of_one_sample() -> None:
    norm = torch.nn.BatchNorm1d(7, track_running_stats=False)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 7), norm, torch.nn.Linear(7, 5))
    at = layer_of(network, memory=1e9)
    at = replace(at, states=[cast("Any", SimpleNamespace(layer=layers_of(network)["1"]))])
    assert at.sizes.layer == 7
    with at.passes(at.info.parts.test) as passes:
        assert not passes.shortcuts.separate


def test_words_count_the_sequence_that_they_are_of() -> None:
    ids = torch.zeros(1, 3, dtype=torch.long)
    words = Words(torch.tensor([0, 0]), torch.tensor([0, 1]), torch.tensor([1, 3]))
    network = torch.nn.Sequential(torch.nn.Embedding(4, 6), torch.nn.Linear(6, 5))
    batch = Named({"": ids}, words=words)
    with replaceable(network, list_layers(network, batch)[0]) as changed:
        passes = LayerPasses(changed, cast("Any", Always(batch)), np.arange(2), 2, torch.device("cpu"))
        assert passes.sizes() == Sizes(3 * 6, 3 * 6)


class Always:
    """One batch, whatever is asked for."""

    def __init__(self, batch: Named) -> None:
        self.batch = batch

    def __getitem__(self, rows: np.ndarray) -> Named:
        return self.batch


def test_wide_states_have_fewer_donors() -> None:
    assert n_donors(128) == MOST_DONORS
    assert n_donors(DONOR_BYTES // 400) == 100
    assert n_donors(DONOR_BYTES) == LEAST_DONORS


def test_steering_holds_the_outputs_of_a_block_of_rows_alone() -> None:
    n_rows, n_outputs, size = 4000, 500, 100
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, n_outputs))
    inputs = TensorInputs(np.random.default_rng(0).random((n_rows, 2), dtype=np.float32))
    data = NetworkRows(network, inputs, Halves(np.arange(50), np.arange(n_rows)), size, stacked=size)
    steering = LayerSteering(data, list_layers(network, inputs[np.arange(3)])[0], None, SteeringSettings((1.0,), 19))
    tracemalloc.start()
    try:
        result = steering.subject(SteeredDirection(np.array([1.0, 0.0]), "0"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(result.responses) == n_outputs
    assert peak < 8 * n_rows * n_outputs  # the outputs of all rows once
