"""First depth at which attributes are decisive: the first of two decisive layers in a row, attribute by attribute."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from denote.figures import style
from denote.figures.curves import layer_labels, thinned
from denote.numbers import count_range, proportion

MOST_ATTRIBUTES = 40
MOST_PANELS = 4
MOST_TICKS = 12
BEYOND = 0.8
"""Distance, in layers, from the last layer to what lies beyond it."""

_RULE = "first of two consecutive decisive layers"
_TITLE = "Where attributes become decisive"


@style.styled
def draw_first_decisive(first: pl.DataFrame, layers: pl.DataFrame, attributes: Sequence[str] | None = None) -> Figure:
    """Dots with intervals, attributes ordered by where they become decisive, one panel per probe.

    What lies beyond the last layer is drawn behind it: a median as an open triangle, the end of an interval as an
    arrow head.

    Args:
        first: Rows of ``first_decisive.parquet`` of one dataset, architecture and epoch.
        layers: Rows of ``layers.parquet`` of the same networks, which name the depths.
        attributes: Which of them, from top to bottom, so that another figure can show the same; by default the first
            `MOST_ATTRIBUTES` of the table.
    """
    known = first.filter(pl.col("n_censored").is_not_null(), pl.col("n_models") > 0)
    if known.is_empty():
        return style.message("No two hidden layers in a row were observed.", _TITLE)
    there = known["attribute"].unique(maintain_order=True).to_list()
    rows = [name for name in attributes or there if name in set(there)][:MOST_ATTRIBUTES]
    left_out = len(there) - len(rows)
    hidden = layers.filter(~pl.col("is_head"))
    names = hidden.select("depth", "layer").unique().drop_nulls().sort("depth")
    names = names.with_columns(layer=pl.col("layer").replace(layer_labels(hidden)))
    panels = known.partition_by("probe", "k", maintain_order=True)
    panels = [panels[place] for place in thinned(panels, MOST_PANELS)]
    figure = style.new_figure(2.2 + len(panels) * (1.6 + 0.28 * min(len(names), 14)), 2.2 + 0.25 * max(len(rows), 3))
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for ax, own in zip(axes, panels, strict=True):
        probe, k = own.select("probe", "k").row(0)
        _draw(own, rows, names, ax)
        style.panel_title(ax, probe if k is None else f"{probe}, {k} neurons", figure.get_figwidth() / len(panels) - 1)
    return style.finish(figure, _heading(known), _handles(axes), _note(known, left_out))


def _draw(own: pl.DataFrame, rows: list[str], names: pl.DataFrame, ax: Axes) -> None:
    last = float(names["depth"].max() or 0)  # type: ignore[arg-type]
    behind = last + BEYOND
    for row in own.filter(pl.col("attribute").is_in(rows)).iter_rows(named=True):
        y, median, low = rows.index(row["attribute"]), row["first_depth"], row["first_depth_low"]
        if low is not None:
            high = row["first_depth_high"]
            ax.plot([low, behind if high is None else high], [y, y], color="0.35", linewidth=1.3, zorder=2)
            if high is None and median is not None:
                ax.plot(behind, y, ">", color="0.35", markersize=4, zorder=3)
        never = f"{row['n_censored']} of {row['n_models']}" if row["n_censored"] else ""
        ax.text(behind + 0.35, y, never, va="center", fontsize=7, color="0.25")
        if median is None:
            ax.plot(behind, y, "^", color="black", markerfacecolor="white", markersize=6, zorder=3)
        else:
            ax.plot(median, y, "o", color="black", markersize=5, zorder=4)
    ax.axvspan(last + BEYOND / 2, behind + 1.6, color="0.92", zorder=0, linewidth=0)
    _label(own, rows, names, ax)
    ax.set_xlim(-0.5, behind + 1.6)


def _label(own: pl.DataFrame, rows: list[str], names: pl.DataFrame, ax: Axes) -> None:
    style.slanted_ticks(ax, names["depth"].to_list(), names["layer"].to_list(), MOST_TICKS)
    shares = dict(own.select("attribute", "label_proportion").iter_rows())
    ax.set_yticks(range(len(rows)), [f"{style.cut(row, 36)} ({proportion(shares.get(row))})" for row in rows])
    ax.set(
        xlabel="layer and class of its module, by depth",
        ylabel="attribute (label proportion)",
        ylim=(len(rows) - 0.5, -0.5),
    )
    ax.label_outer()
    style.faint_grid(ax, "0.92", "both")


def _heading(known: pl.DataFrame) -> str:
    dataset, architecture = known.select("dataset", "architecture").row(0)
    return f"{_TITLE}: {dataset}, {architecture}, {count_range(known['n_models'], 'object model')}"


def _note(known: pl.DataFrame, left_out: int) -> str:
    equal = "Attributes were read from equal numbers of rows."
    unequal = "Attributes were read from unequal numbers of rows: more rows make one decisive earlier."
    more = f" {left_out} more attributes are not drawn." if left_out else ""
    return (equal if known["equal_rows"].all() else unequal) + more


def _handles(panels: Iterable[Axes]) -> list[Line2D]:
    """Return the legend of the markers that any panel has."""
    markers = {line.get_marker() for ax in panels for line in ax.lines}
    dot: dict[str, Any] = {"markerfacecolor": "black", "markeredgecolor": "black", "markersize": 5}
    known = [
        style.handle(
            f"{_RULE}: median over networks, line: its interval of 95 % or more", color="0.35", marker="o", **dot
        ),
        style.handle(
            "not decisive at any layer in half of the networks or more; n of m: in how many",
            **{"linestyle": "", "color": "black", "marker": "^", "markerfacecolor": "white", "markersize": 6},
        ),
    ]
    return [handle for handle in known if handle.get_marker() in markers]
