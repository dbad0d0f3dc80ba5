"""The picture of what is denoted beside what is used: one point a neuron, rings around those that are used."""

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic
from synthetic_tables import said_below

from denote.figures.curves import Curve, curves
from denote.figures.used_or_readable import draw_used_or_readable, use_data
from denote.interventions.use import use_tests, use_verdict
from denote.interventions.words import USED, verdict
from denote.runs.intervention_figures import draw_interventions

Tables = Mapping[str, pl.DataFrame]


@pytest.fixture(scope="module")
def tables() -> Tables:
    made = synthetic.ablated(synthetic.all_tables(6, 4, 16))
    return {**made, "use_tests": use_tests(made["neurons"], made["layers"])}


@pytest.fixture(scope="module")
def curve(tables: Tables) -> Curve:
    (one,) = curves(tables["use_tests"])
    return one


def test_every_ablated_hidden_neuron_is_a_point_and_those_that_are_used_have_a_ring(
    tables: Tables, curve: Curve
) -> None:
    data = use_data(tables["neurons"], tables["layers"], curve)
    outputs = tables["layers"].filter("is_head")["layer"].implode()
    ablated = tables["neurons"].filter("denotes", pl.col("ablation_random").is_not_null())
    assert len(data) == len(ablated.filter(pl.col("layer").is_in(outputs).not_())) > 0
    figure = draw_used_or_readable(data, curve, use_verdict(tables["use_tests"]))
    first, by_depth, *_ = figure.axes
    points, rings, _ = (np.asarray(each.get_offsets()) for each in first.collections[:3])
    assert np.allclose(points, data.select("balanced_accuracy", "excess").to_numpy())
    used = data.filter(data.select(word=verdict())["word"] == USED)
    assert np.allclose(rings, used.select("balanced_accuracy", "excess").to_numpy())
    told = [text.get_text() for text in first.get_legend().get_texts()]
    assert told[0] == f"used: {len(used)} of {len(data)}"
    layers = data.sort("depth")["layer"].unique(maintain_order=True).to_list()
    assert [tick.get_text() for tick in by_depth.get_xticklabels()] == layers
    assert "Over networks: used more than random ones" in said_below(figure)


def test_a_sweep_draws_it_once_a_curve_and_not_where_nothing_was_ablated(tables: Tables, curve: Curve) -> None:
    (drawn,) = draw_interventions(tables)
    assert (drawn.kind, drawn.name) == ("used_or_readable", curve.slug)
    assert list(draw_interventions({**tables, "use_tests": tables["use_tests"].clear()})) == []
    empty = draw_used_or_readable(use_data(tables["neurons"].clear(), tables["layers"], curve), curve)
    assert any("No denoting neuron was ablated" in text.get_text() for ax in empty.axes for text in ax.texts) or any(
        "No denoting neuron was ablated" in text.get_text() for text in empty.texts
    )
