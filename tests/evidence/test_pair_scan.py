"""The pair scan: the right numbers of every pair, and one correction however jobs share the work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from cell_observations import scan_layer
from polars.testing import assert_frame_equal
from scipy import stats

from denote.attributes.labels import Labels
from denote.errors import StateError
from denote.evidence.corrections import REACH, REPLICATES, benjamini_hochberg
from denote.evidence.pair_scan import (
    LayerScan,
    add_attributes_carried,
    add_carrying,
    decide_pairs,
    join_layers,
    one_row_per_group,
)
from denote.observers.reading import Resources
from denote.observers.sorted_columns import least_memory
from denote.states.state import StoredState
from denote.tables import CELLS, NEURONS, PAIRS, PAIRS_KEY, SCAN, table

Q = 0.05


def labels_of(values: np.ndarray) -> Labels:
    return Labels(tuple(f"a{i}" for i in range(values.shape[1])), ("named",) * values.shape[1], values)


def place(layer: str = "l0", model: str = "m") -> dict[str, object]:
    return {"object_model": model, "layer": layer, "pooling": "none", "depth": 0}


def planted(seed: int = 0, n: int = 300, neurons: int = 12, attributes: int = 5) -> tuple[np.ndarray, Labels]:
    """Neurons 0, 1 and 2 carry attribute 0, neuron 2 attribute 1 as well; neuron 3 is dead."""
    rng = np.random.default_rng(seed)
    values = (rng.random((n, attributes)) < 0.3).astype(np.int8)
    state = rng.standard_normal((n, neurons)).astype(np.float32)
    state[:, :3] += 1.5 * values[:, [0]]
    state[:, 2] += 1.5 * values[:, 1]
    state[:, 3] = 7
    return state, labels_of(values)


def scanned(layer: str = "l0", model: str = "m", seed: int = 0, draws: int = 40) -> LayerScan:
    state, labels = planted(seed)
    return scan_layer(state, labels, np.ptp(state, axis=0) > 0, place(layer, model), Q, draws=draws)


def test_rows_have_the_columns_of_the_tables_in_their_order() -> None:
    found = join_layers([scanned()], "m", Q)
    assert found.pairs.columns == list(PAIRS)
    assert found.scan.columns == [name for name in SCAN if name in found.scan.columns]
    missing = set(SCAN) - set(found.scan.columns)
    assert missing == {
        "dataset", "architecture", "trained", "epoch", "seed", "object_accuracy", "relative_depth", "n_passing",
        "evidence_level",
    }, "what only a caller knows"  # fmt: skip
    assert found.scan.schema == {name: SCAN[name] for name in found.scan.columns}


def test_numbers_are_those_of_scipy_pair_by_pair() -> None:
    state, labels = planted()
    found = scanned()
    live = [j for j in range(12) if j != 3]
    p = np.array([[stats.mannwhitneyu(state[y == 1, j].astype(float), state[y == 0, j], method="asymptotic").pvalue
                   for y in labels.values.T] for j in live])  # fmt: skip
    assert found.scan["n_tests"].to_list() == [11] * 5
    assert found.scan["below_05"].to_list() == (p < 0.05).sum(0).tolist()
    assert found.scan["below_001"].to_list() == (p < 0.001).sum(0).tolist()
    assert found.scan["expected_05"].to_list() == pytest.approx([0.55] * 5)
    assert found.scan["expected_001"].to_list() == pytest.approx([0.011] * 5)
    kept = {(live[j], f"a{a}"): p[j, a] for j, a in zip(*np.nonzero(p <= Q), strict=True)}
    assert dict(zip(found.pairs.select("neuron", "attribute").iter_rows(), found.pairs["p_value"], strict=True)) == (
        pytest.approx(kept)
    )
    assert found.scan["best_neuron"][0] in (0, 1, 2)
    assert found.scan["best_auroc"][0] == pytest.approx(found.pairs.filter(attribute="a0")["auroc"].max())
    assert found.scan["label_proportion"].to_list() == pytest.approx(labels.values.mean(0).tolist())


def test_planted_pairs_are_carried() -> None:
    """Seeds are fixed; false ones would be rejected in 5 % of data sets at most."""
    found = join_layers([scanned()], "m", Q)
    carried = set(found.pairs.filter("carries").select("neuron", "attribute").iter_rows())
    assert carried == {(0, "a0"), (1, "a0"), (2, "a0"), (2, "a1")}
    assert found.scan["n_carrying"].to_list() == [3, 1, 0, 0, 0]
    assert found.scan["max_p_value"][0] == pytest.approx(1 / 41)
    assert (found.scan["scan_max_p_value"] >= found.scan["max_p_value"]).all()
    assert (found.scan["max_p_value"][2:] > 0.05).all()


@pytest.mark.parametrize("effect", [0.0, 0.3, 0.6])
def test_jobs_merged_from_what_they_keep_decide_as_all_p_values_would(effect: float) -> None:
    rng, jobs, everything = np.random.default_rng(1), [], []
    for job in range(6):
        values = (rng.random((150, 4)) < 0.4).astype(np.int8)
        state = (rng.standard_normal((150, 10)) + effect * values[:, [0]]).astype(np.float32)
        jobs.append(scan_layer(state, labels_of(values), np.ones(10, bool), place(f"l{job}"), Q, draws=0))
        p = [[stats.mannwhitneyu(x[y == 1], x[y == 0], method="asymptotic").pvalue for y in values.T]
             for x in state.T.astype(float)]  # fmt: skip
        everything.append(np.array(p))
    pairs, scan = decide_pairs(pl.concat(j.pairs for j in jobs), pl.concat(j.scan for j in jobs), Q)
    q = benjamini_hochberg(np.array(everything).ravel()).reshape(6, 10, 4)
    truth = {(f"l{j}", n, f"a{a}"): q[j, n, a] for j, n, a in zip(*np.nonzero(q <= Q), strict=True)}
    carried = pairs.filter("carries").select("layer", "neuron", "attribute", "q_value")
    assert {row[:3]: row[3] for row in carried.iter_rows()} == pytest.approx(truth)
    assert scan["n_carrying"].sum() == len(truth)
    assert pairs.n_unique(PAIRS_KEY) == len(pairs)


@pytest.mark.parametrize("grouped", [False, True])
def test_a_layer_makes_its_permutations_later_where_another_layer_needs_them(grouped: bool) -> None:
    """One layer tells every attribute beyond any permutation, and the other one none."""
    rng = np.random.default_rng(0)
    labels = labels_of(np.repeat((rng.random((200, 3)) < 0.3).astype(np.int8), 2, axis=0))
    groups = np.repeat(np.arange(200), 2) if grouped else None
    noise = rng.standard_normal((400, 6)).astype(np.float32)
    told = noise + 4 * np.tile(labels.values, 2)

    def joined(reach: float) -> tuple[list[LayerScan], pl.DataFrame]:
        layers = [
            scan_layer(state, labels, np.ones(6, bool), place(name), Q, draws=60, groups=groups, reach=reach)
            for name, state in (("told", told), ("noise", noise))
        ]
        return layers, join_layers(layers, "m", Q).scan

    layers, few = joined(REACH)
    assert [len(layer.maxima.drawn) for layer in layers] == [REPLICATES, 60]
    assert len(layers[0].telling(float(layers[1].maxima.observed.min())).drawn) == 60
    assert_frame_equal(few, joined(0.0)[1], check_exact=True)
    assert few.filter(layer="noise")["scan_max_p_value"].min() > 1 / 61
    assert few.filter(layer="told")["scan_max_p_value"].to_list() == [1 / 61] * 3


def test_decisions_do_not_depend_on_how_jobs_are_merged() -> None:
    layers = [scanned(f"l{i}", seed=i, draws=20) for i in range(3)]
    whole = join_layers(layers, "m", Q)
    alone = [join_layers([layer], "m", Q, f"scan {place}") for place, layer in enumerate(layers)]
    pairs, scan = decide_pairs(pl.concat(a.pairs for a in alone), pl.concat(a.scan for a in alone), Q)
    assert pairs.equals(whole.pairs)
    of_a_scan = ("scan_key", "scan_max_p_value", "model_max_p_value")
    assert scan.drop(of_a_scan).equals(whole.scan.drop(of_a_scan))
    assert whole.scan["model_max_p_value"].equals(whole.scan["scan_max_p_value"].alias("model_max_p_value"))
    expected = (3 * scan["scan_max_p_value"]).clip(upper_bound=1.0)
    assert scan["model_max_p_value"].to_list() == pytest.approx(expected.to_list())


def test_counts_stand_beside_neurons_and_cells() -> None:
    found = join_layers([scanned()], "m", Q)
    rows = [{"object_model": "m", "layer": layer, "pooling": "none", "neuron": j, "live": j != 3}
            for layer in ("l0", "not scanned") for j in (2, 0, 3, 9)]  # fmt: skip
    neurons = add_attributes_carried(table(rows, NEURONS), found.pairs, found.scan)
    assert neurons.columns == list(NEURONS)
    assert neurons["attributes_carried"].to_list() == [2, 1, None, 0, None, None, None, None]
    cells = table([{"object_model": "m", "layer": "l0", "pooling": "none", "attribute": a} for a in ("a1", "a0", "b")],
                  CELLS)  # fmt: skip
    assert add_carrying(cells, found.scan)["n_carrying"].to_list() == [1, 3, None]
    assert add_carrying(cells, found.scan).columns == list(CELLS)


def test_undefined_is_null_with_its_reason() -> None:
    state, labels = planted()
    labels.values[:, 0] = 1
    found = join_layers([scan_layer(state, labels, np.ptp(state, axis=0) > 0, place(), Q, draws=5)], "m", Q).scan
    row = found.row(0, named=True)
    assert [row[c] for c in ("n_carrying", "best_neuron", "best_auroc", "max_statistic", "max_p_value")] == [None] * 5
    assert row["n_tests"] == 0
    assert row["note"] == "n_carrying, max_p_value: the scan needs test rows of both labels"
    off = join_layers([scan_layer(state, labels, np.ptp(state, axis=0) > 0, place(), Q, draws=0)], "m", Q)
    assert off.scan["max_p_value"].null_count() == 5
    assert off.scan["note"][1] == "max_p_value: permutations are off"
    assert off.null_check.select("n_with_hit", "alarm", "note").row(0) == (
        None, None, "the pair scan has no permutations"
    )  # fmt: skip
    labels.values[:] = 1
    untested = join_layers([scan_layer(state, labels, np.ptp(state, axis=0) > 0, place(), Q, draws=5)], "m", Q)
    assert untested.null_check["note"].to_list() == ["the pair scan tested no pair"]


def test_a_neuron_that_is_dead_on_fit_is_not_tested() -> None:
    state, labels = planted()
    found = scan_layer(state, labels, np.arange(12) > 0, place(), Q, draws=0)
    assert 0 not in found.pairs["neuron"].to_list()
    assert found.scan["n_tests"][0] == 10, "neuron 3 is constant on test"


def test_a_state_that_is_not_finite_is_refused() -> None:
    state, labels = planted()
    state[5, 4] = np.nan
    with pytest.raises(StateError, match="neuron 4"):
        scan_layer(state, labels, np.ones(12, bool), place())


def test_a_row_per_group_is_its_mean_and_the_label_it_shares() -> None:
    state = np.array([[1, 0], [3, 0], [5, 1], [7, 2]], dtype=np.float32)
    labels = np.array([[1, 1, -1], [-1, 0, -1], [0, 1, 0], [0, 1, 0]], dtype=np.int8)
    means, shared = one_row_per_group(state, labels, np.array([9, 9, 2, 2]))
    assert means.tolist() == [[6, 1.5], [2, 0]]
    assert shared.tolist() == [[0, -1, 0], [1, -1, -1]]


def test_with_groups_the_tests_are_of_group_means() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 5)
    of_group, inside = rng.integers(0, 2, 60), rng.integers(0, 2, 300)
    labels = labels_of(np.stack([of_group[groups], inside], axis=1).astype(np.int8))
    shared = rng.standard_normal((60, 8))
    state = (shared[groups] + 0.1 * rng.standard_normal((300, 8))).astype(np.float32)
    found = scan_layer(state, labels, np.ones(8, bool), place(), 1.0, draws=20, groups=groups)
    means = state.reshape(60, 5, 8).astype(float).mean(1)
    p = [stats.mannwhitneyu(x[of_group == 1], x[of_group == 0], method="asymptotic").pvalue for x in means.T]
    assert found.pairs["p_value"].to_list() == pytest.approx(p)
    assert set(found.pairs["attribute"]) == {"a0"}
    assert found.scan["max_statistic"][1] is None
    assert found.scan["best_auroc"][1] is not None
    assert "varies inside groups" in found.scan["note"][1]


def test_group_labels_of_noise_are_not_found() -> None:
    """Rows of a group are nearly copies: tested as rows, p < .05 in about half of the pairs. Of 400 pairs of groups
    P(Bin(400, .05) > 36) = 4e-4.
    """
    rng = np.random.default_rng(2)
    groups, below = np.repeat(np.arange(40), 10), 0
    for _ in range(5):
        labels = labels_of(rng.integers(0, 2, (40, 10))[groups].astype(np.int8))
        state = (rng.standard_normal((40, 8))[groups] + 0.05 * rng.standard_normal((400, 8))).astype(np.float32)
        below += scan_layer(state, labels, np.ones(8, bool), place(), draws=0, groups=groups).scan["below_05"].sum()
    assert below <= 36


def test_a_state_on_disk_in_little_memory_gives_the_same(tmp_path: Path) -> None:
    state, labels = planted()
    labels.values[::9, 1] = -1
    np.save(tmp_path / "state.npy", state)
    stored = StoredState(np.load(tmp_path / "state.npy", mmap_mode="r"), np.arange(len(state)))
    live = np.ptp(state, axis=0) > 0
    little = Resources(memory=least_memory(stored, labels.values))
    inside = join_layers([scan_layer(state, labels, live, place(), Q, draws=20)], "m", Q)
    outside = join_layers([scan_layer(stored, labels, live, place(), Q, draws=20, resources=little)], "m", Q)
    assert_frame_equal(inside.pairs, outside.pairs)
    assert_frame_equal(inside.scan, outside.scan, rel_tol=1e-5)
    assert inside.null_check.equals(outside.null_check)


def test_without_attributes_there_is_nothing_to_scan() -> None:
    state, _ = planted()
    none = Labels((), (), np.empty((len(state), 0), np.int8))
    found = join_layers([scan_layer(state, none, np.ones(12, bool), place(), Q, draws=5)], "m", Q)
    assert (len(found.pairs), len(found.scan), found.null_check["n_replicates"].item()) == (0, 0, 0)
