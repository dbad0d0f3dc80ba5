"""Relevance of neurons to an observer, each layer in its own geometry (the paper's second claim)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, prod, sqrt
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from denote.figures import style

INPUT = "input"
MOST_IN_COLUMN = 10
STRIP_ASPECT = 12


@style.styled
def draw_relevance(
    relevance: Mapping[str, Float[np.ndarray, " neuron"]],
    grids: Mapping[str, tuple[int, ...]],
    title: str,
    input_relevance: np.ndarray | None = None,
    band: Mapping[str, float] | None = None,
    mean_input: np.ndarray | None = None,
) -> Figure:
    """Heat map of relevance, weight x standard deviation of the neuron, over all layers.

    Each layer's observer has its own scale, so each panel is coloured against its own largest absolute value, which
    stands beside the layer's name; zero is always the same pale grey. So is every neuron inside the band, where no
    single weight is evidence: observers of shuffled labels have weights as large.
    Together such neurons may still carry the attribute. Colours start at the end of the band.

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

    Raises:
        ValueError: if a layer's relevance does not fill its grid.
    """
    band = band or {}
    values, shapes = dict(relevance), dict(grids)
    if input_relevance is not None:
        values, shapes = {INPUT: input_relevance.ravel(), **values}, {**shapes, INPUT: input_relevance.shape}
    for layer, own in values.items():
        if own.size != prod(shapes[layer]):
            raise ValueError(f"{layer}: {own.size} neurons do not fill a grid of {shapes[layer]}")
    if not values:
        return style.message("No observer that weighs every neuron was fitted.", title)
    pictures = [picture(style.shades(own, band.get(layer)), shapes[layer]) for layer, own in values.items()]
    n_columns = ceil(len(pictures) / MOST_IN_COLUMN)
    n_rows = ceil(len(pictures) / n_columns)
    heights = _row_heights(pictures, n_rows)
    overlaid = input_relevance is not None and mean_input is not None and mean_input.shape == input_relevance.shape
    figure = style.new_figure(7.5 * n_columns + 0.8, 1 + sum(heights))
    axes = figure.subplots(n_rows, n_columns, squeeze=False, gridspec_kw={"height_ratios": heights})
    # Down the first column, then down the next: reading order is depth.
    places = list(axes.T.flat)
    for ax, (layer, own), shown in zip(places, values.items(), pictures, strict=False):
        _draw_picture(ax, layer, _reading(own, band.get(layer)), shown)
    if overlaid:
        _overlay(places[0], np.asarray(mean_input), pictures[0])
    for ax in places[len(pictures) :]:
        ax.set_axis_off()
    _colour_bar(figure, axes, banded=any(layer in band for layer in values))
    return style.finish(figure, f"Relevance (weight x standard deviation of the neuron): {title}")


def _reading(relevance: Float[np.ndarray, " neuron"], band: float | None) -> str:
    """Say how many neurons lie outside the band, and the scale."""
    top, n = style.largest(relevance), int(np.isfinite(relevance).sum())
    scale = f"largest |relevance| {top:.3g}" if top > 0 else "all zero or undefined"
    if band is None:
        return f"no shuffled band; {scale}"
    return f"{style.outside_band(relevance, band).sum()} of {n} outside the band (±{band:.3g}); {scale}"


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


def _montage(maps: Float[np.ndarray, "channel height width"]) -> Float[np.ndarray, "row column"]:
    """Maps side by side in a wide grid with a seam of one pixel; a single map stays as it is."""
    n, height, width = maps.shape
    if n == 1:
        return np.asarray(maps[0])
    columns = min(n, max(1, round(sqrt(n * height * STRIP_ASPECT / 3 / width))))
    rows = ceil(n / columns)
    block = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for index, one in enumerate(maps):
        top, left = index // columns * (height + 1), index % columns * (width + 1)
        block[top : top + height, left : left + width] = one
    return block


def _row_heights(pictures: Sequence[np.ndarray], n_rows: int) -> list[float]:
    """Inches per row of panels: as high as its tallest picture is at full width, within limits, plus its title."""
    heights = [float(np.clip(6.5 * p.shape[0] / p.shape[1], 0.25, 2.6)) for p in pictures]
    return [0.45 + max(heights[row::n_rows]) for row in range(n_rows)]


def _draw_picture(ax: Axes, layer: str, reading: str, shown: Float[np.ndarray, "row column"]) -> None:
    # An image is pixels in SVG too, whatever its size: nothing to rasterise.
    ax.imshow(shown, cmap=style.SIGNED, vmin=-1, vmax=1, interpolation="nearest")
    ax.set_anchor("W")
    ax.patch.set_hatch("////////")
    # After the name and not flush right: a picture may be narrower than what there is to read.
    look: dict[str, Any] = {"va": "bottom", "fontsize": 8, "color": "0.3"}
    ax.annotate(reading, (1, 0), (8, 0), xycoords=ax.set_title(layer), textcoords="offset points", **look)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


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
    ax.imshow(shown, cmap=style.SIGNED, vmin=-1, vmax=1, extent=place, interpolation="nearest", alpha=alpha)
    ax.axvspan(width - 0.5, start, color="white", linewidth=0)
    ax.set(xlim=(-0.5, place[1]), ylim=(height - 0.5, -0.5))
    words = "right: over the mean\nimage of the fit rows"
    ax.text(1.02, 0.5, words, fontsize=8, color="0.3", va="center", transform=ax.transAxes)


def _colour_bar(figure: Figure, axes: np.ndarray, *, banded: bool) -> None:
    scale = ScalarMappable(Normalize(-1, 1), style.BANDED if banded else style.SIGNED)
    label = "relevance / largest of its layer\n(> 0 speaks for the attribute)"
    shrink = min(1.0, 3 / figure.get_figheight())
    bar = style.colour_bar(scale, label, axes, shrink=shrink, pad=0.02, aspect=16, panchor=False)
    if banded:
        bar.set_ticks(
            [-1, -style.EDGE, 0, style.EDGE, 1],
            labels=["−largest", "−band", "inside: no evidence", "+band", "+largest"],
        )
    else:
        bar.set_ticks([-1, 0, 1])
