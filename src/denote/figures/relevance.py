"""Draw what observers rely on, neuron by neuron, with the number of every unit that matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod, sqrt
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from denote.figures import signed, style
from denote.figures.curves import thinned

INPUT = "input"
MOST_IN_COLUMN = 10
STRIP_ASPECT = 12
WIDTH = 6.5
"""Inches that a picture may be wide."""

TOP, FOOT, LEFT, RIGHT, COLUMN = 0.42, 0.32, 0.42, 1.75, WIDTH + 0.9
"""Inches of the title, of the note below, beside the panels, of the colour bar, and from one column to the next."""

HEADER, BELOW = 0.26, 0.26
"""Inches above and below a picture."""

LEAST_CELL = 0.15
"""Inches of a cell, or of a channel's map, from which on its number fits."""

LEAST_ROW = 0.12
"""Inches from one numbered row to the next."""

MOST_TICKS = 9
_NUMBERS = "Numbers are indices of units in their layer, from 0; rows go on from left to right."
_CHANNELS = "Numbers are indices of channels, from 0, each a map."


@dataclass(frozen=True)
class Panel:
    """What one layer's observer relies on.

    Attributes:
        layer: Its name, and in ``title`` with the class of its module.
        relevance: Of every neuron, signed; not finite = left out.
        grid: Shape of the neuron axis, see `draw_relevance`.
        band: End of the band of shuffled labels, or None where none is known.
        shared: The largest magnitude of all layers where they share a scale, else None.
    """

    layer: str
    relevance: Float[np.ndarray, " neuron"]
    grid: tuple[int, ...]
    band: float | None
    shared: float | None
    module_class: str | None = None

    @property
    def title(self) -> str:
        """The name of the layer as far as it fits."""
        return style.cut(self.layer, 36)

    @property
    def shades(self) -> Float[np.ndarray, " neuron"]:
        """Places on the colour scale."""
        return signed.shades(self.relevance, self.band, self.shared)

    @property
    def picture(self) -> Float[np.ndarray, "row column"]:
        """The places as an image."""
        return picture(self.shades, self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """The grid; a single map is a plane."""
        return self.grid[1:] if len(self.grid) == 3 and self.grid[0] == 1 else self.grid

    @property
    def reading(self) -> str:
        """Class of the module, how many neurons lie outside the band, and the largest value with its unit."""
        top, n = signed.largest(self.relevance), int(np.isfinite(self.relevance).sum())
        scale = f"largest {self._largest()}" if top > 0 else "all zero or undefined"
        inside = (
            "no shuffled band"
            if self.band is None
            else f"{signed.outside_band(self.relevance, self.band).sum()} of {n} outside the band (±{self.band:.3g})"
        )
        return "; ".join(part for part in (self.module_class, inside, scale) if part)

    def _largest(self) -> str:
        index = int(np.nanargmax(np.where(np.isfinite(self.relevance), np.abs(self.relevance), np.nan)))
        place = np.unravel_index(index, self.shape)
        names = ("unit",) if len(place) == 1 else ("row", "column") if len(place) == 2 else ("channel", "row", "column")
        where = ", ".join(f"{name} {int(at)}" for name, at in zip(names, place, strict=True))
        return f"{self.relevance[index]:+.3g} at {where}".replace("-", "−")


@style.styled
def draw_relevance(
    relevance: Mapping[str, Float[np.ndarray, " neuron"]],
    grids: Mapping[str, tuple[int, ...]],
    title: str,
    input_relevance: np.ndarray | None = None,
    band: Mapping[str, float] | None = None,
    mean_input: np.ndarray | None = None,
    *,
    shared_scale: bool = False,
    module_classes: Mapping[str, str] | None = None,
) -> Figure:
    """Heat map of relevance, weight x standard deviation of the neuron, over all layers.

    Each layer's observer has its own scale, so each panel is coloured against its own largest absolute value, which
    stands beside the layer's name, unless all are to share one scale; zero is always the same shade. So is every
    neuron inside the band, where no single weight is evidence: observers of shuffled labels have weights as large.
    Together such neurons may still carry the attribute. Units outside the band have their number where there is room.

    Args:
        relevance: Per layer, in the order to be drawn, the signed relevance of every neuron; not finite = left out.
        grids: Per layer the shape of its neuron axis: ``(units,)`` and ``(channels,)`` are folded into rows read left
            to right, ``(channels, height, width)`` becomes one small map per channel.
        title: Attribute, object model.
        input_relevance: The same for the raw input, ``(height, width)`` or ``(channels, height, width)``.
        band: Per layer (the input is called ``input``) the end of the band, in units of relevance; a layer that is
            left out says that it has none.
        mean_input: Mean image of the *fit* rows, in the shape of ``input_relevance``. With it the input has a second
            panel, in which relevance lies over that image.
        shared_scale: Whether one colour is one relevance in all layers.
        module_classes: Per layer the class of its module, as far as it is known.

    Raises:
        ValueError: if a layer's relevance does not fill its grid.
    """
    values, shapes = dict(relevance), dict(grids)
    if input_relevance is not None:
        values, shapes = {INPUT: input_relevance.ravel(), **values}, {**shapes, INPUT: input_relevance.shape}
    for layer, own in values.items():
        if own.size != prod(shapes[layer]):
            raise ValueError(f"{layer}: {own.size} neurons do not fill a grid of {shapes[layer]}")
    if not values:
        return style.message("No observer that weighs every neuron was fitted.", title)
    shared = max(signed.largest(own) for own in values.values()) if shared_scale else None
    panels = [
        Panel(layer, own, shapes[layer], (band or {}).get(layer), shared, (module_classes or {}).get(layer))
        for layer, own in values.items()
    ]
    overlaid = input_relevance is not None and mean_input is not None and mean_input.shape == input_relevance.shape
    return _draw_panels(panels, np.asarray(mean_input) if overlaid else None, title)


def _draw_panels(panels: Sequence[Panel], mean_input: np.ndarray | None, title: str) -> Figure:
    """Panels one below the other, in inches: cells of one size are easier to read, and no layout need be searched."""
    n_rows = ceil(len(panels) / ceil(len(panels) / MOST_IN_COLUMN))
    # Down the first column, then down the next: reading order is depth.
    columns = [panels[start : start + n_rows] for start in range(0, len(panels), n_rows)]
    height = TOP + max(sum(HEADER + _height(panel.picture) + BELOW for panel in column) for column in columns) + FOOT
    width = LEFT + COLUMN * len(columns) + RIGHT
    figure = style.new_figure(width, height)
    figure.set_layout_engine("none")
    for place, column in enumerate(columns):
        y = height - TOP
        for panel in column:
            own = _height(panel.picture)
            y -= HEADER + own
            ax = figure.add_axes(((LEFT + place * COLUMN) / width, y / height, WIDTH / width, own / height))
            y -= BELOW
            _draw_panel(ax, panel)
            if panel.layer == INPUT and mean_input is not None:
                _overlay(ax, mean_input, panel.picture)
    long = min(3.0, height - TOP - FOOT)
    scale = (1 - (RIGHT - 0.1) / width, (height - TOP - HEADER - long) / height, 0.16 / width, long / height)
    _colour_bar(figure.add_axes(scale), panels[0].shared, banded=any(panel.band is not None for panel in panels))
    kinds = {len(panel.shape) for panel in panels}
    note = " ".join(text for text, axes in ((_NUMBERS, 1), (_CHANNELS, 3)) if axes in kinds)
    figure.text(0.1 / width, 0.1 / height, note, fontsize=8, color="0.35")
    style.headline(figure, f"Relevance: {title}")
    return figure


def picture(values: Float[np.ndarray, " neuron"], grid: tuple[int, ...]) -> Float[np.ndarray, "row column"]:
    """Neurons as an image in their own geometry; what is no neuron (filling, seams between maps) is NaN."""
    flat = np.where(np.isfinite(values), values, np.nan).astype(float)
    if len(grid) == 1:
        return _folded(flat)
    if len(grid) == 2:
        return np.reshape(flat, grid)
    return _montage(flat.reshape(-1, *grid[-2:]))


def _folded(values: Float[np.ndarray, " neuron"]) -> Float[np.ndarray, "row column"]:
    """A strip cut into rows of a power of two, so that places can be counted."""
    width = min(len(values), max(16, 2 ** ceil(np.log2(sqrt(len(values) * STRIP_ASPECT / 2)))))
    rows = ceil(len(values) / width)
    block = np.full(rows * width, np.nan)
    block[: len(values)] = values
    return block.reshape(rows, width)


def _columns(n: int, height: int, width: int) -> int:
    """Maps side by side in a montage."""
    return 1 if n == 1 else min(n, max(1, round(sqrt(n * height * STRIP_ASPECT / 3 / width))))


def _montage(maps: Float[np.ndarray, "channel height width"]) -> Float[np.ndarray, "row column"]:
    """Maps side by side in a wide grid with a seam of one pixel; a single map stays as it is."""
    n, height, width = maps.shape
    columns = _columns(n, height, width)
    rows = ceil(n / columns)
    block = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for index, one in enumerate(maps):
        top, left = index // columns * (height + 1), index % columns * (width + 1)
        block[top : top + height, left : left + width] = one
    return block


def _height(shown: Float[np.ndarray, "row column"]) -> float:
    """Inches of a picture: as high as it is at full width, within limits."""
    return float(np.clip(WIDTH * shown.shape[0] / shown.shape[1], 0.22, 2.6))


def _draw_panel(ax: Axes, panel: Panel) -> None:
    shown = panel.picture
    # An image is pixels in SVG too, whatever its size: nothing to rasterise.
    ax.imshow(shown, cmap=signed.SIGNED, vmin=-1, vmax=1, interpolation="nearest")
    ax.set_anchor("NW")
    ax.patch.set_hatch("////////")
    # After the name and not flush right: a picture may be narrower than what there is to read.
    look: dict[str, Any] = {"va": "bottom", "fontsize": 8, "color": "0.3"}
    ax.annotate(panel.reading, (1, 0), (8, 0), xycoords=ax.set_title(panel.title), textcoords="offset points", **look)
    cell = min(WIDTH / shown.shape[1], _height(shown) / shown.shape[0])
    if len(panel.shape) == 1:
        _number_units(ax, panel, shown, cell)
    elif len(panel.shape) == 2:
        _number_axes(ax, shown)
    else:
        _number_channels(ax, panel, cell)
    ax.tick_params(length=2, pad=1, labelsize=6.5, colors="0.3")
    ax.spines[:].set_visible(False)


def _number_units(ax: Axes, panel: Panel, shown: Float[np.ndarray, "row column"], cell: float) -> None:
    """Number the rows by their first unit, the columns by what is added, and units that matter in their cells."""
    rows, width = shown.shape
    columns = thinned(range(width), MOST_TICKS) if width <= MOST_TICKS else range(0, width, max(1, width // 4))
    plus = "+" if rows > 1 else ""
    ax.set_xticks(list(columns), [f"{plus}{column}" for column in columns])
    kept = range(0, rows, ceil(LEAST_ROW / cell))
    ax.set_yticks(list(kept) if rows > 1 else [], [str(row * width) for row in kept] if rows > 1 else [])
    if cell < LEAST_CELL:
        return
    shades = panel.shades
    matter = np.abs(shades) > 0 if panel.band is not None else np.abs(shades) >= 0.5
    for index in np.flatnonzero(matter & np.isfinite(shades)):
        ink = "white" if abs(shades[index]) > 0.6 else "black"
        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": min(7.0, 40 * cell), "color": ink}
        ax.text(index % width, index // width, str(index), in_layout=False, **look)


def _number_axes(ax: Axes, shown: Float[np.ndarray, "row column"]) -> None:
    """Number some rows and columns of a plane."""
    height, width = shown.shape
    ax.set_xticks(thinned(range(width), MOST_TICKS))
    ax.set_yticks(thinned(range(height), MOST_TICKS))


def _number_channels(ax: Axes, panel: Panel, pixel: float) -> None:
    """Number the maps of a montage, or the first of each row where a map is too small for its number."""
    n, height, width = panel.shape[-3:]
    columns, fits = _columns(n, height, width), width * pixel >= LEAST_CELL
    ax.set(xticks=[], yticks=[])
    rows = range(ceil(n / columns))
    kept = rows[:: ceil(LEAST_ROW / ((height + 1) * pixel))]
    ax.set_yticks([row * (height + 1) + (height - 1) / 2 for row in kept], [str(row * columns) for row in kept])
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.75}
    for channel in range(n) if fits and n > 1 else ():
        left, top = channel % columns * (width + 1) - 0.5, channel // columns * (height + 1) - 0.5
        ax.text(left, top, str(channel), fontsize=5.5, va="top", bbox=box, in_layout=False)


def _overlay(ax: Axes, mean: np.ndarray, shown: Float[np.ndarray, "row column"]) -> None:
    """Relevance of the input a second time, to the right, over the mean image: where on the input it lies."""
    plane = mean.mean(axis=-3, keepdims=True) if mean.ndim == 3 else mean
    ground = picture(np.broadcast_to(plane, mean.shape).ravel(), mean.shape)
    height, width = shown.shape
    start = width + max(2, width // 8) - 0.5
    place = (start, start + width, height - 0.5, -0.5)
    ax.imshow(ground, cmap="gray", extent=place, interpolation="nearest")
    strength = np.nan_to_num(np.abs(shown))
    alpha = np.where(strength > 0, 0.3 + 0.6 * strength, 0)
    ax.imshow(shown, cmap=signed.SIGNED, vmin=-1, vmax=1, extent=place, interpolation="nearest", alpha=alpha)
    ax.axvspan(width - 0.5, start, color="white", linewidth=0)
    ax.set(xlim=(-0.5, place[1]), ylim=(height - 0.5, -0.5))
    words = "right: over the mean\nimage of fit rows"
    ax.text(1.02, 0.5, words, fontsize=8, color="0.3", va="center", transform=ax.transAxes)


def _colour_bar(ax: Axes, shared: float | None, *, banded: bool) -> None:
    """Explain colours: against the largest of each layer with its band, or as one relevance for all layers."""
    for_it = "(above 0 speaks for the attribute)"
    if shared is not None:
        scale = ScalarMappable(Normalize(-(shared or 1.0), shared or 1.0), signed.SIGNED)
        inside = ";\ninside a layer's band: as 0" if banded else ""
        style.colour_bar(scale, f"weight x standard deviation, all layers\n{for_it}{inside}", None, cax=ax)
        return
    scale = ScalarMappable(Normalize(-1, 1), signed.BANDED if banded else signed.SIGNED)
    bar = style.colour_bar(scale, f"weight x standard deviation / largest of its layer\n{for_it}", None, cax=ax)
    if banded:
        labels = ["−largest", "−band", "inside: no\nevidence", "+band", "+largest"]
        bar.set_ticks([-1, -signed.EDGE, 0, signed.EDGE, 1], labels=labels)
    else:
        bar.set_ticks([-1, 0, 1])
