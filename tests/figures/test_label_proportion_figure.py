"""The by-depth figure draws every denoting neuron once, leaves gaps open, and says what it lacks."""

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest
import synthetic_tables as synthetic
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from denote.errors import DenoteError
from denote.figures.label_proportion import draw_label_proportion_by_depth


@pytest.fixture(scope="module")
def neurons() -> pl.DataFrame:
    return synthetic.neuron_table(3, 9, 16)


@pytest.fixture(scope="module")
def figure(neurons: pl.DataFrame) -> Figure:
    return draw_label_proportion_by_depth(neurons, synthetic.by_depth_table(neurons))


def panel(figure: Figure, letter: str) -> Axes:
    return next(ax for ax in figure.axes if ax.get_title(loc="left").startswith(f"{letter} "))


def dots(ax: Axes) -> np.ndarray:
    return np.concatenate([np.asarray(c.get_offsets()) for c in ax.collections if len(c.get_offsets())])


def words(figure: Figure) -> str:
    return " ".join(" ".join(text.get_text() for text in ax.texts) for ax in figure.axes).replace("\n ", "")


def test_every_denoting_neuron_is_a_dot_at_its_label_proportion(figure: Figure, neurons: pl.DataFrame) -> None:
    for letter, rows, column in (
        ("a", neurons.filter("denotes"), "label_proportion"),
        ("b", neurons.filter("denotes"), "folded_label_proportion"),
        ("c", neurons.filter("live"), "on_proportion"),
    ):
        own = [c for c in panel(figure, letter).collections if hasattr(c, "get_sizes")]
        drawn = np.sort(np.concatenate([np.asarray(c.get_offsets())[:, 1] for c in own]))
        np.testing.assert_allclose(drawn, np.sort(rows[column].to_numpy()))


def test_dots_stay_with_their_layer(figure: Figure, neurons: pl.DataFrame) -> None:
    x = dots(panel(figure, "c"))[:, 0]
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
    rotated = draw_label_proportion_by_depth(
        neurons, synthetic.by_depth_table(neurons, rotated=True), synthetic.control_table(neurons)
    )
    assert "Rotated control not computed" not in words(rotated)
    labels = [text.get_text() for ax in rotated.axes for child in ax.artists for text in child.get_texts()]  # type: ignore[attr-defined]
    assert any("rotated" in label for label in labels)
    curve = next(line for line in panel(rotated, "a").lines if line.get_color() == "#d55e00")
    found = neurons.filter(pl.col("denotes"), pl.col("layer") == "blocks.5").with_columns(
        p=(pl.col("label_proportion") - 0.1).clip(0.1)
    )
    expected = found.group_by("object_model").agg(pl.col("p").mean())["p"].mean()
    assert np.asarray(curve.get_ydata(), float)[5] == pytest.approx(expected)


def test_where_nothing_denotes_the_figure_says_so() -> None:
    silent = synthetic.neuron_table(2, 4, 8, denoting=False)
    drawn = draw_label_proportion_by_depth(silent, synthetic.by_depth_table(silent))
    assert words(drawn).count("no neuron denotes") == 3
    empty = draw_label_proportion_by_depth(silent.clear(), synthetic.by_depth_table(silent).clear())
    assert "No layer was searched" in words(empty)


@pytest.mark.parametrize("change", [{"n_layers": 1}, {"n_layers": 2, "seeds": 1}, {"n_layers": 40, "width": 4}])
def test_any_number_of_layers_and_models_is_drawn(change: dict[str, int]) -> None:
    some = synthetic.neuron_table(**({"seeds": 2, "width": 6} | change))
    drawn = draw_label_proportion_by_depth(some, synthetic.by_depth_table(some))
    drawn.canvas.draw()
    assert len(panel(drawn, "a").get_xticks()) <= 12


def test_more_than_5000_dots_become_pixels() -> None:
    many = synthetic.neuron_table(1, 3, 100)
    many = pl.concat([many.with_columns(object_model=pl.lit(str(i)), seed=pl.lit(i, pl.Int64)) for i in range(30)])
    drawn = draw_label_proportion_by_depth(many, synthetic.by_depth_table(many))
    on = [c for c in panel(drawn, "c").collections if hasattr(c, "get_sizes")]
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
