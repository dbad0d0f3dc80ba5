"""The null check rings where p-values are wrong and is silent where they are right, whatever the rows are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from cell_observations import observe_cells
from scipy import stats

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.evidence.corrections import (
    Maxima,
    ScanSettings,
    hits_p_value,
    null_check_cells,
    null_check_pairs,
    permuted_maxima,
    rejects,
)
from denote.evidence.rule import Rule
from denote.observers.linear import LinearProbe
from denote.tables import CONTROLS, NULL_CHECK, table


def controls_of(p_values: np.ndarray) -> pl.DataFrame:
    """One row per ``[draw, cell]``; nan is null."""
    rows = [
        {"control": "shuffled", "draw": draw, "attribute": f"a{cell}", "p_value": None if np.isnan(p) else float(p)}
        for draw, family in enumerate(p_values)
        for cell, p in enumerate(family)
    ]
    return table(rows, CONTROLS)


def test_counts_are_those_of_a_plain_loop() -> None:
    p = np.random.default_rng(0).random((20, 30)) ** 2
    p[3, 4] = np.nan
    hits = sum((stats.false_discovery_control(family[~np.isnan(family)]) <= 0.05).any() for family in p)
    found = null_check_cells(controls_of(p))
    assert found.columns == list(NULL_CHECK)
    row = found.row(0, named=True)
    assert (row["scan"], row["n_tests"], row["n_replicates"], row["n_with_hit"]) == ("cells", 30, 20, hits)
    assert row["expected"] == pytest.approx(1.0)
    assert row["p_value"] == pytest.approx(stats.binomtest(hits, 20, 0.05, alternative="greater").pvalue)


def test_the_alarm_rings_from_six_of_twenty() -> None:
    assert hits_p_value(6, 20, 0.05) < 0.001 < hits_p_value(5, 20, 0.05)
    for hits in (5, 6):
        p = np.full((20, 10), 0.5)
        p[:hits, 0] = 1e-6
        assert null_check_cells(controls_of(p))["alarm"].item() is (hits == 6)


def test_neurons_and_other_controls_are_not_cells() -> None:
    frame = controls_of(np.full((20, 5), 1e-9))
    assert null_check_cells(frame.with_columns(control=pl.lit("rotated")))["n_replicates"].item() == 0
    assert null_check_cells(frame.with_columns(neuron=pl.lit(0, pl.Int64)))["n_replicates"].item() == 0
    nothing = null_check_cells(frame.clear()).row(0, named=True)
    assert (nothing["n_with_hit"], nothing["alarm"], nothing["note"]) == (
        None, None, "no cell with a shuffled control was tested"
    )  # fmt: skip


def noise(rows: int = 200, neurons: int = 60, attributes: int = 4) -> tuple[np.ndarray, Labels]:
    rng = np.random.default_rng(5)
    values = rng.integers(0, 2, (rows, attributes)).astype(np.int8)
    names = tuple(f"a{i}" for i in range(attributes))
    return rng.standard_normal((rows, neurons)).astype(np.float32), Labels(names, ("named",) * attributes, values)


def test_it_rings_for_observers_that_are_scored_on_the_rows_they_were_fitted_on() -> None:
    """p-values of scores on an observer's own rows (ORACLES 7) are wrong, those of shuffled labels as well."""
    state, labels = noise()
    rng = np.random.default_rng(0)
    p = np.empty((20, 4))
    for draw in p:
        moved = labels.values[rng.permutation(200)]
        scores = LinearProbe().fit(state, moved).scores(state)
        draw[:] = [stats.mannwhitneyu(s[y == 1], s[y == 0], alternative="greater").pvalue
                   for s, y in zip(scores.T, moved.T, strict=True)]  # fmt: skip
    found = null_check_cells(controls_of(p))
    assert found["alarm"].item() is True
    assert found["n_with_hit"].item() == 20


def test_it_is_silent_for_a_correct_pipeline() -> None:
    """Chance of an alarm: 3e-4, and the seed is fixed."""
    state, labels = noise(400)
    halves = Halves(state[:200], state[200:])
    both = Halves(labels.at(np.arange(200)), labels.at(np.arange(200, 400)))
    found = null_check_cells(observe_cells(halves, both, LinearProbe(), Rule()).replicates.with_columns(
        neuron=pl.lit(None, pl.Int64)))  # fmt: skip
    assert found["n_replicates"].item() == 20
    assert found["alarm"].item() is False


def test_pairs_of_all_layers_are_one_family() -> None:
    small = [np.array([0.001]), np.array([0.04])]
    layers = [Maxima(np.array([3.0]), np.zeros(2), (each, np.empty(0)), 30, 2) for each in small]
    assert null_check_pairs(layers[:1], "m")["n_with_hit"].item() == 1, ".001 x 30 = .03"
    both = null_check_pairs(layers, "m").row(0, named=True)
    assert (both["n_with_hit"], both["n_tests"], both["object_model"], both["layer"]) == (0, 60, "m", None)
    assert rejects(np.array([0.001, 0.0015]), 60, 0.05)


def test_p_values_that_count_rows_several_times_ring_for_pairs_and_honest_ones_do_not() -> None:
    """Standard errors that are too small by 1.6, as with 2.5 copies of every row. Chance of a false alarm 3e-4."""
    state, labels = noise()
    honest = permuted_maxima(state, labels.values, np.ones(60, bool), ScanSettings("m", draws=20))
    assert null_check_pairs([honest], "m")["alarm"].item() is False
    wrong = tuple(2 * stats.norm.sf(1.6 * stats.norm.isf(p / 2)) for p in honest.small)
    broken = replace(honest, small=wrong)
    assert null_check_pairs([broken], "m")["alarm"].item() is True


def test_sparse_neurons_and_rare_labels_do_not_ring() -> None:
    """With normal tails all 20 replicates have a hit. Seed fixed; the chance of an alarm is 3e-4."""
    rng = np.random.default_rng(0)
    share = np.exp(rng.uniform(np.log(0.001), np.log(0.5), 300))
    state = np.where(rng.random((2000, 300)) < share, rng.random((2000, 300)), 0).astype(np.float32)
    labels = (rng.random((2000, 30)) < np.exp(rng.uniform(np.log(0.01), np.log(0.5), 30))).astype(np.int8)
    found = permuted_maxima(state, labels, np.ptp(state, axis=0) > 0, ScanSettings("m", draws=20))
    assert null_check_pairs([found], "m")["alarm"].item() is False
