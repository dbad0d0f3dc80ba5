"""The table of stability: sets of denoted properties, model by model."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denote.denotation.judging import search_stability
from denote.denotation.judging.search_stability import stability
from denote.evidence.intervals import t_interval
from denote.tables import CONTROLS, NEURONS, STABILITY, table


def rows_of(found: dict[str, list[str | None]], control: str | None = None) -> list[dict[str, Any]]:
    """Neurons by object model: what each denotes, None for one that abstains (its property is ``x``)."""
    return [
        {
            "dataset": "d", "architecture": "a", "trained": True, "epoch": None, "seed": 0, "object_model": model,
            "layer": "block", "depth": 1, "relative_depth": 0.5, "pooling": "none", "neuron": neuron, "probe_seed": 0,
            "family": "classes", "property": name or "x", "label_proportion": 0.3, "folded_label_proportion": 0.3,
            "denotes": name is not None, "live": True, "n_fit": 100, "fit_agreement": 0.5, "threshold_agreement": 1.0,
            **({} if control is None else {"control": control, "draw": 0}),
        }
        for model, names in found.items() for neuron, name in enumerate(names)
    ]  # fmt: skip


def compared(own: dict[str, list[str | None]], **again: dict[str, list[str | None]]) -> dict[str, dict[str, Any]]:
    controls = [row for name, found in again.items() for row in rows_of(found, name)]
    for row in controls:
        row.pop("fit_agreement"), row.pop("threshold_agreement")
    frame = stability(table(rows_of(own), NEURONS), table(controls, CONTROLS))
    assert frame.columns == list(STABILITY)
    return {row["against"]: row for row in frame.iter_rows(named=True)}


def test_sets_are_compared_within_each_network_and_complements_are_one() -> None:
    found = compared(
        {"m0": ["odd", "NOT a", None], "m1": ["odd", "b", "b"]},
        second_fit={"m0": ["odd", "a", "c"], "m1": ["b", "b", None]},
        thresholds={"m0": ["odd", "NOT a", None], "m1": ["odd", "b", "b"]},
    )
    row = found["second fit"]
    expected = t_interval([2 / 3, 1 / 2])
    assert row["property_jaccard"] == pytest.approx(expected.value)
    assert (row["property_jaccard_low"], row["property_jaccard_high"]) == (0.0, 1.0)  # cut where no Jaccard can be
    assert (row["n_pairs"], row["n_neurons"]) == (2, 5)
    assert row["same_property_share"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert row["neuron_jaccard"] == 0.5
    row = found["thresholds"]
    assert (row["property_jaccard"], row["same_property_share"], row["neuron_jaccard"]) == (1.0, 1.0, 1.0)


def test_networks_are_compared_in_pairs_and_the_unit_is_the_network() -> None:
    row = compared({"m0": ["a", "b"], "m1": ["b", "NOT c"], "m2": ["c"]})["seed"]
    means = [(1 / 3 + 0) / 2, (1 / 3 + 1 / 2) / 2, (0 + 1 / 2) / 2]
    expected = t_interval(means, within=(0, 1))
    assert row["property_jaccard"] == pytest.approx(expected.value)
    assert row["property_jaccard_high"] == pytest.approx(expected.high)
    assert (row["n_pairs"], row["neuron_jaccard"], row["same_property_share"]) == (3, None, None)


def test_what_is_undefined_is_null_with_its_reason() -> None:
    found = compared({"m0": [None, None], "m1": [None, None]}, second_fit={"m0": [None, None], "m1": [None, None]})
    for row in found.values():
        assert row["property_jaccard"] is row["property_jaccard_low"] is row["neuron_jaccard"] is None
        assert "nothing denotes" in row["note"]
    some = compared({"m0": ["a"], "m1": [None], "m2": [None]}, second_fit={"m0": ["a"], "m1": [None], "m2": [None]})
    assert some["second fit"]["property_jaccard"] == 1
    assert "2 of 3 models: nothing denotes in either search" in some["second fit"]["note"]
    assert some["seed"]["property_jaccard"] == 0
    assert "1 of 3 pairs left out: neither denotes" in some["seed"]["note"]
    assert "one object model" in compared({"m0": ["a"]})["seed"]["note"]


def test_other_controls_are_none_of_its_business() -> None:
    own = {"m0": ["a", "b"], "m1": ["a", None]}
    assert compared(own) == compared(own, rotated={"m0": ["z", "y"], "m1": ["z", "y"]})


def test_a_short_second_draw_says_so() -> None:
    own, other = rows_of({"m0": ["a"]}), rows_of({"m0": ["a"]}, "second_fit")
    for row in other:
        row["n_fit"] = 40
    frame = stability(table(own, NEURONS), table(other, CONTROLS))
    assert "has 40 rows to choose on, this one 100" in frame.filter(pl.col("against") == "second fit")["note"][0]


@given(st.lists(st.frozensets(st.sampled_from("abcdef")), min_size=1, max_size=9), st.integers(1, 4))
def test_mean_jaccard_indices_are_those_of_all_pairs(sets: list[frozenset[str]], block: int) -> None:
    def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
        return len(one & other) / len(one | other) if one or other else float("nan")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(search_stability, "BLOCK", block)
        means = search_stability._mean_jaccards(sets)
    for number, mean in enumerate(means):
        others = [jaccard(sets[number], other) for place, other in enumerate(sets) if place != number]
        known = [value for value in others if not np.isnan(value)]
        np.testing.assert_array_equal(mean, np.mean(known) if known else np.nan)  # bit by bit
