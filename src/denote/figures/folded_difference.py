"""The panel of what is tested: folded label proportion minus that of random directions, network by network."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.axes import Axes

from denote.denotation.depth.plan import LEAST_NEURONS
from denote.evidence.intervals import t_interval
from denote.figures.canvas import Canvas
from denote.figures.curves import finite
from denote.figures.style import TRAINED, model_look

MODEL = ("object_model", "seed")
NOTHING = pl.DataFrame(
    schema={"object_model": pl.String, "seed": pl.Int64, "layer": pl.String, "difference": pl.Float64}
)
MOST_FLATTENED = 2.0
"""The axis reaches at most so many times as far as lines and means to show intervals."""

SAID = 44
"""Letters of a line of words in a panel."""

BEHIND: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 2}
"""Box behind words, so that they can be read over lines."""


def draw_difference(ax: Axes, canvas: Canvas, by_model: pl.DataFrame | None) -> Axes:
    """The quantity that is tested: folded minus rotated folded, a thin line per object model, mean and t-interval.

    Args:
        ax: Where to draw; where no hidden layer has a number it says why.
        canvas: The shared x axis.
        by_model: Rows of ``label_proportion_by_model.parquet`` of one curve.
    """
    canvas.furnish(ax, "c  What is tested: folded - rotated folded", "difference (share of test rows)")
    ax.axhline(0, color="0.3", linewidth=1, zorder=1)
    layers = canvas.curve["layer"].to_list()
    known = NOTHING if by_model is None else differences(by_model).filter(pl.col("layer").is_in(layers))
    hidden = known.filter(pl.col("layer").is_in(canvas.curve.filter(~canvas.head)["layer"].to_list()))
    if hidden.is_empty():
        say(ax, _why_empty(canvas))
    means = canvas.curve.select("layer").join(mean_differences(known), on="layer", how="left", maintain_order="left")
    summary = canvas.with_columns(means.drop("layer"))
    x = canvas.curve["x"].to_numpy()
    for index, model in enumerate(canvas.models):
        values = dict(known.filter(pl.col("object_model") == model).select("layer", "difference").iter_rows())
        y = np.array(
            [np.nan if head else values.get(layer, np.nan) for layer, head in zip(layers, canvas.head, strict=True)]
        )
        look = model_look(index, len(canvas.models))
        ax.plot(x, y, "-", **look, markersize=3, linewidth=0.7, alpha=0.7, zorder=2)
    summary.line(ax, "difference_mean", TRAINED, "difference_low", "difference_high", 2)
    _scale(ax, summary, hidden["difference"].to_numpy())
    return ax


def _why_empty(canvas: Canvas) -> str:
    """Say what no hidden layer has."""
    if canvas.curve["rotated_share_denoting"].is_null().all():
        return "not known: needs the rotated control"
    return f"not known: no hidden layer has {LEAST_NEURONS} denoting neurons and {LEAST_NEURONS} denoting directions"


def _scale(ax: Axes, summary: Canvas, lines: Float[np.ndarray, " point"]) -> None:
    """An axis that follows lines and means: the t-interval of two networks would flatten them.

    The end of an interval that lies beyond the axis is marked by an arrow head.
    """
    means, low, high = (finite(summary.curve, f"difference_{name}") for name in ("mean", "low", "high"))
    inner, outer = (np.nanmax(np.abs([0.05, *values])) for values in ((*lines, *means), (*low, *high)))
    top = 1.1 * max(inner, min(outer, MOST_FLATTENED * inner))
    ax.set_ylim(-top, top)
    x, beyond = summary.curve["x"].to_numpy(), {"^": high > top, "v": low < -top}
    if not any(where.any() for where in beyond.values()):
        return
    for marker, where in beyond.items():
        ends = np.full(where.sum(), top if marker == "^" else -top)
        ax.plot(x[where], ends, marker, color=TRAINED.colour, markersize=6, clip_on=False, zorder=5, in_layout=False)
    words = "arrow heads: the interval goes on"
    ax.text(0.02, 0.03, words, fontsize=7.5, transform=ax.transAxes, zorder=6, bbox=BEHIND, in_layout=False)


def mean_differences(known: pl.DataFrame) -> pl.DataFrame:
    """Mean of some differences and its t-interval over object models (null for one), one row per layer."""
    by_layer = known.group_by("layer", maintain_order=True).agg(pl.col("difference"))
    found = [(layer, t_interval(values)) for layer, values in by_layer.iter_rows()]
    rows = [(layer, each.value, each.low, each.high) for layer, each in found]
    schema = {"layer": pl.String} | dict.fromkeys(("difference_mean", "difference_low", "difference_high"), pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.exclude("layer").fill_nan(None))


def differences(by_model: pl.DataFrame) -> pl.DataFrame:
    """Folded minus rotated folded per object model and layer (``difference``); those with a gap are left out.

    Poolings and probe seeds of one network are averaged first, as they are no replicates; a gap of one is a gap.
    """
    difference = pl.col("folded") - pl.col("rotated_folded")
    mean = pl.when(difference.is_not_null().all()).then(difference.mean()).alias("difference")
    averaged = by_model.group_by(*MODEL, "layer", maintain_order=True).agg(mean)
    return averaged.filter(pl.col("difference").is_not_null())


def say(ax: Axes, text: str) -> None:
    """Words in the middle of a panel, readable over what is drawn there; the layout makes no room for them."""
    look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9, "zorder": 6}
    ax.text(0.5, 0.5, textwrap.fill(text, SAID), transform=ax.transAxes, bbox=BEHIND, in_layout=False, **look)
