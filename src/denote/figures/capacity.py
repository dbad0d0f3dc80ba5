"""Held-out AUROC against the capacity of the observer: how strong a reader does an attribute take?"""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from denote.figures.attribute_lines import (
    attribute_handles,
    best_read,
    draw_attributes,
    draw_shuffled,
    interval_words,
    over_models,
    shuffled_handles,
)
from denote.figures.curves import thinned
from denote.figures.profiles import drawn_cells, network_names
from denote.figures.style import headline, legend_below, message, slanted_ticks, small_multiples, styled

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
def draw_capacity(cells: pl.DataFrame) -> Figure:
    """One panel per layer, one line per attribute; of more than a handful of attributes thin lines and their mean.

    The class means stand beside the line: they are one direction of those that a linear observer may take, but need
    not read more than k neurons do.

    Args:
        cells: Rows of ``cells.parquet`` of one architecture; of several epochs the last is drawn, of many layers a few.
    """
    cells = drawn_cells(cells)
    points = capacity_points(cells)
    if points["place"].n_unique() < 2:
        return message("Fewer than two kinds of observer have a score.", _TITLE)
    panels = points.select("layer", "pooling").unique(maintain_order=True).rows()
    panels = [panels[place] for place in thinned([layer for layer, _ in panels], MOST_LAYERS)]
    attributes = best_read(points)
    figure, axes, bottom = small_multiples(len(panels), COLUMNS, panel=(3.2, 2.7), margin=(1, 1.9))
    several = len({layer for layer, _ in panels}) < len(panels)
    for ax, (layer, pooling) in zip(axes, panels, strict=True):
        own = points.filter(pl.col("layer") == layer, pl.col("pooling").eq_missing(pl.lit(pooling)))
        draw_shuffled(own, ax)
        # Each of the others contains the weaker ones; the class means do not, so no line leads through them.
        beside = pl.col("observer") == "centroid"
        draw_attributes(own.filter(~beside), attributes, ax)
        draw_attributes(own.filter(beside), attributes, ax, joined=False)
        ax.set_title(f"{layer} ({pooling})" if several else layer)
    observers = points.select("place", "observer").unique().sort("place")
    for ax in bottom:
        slanted_ticks(ax, observers["place"].to_list(), observers["observer"].to_list(), len(observers))
        ax.set_xlabel("observer, from weak to strong")
    headline(figure, f"{_TITLE}\n{network_names(cells)}; {interval_words(points)}")
    legend_below(figure, [*attribute_handles(attributes), *shuffled_handles("attributes")])
    return figure
