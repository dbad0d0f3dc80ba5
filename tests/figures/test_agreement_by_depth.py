"""The figure of stability: a line for each comparison, gaps for nulls, the head apart, words where nothing is known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from synthetic_tables import all_tables

from denote.figures.agreement_by_depth import AGAINST, draw_stability
from denote.tables import STABILITY, empty


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return all_tables()["stability"]


def lines(figure: Figure, panel: int) -> dict[str, np.ndarray]:
    """Drawn values by colour: the hidden layers and, last, the head."""
    found: dict[str, list[np.ndarray]] = {}
    for line in figure.axes[panel].lines:
        found.setdefault(str(line.get_color()), []).append(np.asarray(line.get_ydata(), dtype=float))
    return {colour: np.concatenate(parts) for colour, parts in found.items()}


def test_each_comparison_is_drawn_layer_by_layer(table: pl.DataFrame) -> None:
    figure = draw_stability(table)
    for panel, column in enumerate(("property_jaccard", "neuron_jaccard")):
        drawn = lines(figure, panel)
        for against, line in AGAINST.items():
            values = table.filter(pl.col("against") == against).sort("depth")[column]
            if values.is_null().all():
                assert line.colour not in drawn
            else:
                np.testing.assert_allclose(drawn[line.colour], values.cast(float).fill_null(np.nan).to_numpy())
    assert "Jaccard" in figure.axes[0].get_ylabel()


def test_the_head_stands_apart_from_the_line(table: pl.DataFrame) -> None:
    sizes = {len(line.get_xdata()) for line in draw_stability(table).axes[0].lines}  # type: ignore[arg-type]
    assert sizes == {8, 1}


def test_nothing_to_compare_is_said_in_words(table: pl.DataFrame) -> None:
    for frame in (empty(STABILITY), table.with_columns(property_jaccard=None, neuron_jaccard=None)):
        (text,) = draw_stability(frame).axes[0].texts
        assert text.get_text()
