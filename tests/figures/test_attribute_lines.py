"""The figure of reading curves: which layer and probe, and where its points stand."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from synthetic_tables import said_below

from denote.figures.attribute_lines import MOST_NAMED, draw_reading_curves
from denote.tables import CURVES, table

POINTS = {"fit_rows": {16: 0.6, 32: 0.7, 64: 0.9}, "removed": {0: 0.9, 1: 0.85, 2: 0.8, 4: 0.7}}


def curves(attributes: int = 2, **changes: Any) -> pl.DataFrame:
    return table(
        [
            {
                "dataset": "d", "architecture": "a", "trained": True, "epoch": None, "seed": 0, "object_model": "m",
                "layer": layer, "depth": depth, "relative_depth": depth / 2, "pooling": "none", "probe": probe,
                "probe_seed": 0, "attribute": f"a{attribute}", "family": "named", "curve": curve, "x": x,
                "auroc": auroc - 0.01 * attribute - 0.05 * (probe == "neuron") - 0.02 * (2 - depth),
                "auroc_low": auroc - 0.1, "auroc_high": auroc + 0.05, **changes,
            }
            for depth, layer in enumerate(("first", "second", "logits")) for probe in ("neuron", "linear")
            for attribute in range(attributes) for curve, points in POINTS.items() for x, auroc in points.items()
        ],
        CURVES,
    )  # fmt: skip


def line(ax: Axes, marker: str = "o") -> np.ndarray:
    (found,) = (line for line in ax.lines if line.get_marker() == marker)
    return np.asarray(found.get_ydata())


def test_the_linear_probe_is_drawn_at_the_layer_that_it_reads_best() -> None:
    assert "Layer logits, probe linear" in said_below(draw_reading_curves(curves()))
    hidden = curves().filter(pl.col("layer") != "logits")
    figure = draw_reading_curves(hidden)
    assert "Layer second, probe linear" in said_below(figure)
    rows, removed = figure.axes
    np.testing.assert_allclose(line(rows), np.array([0.6, 0.7, 0.9]) - 0.02)
    np.testing.assert_allclose(line(removed), np.array([0.9, 0.85, 0.8, 0.7]) - 0.02)
    assert [tick.get_text() for tick in rows.get_xticklabels()] == ["16", "32", "64"]
    assert [tick.get_text() for tick in removed.get_xticklabels()] == ["0", "1", "2", "4"]
    assert removed.get_xticks() == pytest.approx([-1, 0, 1, 2])
    other = draw_reading_curves(curves().filter(pl.col("probe") == "neuron"))
    np.testing.assert_allclose(line(other.axes[0]), np.array([0.6, 0.7, 0.9]) - 0.05)


def test_a_mean_stands_only_where_all_attributes_have_a_score() -> None:
    many = MOST_NAMED + 1
    missing = (pl.col("attribute") == "a3") & (pl.col("x") == 16)
    frame = curves(many).filter(pl.col("layer") == "second").with_columns(auroc=pl.when(~missing).then("auroc"))
    rows = draw_reading_curves(frame).axes[0]
    np.testing.assert_allclose(line(rows), np.array([0.7, 0.9]) - 0.02 - 0.01 * (many - 1) / 2)


def test_attributes_with_rows_of_their_own_number_get_round_marks() -> None:
    frame = curves(4).with_columns(x=pl.col("x") + 3 * pl.col("attribute").str.tail(1).cast(pl.Int64))
    rows = draw_reading_curves(frame.filter(pl.col("x") >= 16)).axes[0]
    assert [tick.get_text() for tick in rows.get_xticklabels()] == ["16", "19", "22", "25", "32", "35", "38", "41",
                                                                    "64", "67", "70", "73"]  # fmt: skip
    more = pl.concat([frame, frame.with_columns(x=pl.col("x") + 1, attribute=pl.lit("b"))])
    rows = draw_reading_curves(more.filter(pl.col("x") >= 16)).axes[0]
    assert [tick.get_text() for tick in rows.get_xticklabels()] == ["16", "32", "64"]


def test_without_a_score_there_is_a_message() -> None:
    for frame in (curves(auroc=None), curves().clear()):
        assert "No reading curve has a score" in draw_reading_curves(frame).axes[0].texts[0].get_text()
