"""Draw what linear observers rely on, neuron by neuron, and how attributes go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, prod, sqrt
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from denote.figures import style
from denote.figures.style import MANY, SIGNED, colour_bar, cut, finish, heat_map, message, new_figure, styled
from denote.numbers import proportion

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


MOST_ATTRIBUTES = 60
MOST_ANNOTATED = 12
MARKED = 0.1
"""Least |phi| of a negative cell that gets a minus: the shade of weaker ones is that of zero."""


class Correlations(NamedTuple):
    """A correlation matrix.

    Attributes:
        attributes: Names of its rows and columns.
        phi: In [-1, 1]; NaN on the diagonal and where it is not defined or not in the table.
    """

    attributes: list[str]
    phi: Float[np.ndarray, "attribute attribute"]


@styled
def draw_attribute_correlation(frame: pl.DataFrame) -> Figure:
    """Heat map of phi, Pearson's correlation of two yes/no labels, with attributes that go together side by side.

    An attribute and the opposite of another stand together too: whoever reads the one reads the other. Where there
    are more than `MOST_ATTRIBUTES`, those with the largest |phi| to another are drawn, and the title says so.

    Args:
        frame: Rows of ``attribute_correlation.parquet`` of one dataset, each pair once or both ways.
    """
    if frame.is_empty():
        return message("There are no two attributes to compare.", "Attributes that go together")
    found = correlations(frame)
    drawn = clustered(strongest(found, MOST_ATTRIBUTES))
    heading = f"Attributes that go together: {frame['dataset'][0]}"
    if len(drawn.attributes) < len(found.attributes):
        n_drawn, n_all = len(drawn.attributes), len(found.attributes)
        heading += f"\n{n_drawn} of {n_all} attributes, those with the largest |phi| to another"
    side = 2.2 + max(len(drawn.attributes) * (0.5 if len(drawn.attributes) <= MOST_ANNOTATED else 0.19), 2.5)
    figure = new_figure(side + 1.2, side)
    draw_correlations(drawn, ax=figure.subplots())
    return finish(figure, heading)


def correlations(frame: pl.DataFrame) -> Correlations:
    """The pairs of a table as a symmetric matrix, attributes in the order in which they come."""
    pairs = frame.filter(pl.col("attribute") != pl.col("other"))
    attributes = list(dict.fromkeys([*frame["attribute"], *frame["other"]]))
    place = {attribute: i for i, attribute in enumerate(attributes)}
    phi = np.full((len(attributes), len(attributes)), np.nan)
    for attribute, other, value in pairs.select("attribute", "other", "phi").iter_rows():
        if value is not None:
            phi[place[attribute], place[other]] = phi[place[other], place[attribute]] = value
    return Correlations(attributes, phi)


def strongest(found: Correlations, most: int) -> Correlations:
    """The attributes with the largest |phi| to any other, in their order."""
    largest = np.nan_to_num(np.abs(found.phi)).max(axis=1)
    kept = np.sort(np.argsort(-largest, kind="stable")[:most])
    return _at(found, kept)


def clustered(found: Correlations) -> Correlations:
    """Attributes that go together, or make each other rarer, side by side (average linkage of 1 - |phi|)."""
    if len(found.attributes) < 3:
        return found
    distance = 1 - np.nan_to_num(np.abs(found.phi))  # what is not known keeps nobody together
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    return _at(found, leaves_list(tree))


def draw_correlations(found: Correlations, *, ax: Axes) -> Axes:
    """Draw a correlation matrix as it is: colours by sign, a minus on negative cells, hatched where undefined.

    Args:
        found: The matrix.
        ax: Where to draw.

    Returns:
        The axes drawn on.
    """
    names, phi = found.attributes, found.phi
    ax.patch.set_hatch("//////")
    mesh = heat_map(ax, phi, cmap=SIGNED, vmin=-1, vmax=1, rasterized=phi.size > MANY)
    ax.set_aspect("equal")
    if len(names) <= MOST_ANNOTATED:
        _annotate(ax, phi)
    else:
        rows, columns = np.nonzero(phi <= -MARKED)
        inks = np.where(phi[rows, columns] < -0.5, "white", "black")
        ax.scatter(columns + 0.5, rows + 0.5, s=9, marker="_", c=inks, linewidths=0.7)
    labels = [cut(name, 30) for name in names]
    centres = np.arange(len(names)) + 0.5
    ax.set_xticks(centres, labels, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(centres, labels, rotation=0)
    ax.tick_params(length=0)
    if np.isnan(phi).sum() > len(names):
        ax.set_xlabel("hatched besides the diagonal: undefined, or left out of the table (reason in its note)")
    label = "phi (negative: one makes the other rarer)"
    colour_bar(mesh, label, ax, fraction=0.04, pad=0.02, shrink=0.8)
    return ax


def _annotate(ax: Axes, phi: Float[np.ndarray, "attribute attribute"]) -> None:
    """Values in an ink that shows on the cell's own shade."""
    for (row, column), value in np.ndenumerate(phi):
        if not np.isnan(value):
            ink = "white" if abs(value) > 0.7 else "black"
            text = proportion(value).replace("-", "−")
            ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7, color=ink)


def _at(found: Correlations, places: np.ndarray) -> Correlations:
    return Correlations([found.attributes[i] for i in places], found.phi[np.ix_(places, places)])
