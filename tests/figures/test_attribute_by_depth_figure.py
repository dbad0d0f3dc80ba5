"""The attribute heat map shows means over object models in a stated order and invents no value."""

import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from synthetic_tables import said_below

from denote.figures.attribute_by_depth import MOST_ATTRIBUTES, draw_attribute_by_depth, heat_map_rows
from denote.tables import FIRST_DECISIVE, empty, table


def rows(ax: Axes) -> list[str]:
    return [label.get_text().removesuffix(" · p .40") for label in ax.get_yticklabels()]


def grid(ax: Axes) -> np.ma.MaskedArray:
    values = ax.collections[0].get_array()
    assert isinstance(values, np.ma.MaskedArray)
    return values


@pytest.fixture(scope="module")
def figure() -> Figure:
    tables = synthetic.all_tables(3, 9)
    return draw_attribute_by_depth(synthetic.cell_table(3, 9), tables["first_decisive"])


def test_a_panel_per_probe_with_rows_in_the_order_they_become_decisive(figure: Figure) -> None:
    linear, neuron = figure.axes[:2]
    assert (linear.get_title(loc="left"), neuron.get_title(loc="left")) == ("linear", "neuron")
    assert {label.get_text()[-3:] for label in linear.get_yticklabels()} == {".40"}
    assert rows(linear) == ["class=0", "odd", "prime", "loop", "class=3", "<img src=x onerror=alert(1)>"]


def test_cells_are_means_and_the_undefined_one_is_open(figure: Figure) -> None:
    values = grid(figure.axes[0])
    assert values.shape == (6, 10)
    cells = synthetic.cell_table(3, 9)
    own = (
        cells.filter(pl.col("probe") == "linear", pl.col("attribute") == "odd")
        .group_by("depth")
        .agg(pl.col("auroc").mean())
    )
    np.testing.assert_allclose(values[1, 1:], own.sort("depth")["auroc"].to_numpy())
    assert np.argwhere(values.mask).tolist() == [[3, 2]]
    np.testing.assert_allclose(values[:, 0], 0.96)


def test_no_imperfect_score_is_written_as_perfect() -> None:
    cells = synthetic.cell_table(1, 2, {"odd": 0})
    told = ((0.9975, ".998"), (0.9972, ".997"), (0.9993, ".9993"), (0.99999, ">.9999"), (0.994, ".994"), (1.0, "1.00"))
    for auroc, shown in told:
        drawn = draw_attribute_by_depth(cells.with_columns(auroc=pl.lit(auroc)))
        written = {text.get_text() for ax in drawn.axes for text in ax.texts}
        assert shown in written
        assert ("1.00" in written) == (auroc == 1)


def test_dots_mark_decisive_cells_and_are_hollow_where_models_disagree() -> None:
    cells = synthetic.cell_table(2, 3, {"odd": 0}).filter(pl.col("probe") == "linear")
    first = cells["object_model"][0]
    cells = cells.with_columns(
        decisive=pl.when(pl.col("depth") == 0).then(pl.col("object_model") == first).otherwise("decisive")
    )
    ax = draw_attribute_by_depth(cells).axes[0]
    marks = [line for line in ax.lines if line.get_marker() == "o"]
    hollow = {x: line.get_markerfacecolor() == "none" for line in marks for x in line.get_xdata()}
    assert [hollow[x] for x in sorted(hollow)] == [True, False, False]


def test_many_attributes_are_cut_and_the_figure_says_how_many() -> None:
    names = {f"class={i}": i for i in range(MOST_ATTRIBUTES + 7)}
    figure = draw_attribute_by_depth(synthetic.cell_table(1, 4, names))
    assert len(rows(figure.axes[0])) == MOST_ATTRIBUTES
    assert "class=0" in rows(figure.axes[0])
    assert "7 more attributes are not drawn" in said_below(figure)
    assert "\n" not in figure.get_suptitle()


def test_only_trained_networks_of_the_last_epoch_are_drawn() -> None:
    cells = synthetic.cell_table(1, 3, {"odd": 0})
    worse = cells.with_columns(auroc=pl.lit(0.5), epoch=pl.lit(1, pl.Int64))
    untrained = cells.with_columns(auroc=pl.lit(0.5), trained=pl.lit(False), epoch=pl.lit(99, pl.Int64))
    drawn = grid(draw_attribute_by_depth(pl.concat([cells, worse, untrained])).axes[0])
    np.testing.assert_array_equal(drawn, grid(draw_attribute_by_depth(cells).axes[0]))


def test_empty_tables_are_a_message() -> None:
    figure = draw_attribute_by_depth(synthetic.cell_table(1, 2).clear())
    assert "No cell was observed" in figure.axes[0].texts[0].get_text()


def test_a_probe_of_several_sizes_is_one_panel() -> None:
    cells = synthetic.cell_table(2, 3, {"odd": 0}).filter(pl.col("probe") == "linear")
    sparse = [
        cells.with_columns(probe=pl.lit("sparse"), k=pl.lit(k, pl.Int64), auroc=pl.lit(0.5 + k / 100))
        for k in (1, 8, 32)
    ]
    figure = draw_attribute_by_depth(pl.concat([cells, *sparse]))
    assert [ax.get_title(loc="left") for ax in figure.axes[:2]] == ["linear", "sparse, at most 8 neurons"]
    np.testing.assert_allclose(grid(figure.axes[1])[0, 1:], 0.58)


def test_the_medians_of_the_table_give_the_order_where_they_are_there() -> None:
    cells = synthetic.cell_table(2, 5, {"odd": 0, "prime": 1, "loop": 2})
    medians = {"loop": 0.0, "odd": 3.0, "prime": None}
    first = table(
        [{"dataset": "mnist", "architecture": cells["architecture"][0], "trained": True, "epoch": 20, "probe": "linear",
          "attribute": name, "family": "named", "first_depth": depth} for name, depth in medians.items()],
        FIRST_DECISIVE,
    )  # fmt: skip
    assert rows(draw_attribute_by_depth(cells, first).axes[0]) == ["loop", "odd", "prime"]
    assert rows(draw_attribute_by_depth(cells, first.clear()).axes[0]) == ["odd", "prime", "loop"]


def test_another_figure_can_ask_for_the_rows(figure: Figure) -> None:
    cells = synthetic.cell_table(3, 9)
    first = synthetic.all_tables(3, 9)["first_decisive"]
    assert heat_map_rows(cells, first) == rows(figure.axes[0])
    assert heat_map_rows(cells.clear(), empty(FIRST_DECISIVE)) == []
