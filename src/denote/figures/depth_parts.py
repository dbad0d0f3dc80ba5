"""Parts of the course of raw label proportion over depth: polarity, what any basis shows, the neurons' own."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from denote.denotation.depth.plan import ANY_BASIS, BOW, CHANGE, LEVEL, OWN, POLARITY, RAW
from denote.figures.curves import Curve, finite, thinned
from denote.figures.style import (
    ROTATED,
    Line,
    faint_grid,
    headline,
    legend_below,
    line_handle,
    message,
    new_figure,
    plot_line,
    styled,
)
from denote.numbers import count, signed

LINES = {
    RAW: Line("#000000", "-", "o", "raw label proportion"),
    POLARITY: Line("#0072b2", "--", "D", "polarity: raw - folded"),
    ANY_BASIS: Line(ROTATED.colour, "-.", "^", "what any basis shows: rotated folded"),
    OWN: Line("#009e73", ":", "s", "the neurons' own: folded - rotated folded"),
}
"""The parts below the first add up to it, at every layer and in every contrast."""
SHAPES = {CHANGE: "Change, first to last layer", BOW: "Middle third minus the rest"}
MOST_TICKS = 14


@styled
def draw_depth_parts(parts: pl.DataFrame, curve: Curve) -> Figure:
    """Draw the parts of one curve by layer, and their change and bow with intervals.

    Args:
        parts: Rows of ``depth_parts.parquet``.
        curve: Which curve of them; where it has no parts the figure says why.
    """
    own, heading = curve.of(parts), f"What the course over depth is made of: {curve.title}"
    known = own.filter(pl.col("part").is_not_null())
    if known.is_empty():
        reason = str(own["note"].first() or "nothing was compared")
        return message(f"Not known: {reason}.", heading)
    figure = new_figure(13, 4.6)
    levels, contrasts = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_levels(levels, known.filter(pl.col("shape") == LEVEL))
    _draw_contrasts(contrasts, known)
    n = int(known["n_models"].max())  # type: ignore[arg-type]
    headline(figure, f"{heading}\nmeans over {count(n, 'network')} that have all these layers, 95 % t-intervals")
    legend_below(figure, [line_handle(line) for line in LINES.values()])
    return figure


def _draw_levels(ax: Axes, rows: pl.DataFrame) -> None:
    layers = rows.sort("depth")["layer"].unique(maintain_order=True).to_list()
    for number, (part, line) in enumerate(LINES.items()):
        own = rows.filter(pl.col("part") == part).sort("depth")
        x = np.arange(len(own)) + 0.07 * (number - 1.5)
        _draw_points(ax, x, own, line, connected=True)
    shown = thinned(layers, MOST_TICKS)
    ax.set_xticks(shown, [layers[index] for index in shown], rotation=40, ha="right")
    ax.axhline(0, color="0.3", linewidth=0.8, zorder=1)
    ax.set_title("a  Raw = the other three added up, at every layer")
    ax.set_ylabel("label proportion (share of test rows)")
    ax.set_xlabel("layer")
    faint_grid(ax)


def _draw_contrasts(ax: Axes, rows: pl.DataFrame) -> None:
    for number, shape in enumerate(SHAPES):
        for place, (part, line) in enumerate(LINES.items()):
            own = rows.filter(pl.col("shape") == shape, pl.col("part") == part)
            x = np.array([number + 0.18 * (place - 1.5)])
            _draw_points(ax, x, own, line, connected=False)
            top = float(np.nan_to_num(finite(own, "value_high"), nan=own["value"].item())[0])
            ax.annotate(
                signed(own["value"].item()),
                (x[0], top),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
    ax.set_xticks(range(len(SHAPES)), list(SHAPES.values()))
    ax.set_xlim(-0.6, len(SHAPES) - 0.4)
    ax.margins(y=0.12)
    ax.axhline(0, color="0.3", linewidth=0.8, zorder=1)
    ax.set_title("b  How each part changes")
    ax.set_ylabel("difference (share of test rows)")
    faint_grid(ax)


def _draw_points(ax: Axes, x: np.ndarray, own: pl.DataFrame, line: Line, *, connected: bool) -> None:
    y = finite(own, "value")
    ends = np.nan_to_num(np.abs(np.stack([finite(own, "value_low"), finite(own, "value_high")]) - y))
    ax.errorbar(x, y, ends, fmt="none", ecolor=line.colour, elinewidth=1.1, capsize=3, zorder=3)
    dash = line.dash if connected else ""
    plot_line(ax, x, y, line, linestyle=dash, markersize=5, linewidth=1.4, zorder=4)
