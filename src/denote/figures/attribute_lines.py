"""Draw reading curves: a panel per layer, a line per attribute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from denote.evidence.intervals import t_interval
from denote.figures import style
from denote.figures.curves import drawn_cells, layer_labels, network_names, usual_probe
from denote.figures.style import MANY, faint_grid, handle, model_look
from denote.numbers import count_range

MOST_MARKS = 12
"""Numbers that can be written below an axis."""

PANELS = {
    "fit_rows": ("Fitted on few rows", "labelled rows of fit, by doublings"),
    "removed": ("Without the neurons it relies on most", "neurons removed, by doublings"),
}
"""By curve the title of its panel and its x axis."""

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


@style.styled
def draw_reading_curves(curves: pl.DataFrame) -> Figure:
    """Two panels: held-out AUROC against the number of fit rows, and against the number of removed neurons.

    Args:
        curves: Rows of ``tables.CURVES`` of one dataset and architecture, of which `drawn_curves` are drawn.
    """
    curves = drawn_curves(curves)
    if curves.is_empty():
        return style.message("No reading curve has a score.", _TITLE)
    points = reading_points(curves)
    attributes = best_read(points)
    there = [curve for curve in PANELS if (points["curve"] == curve).any()]
    figure = style.new_figure(4.25 * max(len(there), 1.6), 4.4)
    axes = figure.subplots(1, len(there), sharey=True, squeeze=False)[0]
    for ax, curve in zip(axes, there, strict=True):
        own = points.filter(pl.col("curve") == curve)
        draw_attributes(own, attributes, ax)
        _mark(own, ax)
        title, xlabel = PANELS[curve]
        ax.set(title=title, xlabel=xlabel)
    rows = axes[0]
    rows.set_ylabel("held-out AUROC")
    layer, probe = curves.select("layer", "probe").row(0)
    score_axis(rows, points, attributes)
    heading = f"{_TITLE}: {network_names(curves)}"
    note = f"Layer {layer_labels(curves, ', ')[layer]}, probe {probe}; {interval_words(points)}."
    return style.finish(figure, heading, attribute_handles(attributes), note)


def _mark(own: pl.DataFrame, ax: Axes) -> None:
    """A tick for every number, as far as they are few enough to be written."""
    marks = own.select("x", "place").unique().sort("x")
    if len(marks) > MOST_MARKS:  # attributes with nulls have numbers of rows of their own
        whole = range(max(0, math.floor(min(marks["place"]))), math.floor(max(marks["place"])) + 1)
        ax.set_xticks(whole, [str(1 << power) for power in whole])
    else:
        ax.set_xticks(marks["place"], marks["x"].cast(pl.String))
    ax.xaxis.set_minor_locator(NullLocator())


MOST_NAMED = 6
"""More attributes than these get no line of their own that could be told apart."""

DODGE = 0.3
"""Width over which the bars of one place are spread, as a share of the distance of two places."""

DASHES: tuple[Literal["-", "--", "-.", ":"], ...] = ("-", "--", "-.", ":")


def over_models(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Means over probe seeds and then over object models.

    Args:
        frame: Rows with ``auroc auroc_low auroc_high object_model`` and the key; those without a score are left out.
        key: What one point belongs to.

    Returns:
        One row per key: ``n_models``, mean ``auroc``, and its 95 % interval: the t-interval over object models, or of a
        single one its own over test rows.
    """
    scores = ("auroc", "auroc_low", "auroc_high")
    within = frame.filter(pl.col("auroc").is_not_null()).group_by(*key, "object_model", maintain_order=True)
    points = within.agg(pl.col(*scores).mean()).group_by(key, maintain_order=True)
    found = points.agg(pl.len().alias("n_models"), pl.col("auroc").alias("each"), pl.col(*scores).mean())
    intervals = [t_interval(each, within=(0.0, 1.0)) for each in found["each"]]
    bounds = np.array([(each.low, each.high) for each in intervals]).reshape(-1, 2)
    several = pl.col("n_models") > 1
    return found.with_columns(
        pl.when(several).then(pl.Series(bounds[:, side])).otherwise(column).fill_nan(None).alias(column)
        for side, column in enumerate(("auroc_low", "auroc_high"))
    ).drop("each")


def best_read(points: pl.DataFrame) -> list[str]:
    """Attributes by their best score, the best first."""
    best = points.group_by("attribute", maintain_order=True).agg(pl.col("auroc").max())
    return best.sort("auroc", descending=True, nulls_last=True, maintain_order=True)["attribute"].to_list()


def draw_attributes(points: pl.DataFrame, attributes: Sequence[str], ax: Axes, joined: bool = True) -> Axes:
    """Draw the lines of some attributes.

    The mean of many is drawn only where all of them have a score: else it would move with who is in it.

    Args:
        points: ``attribute place auroc auroc_low auroc_high``, one row per attribute and place on the x axis.
        attributes: In the order that gives them colour and marker.
        ax: Where to draw.
        joined: Whether the points of an attribute make a line.
    """
    named = len(attributes) <= MOST_NAMED
    for index, attribute in enumerate(attributes):
        own = points.filter(pl.col("attribute") == attribute).sort("place")
        if named:
            _draw_named(own, index, len(attributes), ax, joined)
        else:
            look = {"linewidth": 0.7} if joined else {"linestyle": "", "marker": "_", "markersize": 6}
            ax.plot(own["place"], own["auroc"], color="0.7", zorder=2, rasterized=len(points) > MANY, **look)
    if not named:
        by_place = points.group_by("place").agg(pl.col("auroc").mean(), pl.len().alias("n"))
        mean = by_place.filter(pl.col("n") == points["attribute"].n_unique()).sort("place")
        ax.plot(
            mean["place"], mean["auroc"], "o-" if joined else "o", color="black", markersize=4, linewidth=2, zorder=3
        )
    ax.axhline(0.5, color="0.45", linestyle="--", linewidth=0.8, zorder=1)
    faint_grid(ax, "0.92")
    return ax


def score_axis(ax: Axes, points: pl.DataFrame, attributes: Sequence[str]) -> None:
    """Let the axis start where the data of `draw_attributes` and `draw_shuffled` is; chance may lie outside.

    Args:
        ax: One of the panels that share the axis.
        points: As of `draw_attributes`, with ``control_auroc`` where shuffled labels are drawn.
        attributes: Those drawn; few of them have intervals.
    """
    names = ["auroc", "control_auroc", *(["auroc_low"] if len(attributes) <= MOST_NAMED else [])]
    columns = [points[name].drop_nulls() for name in names if name in points.columns]
    style.score_axis(ax, (score for column in columns for score in column))


def draw_shuffled(points: pl.DataFrame, ax: Axes) -> None:
    """Draw range and mean of what the same observers read in shuffled labels.

    Args:
        points: Rows with ``place`` on the x axis and ``control_auroc``.
        ax: Where to draw.
    """
    score = pl.col("control_auroc")
    by_place = points.drop_nulls("control_auroc").group_by("place")
    level = by_place.agg(low=score.min(), mean=score.mean(), high=score.max()).sort("place")
    ax.fill_between(level["place"], level["low"], level["high"], color="0.85", linewidth=0, zorder=0)
    ax.plot(level["place"], level["mean"], ":", color="0.45", linewidth=1.2, zorder=1)


def shuffled_handles(over: str) -> list[Line2D | Patch]:
    """Return the legend of what `draw_shuffled` draws: the mean, and the range over ``over``."""
    mean = handle("shuffled labels, mean", color="0.45", linestyle=":", linewidth=1.2)
    return [mean, Patch(color="0.85", label=f"shuffled labels, range over {over}")]


def _draw_named(own: pl.DataFrame, index: int, number: int, ax: Axes, joined: bool) -> None:
    """One attribute beside the others, so that its bars can be told from theirs; hollow where no line joins it."""
    shift = DODGE * (index - (number - 1) / 2) / MOST_NAMED
    look, place = model_look(index, number), own["place"].to_numpy() + shift
    colour = look["color"]
    look |= {"markerfacecolor": colour if joined else "white"}
    dash = DASHES[index % len(DASHES)] if joined else ""
    ax.plot(place, own["auroc"], linestyle=dash, **look, markersize=4, linewidth=1.3, zorder=3)
    ax.vlines(place, own["auroc_low"].cast(float), own["auroc_high"].cast(float), color=colour, linewidth=1, zorder=2)


def attribute_handles(attributes: Sequence[str]) -> list[Line2D]:
    """Return the legend of what `draw_attributes` draws."""
    chance, number = handle("chance", color="0.45", linestyle="--", linewidth=0.8), len(attributes)
    if number > MOST_NAMED:
        mean = handle(f"mean of {number} attributes", color="black", marker="o", markersize=4, linewidth=2)
        return [mean, handle("one attribute", color="0.7", linewidth=0.7), chance]
    named = [
        handle(attribute, linestyle=DASHES[index % len(DASHES)], **model_look(index, number), markersize=4)
        for index, attribute in enumerate(attributes)
    ]
    return [*named, chance]


def interval_words(points: pl.DataFrame) -> str:
    """Say over what points are means and, where attributes have bars, what these are."""
    if max(points["n_models"], default=0) == 1:
        words, bars = "one object model", "bars: 95 % interval over test rows"
    else:
        words, bars = f"mean of {count_range(points['n_models'], 'object model')}", "bars: 95 % t-interval over them"
    return f"{words}; {bars}" if points["attribute"].n_unique() <= MOST_NAMED else words
