"""Held-out AUROC with few rows of *fit*, and without the neurons that the observer relies on most."""

from __future__ import annotations

import math

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from denote.figures.attribute_lines import (
    attribute_handles,
    best_read,
    draw_attributes,
    interval_words,
    over_models,
)
from denote.figures.curves import usual_probe
from denote.figures.profiles import drawn_cells, network_names
from denote.figures.style import headline, legend_below, message, new_figure, styled

MOST_MARKS = 12
"""Numbers that can be written below an axis."""

_TITLE = "How many rows and which neurons it takes"
_POINT = ("curve", "attribute", "x")


def reading_points(curves: pl.DataFrame) -> pl.DataFrame:
    """The curves of one layer and probe, means over object models.

    Args:
        curves: Rows of ``tables.CURVES`` of one dataset, architecture, layer, pooling and probe.

    Returns:
        One row per curve, attribute and ``x``: ``n_models``, ``auroc`` with its interval, and ``place`` on an axis of
        doublings, on which no removed neuron stands one step before the first.
    """
    x = pl.col("x").cast(pl.Float64)
    before_first = pl.when(pl.col("x") == 0).then(-1.0).otherwise(x.log(2))
    return over_models(curves, _POINT).with_columns(place=before_first).sort("curve", "attribute", "x")


def drawn_curves(curves: pl.DataFrame) -> pl.DataFrame:
    """Return the curves of one network that are drawn: of the usual probe, at the layer that it reads best.

    Args:
        curves: Rows of ``tables.CURVES`` of one dataset and architecture.
    """
    curves = curves.filter(pl.col("auroc").is_not_null())
    if curves.is_empty():
        return curves
    curves = curves.filter(pl.col("probe") == usual_probe(curves["probe"]))
    layer = curves.group_by("layer", maintain_order=True).agg(pl.col("auroc").mean()).sort("auroc")["layer"][-1]
    curves = drawn_cells(curves).filter(pl.col("layer") == layer)
    return curves.filter(pl.col("pooling").eq_missing(pl.col("pooling").first()))


@styled
def draw_reading_curves(curves: pl.DataFrame) -> Figure:
    """Two panels: held-out AUROC against the number of fit rows, and against the number of removed neurons.

    Args:
        curves: Rows of ``tables.CURVES`` of one dataset and architecture, of which `drawn_curves` are drawn.
    """
    curves = drawn_curves(curves)
    if curves.is_empty():
        return message("No reading curve has a score.", _TITLE)
    points = reading_points(curves)
    attributes = best_read(points)
    figure = new_figure(8.5, 4.4)
    rows, removed = figure.subplots(1, 2, sharey=True)
    for ax, curve in ((rows, "fit_rows"), (removed, "removed")):
        own = points.filter(pl.col("curve") == curve)
        draw_attributes(own, attributes, ax)
        _mark(own, ax)
    rows.set_title("Fitted on few rows")
    rows.set_xlabel("labelled rows of fit, by doublings")
    rows.set_ylabel("held-out AUROC")
    removed.set_title("Without the neurons it relies on most")
    removed.set_xlabel("neurons removed, by doublings")
    layer, probe = curves.select("layer", "probe").row(0)
    headline(figure, f"{_TITLE}\n{network_names(curves)}, layer {layer}, probe {probe}; {interval_words(points)}")
    legend_below(figure, attribute_handles(attributes))
    return figure


def _mark(own: pl.DataFrame, ax: Axes) -> None:
    """A tick for every number, as far as they are few enough to be written."""
    marks = own.select("x", "place").unique().sort("x")
    if len(marks) > MOST_MARKS:  # attributes with nulls have numbers of rows of their own
        whole = range(max(0, math.floor(min(marks["place"]))), math.floor(max(marks["place"])) + 1)
        ax.set_xticks(whole, [str(1 << power) for power in whole])
    else:
        ax.set_xticks(marks["place"], marks["x"].cast(pl.String))
    ax.xaxis.set_minor_locator(NullLocator())
