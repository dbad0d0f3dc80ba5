"""How easily attributes are read: with few rows of *fit*, and without the neurons that the observer relies on most."""

from __future__ import annotations

import math

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from denote.errors import DenoteError, one_of
from denote.figures.attribute_lines import (
    MOST_NAMED,
    attribute_handles,
    best_read,
    draw_attributes,
    interval_words,
    over_models,
)
from denote.figures.curves import is_head, usual_probe
from denote.figures.profiles import drawn_cells
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


@styled
def draw_reading_curves(
    curves: pl.DataFrame,
    *,
    architecture: str | None = None,
    dataset: str | None = None,
    layer: str | None = None,
    probe: str | None = None,
    title: str = "",
) -> Figure:
    """Two panels: held-out AUROC against the number of fit rows, and against the number of removed neurons.

    Args:
        curves: Rows of ``tables.CURVES`` of trained object models; of several epochs the last is drawn.
        architecture: Which architecture, where there are several.
        dataset: Which dataset, where there are several.
        layer: Which layer; by default the last before the network's head.
        probe: Which probe; by default linear, where it is there.
        title: Replaces the one made from network, layer and probe.

    Raises:
        DenoteError: if no curve was made for that layer or probe.
    """
    curves = drawn_cells(curves, architecture, dataset).filter(pl.col("auroc").is_not_null())
    if curves.is_empty():
        return message("No reading curve has a score.", title or _TITLE)
    probe = _asked("probe", probe, curves, usual_probe(curves["probe"]))
    curves = curves.filter(pl.col("probe") == probe)
    layer = _asked("layer", layer, curves, _last_hidden(curves))
    curves = curves.filter(pl.col("layer") == layer)
    curves = curves.filter(pl.col("pooling").eq_missing(pl.lit(curves["pooling"][0], pl.String)))
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
    headline(figure, title or _heading(curves, points, attributes, layer, probe))
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


def _asked(what: str, asked: str | None, curves: pl.DataFrame, usual: str) -> str:
    there = curves[what].unique(maintain_order=True).to_list()
    if asked is not None and asked not in there:
        raise DenoteError("figure", f"no reading curves of {what} '{asked}'", one_of(asked, there))
    return asked or usual


def _last_hidden(curves: pl.DataFrame) -> str:
    hidden = curves.filter(~is_head().fill_null(False))
    return str((curves if hidden.is_empty() else hidden).sort("depth", nulls_last=False)["layer"][-1])


def _heading(curves: pl.DataFrame, points: pl.DataFrame, attributes: list[str], layer: str, probe: str) -> str:
    network = ", ".join(curves["dataset"].unique().sort().to_list() + curves["architecture"].unique().sort().to_list())
    words = interval_words(points)
    if len(attributes) > MOST_NAMED:
        words = words.split(";")[0]  # no bars are drawn
    return f"{_TITLE}\n{network}, layer {layer}, probe {probe}; {words}"
