"""Draw what the label proportion over depth is made of, the folded difference, and other measures of layers."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from denote.denotation.depth import plan
from denote.denotation.depth.plan import LEAST_NEURONS
from denote.evidence.intervals import t_interval
from denote.figures import style
from denote.figures.canvas import Canvas, depth_canvas
from denote.figures.curves import Curve, finite, grid, is_untested, layer_labels
from denote.figures.style import ROTATED, TRAINED, Line, model_look
from denote.numbers import count, signed

LINES = {
    plan.RAW: Line("#000000", "-", "o", "raw label proportion"),
    plan.POLARITY: Line("#0072b2", "--", "D", "polarity: raw - folded"),
    plan.ANY_BASIS: Line(ROTATED.colour, "-.", "^", "any directions: folded of random directions (rotated)"),
    plan.OWN: Line("#009e73", ":", "s", "the neurons' own: folded - folded of random directions"),
}
"""The parts below the first add up to it, at every layer and in every contrast."""
SHAPES = {plan.CHANGE: "Change, first to last layer", plan.BOW: "Middle third minus the rest"}
MOST_TICKS = 14


@style.styled
def draw_depth_parts(parts: pl.DataFrame, curve: Curve) -> Figure:
    """Draw the parts of one curve by layer, and their change and bow with intervals.

    Args:
        parts: Rows of ``depth_parts.parquet``.
        curve: Which curve of them; where it has no parts the figure says why.
    """
    own, heading = curve.of(parts), f"What label proportion over depth is made of: {curve.title}"
    known = own.filter(pl.col("part").is_not_null())
    if known.is_empty():
        reason = str(own["note"].first() or "nothing was compared")
        return style.message(f"Not known: {reason}.", heading)
    figure = style.new_figure(13, 4.6)
    levels, contrasts = figure.subplots(1, 2, width_ratios=(3, 2))
    draw_levels(levels, known.filter(pl.col("shape") == plan.LEVEL))
    draw_contrasts(contrasts, known)
    n = int(known["n_models"].max())  # type: ignore[arg-type]
    note = (
        f"Means over {count(n, 'network')} that have all these layers; bars: 95 % t-intervals. Folded: min(p, 1 - p). "
        "Rotated: the same of random directions of the layer. Change: along each network's least-squares line."
    )
    return style.finish(figure, heading, [style.line_handle(line) for line in LINES.values()], note)


def draw_levels(ax: Axes, rows: pl.DataFrame) -> None:
    layers = rows.sort("depth")["layer"].unique(maintain_order=True).to_list()
    for number, (part, line) in enumerate(LINES.items()):
        own = rows.filter(pl.col("part") == part).sort("depth")
        x = np.arange(len(own)) + 0.07 * (number - 1.5)
        _draw_points(ax, x, own, line, connected=True)
    names = layer_labels(rows)
    style.slanted_ticks(ax, range(len(layers)), [names[layer] for layer in layers], MOST_TICKS)
    ax.axhline(0, color="0.3", linewidth=0.8, zorder=1)
    title = "a  Raw is the sum of the other three, at every layer"
    ax.set(
        title=title, ylabel="label proportion (share of test rows)", xlabel="layer and class of its module, by depth"
    )
    style.faint_grid(ax)


def draw_contrasts(ax: Axes, rows: pl.DataFrame) -> None:
    for number, shape in enumerate(SHAPES):
        for place, (part, line) in enumerate(LINES.items()):
            own = rows.filter(pl.col("shape") == shape, pl.col("part") == part)
            x = np.array([number + 0.18 * (place - 1.5)])
            _draw_points(ax, x, own, line, connected=False)
            top = float(np.nan_to_num(finite(own, "value_high"), nan=own["value"].item())[0])
            look: dict[str, Any] = {"xytext": (0, 4), "textcoords": "offset points", "ha": "center", "fontsize": 8}
            ax.annotate(signed(own["value"].item()), (x[0], top), **look)
    ax.set_xticks(range(len(SHAPES)), list(SHAPES.values()))
    ax.set_xlim(-0.6, len(SHAPES) - 0.4)
    ax.margins(y=0.12)
    ax.axhline(0, color="0.3", linewidth=0.8, zorder=1)
    ax.set(title="b  How each part changes", ylabel="difference (share of test rows)")
    style.faint_grid(ax)


def _draw_points(ax: Axes, x: np.ndarray, own: pl.DataFrame, line: Line, *, connected: bool) -> None:
    style.interval_bars(ax, x, own, ("value", "value_low", "value_high"), ecolor=line.colour, elinewidth=1.1)
    dash = line.dash if connected else ""
    style.plot_line(ax, x, finite(own, "value"), line, linestyle=dash, markersize=5, linewidth=1.4, zorder=4)


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
        ax: Where to draw.
        canvas: The shared x axis.
        by_model: Rows of ``label_proportion_by_model.parquet`` of one curve.
    """
    ax.axhline(0, color="0.3", linewidth=1, zorder=1)
    layers, heads = canvas.curve["layer"].to_list(), canvas.curve.filter(canvas.head)["layer"].to_list()
    known = NOTHING if by_model is None else differences(by_model).filter(pl.col("layer").is_in(layers))
    hidden = known.filter(~pl.col("layer").is_in(heads))
    means = canvas.curve.select("layer").join(mean_differences(known), on="layer", how="left", maintain_order="left")
    summary = canvas.with_columns(means.drop("layer"))
    x = canvas.curve["x"].to_numpy()
    for index, y in enumerate(grid(hidden, ("object_model", canvas.models), ("layer", layers), "difference")):
        look = model_look(index, len(canvas.models))
        ax.plot(x, y, "-", **look, markersize=3, linewidth=0.7, alpha=0.7, zorder=2)
    summary.line(ax, "difference_mean", TRAINED, "difference_low", "difference_high", 2)
    _scale(ax, summary, hidden["difference"].to_numpy())
    summary.furnish(
        ax, "c  Tested: folded - folded of random directions", "difference (share of test rows)", "difference_mean"
    )
    return ax


def why_no_difference(canvas: Canvas, by_model: pl.DataFrame | None) -> str:
    """Say what the panel of `draw_difference` lacks, or nothing where it has something to draw."""
    layers = canvas.curve.filter(~canvas.head)["layer"]
    if by_model is not None and differences(by_model)["layer"].is_in(layers.to_list()).any():
        return ""
    if canvas.curve["rotated_share_denoting"].is_null().all():
        return "the rotated control is missing"
    return f"no hidden layer has {LEAST_NEURONS} denoting neurons and {LEAST_NEURONS} denoting directions"


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
    rows = [
        {"layer": layer, **t_interval(values).columns("difference_mean", bounds="difference")}
        for layer, values in by_layer.iter_rows()
    ]
    schema = {"layer": pl.String} | dict.fromkeys(("difference_mean", "difference_low", "difference_high"), pl.Float64)
    return pl.DataFrame(rows, schema=schema)


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


MEASURES = {
    "property_entropy_mean": ("Variety of denoted properties", "entropy (bits)"),
    "n_members_mean": ("What a property is made of", "classes or attributes (count)"),
    "n_live_mean": ("Live neurons", "neurons (count)"),
    "participation_ratio_mean": ("Participation ratio of the state", "directions (count)"),
    "share_denoting_mean": ("Live neurons that denote", "share of live neurons"),
}
BOUNDS = {"share_denoting_mean": ("share_denoting_low", "share_denoting_high")}


def measured(by_depth: pl.DataFrame) -> list[str]:
    """The measures that are known at some hidden layer; the share that denotes only where something does."""
    hidden = by_depth.filter(~is_untested())
    by_depth = hidden if len(hidden) else by_depth
    known = [name for name in MEASURES if by_depth[name].is_not_null().any()]
    return [name for name in known if name != "share_denoting_mean" or (by_depth[name] > 0).any()]


@style.styled
def draw_layer_measures(by_depth: pl.DataFrame, curve: Curve) -> Figure:
    """A small panel per measure over depth, means over object models, each on a scale of its own from 0.

    Args:
        by_depth: Rows of ``label_proportion_by_depth.parquet``; a measure without anything to show has no panel.
        curve: Which curve of them.
    """
    own = curve.of(by_depth).filter(pl.col("depth").is_not_null())
    names, heading = measured(own), f"What else changes with depth: {curve.title}"
    if not names:
        return style.message("None of the measures is known.", heading)
    canvas = depth_canvas(own, pl.DataFrame(schema={"object_model": pl.String, "seed": pl.Int64}))
    figure = style.new_figure(3.4 * len(names) + 0.4, 3.7)
    for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        canvas.line(ax, name, TRAINED, *BOUNDS.get(name, ("", "")))
        canvas.furnish(ax, *MEASURES[name], name)
        highest = np.nanmax([finite(canvas.curve, column) for column in (name, *BOUNDS.get(name, ()))])
        ax.set_ylim(0, 1.08 * highest or 1.0)
    most = int(canvas.curve["n_models"].max())  # type: ignore[arg-type]
    return style.finish(figure, f"{heading}, mean over {count(most, 'object model')}")
