"""Reading curves: their ends are the whole fit, and planted redundancy shows where it was planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from cell_observations import held_out_auroc
from scipy.stats import norm

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.evidence.description import description_length, growing_prefixes
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.intervals import auroc_interval
from denote.evidence.reading_curves import COLUMNS, reading_curves
from denote.observers.centroid import CentroidProbe
from denote.observers.linear import LinearProbe
from denote.observers.mlp import MlpProbe
from denote.observers.neuron import NeuronProbe
from denote.observers.observer import FitData, Probe
from denote.observers.reading import Resources, State
from denote.states.state import StoredState
from denote.tables import CURVES

CUT = 2000
D_PRIME = 1.2


def planted() -> tuple[Halves[State], Halves[Labels]]:
    """24 neurons, the last 4 dead. "copies" is in 8 of them alike, "one" in neuron 9 alone; the rest is noise."""
    rng = np.random.default_rng(0)
    copies, one = rng.random((2, 2 * CUT)) < 0.4
    few = np.where(np.arange(2 * CUT) % 40 < 39, -1, rng.random(2 * CUT) < 0.5)
    rare = np.arange(2 * CUT) >= CUT
    state = rng.standard_normal((2 * CUT, 24)).astype(np.float32)
    state[:, :8] += D_PRIME * copies[:, None]
    state[:, 9] += 3 * one
    state[:, 20:] = 1
    values = np.stack([copies, one, few, rare], axis=1).astype(np.int8)
    names = Labels(("copies", "one", "few", "one label"), ("named",) * 4, values)
    rows = np.arange(2 * CUT)
    return Halves(state[:CUT], state[CUT:]), Halves(names.at(rows[:CUT]), names.at(rows[CUT:]))


def curve(frame: pl.DataFrame, name: str, attribute: str, column: str = "auroc") -> dict[int, float]:
    own = frame.filter(pl.col("curve") == name, pl.col("attribute") == attribute)
    return dict(own.select("x", column).iter_rows())


@pytest.mark.parametrize("probe", [LinearProbe(), CentroidProbe(), NeuronProbe()])
def test_redundancy_shows_where_it_was_planted(probe: Probe) -> None:
    state, labels = planted()
    frame = reading_curves(FitTestData(state, labels), probe)
    copies, one = (curve(frame, "removed", name) for name in ("copies", "one"))
    assert list(copies) == list(one) == [0, 1, 2, 4, 8]  # half of the 20 that are not dead is 10
    read = {k: 1 if probe.kind == "neuron" else 8 - k for k in copies}
    for k, auroc in copies.items():
        expected = norm.cdf(D_PRIME * np.sqrt(read[k] / 2)) if k < 8 else 0.5
        assert auroc == pytest.approx(expected, abs=0.06)
    assert one[0] > 0.96
    assert max(one[1], one[8]) < 0.58


@pytest.mark.parametrize("probe", [LinearProbe(), CentroidProbe()])
def test_removed_neurons_are_those_of_the_attributes_own_observer_and_the_rest_is_fitted_again(probe: Probe) -> None:
    state, labels = planted()
    found = curve(reading_curves(FitTestData(state, labels), probe), "removed", "copies")
    weights = probe.fit(state.fit, labels.fit.values).weights[:, 0]
    order = np.argsort(-np.abs(weights * np.asarray(state.fit).std(0)))
    for k in (1, 4, 8):
        left = np.sort(order[k:])
        again = held_out_auroc(probe, Halves(state.fit[:, left], state.test[:, left]), labels)[None]
        assert found[k] == pytest.approx(again[0], abs=1e-4)


@pytest.mark.parametrize("probe", [LinearProbe(), CentroidProbe(), NeuronProbe(), MlpProbe(width=4, max_epochs=3)])
def test_both_curves_meet_the_whole_fit(probe: Probe) -> None:
    state, labels = planted()
    frame = reading_curves(FitTestData(state, labels), probe)
    assert frame.columns == list(COLUMNS)
    assert frame.schema == {column: CURVES[column] for column in COLUMNS}
    assert not frame.select("attribute", "curve", "x").is_duplicated().any()
    assert set(frame["probe"]) == {probe.kind}
    whole = held_out_auroc(probe, state, labels)[None]
    for place, attribute in enumerate(("copies", "one", "few")):
        learnt, removed = (curve(frame, name, attribute) for name in ("fit_rows", "removed"))
        n_labelled = np.count_nonzero(labels.fit.values[:, place] >= 0)
        assert learnt[n_labelled] == pytest.approx(whole[place], abs=1e-9)
        assert removed[0] == pytest.approx(whole[place], abs=1e-4)
    if probe.joint:
        row = frame.filter(pl.col("curve") == "removed", pl.col("attribute") == "copies").row(0, named=True)
        assert row["x"] == 0
        assert "removed: no neurons are removed for probe mlp" in row["note"]


def test_a_learning_curve_is_the_probe_on_nested_prefixes_with_its_interval() -> None:
    state, labels = planted()
    frame = reading_curves(FitTestData(state, labels, probe_seed=5), LinearProbe())
    learnt = curve(frame, "fit_rows", "copies")
    prefixes = growing_prefixes(CUT, 5)
    assert list(learnt) == list(prefixes.ends) == [16, 32, 63, 125, 250, 500, 1000, 2000]
    rows = prefixes.order[:125]
    fitted = LinearProbe().fit(np.asarray(state.fit)[rows], labels.fit.values[rows], 5)
    wins = np.subtract.outer(*(fitted.scores(state.test)[labels.test.values[:, 0] == y, 0] for y in (1, 0))) > 0
    assert learnt[125] == pytest.approx(wins.mean(), abs=1e-4)
    row = frame.filter(pl.col("attribute") == "copies", pl.col("x") == 125).row(0, named=True)
    n_positive = int((labels.test.values[:, 0] == 1).sum())
    bounds = auroc_interval(learnt[125], n_positive, CUT - n_positive)
    assert (row["auroc_low"], row["auroc_high"]) == pytest.approx((float(bounds.low), float(bounds.high)))
    assert learnt[16] < learnt[250] < learnt[2000]


def test_bits_stand_beside_the_rows_that_they_are_for() -> None:
    state, labels = planted()
    frame = reading_curves(FitTestData(state, labels), LinearProbe())
    code = description_length(FitData(state.fit, labels.fit.values), LinearProbe())
    for column, bits in (("bits", code.bits), ("intercept_bits", code.intercept)):
        found = curve(frame, "fit_rows", "copies", column)
        assert list(found.values()) == pytest.approx(bits[:, 0].cumsum())
        assert set(curve(frame, "removed", "copies", column).values()) == {None}
    other = reading_curves(FitTestData(state, labels), CentroidProbe()).filter(pl.col("curve") == "fit_rows")
    assert other["bits"].null_count() == other.height
    assert other["note"].str.contains("the scores of probe centroid are no log-odds").all()


def test_what_has_one_label_is_null_with_the_reason() -> None:
    state, labels = planted()
    frame = reading_curves(FitTestData(state, labels), LinearProbe())
    one_label = frame.filter(pl.col("attribute") == "one label")
    assert one_label["auroc"].null_count() == one_label["auroc_low"].null_count() == one_label.height
    assert one_label["note"].str.contains("positive and .* negative fit rows").all()
    few = frame.filter(pl.col("attribute") == "few", pl.col("curve") == "fit_rows")  # 50 rows: prefixes of 0 or 1 row
    assert few["x"].is_sorted()
    assert few.filter(pl.col("auroc").is_null())["note"].str.starts_with("not fitted").all()
    assert few["auroc"].is_null().sum() >= 1


def test_groups_stay_together_and_intervals_say_so() -> None:
    state, labels = planted()
    groups = Halves(np.arange(CUT) // 50, np.arange(CUT) // 50)
    frame = reading_curves(FitTestData(state, labels, groups), LinearProbe()).filter(pl.col("attribute") == "copies")
    assert set(curve(frame, "fit_rows", "copies")) == {50, 100, 150, 250, 500, 1000, 2000}
    assert frame["auroc_low"].null_count() == frame.height
    assert frame["note"].str.contains("rows in groups need a bootstrap of groups").all()


def test_a_state_on_disk_gives_the_same_curves(tmp_path: Path) -> None:
    state, labels = planted()
    np.save(tmp_path / "state.npy", np.concatenate([state.fit, state.test]))
    on_disk = np.load(tmp_path / "state.npy", mmap_mode="r")
    stored = Halves(StoredState(on_disk, np.arange(CUT)), StoredState(on_disk, np.arange(CUT, 2 * CUT)))
    little = Resources(memory=8 << 20)
    for probe in (LinearProbe(), NeuronProbe()):
        held, read = (
            reading_curves(FitTestData(state, labels), probe),
            reading_curves(FitTestData(stored, labels, resources=little), probe),
        )
        assert held.drop("auroc", "auroc_low", "auroc_high", "bits").equals(
            read.drop("auroc", "auroc_low", "auroc_high", "bits")
        )
        for column in ("auroc", "bits"):
            pairs = zip(held[column], read[column], strict=True)
            assert all(a is b is None or a == pytest.approx(b, rel=1e-3) for a, b in pairs)


def test_changed_test_rows_choose_and_remove_the_same() -> None:
    state, labels = planted()
    twisted = Halves(state.fit, np.asarray(state.test)[:, ::-1].copy())
    before, after = (reading_curves(FitTestData(s, labels), LinearProbe()) for s in (state, twisted))
    for column in ("x", "bits", "intercept_bits"):
        assert before[column].to_list() == after[column].to_list()
    flipped = Halves(labels.fit, Labels(labels.fit.names, labels.fit.families, 1 - abs(labels.test.values)))
    copies = curve(reading_curves(FitTestData(state, flipped), LinearProbe()), "removed", "copies")
    assert copies == pytest.approx({k: 1 - auroc for k, auroc in curve(before, "removed", "copies").items()})
