"""The table of properties: each once in a layer, with its complement."""

from typing import Any

import polars as pl

from denote.denotation.depth.by_model import denoted
from denote.tables import NEURONS, PROPERTIES, table


def neuron(number: int, name: str, p: float, fit: float, **more: Any) -> dict[str, Any]:
    return {
        "dataset": "d", "architecture": "a", "trained": True, "seed": 0, "object_model": "m", "layer": "one",
        "depth": 0, "pooling": "none", "family": "subsets", "probe_seed": 0, "neuron": number, "property": name,
        "label_proportion": p, "folded_label_proportion": min(p, 1 - p), "fit_balanced_accuracy": fit,
        "balanced_accuracy": fit - 0.01, "shrinkage": 0.01, "live": True, "denotes": True, **more,
    }  # fmt: skip


def test_copies_and_complements_share_a_row() -> None:
    rows = [
        neuron(0, "class=3", 0.1, 0.97, fit_agreement=0.8, nested_properties="class in {3,5} (.20)"),
        neuron(1, "NOT class=3", 0.9, 0.99, fit_agreement=1.0),
        neuron(2, "class=3", 0.1, 0.98),
        neuron(3, "NOT class=4", 0.75, 0.96),
        neuron(4, "class=5", 0.1, 0.90, denotes=False),
        neuron(5, "class=6", 0.1, 0.90, denotes=None, live=False),
    ]
    found = denoted(table(rows, NEURONS))
    assert found.columns == list(PROPERTIES)
    assert dict(found.schema) == PROPERTIES
    three, four = found.rows(named=True)
    assert (three["property"], four["property"]) == ("class=3", "class=4")
    assert (three["label_proportion"], three["folded_label_proportion"]) == (0.1, 0.1)
    assert (three["n_neurons"], three["n_complement"]) == (2, 1)
    assert (four["n_neurons"], four["n_complement"], four["n_models"]) == (0, 1, 1)
    assert (four["label_proportion"], four["best_neuron"]) == (0.25, 3)
    assert (three["best_neuron"], three["fit_balanced_accuracy"], three["balanced_accuracy"]) == (2, 0.98, 0.97)
    assert three["nested_properties"] is None, "of the best neuron that denotes it, which has none"
    assert three["fit_agreement"] == 0.9, "of those where it is known"


def test_layers_families_and_networks_are_apart_and_networks_are_counted() -> None:
    rows = [
        neuron(0, "class=3", 0.1, 0.97),
        neuron(0, "class=3", 0.1, 0.97, layer="two", depth=1),
        neuron(0, "class=3", 0.1, 0.97, family="classes"),
        neuron(0, "NOT class=3", 0.9, 0.97, object_model="other", seed=1),
        neuron(0, "class=3", 0.1, 0.97, object_model="untrained", trained=False),
    ]
    found = denoted(table(rows, NEURONS))
    assert found.height == 5
    several = found.filter((pl.col("layer") == "one") & (pl.col("family") == "subsets") & pl.col("trained"))
    assert several["n_models"].to_list() == [2, 2]
    assert set(found.join(several, on=found.columns, how="anti", nulls_equal=True)["n_models"]) == {1}


def test_the_order_of_rows_does_not_matter_and_no_row_gives_none() -> None:
    rows = [neuron(number, f"class={number % 3}", 0.1, 0.95 + number / 1000) for number in range(9)]
    frame = table(rows, NEURONS)
    assert denoted(frame).equals(denoted(frame[::-1]))
    assert denoted(frame.clear()).schema == denoted(frame).schema


def test_a_formula_and_its_complement_share_a_row() -> None:
    found = denoted(table([neuron(0, "NOT (a AND b)", 0.8, 0.99), neuron(1, "a AND b", 0.2, 0.98)], NEURONS))
    assert found.select("property", "n_neurons", "n_complement").rows() == [("a AND b", 1, 1)]
