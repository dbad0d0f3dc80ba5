"""Denotation over training: share of neurons that denote, and folded label proportion, by epoch."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from denote.attributes.family_words import family_name
from denote.denotation.depth.plan import GAP
from denote.errors import DenoteError
from denote.figures import style
from denote.figures.curves import Curve, grid, head_names, is_untested, layer_labels, thinned
from denote.numbers import count_range, proportion

MOST_ANNOTATED = 120
LEAST_TOP = 0.05
"""Least upper end of a scale, so that nearly nothing does not look like much."""

CONTROLS = {
    "share_denoting": ("rotated_share_denoting", "untrained_share_denoting"),
    "folded_mean": ("rotated_folded_mean", "untrained_folded_mean"),
}
"""By quantity the columns of the rotated and of the untrained control."""

CONTROL_DASHES = {"rotated control of a layer (random directions)": "-.", "untrained control of a layer": ":"}
_LINE = ("dataset", "architecture", "family")


def emergence_rows(by_depth: pl.DataFrame, curve: Curve) -> pl.DataFrame:
    """The rows of one architecture's training, by epoch and depth.

    Networks at initialisation are epoch 0, whether a row calls them trained or not; a checkpoint without an epoch (the
    best one) has no place on the axis.

    Args:
        by_depth: Rows of ``label_proportion_by_depth.parquet``.
        curve: Any curve of that dataset, architecture and family.
    """
    epoch = pl.when("trained").then("epoch").otherwise(0)
    rows = curve.of(by_depth, _LINE).filter(pl.col("depth").is_not_null()).with_columns(epoch=epoch)
    return rows.filter(pl.col("epoch").is_not_null()).unique(["epoch", "layer"], keep="first").sort("epoch", "depth")


@style.styled
def draw_emergence(by_depth: pl.DataFrame, curve: Curve) -> Figure:
    """Heat map layers x epochs of the share that denotes; lines of share and folded label proportion per layer.

    Epochs are evenly spaced whatever their distance, so that the first ones can be told apart. Controls stand beside
    what they are a control of, each in the colour of its layer; scales follow the data, from 0.

    Args:
        by_depth: Rows of ``label_proportion_by_depth.parquet``.
        curve: Any curve of the dataset, architecture and family to be drawn.

    Raises:
        DenoteError: if fewer than two epochs are there.
    """
    rows = emergence_rows(by_depth, curve)
    heading = f"Denotation over training: {curve.dataset}, {curve.architecture}, {family_name(curve.family)}"
    epochs = rows["epoch"].unique().sort().to_list()
    if len(epochs) < 2:
        raise DenoteError("figure", f"{len(epochs)} epochs of {curve.title}", "emergence needs two or more")
    if rows["share_denoting"].is_null().all():
        return style.message("No layer has a live neuron.", heading)
    layers = rows.sort("depth")["layer"].unique(maintain_order=True).to_list()
    has_folded = bool(rows["folded_mean"].is_not_null().any())
    figure = style.new_figure(5.0 * (2 + has_folded), max(4.2, 1.9 + 0.34 * len(layers)))
    heat, share, *others = figure.subplots(1, 2 + has_folded)
    _draw_heat(heat, rows, layers, epochs)
    _draw_lines(share, rows, layers, epochs, "share_denoting")
    _furnish(share, "b  The same, and its controls", "share of live neurons", epochs)
    for folded in others:
        _draw_lines(folded, rows, layers, epochs, "folded_mean")
        _furnish(folded, "c  Folded label proportion of what they denote", "min(p, 1 - p) (share of test rows)", epochs)
    heading += f", mean over {count_range(rows['n_models'], 'object model')}"
    handles = [*style.layer_handles(layers, head_names(rows, is_untested()), 4.5), *_control_handles(rows)]
    note = "" if has_folded else f"Not drawn: c, folded label proportion ({GAP}, in every layer at every epoch)."
    return style.finish(figure, heading, handles, note)


def _draw_heat(ax: Axes, rows: pl.DataFrame, layers: list[str], epochs: list[int]) -> None:
    """The share by layer and epoch, where there is room as a number, with that of the rotated control in brackets."""
    axes = ("layer", layers), ("epoch", epochs)
    shares, rotated = grid(rows, *axes, "share_denoting"), grid(rows, *axes, "rotated_share_denoting")
    ax.patch.set_hatch("////")
    top = max(float(np.nanmax(shares)), LEAST_TOP)
    image = ax.imshow(shares, cmap="Greys", vmin=0, vmax=top, aspect="auto", interpolation="nearest")
    annotated = shares.size <= MOST_ANNOTATED
    for (row, column), value in np.ndenumerate(shares):
        if annotated and np.isfinite(value):
            control = float(rotated[row, column])
            words = proportion(value) + (f"\n({proportion(control)})" if np.isfinite(control) else "")
            ink = "white" if value > top / 2 else "black"
            ax.text(column, row, words, ha="center", va="center", fontsize=6.5, color=ink, linespacing=1.1)
    shown = thinned(layers, 24)
    names = layer_labels(rows, ", ")
    ax.set_yticks(shown, [names[layers[i]] for i in shown])
    brackets = " (random directions)" if annotated and np.isfinite(rotated).any() else ""
    ax.set_title(f"a  Share that denotes{brackets}")
    _epochs(ax, epochs)
    style.colour_bar(image, "", ax, shrink=0.8, aspect=18)


def _draw_lines(ax: Axes, rows: pl.DataFrame, layers: list[str], epochs: list[int], column: str) -> None:
    """A line per layer, thin ones for its controls; a null is a gap, a network's head is dashed."""
    heads, places = head_names(rows, is_untested()), range(len(epochs))
    values = {name: grid(rows, ("layer", layers), ("epoch", epochs), name) for name in (column, *CONTROLS[column])}
    for index in range(len(layers)):
        look = style.layer_look(layers, index, heads)
        ax.plot(places, values[column][index], **look, markersize=4.5, linewidth=1.3, zorder=3)
        for control, dash in zip(CONTROLS[column], CONTROL_DASHES.values(), strict=True):
            thin = look | {"marker": ".", "markersize": 3, "linestyle": dash, "linewidth": 0.9, "alpha": 0.8}
            ax.plot(places, values[control][index], **thin)


def _furnish(ax: Axes, title: str, ylabel: str, epochs: list[int]) -> None:
    """Title, units and a scale from 0 to the largest number drawn."""
    drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.lines])
    top = max(float(np.nanmax([0.0, *drawn])), LEAST_TOP)
    ax.set(title=title, ylabel=ylabel, ylim=(-0.03 * top, 1.05 * top), xlim=(-0.3, len(epochs) - 0.7))
    style.faint_grid(ax)
    _epochs(ax, epochs)


def _epochs(ax: Axes, epochs: list[int]) -> None:
    shown = thinned(epochs, 12)
    ax.set_xticks(shown, [str(epochs[i]) for i in shown])
    ax.set_xlabel("training (epochs, not to scale" + ("; 0: initialisation)" if epochs[0] == 0 else ")"))


def _control_handles(rows: pl.DataFrame) -> list[Line2D]:
    """The controls that are drawn."""
    known = [rows.select(pl.col(*columns).is_not_null().any()).row(0) for columns in CONTROLS.values()]
    return [
        style.handle(name, color="0.4", linestyle=dash, linewidth=0.9)
        for (name, dash), there in zip(CONTROL_DASHES.items(), zip(*known, strict=True), strict=True)
        if any(there)
    ]
