"""Relevance pictures keep every neuron in its place, centre colour on zero and hide nothing that is undefined."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.text import Text

from denote.figures.relevance import draw_relevance, picture
from denote.streams import stream


def reading(ax: Axes) -> str:
    """What stands after a panel's name; numbers of units stand in cells."""
    return next(text.get_text() for text in ax.texts if not text.get_text().isdecimal())


def numbers(ax: Axes) -> list[int]:
    """The numbers in a panel's cells."""
    return [int(text.get_text()) for text in ax.texts if text.get_text().isdecimal()]


@settings(max_examples=60)
@given(
    st.one_of(st.tuples(st.integers(1, 700)), st.tuples(*[st.integers(1, 9)] * 2), st.tuples(*[st.integers(1, 9)] * 3))
)
def test_a_picture_holds_every_neuron_once_and_in_order(grid: tuple[int, ...]) -> None:
    values = np.arange(1.0, prod(grid) + 1)
    image = picture(values, grid)
    assert np.sort(image[np.isfinite(image)]).tolist() == values.tolist()
    if len(grid) < 3:
        assert image[np.isfinite(image)].tolist() == values.tolist()


def test_maps_of_channels_stay_whole_with_a_seam_between() -> None:
    maps = np.arange(2 * 3 * 4, dtype=float)
    image = picture(maps, (2, 3, 4))
    assert np.isnan(image).any()
    for one in maps.reshape(2, 3, 4):
        windows = np.lib.stride_tricks.sliding_window_view(image, (3, 4)).reshape(-1, 3, 4)
        assert any(np.array_equal(window, one) for window in windows)


def test_each_layer_has_its_panel_with_symmetric_limits_and_its_scale() -> None:
    rng = stream("relevance figure")
    grids = {"conv": (4, 5, 5), "fc": (32,), "dead": (3,), "logits": (10,)}
    values = {layer: rng.normal(size=prod(grid)) for layer, grid in grids.items()}
    values["dead"][:] = np.nan
    values["fc"][0] = -7
    figure = draw_relevance(values, grids, "odd", input_relevance=rng.normal(size=(8, 8)))
    panels = {ax.get_title(loc="left"): ax for ax in figure.axes if ax.images}
    assert list(panels) == ["input", "conv", "fc", "dead", "logits"]
    assert {ax.images[0].get_clim() for ax in panels.values()} == {(-1, 1)}
    fc = np.asarray(panels["fc"].images[0].get_array(), float)
    assert (fc.min(), "7" in reading(panels["fc"])) == (-1, True)
    assert "undefined" in reading(panels["dead"])
    figure.canvas.draw()


def test_a_panel_counts_what_is_outside_its_band_and_says_where_there_is_none() -> None:
    relevance = {"fc": np.array([0.5, -0.2, np.nan, -3.0, 0.1]), "all in": np.array([0.3, -0.4]), "bare": np.ones(3)}
    grids = {layer: (len(values),) for layer, values in relevance.items()}
    figure = draw_relevance(relevance, grids, "odd", np.ones((2, 2)), {"fc": 0.25, "all in": 0.4})
    panels = {ax.get_title(loc="left"): ax for ax in figure.axes if ax.images}
    readings = {layer: reading(ax).split(";")[0] for layer, ax in panels.items()}
    assert readings == {
        "input": "no shuffled band", "fc": "2 of 4 outside the band (±0.25)",
        "all in": "0 of 2 outside the band (±0.4)", "bare": "no shuffled band",
    }  # fmt: skip
    assert numbers(panels["fc"]) == [0, 3]
    shown = np.asarray(np.ma.filled(panels["fc"].images[0].get_array(), np.nan)).ravel()
    np.testing.assert_array_equal(np.isfinite(shown[:5]), [True, True, False, True, True])
    np.testing.assert_array_equal(np.nan_to_num(shown[:5]) != 0, [True, False, False, True, False])
    (bar,) = [ax for ax in figure.axes if not ax.images]
    assert [tick.get_text() for tick in bar.get_yticklabels()][1:4] == ["−band", "inside: no\nevidence", "+band"]
    bare = draw_relevance({"bare": np.ones(3)}, grids, "odd")
    assert "band" not in "".join(tick.get_text() for tick in bare.axes[-1].get_yticklabels())


def test_the_name_and_the_reading_of_a_narrow_picture_stand_side_by_side_on_the_page() -> None:
    figure = draw_relevance({"fc": np.ones(64)}, {"fc": (64,)}, "odd", np.ones((8, 8)), {"input": 0.123, "fc": 0.4})
    figure.canvas.draw()
    for ax in [ax for ax in figure.axes if ax.images]:
        (title,) = [text for text in ax.findobj(Text) if text.get_text() in ("input", "fc")]
        name, caption = title.get_window_extent(), ax.texts[0].get_window_extent()
        assert figure.bbox.x0 <= name.x0 < name.x1 < caption.x0 < caption.x1 <= figure.bbox.x1
        assert abs(name.y0 - caption.y0) < name.height / 2
        assert caption.y0 > ax.get_window_extent().y1


def test_a_grid_that_is_not_filled_is_refused() -> None:
    with pytest.raises(ValueError, match="conv: 5 neurons"):
        draw_relevance({"conv": np.zeros(5)}, {"conv": (2, 3)}, "odd")


def test_many_layers_go_into_columns_and_none_into_a_message() -> None:
    layers = {f"layer.{i}": np.ones(8) for i in range(23)}
    figure = draw_relevance(layers, dict.fromkeys(layers, (8,)), "odd")
    assert sum(bool(ax.images) for ax in figure.axes) == 23
    assert "No observer that weighs every neuron" in draw_relevance({}, {}, "odd").axes[0].texts[0].get_text()


@pytest.mark.parametrize("shape", [(4, 5), (1, 4, 5), (3, 4, 5)])
def test_relevance_at_the_input_lies_a_second_time_over_the_mean_image(shape: tuple[int, ...]) -> None:
    relevance, mean = stream("overlay").normal(size=shape), np.linspace(0, 1, prod(shape)).reshape(shape)
    plain = draw_relevance({}, {}, "odd", relevance).axes[0].images
    over = draw_relevance({}, {}, "odd", relevance, mean_input=mean).axes[0].images
    assert (len(plain), len(over)) == (1, 3)
    np.testing.assert_array_equal(over[2].get_array(), plain[0].get_array())
    ground = np.ma.filled(over[1].get_array(), np.nan)
    plane = mean.mean(axis=0) if mean.ndim == 3 else mean
    np.testing.assert_allclose(ground[:4, :5], plane)
    assert (over[1].get_extent(), over[1].get_extent()[0] > plain[0].get_extent()[1]) == (over[2].get_extent(), True)
    other = draw_relevance({}, {}, "odd", relevance, mean_input=np.ones((9, 9))).axes[0].images
    assert len(other) == 1


def test_on_a_shared_scale_one_colour_is_one_relevance_in_all_layers() -> None:
    layers = {"early": np.array([1.0, -4.0, 0.5]), "late": np.array([2.0, 1.0, 0.0])}
    figure = draw_relevance(layers, dict.fromkeys(layers, (3,)), "odd", band={"late": 1.5}, shared_scale=True)
    early, late = (np.asarray(ax.images[0].get_array()).ravel() for ax in figure.axes[:2])
    np.testing.assert_allclose(early, [0.25, -1, 0.125])
    np.testing.assert_allclose(late, [0.5, 0, 0])  # inside its own band
    assert figure.axes[-1].get_ylim() == (-4, 4)


def test_rows_and_maps_are_numbered_and_the_class_of_the_module_is_told() -> None:
    grids = {"fc": (200,), "conv": (12, 6, 6)}
    values = {layer: np.ones(prod(grid)) for layer, grid in grids.items()}
    figure = draw_relevance(values, grids, "odd", module_classes={"fc": "Linear"})
    fc, conv = figure.axes[:2]
    assert reading(fc).startswith("Linear; no shuffled band")
    rows = [int(tick.get_text()) for tick in fc.get_yticklabels()]
    assert rows == list(range(0, 200, rows[1]))
    assert len(rows) > 1
    assert numbers(conv) == list(range(12))
