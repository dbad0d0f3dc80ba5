"""The synthetic sweep that a large report is measured on has the size it claims, in small."""

import numpy as np
from report_at_scale import ATTRIBUTES, on_rates, spread, tables

from denote.tables import SWEEP_TABLES


def test_tables_have_the_rows_they_claim_and_a_sweeps_columns() -> None:
    made = tables(seeds=2, n_layers=3, width=4)
    assert len(made["cells"]) == 2 * 3 * 2 * len(ATTRIBUTES)
    assert len(made["neurons"]) == len(made["histograms"]) == 2 * (2 * 4 + 10)
    assert len(made["on_rates"]) == 10 * made["neurons"]["live"].sum()
    for name, schema in SWEEP_TABLES.items():
        assert set(schema) <= set(made[name].columns), name


def test_numbers_differ_in_every_row_and_stay_proportions() -> None:
    neurons = tables(seeds=1, n_layers=3, width=8)["neurons"].filter("live")
    moved = spread(neurons, np.random.default_rng(1))
    assert moved["tpr"].n_unique() > 0.9 * len(moved)
    assert moved["tpr"].is_between(0, 1).all()
    assert moved["neuron"].equals(neurons["neuron"])
    assert on_rates(neurons, np.random.default_rng(2), 5)["on_rate"].is_between(0, 1).all()
    many = on_rates(neurons, np.random.default_rng(2), 200)
    assert many.group_by("object_model", "layer", "neuron").len()["len"].unique().to_list() == [64]
