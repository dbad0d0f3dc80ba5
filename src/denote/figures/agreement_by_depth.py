"""Agreement of the properties that a layer denotes with those that another search finds, by depth."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from denote.figures import style
from denote.figures.curves import Curve, choose, depth_order, finite, is_head, layer_labels
from denote.figures.style import Line

AGAINST = {
    "second fit": Line("#000000", "-", "o", "other rows (second draw of fit)"),
    "thresholds": Line("#8c8c8c", "--", "s", "half as many thresholds"),
    "seed": Line("#d55e00", "-.", "^", "another network (pairs of seeds)"),
}
"""Comparisons of a layer, each with its line."""

PANELS = {
    "property_jaccard": "a  Sets of distinct denoted properties",
    "neuron_jaccard": "b  Property of each denoting neuron",
}
MOST_TICKS = 12
DODGE = 0.09
_TITLE = "Is it found again?"


@style.styled
def draw_stability(stability: pl.DataFrame, curve: Curve | None = None) -> Figure:
    """Jaccard indices against other rows, other thresholds and other networks, by depth, in two panels.

    Args:
        stability: Rows of ``stability.parquet``.
        curve: Which curve; needed where the table holds several of trained networks.

    Raises:
        DenoteError: if it is needed and missing.
    """
    if stability.is_empty():
        return style.message("Nothing was searched: the table is empty.", _TITLE)
    curve = curve or choose(stability, trained=True)
    own = curve.of(stability).filter(pl.col("depth").is_not_null())
    layers = depth_order(own)
    if own.select(pl.col(*PANELS).is_null().all()).row(0) == (True, True):
        return style.message("No layer denotes anything that could be found again.", f"{_TITLE} {curve.title}")
    layers = layers.with_columns(label=pl.col("layer").replace(layer_labels(own)))
    panels = {column: title for column, title in PANELS.items() if own[column].is_not_null().any()}
    each = max(3.7, 1.2 + 0.4 * min(len(layers), 14))
    figure = style.new_figure(each * len(panels) + 0.4, 4.4)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for ax, (column, title) in zip(axes, panels.items(), strict=True):
        _draw(own, layers, column, ax)
        style.panel_title(ax, title, each)
    axes[0].set_ylabel("agreement (Jaccard index, 0 to 1)")
    drawn = {line.get_color() for ax in axes for line in ax.lines}
    handles = [style.line_handle(line, markersize=4.5) for line in AGAINST.values() if line.colour in drawn]
    return style.finish(figure, f"{_TITLE} {curve.title}", handles)


def _draw(own: pl.DataFrame, layers: pl.DataFrame, column: str, ax: Axes) -> None:
    """One line for each comparison; a null is a gap and the head, given by the task, stands apart."""
    places = layers.with_row_index("place").select("layer", "place")
    heads = layers.select(is_head().fill_null(value=False)).to_series().to_numpy() & (len(layers) > 1)
    for index, (against, line) in enumerate(AGAINST.items()):
        rows = own.filter(pl.col("against") == against)
        if rows.is_empty() or rows[column].is_null().all():
            continue
        at = places.join(rows, on="layer", how="left", maintain_order="left")
        value, low, high = (finite(at, name) for name in (column, f"{column}_low", f"{column}_high"))
        x = at["place"].to_numpy() + DODGE * (index - 1)
        ax.vlines(x, low, high, color=line.colour, linewidth=1.1, zorder=2)
        for part in (~heads, heads):
            style.plot_line(ax, x[part], value[part], line, linewidth=1.5, markeredgewidth=0.5, zorder=3)
    _furnish(layers, heads, ax)


def _furnish(layers: pl.DataFrame, heads: np.ndarray, ax: Axes) -> None:
    style.slanted_ticks(ax, range(len(layers)), layers["label"].to_list(), MOST_TICKS)
    ax.set(xlabel="layer and class of its module, by depth", xlim=(-0.5, len(layers) - 0.5), ylim=(-0.03, 1.03))
    for place in np.flatnonzero(heads):
        ax.axvspan(place - 0.45, place + 0.45, color="0.92", zorder=0, linewidth=0)
    style.faint_grid(ax)
