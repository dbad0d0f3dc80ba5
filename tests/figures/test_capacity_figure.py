"""The capacity figure: observers in order, the class means beside the line, intervals of the right kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from scipy import stats

from denote.figures.attribute_lines import MOST_NAMED
from denote.figures.sparse_curve import MOST_LAYERS, capacity_points, draw_capacity
from denote.tables import CELLS, table

PROBES = {("mlp", None): 0.95, ("linear", None): 0.9, ("centroid", None): 0.7, ("neuron", None): 0.6,
          ("sparse", 4): 0.8, ("sparse", 16): 0.85, ("sparse", 32): 0.91}  # fmt: skip
"""Scores by probe and k, in no order; 32 is all neurons."""


def cells(attributes: int = 2, seeds: int = 1, layers: int = 2, **changes: Any) -> pl.DataFrame:
    return table(
        [
            {
                "dataset": "d", "architecture": "a", "trained": True, "epoch": None, "seed": seed,
                "object_model": f"m{seed}", "layer": f"l{depth}", "depth": depth, "pooling": "none", "n_neurons": 32,
                "probe": probe, "k": k, "probe_seed": 0, "attribute": f"a{attribute}", "family": "named",
                "auroc": auroc - 0.02 * attribute + 0.01 * seed, "auroc_low": auroc - 0.1, "auroc_high": auroc + 0.05,
                "control_auroc": 0.5 + 0.01 * attribute, **changes,
            }
            for seed in range(seeds) for depth in range(layers) for attribute in range(attributes)
            for (probe, k), auroc in PROBES.items()
        ],
        CELLS,
    )  # fmt: skip


def lines(ax: Axes, *markers: str) -> list[np.ndarray]:
    return [np.asarray(line.get_ydata()) for line in ax.lines if line.get_marker() in markers]


def test_observers_stand_from_weak_to_strong_without_the_dense_end_of_the_sparse_one() -> None:
    ax = draw_capacity(cells()).axes[0]
    names = ["neuron", "sparse 4", "sparse 16", "centroid", "linear", "mlp"]
    assert [label.get_text() for label in ax.get_xticklabels()] == names
    line, beside = lines(ax, "o")
    np.testing.assert_allclose(line, [0.6, 0.8, 0.85, 0.9, 0.95])
    np.testing.assert_allclose(beside, [0.7])


def test_one_model_has_its_own_interval_and_several_a_t_interval_over_them() -> None:
    points = capacity_points(cells(1)).filter(pl.col("layer") == "l0", pl.col("observer") == "linear")
    assert points.select("n_models", "auroc", "auroc_low", "auroc_high").row(0) == pytest.approx((1, 0.9, 0.8, 0.95))
    frame = cells(1, seeds=4)
    again = frame.with_columns(probe_seed=pl.lit(1, pl.Int64))  # more probe seeds are no more models
    points = capacity_points(pl.concat([frame, again])).filter(pl.col("layer") == "l0", pl.col("observer") == "linear")
    scores = 0.9 + 0.01 * np.arange(4)
    low, high = stats.t.interval(0.95, 3, scores.mean(), stats.sem(scores))
    assert points.select("n_models", "auroc", "auroc_low", "auroc_high").row(0) == pytest.approx(
        (4, scores.mean(), low, high)
    )


def test_of_many_attributes_the_mean_is_drawn_and_of_many_layers_some() -> None:
    many = MOST_NAMED + 1
    figure = draw_capacity(cells(many, layers=MOST_LAYERS + 3))
    assert len([ax for ax in figure.axes if ax.lines]) == MOST_LAYERS
    mean, *_ = lines(figure.axes[0], "o")
    np.testing.assert_allclose(mean, np.array([0.6, 0.8, 0.85, 0.9, 0.95]) - 0.02 * (many - 1) / 2)
    assert f"mean of {many} attributes" in {text.get_text() for text in figure.legends[0].texts}
    chosen = draw_capacity(cells().filter(pl.col("layer") == "l1"))
    assert [ax.get_title(loc="left") for ax in chosen.axes] == ["l1"]


def test_with_one_kind_of_observer_there_is_a_message() -> None:
    for frame in (cells(auroc=None), cells().filter(pl.col("probe") == "linear"), cells().clear()):
        assert "Fewer than two kinds of observer" in draw_capacity(frame).axes[0].texts[0].get_text()
