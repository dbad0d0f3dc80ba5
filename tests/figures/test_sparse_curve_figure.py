"""The curve over sizes shows means over object models, the dense end apart, and where few neurons are enough."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from synthetic_tables import said_below

from denote.figures.sparse_curve import MOST_ATTRIBUTES, draw_sparse_curve, sparse_curves
from denote.tables import CELLS, table

SIZES = {"hidden": (1, 2, 4, 8, 32), "logits": (1, 2, 4, 8, 10)}
"""Numbers of neurons per layer, the last of them all."""


def cells(attributes: dict[str, int | None], seeds: int = 2, **changes: Any) -> pl.DataFrame:
    """Curves that rise to .9, by .01 more for the second seed; per attribute how many neurons suffice."""
    rows = []
    for seed in range(seeds):
        for depth, (layer, sizes) in enumerate(SIZES.items()):
            for attribute, enough in attributes.items():
                for k in sizes:
                    auroc = 0.9 - 0.3 * (1 - min(k / (enough or 1), 1)) + 0.01 * seed
                    rows.append({
                        "dataset": "d", "architecture": "a", "trained": True, "epoch": None, "seed": seed,
                        "object_model": f"m{seed}", "layer": layer, "depth": depth, "relative_depth": float(depth),
                        "pooling": "none", "n_neurons": sizes[-1], "probe": "sparse", "k": k, "probe_seed": 0,
                        "attribute": attribute, "family": "named", "auroc": auroc, "control_auroc": 0.5 + 0.01 * depth,
                        "sufficient_k": enough, **changes,
                    })  # fmt: skip
    return table(rows, CELLS)


def lines(ax: Axes, style: str) -> list[np.ndarray]:
    return [np.asarray(line.get_xydata()) for line in ax.lines if line.get_linestyle() == style]


def test_one_line_per_layer_and_the_dense_end_apart() -> None:
    ax = draw_sparse_curve(cells({"odd": 4})).axes[0]
    hidden, logits = lines(ax, "-")
    np.testing.assert_allclose(hidden, [[0, 0.68], [1, 0.755], [2, 0.905], [3, 0.905]])
    np.testing.assert_allclose(logits, hidden)
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert labels == ["1", "2", "4", "8", "all"]
    ends = [joined[-1] for joined in lines(ax, "--")]
    np.testing.assert_allclose(ends, [[ax.get_xticks()[-1], 0.905]] * 2)


def test_a_ring_stands_on_the_size_that_is_enough_and_its_level_is_drawn() -> None:
    ax = draw_sparse_curve(cells({"odd": 4})).axes[0]
    rings = [line for line in ax.lines if line.get_markersize() == 9]
    assert [ring.get_xydata().tolist() for ring in rings] == [[[2.0, pytest.approx(0.905)]]] * 2
    shuffled, *levels = lines(ax, ":")
    np.testing.assert_allclose(shuffled[:, 1], 0.505)
    assert [level[:, 1] == pytest.approx(0.5 + 0.95 * 0.405) for level in levels] == [True, True]
    without = draw_sparse_curve(cells({"odd": None})).axes[0]
    assert not [line for line in without.lines if line.get_markersize() == 9]


def test_the_frame_has_each_size_once_and_the_median_of_what_is_enough() -> None:
    frame = cells({"odd": 4}, seeds=3)
    frame = frame.with_columns(
        sufficient_k=pl.when(pl.col("object_model") == "m2").then(None)
        .when(pl.col("object_model") == "m1").then(8).otherwise("sufficient_k")
    )  # fmt: skip
    curves = sparse_curves(frame)
    assert not curves.select("attribute", "layer", "k").is_duplicated().any()
    assert curves.height == 10
    assert set(curves["n_models"]) == {3}
    assert set(curves["sufficient_k"]) == {8}
    assert curves.filter("dense").select("layer", "k").rows() == [("hidden", 32), ("logits", 10)]
    most_have_none = frame.with_columns(
        sufficient_k=pl.when(pl.col("object_model") == "m0").then("sufficient_k").otherwise(None)
    )
    assert sparse_curves(most_have_none)["sufficient_k"].null_count() == 10


def test_the_best_read_attributes_are_drawn_and_the_figure_says_of_how_many() -> None:
    frame = cells({f"class={i}": 1 for i in range(MOST_ATTRIBUTES + 2)})
    worse = pl.col("attribute").is_in(["class=0", "class=5"])
    figure = draw_sparse_curve(frame.with_columns(auroc=pl.col("auroc") - pl.when(worse).then(0.2).otherwise(0.0)))
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert len(titles) == MOST_ATTRIBUTES
    assert not {"class=0", "class=5"} & set(titles)
    assert f"{MOST_ATTRIBUTES} attributes read best, of {MOST_ATTRIBUTES + 2}" in said_below(figure)


def test_other_probes_and_untrained_networks_are_not_drawn() -> None:
    frame = cells({"odd": 4}, seeds=1)
    others = [
        cells({"odd": 4}, seeds=1, probe="linear", auroc=0.1),
        cells({"odd": 4}, seeds=1, trained=False, auroc=0.1, object_model="t"),
    ]
    first, second = (draw_sparse_curve(f).axes[0] for f in (frame, pl.concat([frame, *others])))
    np.testing.assert_array_equal(lines(first, "-"), lines(second, "-"))


def test_without_a_score_there_is_a_message() -> None:
    for frame in (cells({"odd": 4}).clear(), cells({"odd": 4}, auroc=None)):
        assert "No sparse observer has a score" in draw_sparse_curve(frame).axes[0].texts[0].get_text()
