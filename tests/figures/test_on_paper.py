"""Figures at a column's width: that width, embedded letters of a size that can be read, none of them cut off."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pytest
import synthetic_tables as synthetic
from matplotlib.figure import Figure
from matplotlib.text import Text

from denote.figures import on_paper
from denote.figures.canvas import save_figure
from denote.figures.curves import curves
from denote.figures.style import STYLE

ONE_COLUMN, TWO_COLUMNS = 3.3, 6.75
POINTS, SLACK = 72, 0.01
"""In an inch; and inches that a line's width may lie beyond the page."""
Draw = Callable[[Mapping[str, pl.DataFrame], float], Figure]


def label_proportion(tables: Mapping[str, pl.DataFrame], width: float) -> Figure:
    by_depth, by_model = (tables[f"label_proportion_by_{what}"] for what in ("depth", "model"))
    (curve,) = curves(by_depth)
    return on_paper.draw_label_proportion(tables["neurons"], by_depth, by_model, curve, width)


def parts(tables: Mapping[str, pl.DataFrame], width: float) -> Figure:
    (curve,) = curves(tables["depth_parts"])
    return on_paper.draw_parts(tables["depth_parts"], curve, width)


def attributes(tables: Mapping[str, pl.DataFrame], width: float) -> Figure:
    return on_paper.draw_attributes(tables["cells"], tables["first_decisive"], width)


DRAWN: dict[str, Draw] = {"label_proportion": label_proportion, "parts": parts, "attributes": attributes}


@pytest.fixture(scope="module")
def tables() -> Mapping[str, pl.DataFrame]:
    made = synthetic.all_tables(3, 9, 32)
    return {**made, "label_proportion_by_depth": synthetic.with_bands(made["label_proportion_by_depth"])}


@pytest.mark.parametrize(("name", "width"), [*((name, ONE_COLUMN) for name in DRAWN), ("parts", TWO_COLUMNS)])
def test_width_letters_and_fonts(tables: Mapping[str, pl.DataFrame], name: str, width: float, tmp_path: Path) -> None:
    figure = DRAWN[name](tables, width)
    svg, pdf = save_figure(figure, tmp_path, name, ("svg", "pdf"))
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", pdf.read_bytes())
    assert box is not None
    assert float(box[1]) == pytest.approx(width * POINTS, abs=0.1)
    assert_fonts_are_embedded(pdf.read_bytes())
    root = ElementTree.fromstring(svg.read_text(encoding="utf-8"))  # noqa: S314 -- our own file
    assert float(root.attrib["width"].removesuffix("pt")) == pytest.approx(width * POINTS, abs=0.1)
    assert [each.tag for each in root.iter() if each.tag.endswith(("}text", "}tspan"))] == []  # letters are paths
    assert_letters_can_be_read(figure)


def assert_fonts_are_embedded(content: bytes) -> None:
    """Every font is TrueType with its file, none the bitmaps or outlines of Type 3, and none is left to the reader."""
    kinds = re.findall(rb"/Type /Font\b(?!Descriptor).*?/Subtype /(\w+)|/Subtype /(\w+) /Type /Font\b(?!D)", content)
    assert b"/Type3" not in content
    assert b"/FontFile2" in content
    descriptors = content.count(b"/Type /FontDescriptor")
    assert descriptors == content.count(b"/FontFile2 ") > 0
    assert {kind for pair in kinds for kind in pair if kind} <= {b"Type0", b"CIDFontType2", b"TrueType"}


def assert_letters_can_be_read(figure: Figure) -> None:
    """As it is saved: all letters of 7 to 9 points, all within the figure, titles clear of each other."""
    figure.set_dpi(STYLE["savefig.dpi"])
    figure.draw_without_rendering()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) > -SLACK
    assert drawn.x1 < width + SLACK
    assert drawn.y1 < height + SLACK
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    assert shown
    assert {text.get_text() for text in shown if not 7 <= text.get_fontsize() <= 9} == set()
    titles = [ax.title if ax.title.get_text() else ax._left_title for ax in figure.axes]
    boxes = [title.get_window_extent() for title in titles if title.get_text()]
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_the_legend_explains_every_mark(tables: Mapping[str, pl.DataFrame]) -> None:
    figure = label_proportion(tables, ONE_COLUMN)
    (legend,) = figure.legends
    told = {text.get_text().replace("\n", " ") for text in legend.get_texts()}
    assert {"mean over networks", "one neuron; colour and mark: its network", "one network, in c"} <= told
    assert not [words for words in told if "object model" in words]
    assert [text.get_text() for ax in figure.axes for text in ax.texts] == []
    letters = {ax.get_title(loc="left")[:1]: ax for ax in figure.axes}
    beyond = any(line.get_marker() in "^v" and line.get_markersize() > 3 for line in letters["c"].lines)
    assert ("the interval goes on beyond c" in told) == beyond


def test_one_network_has_no_mean_over_networks() -> None:
    alone = synthetic.all_tables(1, 4, 16)
    words = [text.get_text() for text in label_proportion(alone, ONE_COLUMN).legends[0].get_texts()]
    words += [text.get_text() for text in attributes(alone, ONE_COLUMN).legends[0].get_texts()]
    told = " ".join(words).replace("\n", " ")
    assert "the network: mean over its neurons" in told
    assert "decisive" in words
    assert not [each for each in ("in every", "over networks", "its network") if each in told]


def test_panels_and_letters_are_those_of_the_report(tables: Mapping[str, pl.DataFrame]) -> None:
    figure = label_proportion(tables, ONE_COLUMN)
    titles = [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]
    assert [title[0] for title in titles] == list("abcdef")
    drawn = {line.get_ydata()[-1] for ax in figure.axes[:1] for line in ax.lines if len(line.get_ydata())}
    assert tables["label_proportion_by_depth"].sort("depth")["label_proportion_mean"][-1] in drawn
