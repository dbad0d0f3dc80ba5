"""Draw how well k neurons read an attribute, and how strong an observer it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from denote.evidence.description import KEPT
from denote.figures import attribute_lines, style
from denote.figures.attribute_lines import draw_shuffled, shuffled_handles
from denote.figures.curves import drawn_cells, layer_labels, network_names, thinned
from denote.numbers import count
from denote.observers.kinds import by_capacity, contains_weaker, has_sizes

MOST_ATTRIBUTES = 12
MOST_LAYERS_NAMED = 16
COLUMNS = 4
GAP = 1.4
"""Distance on the x axis, in doublings, from the largest size to all neurons."""

_LINE = ("attribute", "layer", "depth", "pooling", "n_neurons")
_TITLE = "How well k neurons read an attribute"


def sparse_curves(cells: pl.DataFrame) -> pl.DataFrame:
    """The curves of sparse observers, means over object models.

    Args:
        cells: Rows of ``cells.parquet``; rows of other probes are left out.

    Returns:
        One row per dataset, architecture, attribute, layer and ``k``, by depth and size: ``dense`` (whether all neurons
        are read), ``n_models``, mean ``auroc`` and ``control_auroc``, and ``sufficient_k``, the median over object
        models (the larger of the middle two), null where most have none.
    """
    networks = ["dataset", "architecture", "trained", "epoch"]
    networks += [name for name in ("module_class",) if name in cells.columns]
    scores = [pl.col(column).mean() for column in ("auroc", "control_auroc")]
    sufficient = pl.col("sufficient_k").quantile(0.5, "higher").cast(pl.Int64)
    found = pl.col("sufficient_k").is_not_null().mean() > 0.5
    within = cells.filter(has_sizes()).group_by(*networks, *_LINE, "k", "object_model", maintain_order=True)
    return (
        within.agg(*scores, sufficient)
        .group_by(*networks, *_LINE, "k", maintain_order=True)
        .agg(pl.col("auroc").count().alias("n_models"), *scores, pl.when(found).then(sufficient).alias("sufficient_k"))
        .with_columns(dense=pl.col("k") >= pl.col("n_neurons"))
        .sort("depth", "k", nulls_last=True, maintain_order=True)
    )


@style.styled
def draw_sparse_curve(cells: pl.DataFrame) -> Figure:
    """One panel per attribute, one line per layer; the dense observer stands at the right end.

    Args:
        cells: Rows of ``cells.parquet`` of one architecture; of several epochs the last is drawn.
    """
    cells = drawn_cells(cells.filter(has_sizes()))
    curves = sparse_curves(cells)
    if curves.is_empty() or curves["auroc"].is_null().all():
        return style.message("No sparse observer has a score.", _TITLE)
    attributes = _attributes(curves)
    shown = attributes[:MOST_ATTRIBUTES]
    figure, axes, bottom = style.small_multiples(len(shown), COLUMNS, panel=(2.9, 2.5), margin=(1.2, 1.6))
    lines = curves.select("layer", "pooling").unique(maintain_order=True).rows()
    for ax, attribute in zip(axes, shown, strict=True):
        draw_attribute(curves.filter(pl.col("attribute") == attribute), lines, ax)
        style.panel_title(ax, attribute, 2.9)
    _furnish(axes, curves)
    for ax in bottom:
        ax.set_xlabel("neurons read, k")
    n = cells.filter(pl.col("auroc").is_not_null())["object_model"].n_unique()
    heading = f"{_TITLE}: {network_names(cells)}, mean over {count(n, 'object model')}"
    note = f"Drawn: the {len(shown)} attributes read best, of {len(attributes)}." if attributes != shown else ""
    return style.finish(figure, heading, _handles(lines, curves), note)


def draw_attribute(curves: pl.DataFrame, lines: list[tuple[str, str | None]], ax: Axes) -> Axes:
    """The curves of one attribute over all layers.

    Args:
        curves: Rows of `sparse_curves` of one attribute and network.
        lines: Layers with their pooling, in the order that gives them colour and marker.
        ax: Where to draw.
    """
    end = _dense_place(curves)
    draw_shuffled(curves.with_columns(place=_places(curves, end)), ax)
    for index, (layer, pooling) in enumerate(lines):
        own = curves.filter(pl.col("layer") == layer, pl.col("pooling").eq_missing(pl.lit(pooling)))
        own = own.with_columns(x=_places(own, end)).filter(pl.col("auroc").is_not_null()).sort("x")
        if not own.is_empty():
            _draw_line(ax, own, style.model_look(index, len(lines)))
    return ax


def _draw_line(ax: Axes, own: pl.DataFrame, look: dict[str, Any]) -> None:
    """One layer: sizes joined, the dense end set apart, a ring on the size that is enough and its level."""
    sizes, dense, colour = own.filter(~pl.col("dense")), own.filter("dense"), look["color"]
    ax.plot(sizes["x"], sizes["auroc"], "-", **look, markersize=4, linewidth=1.4, zorder=3)
    if dense.is_empty():
        return
    joined = pl.concat([sizes.tail(1), dense])
    ax.plot(joined["x"], joined["auroc"], "--", color=colour, linewidth=1, zorder=2)
    x, score, enough = dense.select("x", "auroc", "sufficient_k").row(0)
    ax.plot(x, score, linestyle="", **look, markersize=4.5, markerfacecolor="white", zorder=3)
    reached = own.filter(pl.col("k") == pl.lit(enough, pl.Int64))
    if not reached.is_empty():
        start, height = reached.select("x", "auroc").row(0)
        level = 0.5 + KEPT * (score - 0.5)
        ax.plot([start, x], [level, level], ":", color=colour, linewidth=1, zorder=2)
        ax.plot(start, height, "o", markersize=9, markerfacecolor="none", markeredgecolor="black", zorder=4)


def _dense_place(curves: pl.DataFrame) -> float:
    """Return the place of all neurons on the x axis: right of the largest size, however many they are."""
    largest = curves.filter(~pl.col("dense"))["k"].max()
    return (math.log2(largest) if isinstance(largest, int) else 0.0) + GAP


def _places(curves: pl.DataFrame, end: float) -> pl.Series:
    return curves.select(pl.when("dense").then(end).otherwise(pl.col("k").log(2))).to_series()


def _attributes(curves: pl.DataFrame) -> list[str]:
    """Attributes by the best score of a dense observer."""
    best = curves.group_by("attribute", maintain_order=True).agg(
        pl.col("auroc").filter("dense").max().alias("dense"), pl.col("auroc").max().alias("any")
    )
    order = best.sort("dense", "any", descending=True, nulls_last=True, maintain_order=True)
    return order["attribute"].to_list()


def _furnish(axes: Sequence[Axes], curves: pl.DataFrame) -> None:
    """Shared scales: sizes by doublings and the gap before all neurons; AUROC from the lowest that is drawn."""
    sizes = sorted(set(curves.filter(~pl.col("dense"))["k"].to_list()))
    end = _dense_place(curves)
    for ax in axes:
        ax.set_xticks([*np.log2(sizes), end], [*map(str, sizes), "all"])
        ax.set_xlim(min([*np.log2(sizes), end]) - 0.4, end + 0.4)
        style.faint_grid(ax, "0.92")
    scores = (score for column in ("auroc", "control_auroc") for score in curves[column].drop_nulls())
    style.score_axis(axes[0], scores)


def _handles(lines: list[tuple[str, str | None]], curves: pl.DataFrame) -> list[Line2D | Patch]:
    several, names = len({layer for layer, _ in lines}) < len(lines), layer_labels(curves, ", ")
    layers = [
        style.handle(
            f"{names[layer]}, {pooling}" if several else names[layer],
            **style.model_look(index, len(lines)),
            markersize=4,
        )
        for index, (layer, pooling) in enumerate(lines)
    ]
    ring: dict[str, Any] = {
        "linestyle": "",
        "marker": "o",
        "markersize": 9,
        "markerfacecolor": "none",
        "markeredgecolor": "black",
    }
    level = f"that level: .5 + {f'{KEPT:g}'[1:]} (all - .5)"
    return [
        *layers[:MOST_LAYERS_NAMED],
        style.handle(f"fewest neurons that keep {KEPT:.0%} of all (from .5)", **ring),
        style.handle(level, color="black", linestyle=":", linewidth=1),
        *(shuffled_handles("layers") if curves["control_auroc"].is_not_null().any() else []),
    ]


MOST_LAYERS = 6
CAPACITY_COLUMNS = 3

_CAPACITY_TITLE = "How strong an observer an attribute takes"
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
    order, sizes = by_capacity(), pl.when(has_sizes()).then("k")
    leaves_out = has_sizes().not_() | (pl.col("k") < pl.col("n_neurons"))
    cells = cells.filter(pl.col("probe").is_in(order), leaves_out.fill_null(True)).with_columns(
        observer=pl.concat_str("probe", sizes.cast(pl.String), separator=" ", ignore_nulls=True),
        capacity=pl.col("probe").cast(pl.Enum(order)).to_physical().cast(pl.Int64) * (1 << 32) + sizes.fill_null(0),
    )
    shuffled = cells.group_by(_POINT).agg(pl.col("control_auroc").mean())
    points = attribute_lines.over_models(cells, _POINT).join(shuffled, on=_POINT, how="left", nulls_equal=True)
    return (
        points.with_columns(place=pl.col("capacity").rank("dense").cast(pl.Int64) - 1)
        .drop("capacity")
        .sort("depth", "layer", "attribute", "place", nulls_last=True, maintain_order=True)
    )


@style.styled
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
        return style.message("Fewer than two kinds of observer have a score.", _CAPACITY_TITLE)
    panels = points.select("layer", "pooling").unique(maintain_order=True).rows()
    panels = [panels[place] for place in thinned([layer for layer, _ in panels], MOST_LAYERS)]
    attributes = attribute_lines.best_read(points)
    figure, axes, bottom = style.small_multiples(len(panels), CAPACITY_COLUMNS, panel=(3.2, 2.7), margin=(1, 1.9))
    several, names = len({layer for layer, _ in panels}) < len(panels), layer_labels(cells, ", ")
    for ax, (layer, pooling) in zip(axes, panels, strict=True):
        own = points.filter(pl.col("layer") == layer, pl.col("pooling").eq_missing(pl.lit(pooling)))
        attribute_lines.draw_shuffled(own, ax)
        # Each of the others contains the weaker ones; the class means do not, so no line leads through them.
        joined = contains_weaker("observer")
        attribute_lines.draw_attributes(own.filter(joined), attributes, ax)
        attribute_lines.draw_attributes(own.filter(~joined), attributes, ax, joined=False)
        style.panel_title(ax, f"{names[layer]}, {pooling}" if several else names[layer], 3.2)
    observers = points.select("place", "observer").unique().sort("place")
    for ax in bottom:
        style.slanted_ticks(ax, observers["place"].to_list(), observers["observer"].to_list(), len(observers))
        ax.set_xlabel("observer, from weak to strong")
    drawn = points.filter(pl.col("layer").is_in([layer for layer, _ in panels]))
    attribute_lines.score_axis(axes[0], drawn, attributes)
    shuffled = drawn["control_auroc"].is_not_null().any()
    handles = [
        *attribute_lines.attribute_handles(attributes),
        *(attribute_lines.shuffled_handles("attributes") if shuffled else []),
    ]
    heading, note = f"{_CAPACITY_TITLE}: {network_names(cells)}", attribute_lines.interval_words(points)
    return style.finish(figure, heading, handles, f"{note[0].upper()}{note[1:]}.")
