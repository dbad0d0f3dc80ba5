"""Label proportion by depth: units, weights, gaps, controls."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from denote.denotation.depth.by_depth import label_proportion_by_depth
from denote.denotation.depth.by_model import label_proportion_by_model
from denote.denotation.judging.decisions import smallest_detectable_proportion
from denote.evidence.rule import Rule
from denote.tables import CONTROLS, LABEL_PROPORTION_BY_DEPTH, LAYERS, NEURONS, empty, table

RULE = Rule()
PROPERTIES = {"a": 0.1, "b": 0.2, "NOT c": 0.7, "d": 0.4, "NOT e": 0.6, "NOT a": 0.9}


def neuron(model: str, name: str | None, p: float | None, denotes: bool | None = True, **more: Any) -> dict[str, Any]:
    return {
        "dataset": "d", "architecture": "x", "trained": True, "epoch": 1, "layer": "l0", "depth": 0,
        "relative_depth": 0.0, "family": "named", "object_model": model, "neuron": 0, "live": True, "property": name,
        "label_proportion": p, "folded_label_proportion": None if p is None else min(p, 1 - p), "on_proportion": p,
        "denotes": denotes, "p_value": 1e-4, "q_value": 1e-3, "n_fit": 1000, "n_test": 1000, **more,
    }  # fmt: skip


def model(name: str, shift: float = 0.0, copies: int = 1) -> list[dict[str, Any]]:
    rows = [neuron(name, prop, p + shift) for prop, p in PROPERTIES.items()]
    return rows + [neuron(name, "a", 0.1 + shift)] * (copies - 1)


def summarised(neurons: pl.DataFrame, controls: pl.DataFrame) -> pl.DataFrame:
    return label_proportion_by_depth(label_proportion_by_model(neurons, controls, empty(LAYERS)), neurons, RULE)


def by_depth(neurons: list[dict[str, Any]], controls: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    frame = summarised(table(neurons, NEURONS), table(controls or [], CONTROLS))
    assert frame.columns == list(LABEL_PROPORTION_BY_DEPTH)
    assert frame.height == 1
    return frame.row(0, named=True)


def proportions(copies: int = 1) -> list[float]:
    return [*PROPERTIES.values(), *[0.1] * (copies - 1)]


def test_copies_of_a_neuron_weigh_within_their_model() -> None:
    for copies in (1, 10):
        row = by_depth(model("m", copies=copies))
        p = np.array(proportions(copies))
        assert row["label_proportion_mean"] == pytest.approx(p.mean())
        assert row["folded_mean"] == pytest.approx(np.minimum(p, 1 - p).mean())
        assert row["majority_side_share"] == pytest.approx((p > 0.5).mean())
        assert row["distinct_label_proportion_mean"] == pytest.approx(np.mean(proportions()))
        assert row["distinct_folded_mean"] == pytest.approx(np.mean([0.1, 0.2, 0.3, 0.4, 0.4]))
        assert row["n_distinct"] == 6
        assert row["n_denoting"] == 5 + copies


def test_the_unit_is_the_object_model() -> None:
    """A model with many neurons weighs no more than one with few; the interval is over models."""
    row = by_depth(model("m0", copies=3) + model("m1", 0.02) + model("m2", 0.07))
    means = np.mean(proportions()) + np.array([0, 0.02, 0.07])
    means[0] = np.mean(proportions(3))
    expected = stats.t.interval(0.95, 2, means.mean(), stats.sem(means))
    assert row["label_proportion_mean"] == pytest.approx(means.mean())
    assert (row["label_proportion_low"], row["label_proportion_high"]) == pytest.approx(expected)
    assert row["n_models"] == 3


def test_few_distinct_properties_are_a_gap() -> None:
    few = [neuron("m1", name, 0.5) for name in ("a", "b", "NOT a")] * 5
    row = by_depth(model("m0") + few)
    assert row["label_proportion_mean"] == pytest.approx(np.mean(list(PROPERTIES.values())))
    assert row["label_proportion_low"] is None
    assert "1 of 2 networks without a value: fewer than 5 denoting neurons or 3 distinct properties" in row["note"]
    assert "no interval" in row["note"]
    assert by_depth(few)["label_proportion_mean"] is None


def test_the_unconditional_curve_takes_every_live_neuron() -> None:
    silent = [neuron("m", "z", 0.9, denotes=False)] * 4
    dead = [neuron("m", None, None, denotes=None, live=False, p_value=None, q_value=None, n_fit=None, n_test=None)]
    row = by_depth(model("m") + silent + dead * 3)
    proportions = [*PROPERTIES.values(), 0.9, 0.9, 0.9, 0.9]
    assert row["unconditional_label_proportion_mean"] == pytest.approx(np.mean(proportions))
    assert row["on_proportion_mean"] == pytest.approx(np.mean(proportions))
    assert (row["n_neurons"], row["n_live"], row["n_denoting"]) == (13, 10, 6)
    assert row["share_denoting"] == pytest.approx(0.6)


def test_controls_are_averaged_within_their_model_first() -> None:
    def draw(name: str, which: int, shift: float, control: str) -> list[dict[str, Any]]:
        return [{**row, "control": control, "draw": which} for row in model(name, shift)]

    neurons = model("m0") + model("m1")
    untrained = draw("m0", 0, 0.0, "untrained") + draw("m0", 1, 0.02, "untrained") + draw("m1", 0, 0.05, "untrained")
    row = by_depth(neurons, untrained)
    centre = np.mean(list(PROPERTIES.values()))
    assert row["untrained_label_proportion_mean"] == pytest.approx(centre + (0.01 + 0.05) / 2)
    assert row["untrained_share_denoting"] == 1
    assert row["rotated_folded_mean"] is None
    assert "rotated: not run" in row["note"]
    row = by_depth(neurons, draw("m0", 0, 0.0, "rotated"))
    assert row["rotated_folded_mean"] == pytest.approx(np.mean([0.1, 0.2, 0.3, 0.4, 0.4, 0.1]))
    assert row["rotated_share_denoting"] == 1
    assert "rotated: of 1 of 2 networks alone" in row["note"]
    silent = [{**r, "denotes": False} for r in untrained]
    row = by_depth(neurons, silent)
    assert (row["untrained_label_proportion_mean"], row["untrained_share_denoting"]) == (None, 0)
    assert "untrained: fewer than 5" in row["note"]


def test_the_detection_limit_is_at_the_rows_and_the_cutoff_of_the_sweep() -> None:
    """Six tests, all rejected: the procedure stopped at q itself."""
    for epoch in (1, None):
        row = by_depth([neuron | {"epoch": epoch} for neuron in model("m")])
        assert row["smallest_detectable_proportion"] == smallest_detectable_proportion(1000, 1000, RULE.q, RULE)


def test_layers_families_and_epochs_stay_apart_in_order_of_depth() -> None:
    rows = [
        {**row, "layer": layer, "depth": depth, "epoch": epoch}
        for layer, depth in (("deep", 10), ("early", 2))
        for epoch in (5, 1)
        for row in model("m")
    ]
    frame = summarised(table(rows, NEURONS), table([], CONTROLS))
    assert frame.select("epoch", "depth").rows() == [(1, 2), (1, 10), (5, 2), (5, 10)]
    assert isinstance(frame, pl.DataFrame)
