"""Held-out AUROC against the capacity of the observer: how strong a reader does an attribute take?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from denote.figures.attribute_lines import (
    MOST_NAMED,
    attribute_handles,
    best_read,
    draw_attributes,
    interval_words,
    over_models,
)
from denote.figures.curves import thinned
from denote.figures.profiles import drawn_cells
from denote.figures.style import headline, legend_below, message, new_figure, styled

ORDER = ("neuron", "sparse", "centroid", "linear", "mlp")
"""Probes by capacity: one neuron, k neurons, one direction in closed form, the best direction, curved borders."""

MOST_LAYERS = 6
COLUMNS = 3

_TITLE = "How strong an observer an attribute takes"
_POINT = ("layer", "depth", "pooling", "attribute", "observer", "capacity")


def capacity_points(cells: pl.DataFrame) -> pl.DataFrame:
    """The capacity curves of one network, means over object models.

    Args:
        cells: Rows of ``cells.parquet`` of one dataset and architecture.

    Returns:
        One row per layer, attribute and observer: ``observer`` (``sparse 4`` for k = 4), ``place`` (0 for the weakest),
        ``n_models``, ``auroc`` with its interval, and ``control_auroc``. A sparse probe's dense end is left out: it is
        the linear one again.
    """
    sizes = pl.when(pl.col("probe") == "sparse").then("k")
    leaves_out = (pl.col("probe") != "sparse") | (pl.col("k") < pl.col("n_neurons"))
    cells = cells.filter(pl.col("probe").is_in(ORDER), leaves_out.fill_null(True)).with_columns(
        observer=pl.concat_str("probe", sizes.cast(pl.String), separator=" ", ignore_nulls=True),
        capacity=pl.col("probe").replace_strict(
            {probe: rank for rank, probe in enumerate(ORDER)}, return_dtype=pl.Int64
        )
        * (1 << 32)
        + sizes.fill_null(0),
    )
    shuffled = cells.group_by(_POINT).agg(pl.col("control_auroc").mean())
    points = over_models(cells, _POINT).join(shuffled, on=_POINT, how="left", nulls_equal=True)
    return (
        points.with_columns(place=pl.col("capacity").rank("dense").cast(pl.Int64) - 1)
        .drop("capacity")
        .sort("depth", "layer", "attribute", "place", nulls_last=True, maintain_order=True)
    )


@styled
def draw_capacity(
    cells: pl.DataFrame,
    *,
    architecture: str | None = None,
    dataset: str | None = None,
    layers: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """One panel per layer, one line per attribute; of more than a handful of attributes thin lines and their mean.

    The class means stand beside the line: they are one direction of those that a linear observer may take, but need
    not read more than k neurons do.

    Args:
        cells: Rows of ``cells.parquet`` of trained object models; of several epochs the last is drawn.
        architecture: Which architecture, where there are several.
        dataset: Which dataset, where there are several.
        layers: Which layers; by default all, or a few of them, evenly spaced.
        title: Replaces the one made from dataset and architecture.
    """
    cells = drawn_cells(cells, architecture, dataset)
    points = capacity_points(cells)
    if layers is not None:
        points = points.filter(pl.col("layer").is_in(list(layers)))
    if points["place"].n_unique() < 2:
        return message("Fewer than two kinds of observer have a score.", title or _TITLE)
    panels = points.select("layer", "pooling").unique(maintain_order=True).rows()
    panels = [panels[place] for place in thinned([layer for layer, _ in panels], MOST_LAYERS)]
    attributes, columns = best_read(points), min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = new_figure(max(6.5, 1 + 3.2 * columns), 1.9 + 2.7 * rows)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    several = len({layer for layer, _ in panels}) < len(panels)
    for index, ax in enumerate(axes.flat):
        if index >= len(panels):
            ax.set_axis_off()
            continue
        layer, pooling = panels[index]
        own = points.filter(pl.col("layer") == layer, pl.col("pooling").eq_missing(pl.lit(pooling)))
        _draw_shuffled(own, ax)
        # Each of the others contains the weaker ones; the class means do not, so no line leads through them.
        beside = pl.col("observer") == "centroid"
        draw_attributes(own.filter(~beside), attributes, ax)
        draw_attributes(own.filter(beside), attributes, ax, joined=False)
        ax.set_title(f"{layer} ({pooling})" if several else layer)
        if index % columns == 0:
            ax.set_ylabel("held-out AUROC")
        if index + columns >= len(panels):  # nothing is drawn below it
            _furnish(points, ax)
    headline(figure, title or _heading(cells, points, attributes))
    legend_below(figure, _handles(attributes))
    return figure


def _draw_shuffled(own: pl.DataFrame, ax: Axes) -> None:
    """What the same observers read in shuffled labels: range and mean over attributes."""
    level = own.drop_nulls("control_auroc").group_by("place").agg(
        low=pl.col("control_auroc").min(), mean=pl.col("control_auroc").mean(), high=pl.col("control_auroc").max()
    ).sort("place")  # fmt: skip
    ax.fill_between(level["place"], level["low"], level["high"], color="0.85", linewidth=0, zorder=0)
    ax.plot(level["place"], level["mean"], ":", color="0.45", linewidth=1.2, zorder=1)


def _furnish(points: pl.DataFrame, ax: Axes) -> None:
    names = points.select("place", "observer").unique().sort("place")
    ax.set_xticks(names["place"], names["observer"], rotation=40, ha="right", rotation_mode="anchor")
    ax.tick_params(labelbottom=True)
    ax.set_xlabel("observer, from weak to strong")


def _heading(cells: pl.DataFrame, points: pl.DataFrame, attributes: list[str]) -> str:
    network = ", ".join(cells["dataset"].unique().sort().to_list() + cells["architecture"].unique().sort().to_list())
    words = interval_words(points)
    if len(attributes) > MOST_NAMED:
        words = words.split(";")[0]  # no bars are drawn
    return f"{_TITLE}\n{network}; {words}"


def _handles(attributes: list[str]) -> list[Line2D | Patch]:
    return [
        *attribute_handles(attributes),
        Line2D([], [], color="0.45", linestyle=":", linewidth=1.2, label="shuffled labels, mean"),
        Patch(color="0.85", label="shuffled labels, range over attributes"),
    ]
