"""One look for every figure: fonts, sizes, and colours that colour-blind readers and grey prints can tell apart."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so a figure looks the same on every machine
    "font.size": 9,
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

MARKERS = "os^Dv<>Ph*Xd"


LETTER = 0.0079
"""Width of a letter in inches, as a share of the font's size in points, a little more than the mean."""

HANDLE = 0.65
"""Width of a legend's handle and of the space to the next column, in inches."""


@dataclass(frozen=True)
class Line:
    """How a summary over object models is drawn; each differs in shade *and* in dash and marker."""

    colour: str
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


def axes_for(ax: Axes | None, width: float, height: float) -> Axes:
    """The axes given, or those of a new figure."""
    return new_figure(width, height).subplots() if ax is None else ax


def model_colour(index: int, n_models: int) -> tuple[float, float, float, float]:
    """Colour of the ``index``-th object model: evenly spaced in lightness, so that order survives in grey."""
    red, green, blue, alpha = mpl.colormaps["viridis"](0.05 + 0.8 * index / max(n_models - 1, 1))
    return red, green, blue, alpha


def model_marker(index: int) -> str:
    """Marker of the ``index``-th object model."""
    return MARKERS[index % len(MARKERS)]


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
