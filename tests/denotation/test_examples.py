"""Examples are the rows they say they are, of neurons that denote, and know which inputs are mistakes."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from denote.attributes.labels import Labels, SubsetFamily
from denote.data.parts import Parts
from denote.denotation.atlas import N_INPUTS, chosen_neurons, example_rows, examples, with_targets
from denote.denotation.search.properties import Settings
from denote.states.layers import Layer
from denote.states.state import LayerState
from denote.streams import stream
from denote.tables import EXAMPLES, NEURONS, table

NUMBERS = st.lists(st.tuples(st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.5]), st.sampled_from([-1, 0, 1])), max_size=40)


@settings(max_examples=80)
@given(NUMBERS, st.sampled_from([-1.0, 0.0, 0.75, 9.0]))
def test_no_row_left_out_comes_before_one_that_is_shown(rows: list[tuple[float, int]], threshold: float) -> None:
    activation, labels = (np.array([row[i] for row in rows]) for i in (0, 1))
    found = example_rows(activation.astype(float), labels.astype(np.int8), threshold, ["x"])
    known = np.flatnonzero(labels >= 0)
    sides = {
        "top": known,
        "above": known[activation[known] > threshold],
        "below": known[activation[known] <= threshold],
    }
    for kind, side in sides.items():
        shown, left = found[kind], np.setdiff1d(side, found[kind])
        assert len(shown) == min(N_INPUTS, len(side)) == len(set(shown) & set(side))
        far = -activation if kind == "top" else abs(activation - threshold)
        assert (np.diff(far[shown]) >= 0).all()
        assert not len(left) or not len(shown) or far[left].min() >= far[shown].max()


def test_ties_are_not_broken_by_the_order_of_the_dataset() -> None:
    found = example_rows(np.zeros(400), np.ones(400, np.int8), 0.5, ["x"])["below"]
    assert found.max() > 100  # 8 of 400 rows all among the first 100: 1.5e-5, and the draw is fixed


def test_distinct_properties_come_before_a_second_neuron_of_the_best_one() -> None:
    rows = [("p", 0.99, True), ("p", 0.98, True), ("q", 0.96, True), ("r", 1.0, False), ("s", 0.95, True)]
    frame = table(
        [{"object_model": "m", "layer": "fc", "pooling": "none", "family": "subsets", "probe_seed": 0, "neuron": i,
          "property": name, "fit_balanced_accuracy": score, "denotes": denotes}
         for i, (name, score, denotes) in enumerate(rows)], NEURONS,
    )  # fmt: skip
    assert chosen_neurons(frame, 3)["neuron"].to_list() == [0, 2, 4]
    assert chosen_neurons(frame, 9)["neuron"].to_list() == [0, 2, 4, 1]
    assert chosen_neurons(frame, 0).is_empty()


def test_examples_of_a_layer_know_their_property_and_their_mistakes() -> None:
    rng = stream("examples")
    codes = rng.integers(0, 4, 600)
    values = rng.normal(size=(600, 3)).astype(np.float32)
    values[:, 1] = np.isin(codes, (1, 2)) + rng.normal(0, 0.3, 600)
    layer, rows = Layer("fc", 0, 0.0, (3,), "none", (3,)), np.arange(600)
    family = SubsetFamily("subsets", Labels((), (), np.empty((600, 0), np.int8)), codes, tuple("abcd"))
    neuron = table(
        [{"object_model": "m", "layer": "fc", "pooling": "none", "family": "subsets", "probe_seed": 0, "neuron": 1,
          "property": "class in {b,c}", "fit_balanced_accuracy": 1.0, "denotes": True, "threshold": 0.5}], NEURONS,
    )  # fmt: skip
    parts = Parts(np.arange(0), rows[::2], rows[1::2])
    found = examples([LayerState(layer, values, rows)], neuron, [family], parts, Settings(), 3)
    assert found.group_by("kind").len().sort("kind").rows() == [("above", 8), ("below", 8), ("top", 8)]
    truth = np.isin(codes, (1, 2))
    for sample, activation, has, kind in found.select("sample", "activation", "has_property", "kind").iter_rows():
        assert sample in parts.test
        assert (activation, has) == (values[sample, 1], truth[sample])
        assert (activation > 0.5) == (kind != "below")
    assert not found.filter(pl.col("kind") != "top")["has_property"].all()
    named = with_targets(found, codes, tuple("abcd"))
    assert named["target"].to_list() == ["abcd"[codes[sample]] for sample in found["sample"]]
    assert named["has_property"].to_list() == named["target"].is_in(["b", "c"]).to_list()


def test_the_target_of_an_example_is_null_without_a_class() -> None:
    found = table([{"sample": sample} for sample in (2, 0, 1)], EXAMPLES)
    assert with_targets(found, np.array([1, -1, 0]), ("x", "y"))["target"].to_list() == ["x", "y", None]
    assert with_targets(found, None, ())["target"].to_list() == [None] * 3
    assert with_targets(found.clear(), None, ()).schema == found.schema
