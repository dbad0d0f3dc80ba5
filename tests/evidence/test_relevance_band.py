"""The band of weights that mean nothing: a null observer leaves it as rarely as promised."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cell_observations import observe_cells
from scipy import stats

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.evidence.relevance_band import largest_relevance, relevance_band
from denote.evidence.rule import Rule
from denote.observers.centroid import CentroidProbe
from denote.observers.linear import LinearProbe
from denote.observers.majority import MajorityProbe
from denote.observers.neuron import NeuronProbe
from denote.observers.observer import Probe
from denote.observers.sparse import SparseProbe


def noise(seed: int, n_rows: int, n_neurons: int, n_attributes: int) -> tuple[Halves[np.ndarray], Halves[Labels]]:
    rng = np.random.default_rng(seed)
    state = (rng.standard_normal((n_rows, n_neurons)) * np.arange(1, n_neurons + 1)).astype(np.float32)
    names = tuple(f"a{i}" for i in range(n_attributes))
    labels = Labels(names, ("named",) * n_attributes, (rng.random((n_rows, n_attributes)) < 0.4).astype(np.int8))
    first, last = np.split(np.arange(n_rows), 2)
    return Halves(state[first], state[last]), Halves(labels.at(first), labels.at(last))


def test_an_observer_that_reads_nothing_rarely_leaves_the_band() -> None:
    counts = []
    for seed in range(10):
        seen = observe_cells(*noise(seed, 120, 8, 40), CentroidProbe(), Rule(), shuffles=19)
        counts += seen.cells["n_outside_band"].to_list()
    left = np.count_nonzero(counts)
    # 400 attributes at level 1/20: 20 on average; either bound is passed by chance in less than 1 of 1,000.
    assert stats.binom.ppf(0.001, 400, 0.05) <= left <= stats.binom.ppf(0.999, 400, 0.05)


@pytest.mark.parametrize("probe", [LinearProbe(), CentroidProbe()])
def test_the_neuron_that_carries_the_attribute_leaves_it_alone(probe: Probe) -> None:
    state, labels = noise(0, 800, 16, 2)
    for side, own in ((state.fit, labels.fit), (state.test, labels.test)):
        side[:, 3] += 8 * own.values[:, 0]
    seen = observe_cells(state, labels, probe, Rule(), shuffles=20)
    assert seen.cells["n_outside_band"].to_list() == [1, 0]
    relevance = np.abs(replace(seen.observer, spread=state.fit.std(0)).relevance)
    assert relevance[:, 0].argmax() == 3
    assert (relevance[:, 0].max() > seen.cells["relevance_band"][0]) & (relevance[:, 1].max() < 1)
    assert "relevance_band" not in "".join(seen.cells["note"])


def test_the_band_ends_at_a_large_enough_order_statistic() -> None:
    state, labels = noise(1, 200, 6, 3)
    observer = replace(CentroidProbe().fit(state.fit, labels.fit.values), spread=state.fit.std(0))
    relevance = np.abs(observer.weights * state.fit.std(0)[:, None])
    assert largest_relevance(observer) == pytest.approx([relevance[:, a].max() for a in range(3)])
    rng = np.random.default_rng(0)
    for draws, place, level in ((3, 1, "1/4 (3 draws)"), (19, 1, None), (20, 1, None), (38, 1, None), (39, 2, None)):
        drawn = rng.permutation(np.linspace(0.1, 1, draws))
        found = relevance_band(observer, [np.full(3, largest) for largest in drawn])
        assert found["relevance_band"] == pytest.approx([np.sort(drawn)[-place]] * 3)
        assert found["n_outside_band"] == [int((relevance[:, a] > np.sort(drawn)[-place]).sum()) for a in range(3)]
        assert found["note"] == [level and f"relevance_band: of level {level}"] * 3


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        (NeuronProbe(), "relevance_band: this probe does not weigh every neuron"),
        (SparseProbe(sizes=(1, 2)), "relevance_band: this probe does not weigh every neuron"),
        (MajorityProbe(), "relevance_band: this probe does not weigh every neuron"),
    ],
)
def test_without_weights_to_compare_there_is_no_band(probe: Probe, reason: str) -> None:
    seen = observe_cells(*noise(0, 200, 4, 2), probe, Rule(), shuffles=19)
    assert seen.cells["relevance_band"].is_null().all()
    assert seen.cells["n_outside_band"].is_null().all()
    assert all(text.count("relevance_band") == 1 and reason in text for text in seen.cells["note"])


def test_an_attribute_without_fit_has_no_band() -> None:
    state, labels = noise(0, 200, 4, 2)
    labels.fit.values[:, 1] = 0
    row = observe_cells(state, labels, LinearProbe(), Rule(), shuffles=19).cells.row(1, named=True)
    assert (row["relevance_band"], row["n_outside_band"]) == (None, None)
    assert "not fitted" in row["note"]
