"""The rule over a whole sweep: families, corrections, conditions, merge."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from denote.denotation.judging.decisions import (
    best_per_key,
    decide_neurons,
    decide_replicates,
    realised_cutoff,
    realised_cutoffs,
    sensitivity_table,
)
from denote.evidence.rule import Rule
from denote.tables import CONTROLS, NEURONS, table

RULE = Rule()
GOOD = {
    "object_model": "m", "layer": "l", "pooling": "none", "neuron": 0, "family": "classes", "probe_seed": 0,
    "property": "class=3", "live": True, "balanced_accuracy": 0.97, "p_value": 1e-6, "label_proportion": 0.2,
    "on_proportion": 0.21, "n_fit": 500, "n_test": 500, "n_positive_fit": 100, "n_positive_test": 100,
    "fit_balanced_accuracy": 0.98,
}  # fmt: skip


def frame(*changes: dict[str, Any]) -> pl.DataFrame:
    return table([{**GOOD, "neuron": i, **change} for i, change in enumerate(changes)], NEURONS)


@pytest.mark.parametrize(
    ("change", "denotes"),
    [
        ({}, True),
        ({"balanced_accuracy": (0.96 + 0.94) / 2}, True),
        ({"balanced_accuracy": 0.949}, False),
        ({"p_value": 0.051}, False),
        ({"p_value": None}, False),
        ({"n_positive_fit": 24}, False),
        ({"n_positive_test": 24}, False),
        ({"n_positive_fit": 476}, False),
        ({"n_positive_test": 476}, False),
        ({"on_proportion": 0.25}, True),
        ({"on_proportion": 0.251}, False),
        ({"on_proportion": 0.149}, False),
        ({"label_proportion": 0.9, "on_proportion": 0.93}, False),
        ({"property": None, "balanced_accuracy": None, "p_value": None, "label_proportion": None}, False),
        ({"live": False}, None),
    ],
)
def test_every_condition_counts(change: dict[str, Any], denotes: bool | None) -> None:
    assert decide_neurons(frame(change), RULE).item(0, "denotes") is denotes


def test_each_family_is_corrected_by_itself_over_all_layers_and_models() -> None:
    p = [0.001, 0.02, 0.04, 0.5, None]
    rows = [
        {"p_value": value, "family": family, "layer": f"l{i}", "object_model": f"m{i}"}
        for family in ("classes", "subsets")
        for i, value in enumerate(p)
    ]
    rows += [{"p_value": 1e-9, "family": "subsets"}] * 3
    decided = decide_neurons(frame(*rows), RULE)
    for family, values in (("classes", p[:4]), ("subsets", [*p[:4], 1e-9, 1e-9, 1e-9])):
        part = decided.filter(pl.col("family") == family)
        tested = part.filter(pl.col("p_value").is_not_null())
        assert tested["q_value"].to_list() == pytest.approx(false_discovery_control(values).tolist())
        assert set(tested["n_tests"]) == {len(values)}
        assert part.filter(pl.col("p_value").is_null())["q_value"].to_list() == [None]
    assert decided["family"].to_list() == [row["family"] for row in rows], "order is kept"


def test_the_cutoff_is_where_the_procedure_stopped() -> None:
    decided = decide_neurons(frame(*({"p_value": p} for p in (0.001, 0.02, 0.5, 0.5))), RULE)
    assert realised_cutoff(decided, "classes", RULE) == pytest.approx(0.05 * 2 / 4)
    none = decide_neurons(frame(*({"p_value": p} for p in (0.2, 0.4, 0.5, 0.5))), RULE)
    assert realised_cutoffs(none, RULE) == {"classes": 0.05 / 4}
    untested = decide_neurons(frame({"p_value": None}), RULE)
    assert realised_cutoff(untested, "classes", RULE) != realised_cutoff(untested, "classes", RULE), "nan"


@given(st.lists(st.floats(1e-12, 0.5), min_size=3, max_size=40), st.floats(1e-12, 0.5))
def test_a_control_that_passes_the_cutoff_would_be_rejected_inside_the_family(real: list[float], own: float) -> None:
    decided = decide_neurons(frame(*({"p_value": p} for p in real)), RULE)
    cutoff = realised_cutoff(decided, "classes", RULE)
    if not (decided["q_value"] <= RULE.q).any():
        cutoff *= len(real) / (len(real) + 1)  # with no rejection the control is the first, of one test more
    inside = decide_neurons(frame(*({"p_value": p} for p in (*real, own))), RULE)["q_value"][-1]
    assert inside <= RULE.q + 1e-12 or own > cutoff


def test_a_control_is_not_held_to_the_strength_of_the_best_neurons() -> None:
    """What the largest rejected p-value would do: .01 is rejected among these, but far above 1e-9."""
    decided = decide_neurons(frame(*({"p_value": p} for p in [1e-9] * 10 + [0.5] * 10)), RULE)
    control = table([{**GOOD, "control": "rotated", "draw": 0, "p_value": 0.01}], CONTROLS)
    assert decide_replicates(control, realised_cutoffs(decided, RULE), RULE)["denotes"].to_list() == [True]


def test_replicates_are_judged_by_the_cutoff_of_the_real_neurons() -> None:
    rows = [
        {**GOOD, "control": "untrained", "draw": 0, "p_value": 0.01},
        {**GOOD, "control": "untrained", "draw": 0, "p_value": 0.03},
        {**GOOD, "control": "rotated", "draw": 1, "p_value": 0.01, "balanced_accuracy": 0.9},
        {**GOOD, "control": "rotated", "draw": 1, "p_value": 0.01, "live": False},
        {**GOOD, "control": "rotated", "draw": 1, "p_value": 0.01, "family": "unknown"},
        {"control": "shuffled", "draw": 0, "attribute": "odd"},
    ]
    decided = decide_replicates(table(rows, CONTROLS), {"classes": 0.02}, RULE)
    assert decided["denotes"].to_list() == [True, False, False, None, False, None]
    assert decided["q_value"].null_count() == len(rows)


def test_no_control_denotes_in_a_family_without_a_test() -> None:
    decided = decide_neurons(frame({"p_value": None}), RULE)
    control = table([{**GOOD, "control": "rotated", "draw": 0}], CONTROLS)
    assert decide_replicates(control, realised_cutoffs(decided, RULE), RULE)["denotes"].to_list() == [False]


def test_the_merge_keeps_the_best_fit_whatever_the_test_says() -> None:
    rows = frame(
        {"fit_balanced_accuracy": 0.90, "property": "a", "balanced_accuracy": 0.99},
        {"fit_balanced_accuracy": 0.95, "property": "b", "balanced_accuracy": 0.60},
        {"fit_balanced_accuracy": None, "property": None},
        {"fit_balanced_accuracy": 0.7, "property": "c"},
    ).with_columns(neuron=pl.Series([1, 1, 1, 0]))
    kept = best_per_key(rows)
    assert kept["property"].to_list() == ["b", "c"]
    assert best_per_key(rows.reverse()).sort("neuron")["property"].to_list() == ["c", "b"]


def test_a_laxer_rule_never_counts_fewer() -> None:
    decided = decide_neurons(
        frame(*({"balanced_accuracy": ba, "p_value": p} for ba in (0.91, 0.96, 0.99) for p in (0.001, 0.03, 0.2))), RULE
    )
    counts = sensitivity_table(decided)
    own = counts.filter(decisive=0.95, q=0.05, min_rows=25, on_tolerance=0.25)
    assert own["n_denoting"].to_list() == [decided["denotes"].sum()]
    by_decisive = counts.filter(q=0.05, min_rows=25, on_tolerance=0.25).sort("decisive")["n_denoting"].to_list()
    assert by_decisive == sorted(by_decisive, reverse=True)
    assert by_decisive[0] > by_decisive[-1]
