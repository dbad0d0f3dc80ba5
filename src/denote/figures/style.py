"""Colours, marks and lines of figures."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch

from denote.figures.curves import finite, thinned

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so a figure looks the same on every machine
    "font.size": 9,
    "text.hinting": "none",  # letters keep their shapes, and a seventh of the time of drawing is saved
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "hatch.color": "0.65",
    "hatch.linewidth": 0.6,
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "svg.hashsalt": "denote",  # ids in SVG files are otherwise random
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # TrueType: publishers refuse the bitmaps and outlines of Type 3
    "text.parse_math": False,  # a `$` in an attribute's name is a dollar sign
}

styled = mpl.rc_context(STYLE)
"""Decorator: draw under the style and restore the caller's settings afterwards."""

MANY = 5_000
"""Cells or points above which they become pixels also in SVG (a 128 x 784 heat map is 19 MB otherwise)."""

MOST_LAYERS_NAMED = 12
"""Layers in a legend."""

MARKERS = "os^Dv<>Ph*Xd"


LETTER = 0.0079
"""Width of a letter in inches, as a share of the font's size in points, a little more than the mean."""

HANDLE = 0.65
"""Width of a legend's handle and of the space to the next column, in inches."""


@dataclass(frozen=True)
class Line:
    """Look of a summary over object models; each differs in shade *and* in dash and marker."""

    colour: str | tuple[float, float, float, float]
    dash: Literal["-", "--", "-.", ":"]
    marker: str
    label: str


INTERVAL = ", 95 % t-interval"
TRAINED = Line("#000000", "-", "o", f"mean over object models{INTERVAL}")
UNTRAINED = Line("#8c8c8c", "--", "s", f"untrained control{INTERVAL}")
ROTATED = Line("#d55e00", "-.", "^", f"rotated control (random directions){INTERVAL}")
ACTIVE = Line("#0072b2", "--", "D", "share active (> 0), where the sign means something")
UNCONDITIONAL = Line("#b0b0b0", ":", ".", "every live neuron's best property")


KEPT = "_kept"
"""Label of an artist that keeps its colour on a dark ground, as it lies on a cell; legends leave it out."""


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, that pyplot does not know of and that needs no closing."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def wrapped(text: str, inches: float, size: float) -> str:
    """Text whose lines are at most so wide at a font size; a name with hyphens stays whole."""
    letters = max(1, int(inches / (LETTER * size)))
    lines = [part for line in text.split("\n") for part in textwrap.wrap(line, letters, break_on_hyphens=False) or [""]]
    return "\n".join(lines)


def fitting(text: str, inches: float, size: float) -> str:
    """One line of a text; one that is wider than so many inches at a font size is shortened, visibly."""
    return cut(" ".join(text.splitlines()), max(2, int(inches / (LETTER * size))))


def headline(figure: Figure, text: str, size: float = 11) -> None:
    """A title of one line over the whole figure, at its left; one that is wider than the figure is shortened."""
    figure.suptitle(fitting(text, 0.97 * figure.get_figwidth(), size), fontsize=size, x=0.01, ha="left")


def panel_title(ax: Axes, text: str, inches: float) -> None:
    """The title of a panel in one line; one that is wider than so many inches is shortened."""
    ax.set_title(fitting(text, inches, 1.1 * STYLE["axes.titlesize"]))  # bold letters are a tenth wider


def legend_below(figure: Figure, handles: Sequence[Artist], note: str = "") -> int:
    """A legend below the panels in as many columns as fit; labels that are wider than the figure are wrapped.

    Args:
        figure: The figure.
        handles: Of the legend, none for a note alone.
        note: Small words above them: what a reader needs and a title has no room for.

    Returns:
        How many lines the labels take.
    """
    size, width = STYLE["legend.fontsize"], figure.get_figwidth()
    for handle in handles:
        handle.set_label(wrapped(str(handle.get_label()), width - HANDLE, size))
    longest = max((len(line) for each in handles for line in str(each.get_label()).split("\n")), default=1)
    columns = max(1, min(int(width / (HANDLE + LETTER * size * longest)), len(handles)))
    look: dict[str, Any] = {"loc": "outside lower left", "ncols": columns}
    if note:
        look |= {"title": wrapped(note, 0.96 * width, size), "title_fontsize": size, "alignment": "left"}
    legend = figure.legend(handles=list(handles), **look)
    legend.get_title().set(color="0.35", multialignment="left")
    return ceil(sum(str(handle.get_label()).count("\n") + 1 for handle in handles) / columns)


def finish(figure: Figure, heading: str, handles: Sequence[Artist] | None = None, note: str = "") -> Figure:
    """Return a figure with its headline and, where there are any, the legend and a note below."""
    headline(figure, heading)
    if handles or note:
        legend_below(figure, handles or (), note)
    return figure


def handle(label: str, **look: Any) -> Line2D:
    """Return a line of a legend."""
    return Line2D([], [], label=label, **look)


def line_handle(line: Line, **look: Any) -> Line2D:
    """Return the legend's line for a summary."""
    return handle(**{"label": line.label, "color": line.colour, "linestyle": line.dash, "marker": line.marker, **look})


def layer_handles(layers: Sequence[str], heads: Sequence[str], markersize: float) -> list[Line2D]:
    """Return the legend of a line per layer, of many layers some; that of a head is dashed."""
    return [
        handle(layers[i], **layer_look(layers, i, heads), markersize=markersize)
        for i in thinned(layers, MOST_LAYERS_NAMED)
    ]


def cut(name: str, most: int = 40) -> str:
    """Shorten a name that is longer than ``most`` letters."""
    return name if len(name) <= most else f"{name[: most - 2].rstrip()}…"


def faint_grid(ax: Axes, shade: str = "0.9", axis: Literal["x", "y", "both"] = "y") -> None:
    """Draw a grid behind everything else."""
    ax.grid(axis=axis, color=shade, linewidth=0.6, zorder=0)
    ax.set_axisbelow(True)


def slanted_ticks(ax: Axes, places: Sequence[float], names: Sequence[str], most: int) -> None:
    """Name places of the x axis, at most so many of them."""
    kept = thinned(names, most)
    ax.set_xticks([places[i] for i in kept], [names[i] for i in kept], rotation=40, ha="right", rotation_mode="anchor")


def score_axis(ax: Axes, scores: Iterable[float], *, padding: float = 0.03) -> None:
    """Let the axis of scores of [0, 1] start where data is, and end at 1.

    Args:
        ax: One of the panels that share the axis.
        scores: All that is drawn, ends of intervals among them; what is not finite does not count.
        padding: Share of the range that is left free on both sides.
    """
    finite_scores = [score for score in scores if np.isfinite(score)]
    lowest = min(finite_scores, default=0.5)
    ax.set_ylim(lowest - padding * (1 - lowest) - 1e-3, 1 + padding * (1 - lowest) + 1e-3)


def small_multiples(
    n: int, across: int, panel: tuple[float, float], margin: tuple[float, float], least_width: float = 6.5
) -> tuple[Figure, list[Axes], list[Axes]]:
    """Make a figure of panels of held-out AUROC that share both axes, row by row.

    Args:
        n: How many panels.
        across: How many stand side by side at most.
        panel: Width and height of one, in inches.
        margin: Width and height of what stands around them.
        least_width: Of the figure.

    Returns:
        The figure, its panels, and those of them below which nothing is drawn.
    """
    columns = min(across, n)
    rows = ceil(n / columns)
    figure = new_figure(max(least_width, margin[0] + panel[0] * columns), margin[1] + panel[1] * rows)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel().tolist()
    panels, bottom = axes[:n], axes[n - columns : n]
    for ax in axes[n:]:
        ax.set_axis_off()
    for ax in bottom:
        ax.tick_params(labelbottom=True)
    for ax in axes[::columns]:
        ax.set_ylabel("held-out AUROC")
    return figure, panels, bottom


def model_colour(index: int, n_models: int) -> tuple[float, float, float, float]:
    """Colour of the ``index``-th object model: evenly spaced in lightness, so that order survives in grey."""
    red, green, blue, alpha = mpl.colormaps["viridis"](0.05 + 0.8 * index / max(n_models - 1, 1))
    return red, green, blue, alpha


def model_marker(index: int) -> str:
    """Marker of the ``index``-th object model."""
    return MARKERS[index % len(MARKERS)]


def model_look(index: int, n_models: int) -> dict[str, Any]:
    """Return colour and marker of the ``index``-th object model, as arguments of what draws it."""
    return {"color": model_colour(index, n_models), "marker": model_marker(index)}


def layer_look(layers: Sequence[str], index: int, heads: Sequence[str]) -> dict[str, Any]:
    """Return colour, marker and dash of the line of a layer, as arguments of what draws it; a head is dashed."""
    return {**model_look(index, len(layers)), "linestyle": "--" if layers[index] in heads else "-"}


def plot_line(
    ax: Axes, x: Float[np.ndarray, " point"], y: Float[np.ndarray, " point"], line: Line, **look: Any
) -> None:
    """Draw a summary, its markers edged in white; ``look`` replaces what every line has."""
    usual = {"linestyle": line.dash, "color": line.colour, "marker": line.marker, "markersize": 4.5}
    ax.plot(x, y, **{**usual, "markeredgecolor": "white", "markeredgewidth": 0.6, **look})


def heat_map(ax: Axes, values: Float[np.ndarray, "row column"], **look: Any) -> QuadMesh:
    """Draw a matrix as cells, the first row on top, without ticks, frame and colour bar; what is not finite is open.

    Args:
        ax: Where to draw; the centre of the first cell is at (0.5, 0.5).
        values: The numbers.
        **look: Arguments of `seaborn.heatmap`.
    """
    import seaborn  # a second, which figures without a heat map need not wait for

    bare = {"linewidths": 0, "cbar": False, "xticklabels": False, "yticklabels": False}
    seaborn.heatmap(values, ax=ax, mask=np.isnan(values), **{**bare, **look})
    mesh = ax.collections[0]
    assert isinstance(mesh, QuadMesh)  # noqa: S101  (for the type checker)
    return mesh


def interval_bars(
    ax: Axes, x: Float[np.ndarray, " point"], rows: pl.DataFrame, columns: Sequence[str], **look: Any
) -> None:
    """Draw a bar from the lower to the upper end of each interval.

    Args:
        ax: Where to draw.
        x: Place of each row on the x axis.
        rows: Rows with the columns.
        columns: Of the value, of the lower and of the upper end; where an end is null nothing is drawn on its side.
        **look: Arguments of `Axes.errorbar`.
    """
    y, low, high = (finite(rows, column) for column in columns)
    ends = np.nan_to_num(np.abs(np.stack([low, high]) - y))
    ax.errorbar(x, y, ends, fmt="none", capsize=3, zorder=3, **look)


def colour_bar(image: ScalarMappable, label: str, axes: Any, **look: Any) -> Colorbar:
    """Add a colour bar without an outline.

    Args:
        image: What it explains.
        label: Of the bar; empty for none.
        axes: Those that make room for it; None where ``cax`` says where it stands.
        **look: Arguments of `Figure.colorbar`.
    """
    first = axes if isinstance(axes, Axes) else np.ravel(axes)[0] if axes is not None else look["cax"]
    bar = first.figure.colorbar(image, ax=axes, label=label, **look)
    bar.outline.set_visible(False)
    for end in bar.ax.findobj(PathPatch):  # arrow heads have colours of the map
        end.set_label(KEPT)
    return bar


def spread(n: int) -> Float[np.ndarray, " point"]:
    """``n`` offsets in (-.5, .5) that look random, fill evenly and are always the same (golden-ratio sequence)."""
    return (np.arange(1, n + 1) * 0.6180339887498949) % 1.0 - 0.5


def message(text: str, title: str) -> Figure:
    """A figure that says in words why there is nothing to draw."""
    figure = new_figure(7, 2.5)
    ax = figure.subplots()
    ax.set_axis_off()
    panel_title(ax, title, 7)
    ax.text(0.5, 0.5, text, ha="center", va="center", wrap=True, transform=ax.transAxes)
    return figure
