"""How much of what a layer denotes another search finds, by depth."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from denote.figures.curves import choose, depth_order, is_head, thinned
from denote.figures.style import Line, headline, legend_below, message, new_figure, styled

AGAINST = {
    "second fit": Line("#000000", "-", "o", "other rows (second draw of fit)"),
    "thresholds": Line("#8c8c8c", "--", "s", "half as many thresholds"),
    "seed": Line("#d55e00", "-.", "^", "another network (pairs of seeds)"),
}
"""What a layer is compared with, and how that is drawn."""

PANELS = {
    "property_jaccard": "a  Sets of distinct denoted properties",
    "neuron_jaccard": "b  Property of each denoting neuron",
}
MOST_TICKS = 12
DODGE = 0.09
_TITLE = "Is it found again?"


@styled
def draw_stability(
    stability: pl.DataFrame,
    *,
    family: str | None = None,
    architecture: str | None = None,
    dataset: str | None = None,
    trained: bool | None = True,
    epoch: int | None = None,
) -> Figure:
    """Jaccard indices against other rows, other thresholds and other networks, by depth, in two panels.

    Args:
        stability: Rows of ``stability.parquet``.
        family: Which family; needed where the table holds several. Likewise the other choices.
        architecture: Which architecture.
        dataset: Which dataset.
        trained: False draws the curve of untrained networks.
        epoch: Which checkpoint; the last where None.

    Raises:
        DenoteError: if the choices leave no curve or more than one.
    """
    if stability.is_empty():
        return message("Nothing was searched: the table is empty.", _TITLE)
    curve = choose(stability, family=family, architecture=architecture, dataset=dataset, trained=trained, epoch=epoch)
    own = curve.of(stability).filter(pl.col("depth").is_not_null())
    layers = depth_order(own)
    if own.select(pl.col(*PANELS).is_null().all()).row(0) == (True, True):
        return message("No layer denotes anything that could be found again.", f"{_TITLE} {curve.title}")
    figure = new_figure(max(7.5, 2.4 + 0.8 * min(len(layers), 14)), 4.4)
    axes = figure.subplots(1, 2, sharey=True)
    for ax, (column, title) in zip(axes, PANELS.items(), strict=True):
        _draw(own, layers, column, ax)
        ax.set_title(title)
    axes[0].set_ylabel("agreement (Jaccard index, 0 to 1)")
    headline(figure, f"{_TITLE} {curve.title}")
    drawn = {line.get_color() for ax in axes for line in ax.lines}
    legend_below(figure, [_handle(line) for line in AGAINST.values() if line.colour in drawn])
    return figure


def _draw(own: pl.DataFrame, layers: pl.DataFrame, column: str, ax: Axes) -> None:
    """One line for each comparison; a null is a gap and the head, given by the task, stands apart."""
    places = layers.with_row_index("place").select("layer", "place")
    heads = layers.select(is_head().fill_null(value=False)).to_series().to_numpy() & (len(layers) > 1)
    for index, (against, line) in enumerate(AGAINST.items()):
        rows = own.filter(pl.col("against") == against)
        if rows.is_empty() or rows[column].is_null().all():
            continue
        at = places.join(rows, on="layer", how="left", maintain_order="left")
        value, low, high = (at[name].cast(float).fill_null(np.nan).to_numpy() for name in
                            (column, f"{column}_low", f"{column}_high"))  # fmt: skip
        x = at["place"].to_numpy() + DODGE * (index - 1)
        ax.vlines(x, low, high, color=line.colour, linewidth=1.1, zorder=2)
        for part in (~heads, heads):
            ax.plot(
                x[part], value[part], line.dash, color=line.colour, marker=line.marker, markersize=4.5, linewidth=1.5,
                markeredgecolor="white", markeredgewidth=0.5, zorder=3,
            )  # fmt: skip
    _furnish(layers, heads, ax)


def _furnish(layers: pl.DataFrame, heads: np.ndarray, ax: Axes) -> None:
    labels = [f"{layer} · {depth}" for layer, depth in layers.select("layer", "depth").iter_rows()]
    shown = thinned(labels, MOST_TICKS)
    ax.set_xticks(shown, [labels[i] for i in shown], rotation=40, ha="right", rotation_mode="anchor")
    ax.set_xlabel("layer · depth")
    ax.set_xlim(-0.5, len(layers) - 0.5)
    ax.set_ylim(-0.03, 1.03)
    for place in np.flatnonzero(heads):
        ax.axvspan(place - 0.45, place + 0.45, color="0.92", zorder=0, linewidth=0)
    ax.grid(axis="y", color="0.9", linewidth=0.6, zorder=0)
    ax.set_axisbelow(True)


def _handle(line: Line) -> Line2D:
    return Line2D([], [], color=line.colour, linestyle=line.dash, marker=line.marker, markersize=4.5, label=line.label)
