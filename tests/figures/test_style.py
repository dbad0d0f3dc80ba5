"""Titles and legends are as wide as the figure at most, whatever they say."""

import pytest
from matplotlib.lines import Line2D

from denote.figures.style import headline, legend_below, new_figure, styled

NAME = "some-long-architecture-8x128-relu, mean over 12 object models; WIDE LETTERS too"


@styled
@pytest.mark.parametrize("width", [3.0, 6.5, 15.0])
@pytest.mark.parametrize("number", [1, 3, 14])
def test_titles_and_legends_stay_inside_the_figure(width: float, number: int) -> None:
    figure = new_figure(width, 6)
    figure.subplots()
    headline(figure, f"{NAME}: {NAME}\nsecond line")
    legend_below(figure, [Line2D([], [], label=f"{i} {NAME[: 5 + 6 * i]}") for i in range(number)], NAME)
    figure.canvas.draw()
    assert "\n" not in figure.get_suptitle()
    assert figure.get_suptitle().endswith("…") == (len(figure.get_suptitle()) < len(f"{NAME}: {NAME} second line"))
    title = figure.texts[0] if figure.texts else figure._suptitle  # type: ignore[attr-defined]
    for part in (title, figure.legends[0]):
        assert part.get_window_extent().x1 <= figure.bbox.width
