"""The by-depth figure draws every denoting neuron once, leaves gaps open, and says what it lacks."""

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from synthetic_tables import said_below

from denote.errors import DenoteError
from denote.figures.curves import curves
from denote.figures.depth_parts import differences
from denote.figures.label_proportion import curve_data, dot_data, draw_label_proportion_by_depth, model_data


@pytest.fixture(scope="module")
def neurons() -> pl.DataFrame:
    return synthetic.neuron_table(3, 9, 16)


@pytest.fixture(scope="module")
def figure(neurons: pl.DataFrame) -> Figure:
    return draw_label_proportion_by_depth(neurons, synthetic.by_depth_table(neurons))


def panel(figure: Figure, letter: str) -> Axes:
    return next(ax for ax in figure.axes if ax.get_title(loc="left").startswith(f"{letter} "))


def titles(figure: Figure) -> list[str]:
    return [title for ax in figure.axes if (title := ax.get_title(loc="left"))]


def dots(ax: Axes) -> np.ndarray:
    return np.concatenate([np.asarray(c.get_offsets()) for c in ax.collections if len(c.get_offsets())])


def words(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text() for text in ax.texts) for ax in figure.axes).replace("\n ", "")


def test_every_denoting_neuron_is_a_dot_at_its_label_proportion(figure: Figure, neurons: pl.DataFrame) -> None:
    for letter, rows, column in (
        ("a", neurons.filter("denotes"), "label_proportion"),
        ("b", neurons.filter("denotes"), "folded_label_proportion"),
        ("d", neurons.filter("live"), "on_proportion"),
    ):
        own = [c for c in panel(figure, letter).collections if isinstance(c, PathCollection)]
        drawn = np.sort(np.concatenate([np.asarray(c.get_offsets())[:, 1] for c in own]))
        np.testing.assert_allclose(drawn, np.sort(rows[column].to_numpy()))


def test_dots_stay_with_their_layer(figure: Figure, neurons: pl.DataFrame) -> None:
    x = dots(panel(figure, "d"))[:, 0]
    assert np.abs(x * 8 - np.round(x * 8)).max() < 0.5
    counts = np.bincount(np.round(x * 8).astype(int))
    assert counts.tolist() == neurons.filter("live").group_by("depth").len().sort("depth")["len"].to_list()


def test_a_null_is_a_gap_and_the_head_is_not_joined_to_the_line(figure: Figure, neurons: pl.DataFrame) -> None:
    expected = synthetic.by_depth_table(neurons)["label_proportion_mean"].fill_null(float("nan")).to_numpy()
    lines = [line for line in panel(figure, "a").lines if line.get_color() == "#000000" and len(line.get_xdata()) > 0]
    hidden = next(line for line in lines if len(line.get_xdata()) == 8 and line.get_linestyle() == "-")
    np.testing.assert_allclose(np.asarray(hidden.get_ydata(), float), expected[:8])
    assert np.isnan(np.asarray(hidden.get_ydata(), float)).any()
    assert any(list(line.get_xdata()) == [1.0] for line in lines)
    assert "Gap at blocks.0" in words(figure)


def test_missing_controls_are_named_and_present_ones_drawn(figure: Figure, neurons: pl.DataFrame) -> None:
    assert "Rotated control not computed" in words(figure)
    by_depth = synthetic.with_bands(synthetic.by_depth_table(neurons, rotated=True))
    rotated = draw_label_proportion_by_depth(neurons, by_depth)
    assert "Rotated control not computed" not in words(rotated)
    labels = [text.get_text() for ax in rotated.axes for child in ax.artists for text in child.get_texts()]  # type: ignore[attr-defined]
    assert any("rotated" in label for label in labels)
    lines = [np.asarray(line.get_ydata(), float) for line in panel(rotated, "b").lines if line.get_color() == "#d55e00"]
    for column in ("rotated_folded_mean", "rotated_folded_low", "rotated_folded_high"):
        expected = by_depth[column].fill_null(float("nan")).to_numpy()[:8]
        assert any(len(y) == 8 and np.allclose(y, expected, equal_nan=True) for y in lines), column


def test_what_the_rows_cannot_show_is_hatched_on_both_sides_and_folded_on_one(neurons: pl.DataFrame) -> None:
    by_depth = synthetic.by_depth_table(neurons).with_columns(smallest_detectable_proportion=pl.lit(0.125))
    drawn = draw_label_proportion_by_depth(neurons, by_depth)
    ends = {
        letter: {
            round(float(y), 4)
            for shade in panel(drawn, letter).collections if shade.get_hatch()
            for y in shade.get_paths()[0].vertices[:, 1]  # type: ignore[index, call-overload]
        }
        for letter in "ab"
    }  # fmt: skip
    assert ends == {"a": {-0.1, 0.125, 0.875, 1.1}, "b": {-0.1, 0.125}}


def test_what_is_tested_is_drawn_model_by_model_with_its_mean(neurons: pl.DataFrame) -> None:
    by_model = synthetic.by_model_table(neurons)
    drawn = draw_label_proportion_by_depth(neurons, synthetic.by_depth_table(neurons), by_model, verdict="not shown")
    assert "Verdict on depth: not shown." in said_below(drawn)
    ax, layers = panel(drawn, "c"), [f"blocks.{i}" for i in range(8)]
    wide = by_model.with_columns(d=pl.col("folded") - pl.col("rotated_folded")).pivot(
        "object_model", index="layer", values="d"
    )
    grid = wide.drop("layer").to_numpy().astype(float)[[wide["layer"].to_list().index(layer) for layer in layers]]
    found = [np.asarray(line.get_ydata(), float)[:8] for line in ax.lines if len(line.get_xdata()) in (8, 9)]
    for model in range(3):
        assert any(np.allclose(y, grid[:, model], equal_nan=True) for y in found)
    known = [row[np.isfinite(row)].mean() if np.isfinite(row).any() else np.nan for row in grid]
    assert any(np.allclose(y, known, equal_nan=True) for y in found)
    without = draw_label_proportion_by_depth(neurons, synthetic.by_depth_table(neurons))
    assert "Not drawn: c (the rotated control is missing)" in words(without)


def test_share_active_is_drawn_only_where_the_sign_means_something(neurons: pl.DataFrame) -> None:
    by_depth = synthetic.with_bands(synthetic.by_depth_table(neurons, rotated=True))
    for identified in (True, False):
        told = by_depth.with_columns(sign_identified=pl.lit(identified))
        drawn = draw_label_proportion_by_depth(neurons, told)
        assert any(line.get_color() == "#0072b2" for line in panel(drawn, "d").lines) is identified
        assert ("sign of a neuron is arbitrary" in words(drawn)) is not identified


def test_where_nothing_denotes_the_figure_says_so() -> None:
    silent = synthetic.neuron_table(2, 4, 8, denoting=False)
    drawn = draw_label_proportion_by_depth(silent, synthetic.by_depth_table(silent))
    assert "Not drawn: f (no neuron denotes)" in words(drawn)
    assert [title[0] for title in titles(drawn)] == ["a", "b", "d", "e"]  # the first two have best properties
    empty = draw_label_proportion_by_depth(silent.clear(), synthetic.by_depth_table(silent).clear())
    assert "No layer was searched" in words(empty)


@pytest.mark.parametrize(
    "change",
    [
        {"n_layers": 1},
        {"n_layers": 2, "seeds": 1},
        {"n_layers": 24, "seeds": 12},
        {"n_layers": 40},
    ],
)
def test_any_number_of_layers_and_models_is_drawn(change: dict[str, int]) -> None:
    some = synthetic.neuron_table(**({"seeds": 2, "width": 4} | change))
    by_depth = synthetic.with_bands(synthetic.by_depth_table(some, rotated=True))
    drawn = draw_label_proportion_by_depth(some, by_depth, synthetic.by_model_table(some))
    drawn.canvas.draw()
    assert len(panel(drawn, "a").get_xticks()) <= 12


def test_more_than_5000_dots_become_pixels() -> None:
    many = synthetic.neuron_table(1, 3, 100)
    many = pl.concat([many.with_columns(object_model=pl.lit(str(i)), seed=pl.lit(i, pl.Int64)) for i in range(30)])
    drawn = draw_label_proportion_by_depth(many, synthetic.by_depth_table(many))
    on = [c for c in panel(drawn, "d").collections if isinstance(c, PathCollection)]
    assert sum(len(c.get_offsets()) for c in on) > 5_000
    assert all(c.get_rasterized() for c in on)


def test_ambiguous_tables_are_refused(neurons: pl.DataFrame) -> None:
    two = pl.concat([neurons, neurons.with_columns(family=pl.lit("classes"))])
    with pytest.raises(DenoteError, match="2 curves"):
        draw_label_proportion_by_depth(two, synthetic.by_depth_table(two))


def test_drawing_leaves_no_trace_in_matplotlib(neurons: pl.DataFrame) -> None:
    before = dict(mpl.rcParams)
    draw_label_proportion_by_depth(neurons, synthetic.by_depth_table(neurons))
    assert dict(mpl.rcParams) == before
    from matplotlib import pyplot as plt

    assert plt.get_fignums() == []


def test_what_is_tested_is_a_mean_over_poolings_without_a_gap() -> None:
    rows = [("m", 7, "a", 0.3, 0.2), ("m", 7, "a", 0.5, 0.2), ("m", 7, "b", 0.3, 0.2), ("m", 7, "b", 0.5, None)]
    frame = pl.DataFrame(rows, schema=["object_model", "seed", "layer", "folded", "rotated_folded"], orient="row")
    assert differences(frame).rows() == [("m", 7, "a", pytest.approx(0.2))]
    assert differences(frame.clear()).is_empty()


def test_the_axis_of_what_is_tested_follows_the_lines_and_marks_intervals_that_go_on(neurons: pl.DataFrame) -> None:
    by_depth = synthetic.by_depth_table(neurons, rotated=True)
    steps = pl.col("seed").replace_strict({0: 0.0, 1: 0.01, 2: 0.06}, return_dtype=pl.Float64)
    by_model = synthetic.by_model_table(neurons).with_columns(folded=0.3 + steps, rotated_folded=pl.lit(0.3))
    ax = panel(draw_label_proportion_by_depth(neurons, by_depth, by_model), "c")
    ends = differences(by_model)["difference"]
    assert max(ends) < ax.get_ylim()[1] <= 1.1 * 2 * max(0.05, *ends)
    two = by_model.filter(pl.col("seed") < 2).with_columns(folded=0.3 + 10 * steps)  # the interval ends at .69
    ax = panel(draw_label_proportion_by_depth(neurons, by_depth, two), "c")
    assert ax.get_ylim()[1] == pytest.approx(0.22)
    assert sum(len(line.get_xdata()) for line in ax.lines if line.get_marker() == "v") > 0
    assert "goes on" in " ".join(text.get_text() for text in ax.texts)


def test_there_is_no_empty_panel_and_the_key_says_why(neurons: pl.DataFrame) -> None:
    by_depth = synthetic.with_bands(synthetic.by_depth_table(neurons, rotated=True))
    gaps = synthetic.by_model_table(neurons).with_columns(rotated_folded=pl.lit(None, pl.Float64))
    rare = by_depth.with_columns(majority_side_share=pl.lit(None, pl.Float64))
    drawn = draw_label_proportion_by_depth(neurons, rare, gaps)
    assert "Not drawn: c (no hidden layer has 5 denoting" in words(drawn)
    assert "Not drawn: f (fewer than 5 denoting" in words(drawn)
    assert [title[0] for title in titles(drawn)] == ["a", "b", "d", "e"]
    drawn.canvas.draw()
    assert panel(drawn, "a").get_position().width > 0.15  # the layout holds: words take no room


def test_the_legend_lists_only_what_is_drawn(neurons: pl.DataFrame) -> None:
    known = synthetic.with_bands(synthetic.by_depth_table(neurons, rotated=True))
    without = known.with_columns(
        pl.lit(None, pl.Float64).alias(name) for name in known.columns if name.startswith(("rotated", "untrained"))
    )
    for by_depth, expected in ((known, {"rotated", "untrained", "share"}), (without, set())):
        signs = by_depth.with_columns(sign_identified=pl.lit(bool(expected)))
        drawn = draw_label_proportion_by_depth(neurons, signs)
        labels = " ".join(text.get_text() for ax in drawn.axes for child in ax.artists for text in child.get_texts())  # type: ignore[attr-defined]
        assert {word for word in ("rotated", "untrained", "share") if word in labels} == expected


def test_the_tables_behind_the_figure_hold_every_dot_and_line(figure: Figure, neurons: pl.DataFrame) -> None:
    by_depth, by_model = synthetic.by_depth_table(neurons), synthetic.by_model_table(neurons)
    curve = curves(by_depth)[0]
    dots_of = dot_data(neurons, curve)
    assert dots_of.filter("denotes").height == neurons.filter("denotes").height
    assert dots_of.filter("live")["on_proportion"].sort().equals(neurons.filter("live")["on_proportion"].sort())
    lines = model_data(by_model, curve)
    means = curve_data(by_depth, curve, by_model).select("layer", "difference_mean").drop_nulls()
    expected = lines.group_by("layer").agg(pl.col("difference").mean())
    assert dict(means.iter_rows()) == pytest.approx(dict(expected.iter_rows()))
    assert len(lines) > len(means) > 0
