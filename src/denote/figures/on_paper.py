"""Figures at the width of a paper's column: the panels of the report's figures, in letters of 7 to 8 points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

from denote.denotation.depth import plan
from denote.figures import style
from denote.figures.attribute_by_depth import defined_panels, draw_probe, mark_handles, ordered_rows
from denote.figures.canvas import Canvas, depth_canvas
from denote.figures.curves import Curve, drawn_cells, layer_labels, profiles
from denote.figures.depth_parts import LINES, draw_contrasts, draw_difference, draw_levels
from denote.figures.label_proportion import absent_panels, draw_panels, line_handles
from denote.figures.style import ROTATED, TRAINED, UNTRAINED
from denote.observers.kinds import reads_state

SIZE, SMALL = 7.5, 7
"""Points of letters: of titles, and of all others."""

on_paper = mpl.rc_context(
    {
        **style.STYLE,
        "font.size": SMALL,
        "axes.titlesize": SIZE,
        "axes.labelsize": SMALL,
        "legend.fontsize": SMALL,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
    }
)
"""Decorator: draw in small letters and restore the caller's settings afterwards."""

SIDE, WIDE_SIDE = 1.55, 2.9
"""Least width in inches of a panel of lines, and of one with names at its left."""
HEIGHT, WIDE_HEIGHT = 1.0, 1.7
"""Height of their axes in inches."""
AROUND, BELOW = 0.35, 1.6
"""Inches that the words of a row of panels take, and the names of layers and a short legend below all."""
NAMED, LEGEND_LINE = 0.55, 0.15
"""Inches of the names of layers, and of a line of a long legend."""
MARGIN = 0.6
"""Inches of a panel's width that its scale takes."""
TICK = 0.14
"""Inches between names of layers."""
FINER = 0.65
"""Lines and marks, as a share of those in a report."""
ROW, MOST_ROWS = 0.155, 30
"""Inches of a row of a heat map, and how many there are at most in panels below each other."""
DOT = 3
"""Points of a dot in a legend."""
MOST_ATTRIBUTES, MOST_LETTERS = 20, 18
"""Of a heat map, and letters of their names."""
DEPTH = "layer, by depth"
TITLES = {
    "a": ("Label proportion p", "share of test rows"),
    "b": ("Folded: min(p, 1 - p)", "share of test rows"),
    "c": ("Folded minus random directions", "difference"),
    "d": ("On-proportion of live neurons", "share of test rows"),
    "e": ("Share that denotes", "share of live neurons"),
    "f": ("Majority side, p > .5", "share of denoting"),
}
"""By panel its title and its y axis, in fewer words than a report has."""


MEAN, ALONE = "mean over networks", "the network: mean over its neurons"
"""What the line of trained networks is, of several and of one."""
NAMES = {TRAINED: MEAN, UNTRAINED: "untrained networks", ROTATED: "random directions"}
"""Summaries under other names than in a report."""


def panels_of(
    neurons: pl.DataFrame, by_depth: pl.DataFrame, by_model: pl.DataFrame, curve: Curve
) -> tuple[str, dict[str, str]]:
    """Return the letters of the panels that `draw_label_proportion` draws, and why it draws no others.

    Args:
        neurons: As there.
        by_depth: As there.
        by_model: As there.
        curve: As there.
    """
    canvas, rows = _canvas(neurons, by_depth, curve)
    absent = absent_panels(canvas, rows, curve.of(by_model))
    return "".join(letter for letter in TITLES if letter not in absent), absent


def _canvas(neurons: pl.DataFrame, by_depth: pl.DataFrame, curve: Curve) -> tuple[Canvas, pl.DataFrame]:
    """Return the axis of layers of a curve, and its neurons that have a depth."""
    own = curve.of(by_depth).with_columns(active_share_mean=pl.when("sign_identified").then("active_share_mean"))
    rows = curve.of(neurons).filter(pl.col("depth").is_not_null())
    return depth_canvas(own, rows), rows


@on_paper
def draw_label_proportion(
    neurons: pl.DataFrame, by_depth: pl.DataFrame, by_model: pl.DataFrame, curve: Curve, width: float
) -> Figure:
    """Draw label proportion by depth and what must be seen beside it, with the panels and letters of the report.

    Args:
        neurons: Rows of ``neurons.parquet``.
        by_depth: Rows of ``label_proportion_by_depth.parquet``.
        by_model: Rows of ``label_proportion_by_model.parquet``.
        curve: Which curve of them; something denotes along it.
        width: Of the figure, in inches.
    """
    canvas, rows = _canvas(neurons, by_depth, curve)
    letters, _ = panels_of(neurons, by_depth, by_model, curve)
    figure, panels, columns = _panels(len(letters), width, SIDE, HEIGHT)
    axes = dict(zip(letters, panels, strict=True))
    draw_panels(canvas, axes, rows)
    if "c" in axes:
        draw_difference(axes["c"], canvas, curve.of(by_model))
    _share_layers(canvas, panels, columns, width)
    for letter, ax in axes.items():
        title, ylabel = TITLES[letter]
        ax.set(title=_fitting(f"{letter}  {title}", width / columns), ylabel=ylabel)
        _refine(ax)
    handles = [*_named(line_handles(canvas, panels), canvas), *_dot_handles(canvas, axes)]
    lines = style.legend_below(figure, handles)
    figure.set_figheight(ceil(len(panels) / columns) * (HEIGHT + AROUND) + NAMED + LEGEND_LINE * lines)
    return figure


def _named(handles: Sequence[Artist], canvas: Canvas) -> Sequence[Artist]:
    """Call lines by the words of a paper: intervals stand in the caption, and one network has no mean over networks."""
    names = {line.label.removesuffix(style.INTERVAL): name for line, name in NAMES.items()}
    if len(canvas.models) == 1:
        names[TRAINED.label.removesuffix(style.INTERVAL)] = ALONE
    for handle in handles:
        label = str(handle.get_label()).removesuffix(style.INTERVAL)
        handle.set_label(names.get(label, label))
    return handles


def _dot_handles(canvas: Canvas, axes: Mapping[str, Axes]) -> list[Artist]:
    """Return the legend of dots, of the thin lines of (c) and of its arrow heads, whose words have no room in it."""
    n, middle = len(canvas.models), (len(canvas.models) - 1) // 2
    look = style.model_look(middle, n)
    handles: list[Artist] = []
    if any(isinstance(drawn, PathCollection) for letter in axes if letter != "c" for drawn in axes[letter].collections):
        of = "; colour and mark: its network" if n > 1 else ""
        handles.append(style.handle(f"one neuron{of}", linestyle="", markersize=DOT, **look))
    if "c" in axes and n > 1:
        handles.append(style.handle("one network, in c", linewidth=0.7, markersize=DOT, **look))
    for words in list(axes["c"].texts) if "c" in axes else []:
        words.remove()
        head = {"color": TRAINED.colour, "linestyle": "", "marker": "^", "markersize": 4}
        handles.append(style.handle("the interval goes on beyond c", **head))
    return handles


def _panels(n: int, width: float, side: float, height: float) -> tuple[Figure, list[Axes], int]:
    """Make a figure with panels in rows of the same length, as many side by side as fit; return that number, too."""
    rows = ceil(n / max(1, int(width / side)))
    columns = ceil(n / rows)
    figure = style.new_figure(width, rows * (height + AROUND) + BELOW)
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for ax in axes[n:]:
        ax.set_axis_off()
    return figure, axes[:n], columns


def _share_layers(canvas: Canvas, panels: Sequence[Axes], columns: int, width: float) -> None:
    """Let all panels show the same layers, named below the lowest of each column."""
    names = layer_labels(canvas.curve, most=14)
    layers, x = canvas.curve["layer"].to_list(), canvas.curve["x"].to_list()
    for ax in panels:
        ax.set_xlim(min(x) - 0.7 * canvas.slot, max(x) + 0.7 * canvas.slot)
        style.slanted_ticks(ax, x, [names[layer] for layer in layers], max(2, int((width / columns - MARGIN) / TICK)))
        ax.set_xlabel(DEPTH)
    for ax in panels[:-columns]:
        ax.set_xlabel("")
        ax.tick_params(labelbottom=False)


def _fitting(title: str, width: float) -> str:
    """Break the title of a panel that is so many inches wide."""
    return style.wrapped(title, width - MARGIN, 1.1 * SIZE)


def _refine(ax: Axes) -> None:
    """Draw lines, marks and dots finer, as there is less room for them."""
    for line in ax.lines:
        line.set(linewidth=FINER * line.get_linewidth(), markersize=FINER * line.get_markersize())
    for dots in ax.collections:
        if isinstance(dots, PathCollection):
            dots.set_sizes(FINER**2 * dots.get_sizes())
        elif isinstance(dots, LineCollection):
            dots.set_linewidth([FINER * width for width in np.atleast_1d(dots.get_linewidth())])


@on_paper
def draw_parts(parts: pl.DataFrame, curve: Curve, width: float) -> Figure:
    """Draw what the course over depth is made of, and how its parts change.

    Args:
        parts: Rows of ``depth_parts.parquet``.
        curve: Which curve of them; its parts are known.
        width: Of the figure, in inches.
    """
    known = curve.of(parts).filter(pl.col("part").is_not_null())
    figure, panels, columns = _panels(2, width, WIDE_SIDE, WIDE_HEIGHT)
    levels, contrasts = panels
    draw_levels(levels, known.filter(pl.col("shape") == plan.LEVEL))
    draw_contrasts(contrasts, known)
    levels.set_xlabel(DEPTH)
    ticks = [label.get_text() for label in contrasts.get_xticklabels()]
    inches = (width / columns - MARGIN) / len(ticks)
    contrasts.set_xticks(contrasts.get_xticks(), [style.wrapped(tick, 0.9 * inches, SMALL) for tick in ticks])
    for number in contrasts.texts:
        number.set_fontsize(SMALL)
    for ax in panels:
        ax.set(title=_fitting(ax.get_title(loc="left"), width / columns), ylabel="share of test rows")
        _refine(ax)
    style.legend_below(figure, [style.line_handle(line) for line in LINES.values()])
    return figure


@on_paper
def draw_attributes(cells: pl.DataFrame, first: pl.DataFrame, width: float) -> Figure:
    """Draw heat maps of held-out AUROC, one panel per probe, as wide as a column or side by side.

    Args:
        cells: Rows of ``cells.parquet`` of one dataset and architecture that have a depth; of several epochs the last
            is drawn.
        first: Rows of ``first_decisive.parquet``, which give the order.
        width: Of the figure, in inches.
    """
    profile = profiles(drawn_cells(cells).filter(reads_state()))
    probes, _ = defined_panels(profile)
    below_each_other = ceil(len(probes) / max(1, int(width / WIDE_SIDE)))
    rows, _ = ordered_rows(profile, first, max(3, min(MOST_ROWS // below_each_other, MOST_ATTRIBUTES)))
    height = ROW * max(len(rows), 3)
    figure, panels, columns = _panels(len(probes), width, WIDE_SIDE, height)
    for number, (ax, (probe, k)) in enumerate(zip(panels, probes, strict=True)):
        own = profile.filter(pl.col("probe") == probe, pl.col("k").eq_missing(pl.lit(k, pl.Int64)))
        draw_probe(own, rows, ax=ax, colour_bar=False, annotate=False, letters=MOST_LETTERS)
        ax.set_title(probe if k is None else f"{probe}, at most {k} neurons")
        ax.set_xlabel("")
        if number % columns:
            ax.tick_params(labelleft=False)
        if number + columns < len(probes):
            ax.tick_params(labelbottom=False)
    mesh = panels[0].collections[0]
    look = {"extend": "min", "location": "bottom", "fraction": 0.05, "shrink": 0.7, "aspect": 40}
    style.colour_bar(mesh, "held-out AUROC", np.array(panels), **look)
    several = profile.select(pl.col("n_models").max() > 1).item()
    if handles := mark_handles(panels, "network" if several else ""):
        style.legend_below(figure, handles)
    return figure
