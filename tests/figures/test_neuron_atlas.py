"""The atlas shows every live neuron's own on-rates, similar ones together, and says what it leaves out."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic
from synthetic_tables import said_below

from denote.figures.canvas import save_figure
from denote.figures.neuron_atlas import MOST_NAMED, MOST_NEURONS, alike, atlas_rows, draw_neuron_atlas
from denote.streams import stream


def layer(width: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    neurons = synthetic.neuron_table(1, 3, width).filter(pl.col("layer") == "blocks.1")
    return neurons, synthetic.on_rate_table(neurons)


def test_a_row_holds_the_rates_of_its_own_neuron() -> None:
    neurons, rates = layer(40)
    rows = atlas_rows(neurons, rates)
    assert sorted(rows["neuron"]) == neurons.filter("live")["neuron"].to_list()
    figure = draw_neuron_atlas(neurons, rates, "here")
    drawn = np.asarray(figure.axes[0].images[0].get_array(), float)
    for place, neuron in enumerate(rows["neuron"]):
        own = rates.filter(pl.col("neuron") == neuron)
        np.testing.assert_allclose(drawn[place], own["on_rate"].to_numpy(), rtol=1e-6)
    names = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    for name, (neuron, told, denotes) in zip(
        names, rows.select("neuron", "property", "denotes").iter_rows(), strict=True
    ):
        assert name.startswith(str(neuron))
        assert ("(" not in name) == denotes
        assert told[:20] in name


def test_copies_of_a_neuron_end_up_side_by_side() -> None:
    rng = stream("atlas order")
    kinds = rng.permutation(np.repeat(np.arange(6), 5))
    order = alike(rng.uniform(size=(6, 10))[kinds] + rng.normal(0, 0.01, (30, 10)))
    assert sorted(order) == list(range(30))
    assert np.count_nonzero(np.diff(kinds[order])) == 5


def test_many_neurons_have_the_names_of_runs_apart_from_each_other() -> None:
    neurons, rates = layer(MOST_NAMED * 2)
    figure = draw_neuron_atlas(neurons, rates)
    figure.canvas.draw()
    shown = [label.get_window_extent() for label in figure.axes[1].get_yticklabels() if label.get_text()]
    assert 0 < len(shown) < neurons["denotes"].sum()
    assert all(below.y1 <= above.y0 + 1 for above, below in pairwise(shown))


def test_a_wide_layer_shows_what_denotes_and_says_how_many_of_the_others() -> None:
    neurons, rates = layer(MOST_NEURONS + 100)
    rows = atlas_rows(neurons, rates)
    assert rows.height == MOST_NEURONS
    assert rows["denotes"].sum() == neurons["denotes"].sum()
    others = MOST_NEURONS - neurons["denotes"].sum()
    assert f"{others} of the others" in said_below(draw_neuron_atlas(neurons, rates))
    assert atlas_rows(neurons, rates).equals(rows)


@pytest.mark.parametrize("width", [1, 2])
def test_few_neurons_are_drawn_and_none_is_a_message(width: int) -> None:
    neurons, rates = layer(width)
    assert draw_neuron_atlas(neurons, rates).axes[0].images
    assert "No neuron has on-rates" in draw_neuron_atlas(neurons, rates.clear()).axes[0].texts[0].get_text()


def test_labels_stay_inside_the_figure_and_off_the_colour_bar(tmp_path: Path) -> None:
    neurons, rates = layer(30)
    rates = rates.filter(pl.col("class").is_in(rates["class"].unique().sort().head(2).implode()))
    named = neurons.with_columns(property=pl.lit("NOT a long name of a property WW"))
    figure = draw_neuron_atlas(named, rates, "two classes")
    save_figure(figure, tmp_path, "atlas")
    figure.set_layout_engine("none")
    figure.set_dpi(150)
    labels = [label.get_window_extent() for label in figure.axes[1].get_yticklabels()]
    bar = figure.axes[2].get_tightbbox()
    assert bar is not None
    assert max(label.x1 for label in labels) <= figure.bbox.width
    assert not any(label.overlaps(bar) for label in labels)
