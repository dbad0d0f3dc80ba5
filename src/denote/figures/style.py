"""Colours, marks and lines of figures, and a scale for signed values."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import polars as pl
from jaxtyping import Bool, Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import QuadMesh
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

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


def headline(figure: Figure, text: str, size: float = 11) -> None:
    """A title over the whole figure, at its left; lines that are wider than the figure are wrapped."""
    figure.suptitle(wrapped(text, 0.97 * figure.get_figwidth(), size), fontsize=size, x=0.01, ha="left")


def legend_below(figure: Figure, handles: Sequence[Artist]) -> None:
    """A legend below the panels in as many columns as fit; labels that are wider than the figure are wrapped."""
    size, width = STYLE["legend.fontsize"], figure.get_figwidth()
    for handle in handles:
        handle.set_label(wrapped(str(handle.get_label()), width - HANDLE, size))
    longest = max((len(line) for each in handles for line in str(each.get_label()).split("\n")), default=1)
    columns = int(width / (HANDLE + LETTER * size * longest))
    figure.legend(handles=list(handles), loc="outside lower left", ncols=max(1, min(columns, len(handles))))


def finish(figure: Figure, heading: str, handles: Sequence[Artist] | None = None) -> Figure:
    """Return a figure with its headline and, where there are handles, the legend below."""
    headline(figure, heading)
    if handles is not None:
        legend_below(figure, handles)
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
    return name if len(name) <= most else f"{name[: most - 2]}…"


def faint_grid(ax: Axes, shade: str = "0.9", axis: Literal["x", "y", "both"] = "y") -> None:
    """Draw a grid behind everything else."""
    ax.grid(axis=axis, color=shade, linewidth=0.6, zorder=0)
    ax.set_axisbelow(True)


def slanted_ticks(ax: Axes, places: Sequence[float], names: Sequence[str], most: int) -> None:
    """Name places of the x axis, at most so many of them."""
    kept = thinned(names, most)
    ax.set_xticks([places[i] for i in kept], [names[i] for i in kept], rotation=40, ha="right", rotation_mode="anchor")


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
        axes: Those that make room for it.
        **look: Arguments of `Figure.colorbar`.
    """
    first = axes if isinstance(axes, Axes) else np.ravel(axes)[0]
    bar = first.figure.colorbar(image, ax=axes, label=label, **look)
    bar.outline.set_visible(False)
    return bar


def spread(n: int) -> Float[np.ndarray, " point"]:
    """``n`` offsets in (-.5, .5) that look random, fill evenly and are always the same (golden-ratio sequence)."""
    return (np.arange(1, n + 1) * 0.6180339887498949) % 1.0 - 0.5


def message(text: str, title: str) -> Figure:
    """A figure that says in words why there is nothing to draw."""
    figure = new_figure(7, 2.5)
    ax = figure.subplots()
    ax.set_axis_off()
    ax.set_title(title)
    ax.text(0.5, 0.5, text, ha="center", va="center", wrap=True, transform=ax.transAxes)
    return figure


# Blue against orange is told apart by every kind of colour vision. In a grey print the two ends look alike: they then
# read as "much relevance", and the sign is lost; zero stays the lightest shade. What is no neuron is hatched, since any
# grey of its own would be that of some relevance.
_ENDS = ["#0b3c78", "#5b9bd5", "#f7f7f7", "#e8913c", "#8a3c00"]
SIGNED = LinearSegmentedColormap.from_list("relevance", _ENDS).with_extremes(bad="none")

EDGE = 0.25
"""Where on the colour scale the band ends: the palest colour outside is told from the neutral shade at a glance."""

_SCALE = np.linspace(-1, 1, 256)
BANDED = ListedColormap(SIGNED(np.where(np.abs(_SCALE) < EDGE, 0.5, (_SCALE + 1) / 2)))
"""`SIGNED` with nothing to see inside the band: the scale of panels that have one."""


def outside_band(relevance: Float[np.ndarray, "*neuron"], band: float | None) -> Bool[np.ndarray, "*neuron"]:
    """Return which neurons weigh more than the band of shuffled labels; none where no band is known."""
    if band is None:
        return np.zeros(relevance.shape, dtype=bool)
    outside: np.ndarray = np.abs(relevance) > band
    return outside


def shades(relevance: Float[np.ndarray, " neuron"], band: float | None) -> Float[np.ndarray, " neuron"]:
    """Places on the colour scale from -1 to 1: 0 inside the band, from `EDGE` at its end to 1 at the largest.

    Without a band the scale is relevance / largest.
    """
    magnitude = np.where(np.isfinite(relevance), np.abs(relevance), np.nan)
    top = largest(relevance)
    if band is None:
        return np.where(np.isfinite(relevance), relevance, np.nan) / (top or 1.0)
    beyond = np.clip((magnitude - band) / ((top - band) or 1.0), 0, 1)
    shade = np.where(outside_band(relevance, band), EDGE + (1 - EDGE) * beyond, 0.0)
    signed: np.ndarray = np.where(np.isfinite(magnitude), shade * np.sign(relevance), np.nan)
    return signed


def largest(relevance: Float[np.ndarray, " neuron"]) -> float:
    """Largest magnitude of what is finite; 0 where nothing is."""
    return float(np.abs(relevance[np.isfinite(relevance)]).max(initial=0.0))
