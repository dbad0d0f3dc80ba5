"""Measures of layers, emergence over training and cuts of a column draw the numbers of their tables."""

import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic
from synthetic_tables import said_below

from denote.errors import DenoteError
from denote.figures.curves import Curve, curves
from denote.figures.depth_parts import draw_layer_measures
from denote.figures.emergence import draw_emergence, emergence_rows
from denote.figures.label_proportion_sweep import column_of, cut_curves, draw_label_proportion_sweep


@pytest.fixture(scope="module")
def by_depth() -> pl.DataFrame:
    neurons = synthetic.neuron_table(2, 5, 16)
    return synthetic.with_bands(synthetic.by_depth_table(neurons, rotated=True))


def over_training(by_depth: pl.DataFrame, *, zero_is_trained: bool) -> pl.DataFrame:
    """The same curve at epochs 0, 1 and 10, and of the best checkpoint, which has no epoch."""
    shares = {0: 0.0, 1: 0.5, 10: 1.0, None: 0.9}
    return pl.concat(
        by_depth.with_columns(
            epoch=pl.lit(epoch, pl.Int64), trained=pl.lit(zero_is_trained or epoch != 0),
            share_denoting=pl.col("share_denoting") * share,
        )
        for epoch, share in shares.items()
    )  # fmt: skip


@pytest.mark.parametrize("zero_is_trained", [True, False])
def test_emergence_has_a_column_per_epoch_from_the_initialisation_on(
    by_depth: pl.DataFrame, zero_is_trained: bool
) -> None:
    table = over_training(by_depth, zero_is_trained=zero_is_trained)
    curve = next(c for c in curves(table) if c.epoch == 10)
    assert emergence_rows(table, curve)["epoch"].unique().sort().to_list() == [0, 1, 10]
    figure = draw_emergence(table, curve)
    heat = np.asarray(figure.axes[0].images[0].get_array(), float)
    expected = by_depth.sort("depth")["share_denoting"].to_numpy()
    np.testing.assert_allclose(heat, np.outer(expected, [0, 0.5, 1]))
    assert [tick.get_text() for tick in figure.axes[1].get_xticklabels()] == ["0", "1", "10"]
    share = figure.axes[1]
    lines, controls = (
        [np.asarray(line.get_ydata(), float) for line in share.lines if (line.get_linewidth() > 1) is own]
        for own in (True, False)
    )
    np.testing.assert_allclose(lines, heat)
    rotated, untrained = (
        np.outer(by_depth.sort("depth")[name].to_numpy(), [1, 1, 1])
        for name in ("rotated_share_denoting", "untrained_share_denoting")
    )
    np.testing.assert_allclose(controls[::2], rotated)
    np.testing.assert_allclose(controls[1::2], untrained.astype(float))
    assert share.get_ylim()[1] < 1.2 * np.nanmax([*heat.flat, *rotated.flat, *untrained.astype(float).flat])


def test_emergence_says_why_nothing_is_known_of_label_proportion(by_depth: pl.DataFrame) -> None:
    gaps = [pl.lit(None, pl.Float64).alias(name) for name in by_depth.columns if "folded" in name]
    table = over_training(by_depth, zero_is_trained=False).with_columns(gaps)
    figure = draw_emergence(table, curves(table)[0])
    titles = [ax.get_title(loc="left")[:1] for ax in figure.axes]
    assert [letter for letter in titles if letter] == ["a", "b"]  # and no empty panel
    assert "fewer than 5 denoting neurons" in said_below(figure)


def test_one_epoch_is_no_emergence(by_depth: pl.DataFrame) -> None:
    with pytest.raises(DenoteError, match="1 epochs"):
        draw_emergence(by_depth, curves(by_depth)[0])


def test_a_measure_has_a_panel_from_zero_and_an_unknown_one_none(by_depth: pl.DataFrame) -> None:
    curve: Curve = curves(by_depth)[0]
    known = by_depth.with_columns(n_members_mean=pl.lit(None, pl.Float64))
    figure = draw_layer_measures(known, curve)
    assert len(figure.axes) == 4
    assert all(ax.get_ylim()[0] == 0 for ax in figure.axes)
    hidden = next(line for line in figure.axes[0].lines if len(line.get_xdata()) == 4)
    np.testing.assert_allclose(np.asarray(hidden.get_ydata(), float), known["property_entropy_mean"].to_numpy()[:4])
    hidden = pl.when(pl.col("relative_depth") == 1).then("property_entropy_mean")
    of_head = draw_layer_measures(by_depth.with_columns(property_entropy_mean=hidden), curve)
    assert len(of_head.axes) == len(draw_layer_measures(by_depth, curve).axes) - 1
    nothing = by_depth.with_columns(
        pl.lit(None, pl.Float64).alias(name) for name in by_depth.columns if name.endswith("_mean")
    )
    assert "None of the measures" in draw_layer_measures(nothing, curve).axes[0].texts[0].get_text()


def test_a_share_that_is_zero_everywhere_has_no_panel(by_depth: pl.DataFrame) -> None:
    curve: Curve = curves(by_depth)[0]
    none = by_depth.with_columns(pl.col("share_denoting_mean") * 0.0)
    with_it, without = (
        [ax.get_title(loc="left") or ax.get_title() for ax in draw_layer_measures(table, curve).axes]
        for table in (by_depth, none)
    )
    assert [title for title in with_it if title not in without] == ["Live neurons that denote"]


def test_cuts_of_a_column_are_told_by_their_names() -> None:
    assert column_of("ink top 20%") == "ink"
    assert column_of("stroke top width top 2.5%") == "stroke top width"
    assert column_of("odd") is None


def test_a_curve_of_cuts_holds_scores_and_the_share_that_passes() -> None:
    cells = synthetic.cut_cells()
    found = cut_curves(cells, synthetic.cut_scan(cells))
    own = found.filter(pl.col("layer") == "blocks.1", pl.col("probe") == "linear").sort("label_proportion")
    assert own["label_proportion"].to_list() == pytest.approx([0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7])
    assert own["passing_share"].to_list() == [0.0, 0.0, 0.05, 0.1, 0.15, 0.25, 0.35]
    assert (own["n_models"] == 2).all()
    figure = draw_label_proportion_sweep(cells, synthetic.cut_scan(cells), "ink")
    passing = next(ax for ax in figure.axes if ax.get_title(loc="left").startswith("neurons"))
    line = next(line for line in passing.lines if len(line.get_xdata()) == 7)
    np.testing.assert_allclose(np.asarray(line.get_ydata(), float), own["passing_share"].to_numpy())
    figure.canvas.draw()


def test_fewer_than_five_cuts_are_no_curve() -> None:
    cells = synthetic.cut_cells(cuts=(10, 20, 30, 50))
    scan = synthetic.cut_scan(cells)
    assert cut_curves(cells, scan).is_empty()
    assert "fewer than 5 cuts" in draw_label_proportion_sweep(cells, scan, "ink").axes[0].texts[0].get_text()
