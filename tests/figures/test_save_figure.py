"""Saved figures: the same bytes for the same figure, and whole files or none."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import polars as pl
import synthetic_tables as synthetic

from denote.config.figure_settings import FORMATS
from denote.figures.canvas import save_figure, save_numbers
from denote.figures.label_proportion import draw_label_proportion_by_depth
from denote.figures.relevance import draw_relevance


def test_every_format_and_csv_are_written_and_can_be_read(tmp_path: Path) -> None:
    neurons = synthetic.neuron_table(2, 3, 6)
    by_depth = synthetic.by_depth_table(neurons)
    figure = draw_label_proportion_by_depth(neurons, by_depth)
    png, svg, pdf = save_figure(figure, tmp_path / "new", "curve", ("png", "svg", "pdf"))
    (csv,) = save_numbers(tmp_path / "new", "curve", by_depth, {})
    assert sorted(p.name for p in png.parent.iterdir()) == ["curve.csv", "curve.pdf", "curve.png", "curve.svg"]
    assert png.read_bytes().startswith(b"\x89PNG")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert ElementTree.fromstring(svg.read_text()).tag.endswith("svg")  # noqa: S314 -- our own file
    back = pl.read_csv(csv, schema_overrides=by_depth.schema)
    assert back["label_proportion_mean"].to_list() == by_depth["label_proportion_mean"].to_list()


def test_what_else_is_drawn_has_a_table_of_its_own(tmp_path: Path) -> None:
    neurons = synthetic.neuron_table(1, 2, 3)
    by_depth = synthetic.by_depth_table(neurons)
    first, second = save_numbers(tmp_path, "curve", by_depth, {"neurons": neurons})
    assert (first.name, second.name) == ("curve.csv", "curve-neurons.csv")
    assert pl.read_csv(second).height == neurons.height


def test_equal_figures_give_equal_bytes(tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        figure = draw_relevance({"odd $x$ <b>": np.array([1.0, -2.0])}, {"odd $x$ <b>": (2,)}, "odd $x$ <b>")
        files.append(save_figure(figure, tmp_path / name, "map", FORMATS))
    assert [p.read_bytes() for p in files[0]] == [p.read_bytes() for p in files[1]]
