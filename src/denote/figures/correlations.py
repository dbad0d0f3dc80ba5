"""Draw how attributes go together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from denote.figures.signed import SIGNED
from denote.figures.style import MANY, colour_bar, cut, finish, heat_map, message, new_figure, styled
from denote.numbers import proportion

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
    heading, note = f"Attributes that go together: {frame['dataset'][0]}", ""
    if len(drawn.attributes) < len(found.attributes):
        n_drawn, n_all = len(drawn.attributes), len(found.attributes)
        note = f"Drawn: {n_drawn} of {n_all} attributes, those with the largest |phi| to another."
    side = 2.2 + max(len(drawn.attributes) * (0.5 if len(drawn.attributes) <= MOST_ANNOTATED else 0.19), 2.5)
    figure = new_figure(side + 1.2, side)
    draw_correlations(drawn, ax=figure.subplots())
    return finish(figure, heading, note=note)


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
