"""One continuous column cut at many label proportions: what is read as information stays and rarity changes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from denote.figures import style
from denote.figures.curves import drawn_cells, finite, head_names, is_head, one_size
from denote.numbers import count_range
from denote.observers.kinds import reads_state

LEAST_CUTS = 5
"""Label proportions of one column below which there is no curve."""

SCORES = {"auroc": "AUROC", "balanced_accuracy": "balanced accuracy"}
HATCHED: dict[str, Any] = {"facecolor": "none", "edgecolor": "0.72", "hatch": "////", "linewidth": 0}
_CUT = re.compile(r"^(?P<column>.+) (?:top|bottom) [\d.]+%$")
_NETWORK = ("dataset", "architecture", "trained", "epoch")
_POINT = ("column", "attribute", "probe", "layer", "depth", "relative_depth")


def column_of(attribute: str) -> str | None:
    """The column that an attribute of the family ``quantiles`` cuts: ``ink`` of ``ink top 20%``; None of others."""
    found = _CUT.match(attribute)
    return found["column"] if found else None


def cut_curves(cells: pl.DataFrame, scan: pl.DataFrame) -> pl.DataFrame:
    """Scores of every cut of every column that has at least `LEAST_CUTS` of them, means over object models.

    Args:
        cells: Rows of ``cells.parquet`` of one dataset and architecture; the family ``quantiles`` is used.
        scan: Rows of ``scan.parquet``, for the share of live neurons that pass.

    Returns:
        One row per column, cut, probe and layer: ``label_proportion``, ``n_models``, ``auroc``, ``balanced_accuracy``,
        ``passing_share`` (null where the pairs were not scanned), ``detectable_proportion`` and
        ``detectable_auroc``.
    """
    key = ["object_model", "layer", "pooling", "attribute"]
    share = pl.col("n_passing") / pl.col("n_tests")
    passing = scan.select(*key, passing_share=pl.when(pl.col("n_tests") > 0).then(share)).unique(key, keep="first")
    numbers = ["label_proportion", "auroc", "balanced_accuracy", "detectable_proportion", "detectable_auroc"]
    column = pl.col("attribute").map_elements(column_of, return_dtype=pl.String)
    cuts = one_size(cells).filter(pl.col("family") == "quantiles", pl.col("depth").is_not_null())
    cuts = cuts.with_columns(column=column).filter(pl.col("column").is_not_null())
    cuts = cuts.filter(pl.col("attribute").n_unique().over("column") >= LEAST_CUTS)
    joined = cuts.join(passing, on=key, how="left", maintain_order="left")
    means = [pl.col(*numbers, "passing_share").mean()]
    within = joined.group_by(*_NETWORK, *_POINT, "object_model", maintain_order=True).agg(*means)
    found = within.group_by(*_NETWORK, *_POINT, maintain_order=True).agg(
        pl.col("auroc").count().alias("n_models"), *means
    )
    return found.sort("column", "probe", "depth", "label_proportion")


@style.styled
def draw_label_proportion_sweep(cells: pl.DataFrame, scan: pl.DataFrame, column: str) -> Figure:
    """AUROC and balanced accuracy of every probe, and the share of neurons that pass, against label proportion.

    Args:
        cells: Rows of ``cells.parquet`` of one architecture; of several epochs the last is drawn.
        scan: Rows of ``scan.parquet``.
        column: Which column's cuts.
    """
    curves = cut_curves(drawn_cells(cells), scan).filter(pl.col("column") == column, reads_state())
    heading = f"'{column}' cut at many label proportions"
    if curves.is_empty():
        return style.message(f"{column} has fewer than {LEAST_CUTS} cuts with a score.", heading)
    layers = curves.sort("depth")["layer"].unique(maintain_order=True).to_list()
    probes = curves["probe"].unique(maintain_order=True).to_list()
    scanned = bool(curves["passing_share"].is_not_null().any())
    figure = style.new_figure(0.6 + 4.2 * (len(probes) + scanned), 7.2)
    axes = figure.subplots(2, len(probes) + scanned, squeeze=False, sharex=True)
    for ax_pair, probe in zip(axes.T, probes, strict=False):
        own = curves.filter(pl.col("probe") == probe)
        for ax, (score, name) in zip(ax_pair, SCORES.items(), strict=True):
            _draw(ax, own, layers, score)
            style.score_axis(ax, finite(own, score))
            ax.set_ylabel(f"held-out {name}")
            style.panel_title(ax, f"{probe}: {name}", 3.6)
    scored = axes[:, : len(probes)]
    _draw_detectable(scored[0], curves)
    for ax in scored.flat:
        _shade(ax, curves)
    for ax in scored[1]:
        ax.set_xlabel("label proportion (share of test rows)")
    if scanned:
        _draw_passing(axes[:, -1], curves, layers)
    handles = None if scanned else _handles(layers, curves)
    who = ", ".join(curves.select("dataset", "architecture").row(0))
    heading = f"{heading}: {who}, mean over {count_range(curves['n_models'], 'object model')}"
    return style.finish(figure, heading, handles)


def _draw_passing(column: np.ndarray, curves: pl.DataFrame, layers: list[str]) -> None:
    """The share of neurons that pass the full rule, and the legend below it."""
    passing, rest = column
    _draw(passing, curves.unique(["attribute", "layer"], keep="first", maintain_order=True), layers, "passing_share")
    passing.set(title="neurons that pass the full rule", ylabel="share of tested neurons")
    passing.set_ylim(bottom=min(0.0, -0.03 * passing.get_ylim()[1]))
    rest.set_axis_off()
    rest.legend(handles=_handles(layers, curves), loc="upper left", borderaxespad=0)
    _shade(passing, curves)
    passing.set_xlabel("label proportion (share of test rows)")
    passing.tick_params(labelbottom=True)


def _draw(ax: Axes, curves: pl.DataFrame, layers: list[str], score: str) -> None:
    heads = head_names(curves, is_head())
    for index, layer in enumerate(layers):
        own = curves.filter(pl.col("layer") == layer).sort("label_proportion")
        look = style.layer_look(layers, index, heads)
        ax.plot(own["label_proportion"].to_numpy(), finite(own, score), **look, markersize=4, linewidth=1.2)


def _draw_detectable(axes: np.ndarray, curves: pl.DataFrame) -> None:
    """The AUROC that the rows of a cut could have shown with probability .8."""
    limit = curves.group_by("attribute").agg(pl.col("label_proportion", "detectable_auroc").mean())
    for ax in axes:
        own = limit.sort("label_proportion")
        ax.plot(own["label_proportion"].to_numpy(), finite(own, "detectable_auroc"), ":", color="0.3", linewidth=1.4)


def _shade(ax: Axes, curves: pl.DataFrame) -> None:
    """Label proportions too small, or too large, for a decisive cell with these rows."""
    limit = curves["detectable_proportion"].max()
    low, high = float(curves["label_proportion"].min()), float(curves["label_proportion"].max())  # type: ignore[arg-type]
    margin = 0.04 * max(high - low, 0.1)
    ends = max(low - margin, 0.0), min(high + margin, 1.0)
    if isinstance(limit, float):
        for start, stop in ((0.0, limit), (1 - limit, 1.0)):
            ax.axvspan(start, stop, **HATCHED, zorder=0)
    ax.set_xlim(*ends)
    style.faint_grid(ax)


def _handles(layers: list[str], curves: pl.DataFrame) -> list[Line2D | Patch]:
    limit = style.handle("detectable AUROC (power .8)", color="0.3", linestyle=":")
    hatch = Patch(facecolor="none", edgecolor="0.72", hatch="////", label="too rare or frequent to be decisive")
    return [*style.layer_handles(layers, head_names(curves, is_head()), 4), limit, hatch]
