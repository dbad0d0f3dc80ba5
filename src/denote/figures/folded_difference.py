"""The panel of what is tested: folded label proportion minus that of random directions, network by network."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from denote.evidence.intervals import t_interval
from denote.figures.canvas import Canvas
from denote.figures.curves import finite
from denote.figures.style import TRAINED, model_colour, model_marker


def draw_difference(ax: Axes, canvas: Canvas, by_model: pl.DataFrame | None) -> Axes:
    """The quantity that is tested: folded minus rotated folded, a thin line per object model, mean and t-interval.

    Args:
        ax: Where to draw.
        canvas: The shared x axis.
        by_model: Rows of ``label_proportion_by_model.parquet`` of one curve; None or nothing but nulls says so.
    """
    canvas.furnish(ax, "c  What is tested: folded - rotated folded", "difference (share of test rows)")
    ax.axhline(0, color="0.3", linewidth=1, zorder=1)
    layers = canvas.curve["layer"].to_list()
    known = pl.DataFrame() if by_model is None else differences(by_model)
    if known.is_empty():
        say(ax, "not known: needs the rotated control\nand 5 distinct properties in a layer")
        ax.set_ylim(-0.1, 0.1)
        return ax
    by_layer = known.group_by("layer").agg(pl.col("difference"))
    intervals = {layer: t_interval(values) for layer, values in by_layer.iter_rows()}
    found = [intervals.get(layer) for layer in layers]
    ends = ("value", "low", "high")
    columns = {f"difference_{end}": [None if e is None else getattr(e, end) for e in found] for end in ends}
    summary = canvas.with_columns(pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64), nan_to_null=True))
    x = canvas.curve["x"].to_numpy()
    for index, model in enumerate(canvas.models):
        values = dict(known.filter(pl.col("object_model") == model).select("layer", "difference").iter_rows())
        y = np.array(
            [np.nan if head else values.get(layer, np.nan) for layer, head in zip(layers, canvas.head, strict=True)]
        )
        ax.plot(
            x, y, "-", color=model_colour(index, len(canvas.models)), marker=model_marker(index), markersize=3,
            linewidth=0.7, alpha=0.7, zorder=2,
        )  # fmt: skip
    summary.line(ax, "difference_value", TRAINED, "difference_low", "difference_high", 2)
    hidden = summary.curve.filter(~canvas.head)
    drawn = np.concatenate([known["difference"], *(finite(hidden, name) for name in columns)])
    top = 1.1 * max(0.05, float(np.nanmax(np.abs(drawn))))
    ax.set_ylim(-top, top)
    return ax


def differences(by_model: pl.DataFrame) -> pl.DataFrame:
    """Folded minus rotated folded per object model and layer (``difference``); those with a gap are left out.

    Poolings and probe seeds of one network are averaged first, as they are no replicates; a gap of one is a gap.
    """
    difference = pl.col("folded") - pl.col("rotated_folded")
    mean = pl.when(difference.is_not_null().all()).then(difference.mean()).alias("difference")
    averaged = by_model.group_by("object_model", "layer", maintain_order=True).agg(mean)
    return averaged.filter(pl.col("difference").is_not_null())


def say(ax: Axes, text: str) -> None:
    """Words in the middle of a panel, readable over what is drawn there."""
    ax.text(
        0.5, 0.5, text, ha="center", va="center", fontsize=11, transform=ax.transAxes,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.9},
    )  # fmt: skip
