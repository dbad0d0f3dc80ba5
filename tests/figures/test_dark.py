"""A dark figure has light ink on a dark ground; what lies on cells, and pictures of inputs, stay as they are."""

import numpy as np
import pytest
import synthetic_tables as synthetic
from matplotlib.colors import to_rgb

from denote.figures.attribute_by_depth import draw_attribute_by_depth
from denote.figures.dark import GROUND, INK, counterpart, darken, turned
from denote.figures.label_proportion import draw_label_proportion_by_depth
from denote.figures.neuron_atlas import draw_examples
from denote.figures.signed import SIGNED


def luminance(colour: object) -> float:
    """Relative luminance as the Web Content Accessibility Guidelines define it."""
    parts = np.array(to_rgb(colour))  # type: ignore[arg-type]
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: object, other: object) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", ["black", "0.3", "0.35", "#0072b2", "#d55e00", "#009e73", "#440154"])
def test_every_ink_can_be_read(colour: str) -> None:
    assert contrast(turned(colour), GROUND) >= 4.5
    assert to_rgb(turned("white")) == pytest.approx(to_rgb(GROUND))
    assert to_rgb(turned("black")) == pytest.approx(to_rgb(INK))
    assert turned("none") == "none"


def test_words_and_lines_are_light_and_numbers_on_cells_stay() -> None:
    cells = synthetic.cell_table(1, 3, {"odd": 0, "prime": 1})
    light, dark = draw_attribute_by_depth(cells), darken(draw_attribute_by_depth(cells))
    assert contrast(dark.get_facecolor(), INK) > 10
    ax = dark.axes[0]
    assert contrast(ax.title.get_color(), GROUND) > 10
    assert all(contrast(tick.get_color(), GROUND) > 10 for tick in ax.get_yticklabels())
    written = [[text.get_color() for text in figure.axes[0].texts] for figure in (light, dark)]
    assert written[0] == written[1]
    neurons = synthetic.neuron_table(2, 4, 8)
    drawn = darken(draw_label_proportion_by_depth(neurons, synthetic.by_depth_table(neurons)))
    for ax in drawn.axes:
        lines = [line for line in ax.lines if line.get_linestyle() == "-" and len(line.get_xdata()) > 1]
        assert all(contrast(line.get_color(), GROUND) > 3 for line in lines)


def test_signed_values_have_a_dark_middle_and_inputs_keep_their_picture() -> None:
    assert luminance(counterpart(SIGNED)(0.5)) < 0.05 < luminance(counterpart(SIGNED)(0.0))
    examples = synthetic.example_table(synthetic.neuron_table(1, 9, 32), 1)
    figure = darken(draw_examples(examples, {sample: np.full((2, 3), sample / 40) for sample in range(40)}))
    assert {image.get_cmap().name for image in figure.axes[0].images} == {"gray"}
