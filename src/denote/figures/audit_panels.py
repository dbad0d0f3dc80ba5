"""AUROC of each attribute by layer, beside that of the raw input and of an untrained network."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from denote.evidence.rule import LESS, MORE
from denote.figures import style
from denote.figures.curves import layer_labels, mean_over
from denote.figures.style import ROTATED, TRAINED, UNTRAINED, handle
from denote.numbers import count, proportion

MOST_PANELS = 12
ACROSS = 3
WIDTH = 2.6
MARKS = {MORE: "^", LESS: "v"}
"""Marker of a layer whose interval of the difference leaves out 0; others have a small dot."""


@style.styled
def draw_audit(table: pl.DataFrame) -> Figure:
    """One panel per attribute: AUROC by layer with its interval, the raw input as a line across, untrained dashed.

    Args:
        table: Rows of ``audit.parquet`` of one network and probe. Attributes with a verdict at any layer come first,
            the largest difference before others, then those that the raw input gives most; of many attributes the
            first `MOST_PANELS` are drawn.
    """
    table = table.filter(pl.col("input_auroc").is_not_null())
    if table.is_empty():
        return style.message("No attribute could be compared with the raw input.", "Beside the raw input")
    every = audit_order(table)
    shown = every["attribute"].to_list()[:MOST_PANELS]
    figure, axes, _ = style.small_multiples(len(shown), ACROSS, panel=(WIDTH, 2.0), margin=(1.0, 1.9), least_width=6.0)
    width = figure.get_figwidth() / min(ACROSS, len(shown)) - 0.5
    layers = table.select("layer", "depth").unique().sort("depth", nulls_last=True)["layer"].to_list()
    for ax, attribute in zip(axes, shown, strict=True):
        own = table.filter(pl.col("attribute") == attribute)
        draw_attribute(own, layers, ax)
        share = f" · p {proportion(own['label_proportion'][0])}"
        style.panel_title(ax, style.cut(attribute, int(width / 0.087) - len(share)) + share, width)
    drawn = table.filter(pl.col("attribute").is_in(shown))
    scores = ("auroc", "auroc_low", "input_auroc", "untrained_auroc")
    style.score_axis(axes[0], (score for name in scores for score in drawn[name].drop_nulls()))
    return style.finish(figure, _heading(table), _handles(drawn), _note(table, every[MOST_PANELS:]))


def audit_order(table: pl.DataFrame) -> pl.DataFrame:
    """Attributes in the order they are drawn: ``attribute decided``, those with a verdict at any layer first."""
    decided = pl.col("verdict").is_in([MORE, LESS]).fill_null(value=False)
    every = table.group_by("attribute", maintain_order=True).agg(
        decided.any().alias("decided"),
        pl.col("input_gain").filter(decided).abs().max().alias("largest"),
        pl.col("input_auroc").mean(),
    )
    order = ("decided", "largest", "input_auroc")
    return every.sort(order, descending=True, nulls_last=True, maintain_order=True).select("attribute", "decided")


def draw_attribute(own: pl.DataFrame, layers: list[str], ax: Axes) -> Axes:
    """The layers of one attribute.

    Args:
        own: Rows of ``audit.parquet`` of one attribute.
        layers: Names along the x axis.
        ax: Where to draw.

    Returns:
        The axes drawn on.
    """
    place = np.array([layers.index(name) for name in own["layer"]])
    columns = ("auroc", "auroc_low", "auroc_high", "untrained_auroc")
    auroc, low, high, untrained = (own[name].cast(float).to_numpy() for name in columns)
    ax.axhline(float(own["input_auroc"][0]), color=ROTATED.colour, linestyle=ROTATED.dash, linewidth=1.4, zorder=1)
    ax.plot(place, untrained, linestyle="--", color=UNTRAINED.colour, linewidth=1.2, zorder=2)
    ax.plot(place, auroc, color=TRAINED.colour, linewidth=1.3, zorder=3)
    ax.vlines(place, low, high, color=TRAINED.colour, linewidth=1, zorder=3)
    marks = np.array([MARKS.get(verdict, ".") for verdict in own["verdict"]])
    for mark in dict.fromkeys(marks.tolist()):
        ax.plot(place[marks == mark], auroc[marks == mark], mark, color=TRAINED.colour, markersize=6, zorder=4)
    names = layer_labels(own)
    style.slanted_ticks(ax, range(len(layers)), [names.get(layer, layer) for layer in layers], 8)
    style.faint_grid(ax, "0.92")
    return ax


def _heading(table: pl.DataFrame) -> str:
    dataset, architecture = (table[name][0] for name in ("dataset", "architecture"))
    return f"What is left of each attribute: {dataset}, {architecture}, {mean_over(table['n_models'])}"


def _note(table: pl.DataFrame, left_out: pl.DataFrame) -> str:
    note = (
        f"Observers: {table['probe'][0]}. p: label proportion. The axis starts at the lowest score drawn; chance is .5."
    )
    if left_out.is_empty():
        return note
    decided = int(left_out["decided"].sum())
    which = f"{decided} of them decided" if decided else "all of them undecided at every layer"
    return f"{note} {count(len(left_out), 'more attribute')} not drawn, {which}."


def _handles(drawn: pl.DataFrame) -> list[Line2D]:
    """The legend of what is drawn."""
    black, verdicts = {"color": TRAINED.colour}, set(drawn["verdict"])
    known = [
        (True, handle("layer; bars: 95 %, over test rows and models", **black, marker=".", linewidth=1.3)),
        (MORE in verdicts, handle("more than the input", **black, marker="^", linestyle="")),
        (LESS in verdicts, handle("less than the input", **black, marker="v", linestyle="")),
        (True, handle("raw input", color=ROTATED.colour, linestyle=ROTATED.dash)),
        (
            bool(drawn["untrained_auroc"].is_not_null().any()),
            handle("untrained network", color=UNTRAINED.colour, linestyle="--"),
        ),
    ]
    return [line for there, line in known if there]
