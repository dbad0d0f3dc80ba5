"""The randomisation check is Spearman's correlation of magnitudes, and tells a learned map from one of the input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from torch import Tensor, nn

from denote.evidence.relevance_band import randomised_similarity, similarity
from denote.object_models.architectures.mlp import MLP
from denote.observers.centroid import CentroidProbe
from denote.observers.linear import LinearProbe
from denote.observers.mlp import MlpProbe
from denote.observers.observer import FitData, Observer, Probe
from denote.observers.reading import moments
from denote.states.capture import capturing
from denote.states.listing import list_layers
from denote.states.randomised import Cascade
from denote.streams import stream, torch_stream

N, INPUTS, WIDTH = 600, 24, 64


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(20, 60), st.booleans())
def test_it_is_scipys_over_the_live_neurons(seed: int, n: int, ties: bool) -> None:
    rng = stream("map similarity", seed)
    first, second = rng.normal(size=(2, n, 3))
    if ties:
        first, second = np.round(first), np.round(second)
    live = rng.random(n) < 0.8
    live[:20] = True
    found = similarity(first, second, live)
    for attribute in range(3):
        a, b = np.abs(first[live, attribute]), np.abs(second[live, attribute])
        constant = np.ptp(a) == 0 or np.ptp(b) == 0
        expected = np.nan if constant else spearmanr(a, b).statistic
        np.testing.assert_allclose(found[attribute], expected, atol=1e-12)


def test_signs_do_not_count_and_undefined_maps_have_no_similarity() -> None:
    trained = stream("signs").normal(size=(30, 4))
    other = trained * stream("flips").choice([-1, 1], size=(30, 1))
    trained[:, 1], other[:, 2], other[4, 3] = 0.0, np.nan, np.nan
    np.testing.assert_allclose(similarity(trained, other, np.ones(30, bool)), [1, np.nan, np.nan, np.nan])
    assert np.isnan(similarity(trained, other, np.arange(30) < 2)).all()


@pytest.fixture(scope="module")
def inputs() -> Tensor:
    return torch.randn(N, INPUTS, generator=torch_stream("planted inputs"))


@pytest.fixture(scope="module")
def labels(inputs: Tensor) -> np.ndarray:
    """Two planted attributes: a product that no input shows alone, and one input's sign."""
    return torch.stack([inputs[:, 0] * inputs[:, 1] > 0, inputs[:, 2] > 0], dim=1).numpy().astype(np.int8)


def network(name: str) -> MLP:
    """A small network at an initialisation of its own."""
    mlp = MLP((INPUTS,), 2, layers=2, width=WIDTH)
    generator = torch_stream("planted network", name)
    for parameter in mlp.parameters():
        bound = (1 / parameter.shape[-1]) ** 0.5 if parameter.ndim > 1 else 0.1
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return mlp


@pytest.fixture(scope="module")
def trained(inputs: Tensor, labels: np.ndarray) -> MLP:
    """The network after it has learned the product."""
    mlp, target = network("trained"), torch.from_numpy(labels[:, 0].astype(np.int64))
    optimiser = torch.optim.Adam(mlp.parameters(), lr=1e-2)
    for _ in range(150):
        optimiser.zero_grad()
        nn.functional.cross_entropy(mlp(inputs), target).backward()
        optimiser.step()
    assert (mlp(inputs).argmax(1) == target).float().mean() > 0.95
    return mlp


def state_of(mlp: nn.Module, name: str, inputs: Tensor) -> np.ndarray:
    (layer,) = [layer for layer in list_layers(mlp, inputs) if layer.name == name]
    with capturing(mlp, [layer]) as record:
        return record(inputs)[name].numpy()


def similarities(probe: Probe, observer: Observer, *data: Any) -> np.ndarray:
    found: np.ndarray = randomised_similarity(probe, observer, FitData(*data))["randomised_similarity"]
    return found


def observed(probe: Probe, state: np.ndarray, labels: np.ndarray) -> Observer:
    return replace(probe.fit(state, labels), spread=moments(state).variance.sqrt().numpy())


@pytest.mark.parametrize("probe", [LinearProbe(), CentroidProbe()], ids=lambda probe: probe.kind)
def test_a_learned_map_changes_no_less_than_a_permuted_one(
    probe: Probe, trained: MLP, inputs: Tensor, labels: np.ndarray
) -> None:
    layers = list_layers(trained, inputs)
    cascade = Cascade.of(trained, network("fresh"), inputs, layers)
    for layer in layers[:2]:
        found = cascade.down_to(layer)
        observer = observed(probe, state_of(trained, layer.name, inputs), labels)
        changed = state_of(found.network, layer.name, inputs)
        seen = similarities(probe, observer, changed, labels)
        live = moments(changed).variance.numpy() > 0
        again = observed(probe, changed, labels).relevance
        rng = stream("permuted maps", layer.name)
        permuted = [similarity(observer.relevance, again[rng.permutation(WIDTH)], live) for _ in range(999)]
        # Seeded; a machine that trains another network fails by chance with 8 x 7e-6, for 8 maps at 4.5 deviations.
        assert (np.abs(seen) < 4.5 * np.std(permuted, axis=0)).all(), (layer.name, seen)


def test_what_lies_above_the_layer_does_not_move_its_map(trained: MLP, inputs: Tensor, labels: np.ndarray) -> None:
    layers = list_layers(trained, inputs)
    below, above = layers[:2]
    found = Cascade.of(trained, network("fresh"), inputs, layers).down_to(above)
    state = state_of(trained, below.name, inputs)
    observer = observed(LinearProbe(), state, labels)
    same = state_of(found.network, below.name, inputs)
    np.testing.assert_array_equal(same, state)
    np.testing.assert_allclose(similarities(LinearProbe(), observer, same, labels), 1)


def test_a_map_that_only_shows_the_input_stays(inputs: Tensor, labels: np.ndarray) -> None:
    """Layers whose neurons keep the places of the input: both maps show where the input tells the attribute."""
    state = inputs.numpy()
    observer = observed(LinearProbe(), state, labels)
    gain = stream("gain").uniform(0.5, 2, INPUTS).astype(np.float32)
    np.testing.assert_allclose(similarities(LinearProbe(), observer, -state * gain, labels), 1, atol=0.05)


class Residual(nn.Module):
    """A layer that adds a little to what a skip connection carries past it."""

    observed_layers = ("block",)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.block = Skipped()
        nn.init.normal_(self.block.linear.weight, generator=torch_stream("residual", name))

    def forward(self, inputs: Tensor) -> Tensor:
        output: Tensor = self.block(inputs)
        return output


class Skipped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(INPUTS, INPUTS)

    def forward(self, inputs: Tensor) -> Tensor:
        output: Tensor = inputs + 0.02 * self.linear(inputs)
        return output


def test_a_map_of_what_a_skip_connection_carries_stays(inputs: Tensor) -> None:
    labels = (inputs @ torch.linspace(-1, 1, INPUTS) > 0).numpy().astype(np.int8)[:, None]
    network = Residual("trained")
    (layer,) = list_layers(network, inputs)
    found = Cascade.of(network, Residual("fresh"), inputs, [layer]).down_to(layer)
    assert found.reaches
    observer = observed(CentroidProbe(), state_of(network, "block", inputs), labels)
    assert similarities(CentroidProbe(), observer, state_of(found.network, "block", inputs), labels) > 0.7


def test_dead_neurons_do_not_make_maps_alike(inputs: Tensor, labels: np.ndarray) -> None:
    dead = np.zeros((N, 300), dtype=np.float32)
    first, second = stream("two layers").normal(size=(2, N, 30)).astype(np.float32)
    observer = observed(CentroidProbe(), np.hstack([first, dead]), labels)
    alone = similarities(CentroidProbe(), observed(CentroidProbe(), first, labels), second, labels)
    found = similarities(CentroidProbe(), observer, np.hstack([second, dead]), labels)
    np.testing.assert_allclose(found, alone)
    assert np.abs(found).max() < 0.7


def test_an_attribute_without_fit_has_none_and_a_hidden_layer_no_map(inputs: Tensor, labels: np.ndarray) -> None:
    state = inputs.numpy()
    labels = np.column_stack([labels[:, 1], np.ones(N, np.int8)])
    found = randomised_similarity(LinearProbe(), observed(LinearProbe(), state, labels), FitData(state, labels))
    np.testing.assert_allclose(found["randomised_similarity"], [1, np.nan])
    assert found["note"] == [None, None]
    probe = MlpProbe(width=4, max_epochs=1)
    hidden = observed(probe, state, labels[:, :1])
    with pytest.raises(ValueError, match="no single weight per neuron"):
        similarities(probe, hidden, state, labels[:, :1])


def test_too_few_neurons_say_so(inputs: Tensor, labels: np.ndarray) -> None:
    state = inputs.numpy()[:, :10]
    found = randomised_similarity(CentroidProbe(), observed(CentroidProbe(), state, labels), FitData(state, labels))
    assert np.isnan(found["randomised_similarity"]).all()
    assert found["note"] == ["randomised_similarity: 10 neurons are live in both networks, 20 needed"] * 2
