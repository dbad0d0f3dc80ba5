"""Label proportion of what neurons denote, by depth, and what must be seen beside it (METHOD section 6)."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from denote.figures.canvas import HEAD_COLOUR, Canvas, depth_canvas
from denote.figures.curves import Curve, choose, some, thinned
from denote.figures.style import (
    ROTATED,
    TRAINED,
    UNCONDITIONAL,
    UNTRAINED,
    message,
    model_colour,
    model_marker,
    new_figure,
    styled,
)

MOST_MODELS_NAMED = 8


def with_rotated(by_depth: pl.DataFrame, controls: pl.DataFrame | None) -> pl.DataFrame:
    """Add ``rotated_label_proportion_mean``: mean over object models of what denoting rotated directions denote."""
    name = "rotated_label_proportion_mean"
    if controls is None or controls.is_empty():
        return by_depth.with_columns(pl.lit(None, pl.Float64).alias(name))
    rotated = (
        controls.filter(pl.col("control") == "rotated", pl.col("denotes"))
        .group_by("layer", "object_model")
        .agg(pl.col("label_proportion").mean())
        .group_by("layer")
        .agg(pl.col("label_proportion").mean().alias(name))
    )
    return by_depth.join(rotated, on="layer", how="left", maintain_order="left")


@styled
def draw_label_proportion_by_depth(
    neurons: pl.DataFrame,
    by_depth: pl.DataFrame,
    controls: pl.DataFrame | None = None,
    *,
    family: str | None = None,
    architecture: str | None = None,
    dataset: str | None = None,
    trained: bool | None = True,
    epoch: int | None = None,
) -> Figure:
    """Draw label proportion, its folded value, the on-proportion of live neurons and the share denoting over depth.

    Args:
        neurons: Rows of ``neurons.parquet``; every denoting neuron is a dot, coloured and marked by object model.
        by_depth: Rows of ``label_proportion_by_depth.parquet``; a null mean is a gap and its note is printed.
        controls: Rows of ``controls.parquet``, for the label proportion of rotated directions.
        family: Which family; needed where the tables hold several. Likewise the other choices.
        architecture: Which architecture.
        dataset: Which dataset.
        trained: False draws the curve of untrained networks.
        epoch: Which checkpoint; the last where None.

    Returns:
        A figure that pyplot does not know of; where nothing was observed or nothing denotes it says so.

    Raises:
        DenoteError: if the choices leave no curve or more than one.
    """
    if by_depth.is_empty():
        return message("No layer was searched: the by-depth table is empty.", "Label proportion by depth")
    curve = choose(by_depth, family=family, architecture=architecture, dataset=dataset, trained=trained, epoch=epoch)
    own = curve.of(by_depth)
    if own["depth"].is_null().all():
        return message("Only layer=state was observed, which has no depth.", f"Label proportion: {curve.title}")
    rows = curve.of(neurons).filter(pl.col("depth").is_not_null())
    canvas = depth_canvas(with_rotated(own, None if controls is None else curve.of(controls)), rows)
    figure = new_figure(13, 7.6)
    axes = figure.subplots(2, 3)
    _draw_panels(canvas, axes, rows)
    _draw_key(axes[1, 2], canvas)
    n = len(canvas.models)
    figure.suptitle(
        f"Label proportion of what neurons denote: {curve.title}, {n} object model{'s' * (n != 1)}",
        fontsize=12, x=0.01, ha="left",
    )  # fmt: skip
    return figure


def _draw_panels(canvas: Canvas, axes: np.ndarray, neurons: pl.DataFrame) -> None:
    denoting, live = neurons.filter(pl.col("denotes")), neurons.filter(pl.col("live"))
    (proportion, folded, on), (share, majority, _) = axes

    canvas.scatter(proportion, denoting, "label_proportion")
    canvas.line(proportion, "unconditional_label_proportion_mean", UNCONDITIONAL)
    canvas.line(proportion, "untrained_label_proportion_mean", UNTRAINED)
    canvas.line(proportion, "rotated_label_proportion_mean", ROTATED)
    canvas.line(proportion, "label_proportion_mean", TRAINED, "label_proportion_low", "label_proportion_high", 2)
    canvas.furnish(proportion, "a  Label proportion p of denoted properties", "label proportion (share of test rows)")

    canvas.scatter(folded, denoting, "folded_label_proportion")
    canvas.line(folded, "unconditional_folded_mean", UNCONDITIONAL)
    canvas.line(folded, "untrained_folded_mean", UNTRAINED)
    canvas.line(folded, "rotated_folded_mean", ROTATED)
    canvas.line(folded, "folded_mean", TRAINED, "folded_low", "folded_high", 2)
    canvas.furnish(folded, "b  Folded: min(p, 1 - p), free of polarity", "min(p, 1 - p) (share of test rows)")

    canvas.scatter(on, live, "on_proportion")
    canvas.line(on, "on_proportion_mean", TRAINED, width=2)
    canvas.furnish(on, "c  How often all live neurons are on", "on-proportion (share of test rows)")

    canvas.line(share, "untrained_share_denoting", UNTRAINED)
    canvas.line(share, "rotated_share_denoting", ROTATED)
    canvas.line(share, "share_denoting", TRAINED, width=2)
    canvas.furnish(share, "d  Share of live neurons that denote", "share of live neurons")

    canvas.line(majority, "majority_side_share", TRAINED, width=2)
    canvas.furnish(majority, "e  Denoted properties on the majority side, p > .5", "share of denoted properties")

    for ax, top in ((proportion, 1.0), (folded, 0.5), (on, 1.0), (share, 1.0), (majority, 1.0)):
        ax.set_ylim(-0.03 * top, 1.03 * top)
    if denoting.is_empty():
        for ax in (proportion, folded, majority):
            ax.text(
                0.5, 0.5, "no neuron denotes", ha="center", va="center", fontsize=12, transform=ax.transAxes,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.9},
            )  # fmt: skip


def _draw_key(ax: Axes, canvas: Canvas) -> None:
    """Legends and remarks in a panel of their own, where they cover no data."""
    ax.set_axis_off()
    place: dict[str, Any] = {"loc": "upper left", "borderaxespad": 0}
    lines = ax.legend(handles=_line_handles(canvas), bbox_to_anchor=(0, 1.02), **place)
    ax.add_artist(lines)
    shown = thinned(canvas.models, MOST_MODELS_NAMED)
    title = "one dot per neuron, by object model"
    title += f" ({len(shown)} of {len(canvas.models)} named)" if len(shown) < len(canvas.models) else ""
    ax.legend(
        handles=[_model_handle(canvas, index) for index in shown], bbox_to_anchor=(0, 0.58), ncols=4, title=title,
        alignment="left", title_fontsize=8, handletextpad=0.2, columnspacing=1.2, **place,
    )  # fmt: skip
    wrapped = [line for remark in remarks(canvas.curve) for line in textwrap.wrap(remark, 68, subsequent_indent="  ")]
    ax.text(
        0, 0.3, "\n".join(wrapped), fontsize=7.5, va="top", color="0.2", linespacing=1.35, transform=ax.transAxes
    )  # fmt: skip


def _line_handles(canvas: Canvas) -> list[Artist]:
    columns = {
        TRAINED: "on_proportion_mean",
        UNTRAINED: "untrained_share_denoting",
        ROTATED: "rotated_share_denoting",
        UNCONDITIONAL: "unconditional_label_proportion_mean",
    }
    handles: list[Artist] = [
        Line2D([], [], color=line.colour, linestyle=line.dash, marker=line.marker, label=line.label)
        for line, column in columns.items()
        if canvas.curve[column].is_not_null().any()
    ]
    if canvas.head.any():
        handles.append(Patch(color=HEAD_COLOUR, label="head: not tested"))
    return handles


def _model_handle(canvas: Canvas, index: int) -> Artist:
    colour = model_colour(index, len(canvas.models))
    return Line2D([], [], linestyle="", marker=model_marker(index), color=colour, label=canvas.names[index])


def remarks(curve: pl.DataFrame) -> list[str]:
    """What the reader of a by-depth curve must know: gaps with their reasons, controls that are missing, the source."""
    notes = ["Our operationalisation of Allen, Neural Networks and Denotation (arXiv 2103.08315)."]
    gaps = curve.filter(pl.col("label_proportion_mean").is_null())
    for (reason,), part in gaps.group_by(pl.col("note").fill_null("no reason given"), maintain_order=True):
        where = "every layer" if len(part) == len(curve) else some(part["layer"].to_list(), 6)
        notes.append(f"Gap at {where}: {reason!s}.")
    if curve["rotated_share_denoting"].is_null().all():
        notes.append("Rotated control not computed: that single neurons are special is not shown here.")
    if not curve["trained"].any():
        notes.append("These networks are untrained: this is the curve of a control.")
    elif curve["untrained_share_denoting"].is_null().all():
        notes.append("Untrained control not computed.")
    elif curve["untrained_label_proportion_mean"].is_null().all():
        notes.append("Untrained networks: too few neurons denote for a label proportion.")
    notes.append("The raw curve (a) mostly follows how often neurons are on (c): read (b) first.")
    return notes


def curve_data(by_depth: pl.DataFrame, curve: Curve) -> pl.DataFrame:
    """The numbers of one curve's lines, to be saved beside its figure."""
    return curve.of(by_depth).sort("depth", nulls_last=True)
