"""Atlas of a layer: how often every neuron is on in every class, similar neurons side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering

from denote.figures.curves import finite, thinned
from denote.figures.style import MANY, headline, message, new_figure, styled
from denote.streams import stream

MOST_NEURONS = 400
"""Rows of an atlas; optimal leaf ordering grows with their square, and more are thinner than a line."""

MOST_NAMED = 60
"""Rows that have a label each; of more the runs of one property have."""

LABEL_HEIGHT = 0.15
"""Inches that a label takes."""

MOST_CLASSES_NAMED = 40

KEY = ("object_model", "layer", "pooling", "neuron", "family", "probe_seed")


def atlas_rows(neurons: pl.DataFrame, on_rates: pl.DataFrame) -> pl.DataFrame:
    """The rows of an atlas from top to bottom.

    Args:
        neurons: Rows of ``neurons.parquet`` of one object model, layer and family.
        on_rates: Rows of ``on_rates.parquet``; those of other neurons are left out.

    Returns:
        One row per neuron that is drawn: ``neuron property denotes label_proportion``, and ``on_rates``, a number per
        class in the order of the data. Of more than `MOST_NEURONS` the denoting ones and a draw of the others.
    """
    key = [name for name in KEY if name in on_rates.columns]
    rates = on_rates.group_by(key, maintain_order=True).agg(pl.col("on_rate").alias("on_rates"))
    rows = neurons.filter("live").join(rates, on=key, how="inner", nulls_equal=True, maintain_order="left")
    rows = rows.select("neuron", "property", pl.col("denotes").fill_null(False), "label_proportion", "on_rates")
    if rows.height > MOST_NEURONS:
        tie = stream("neuron atlas").permutation(rows.height)
        kept = rows.with_columns(tie=tie).sort("denotes", "tie", descending=[True, False]).head(MOST_NEURONS)
        rows = kept.drop("tie").sort("neuron")
    return rows[alike(np.array(rows["on_rates"].to_list(), dtype=float))]


def alike(rates: Float[np.ndarray, "neuron class"]) -> list[int]:
    """An order of the rows that puts similar ones together (average linkage, optimal leaf ordering)."""
    if len(rates) < 3:
        return list(range(len(rates)))
    tree = linkage(rates, "average")
    return [int(leaf) for leaf in leaves_list(optimal_leaf_ordering(tree, rates))]


@styled
def draw_neuron_atlas(neurons: pl.DataFrame, on_rates: pl.DataFrame, title: str = "") -> Figure:
    """Heat map of on-rates, neurons x classes, with each neuron's property and its label proportion.

    Args:
        neurons: Rows of ``neurons.parquet`` of one object model, layer and family.
        on_rates: Rows of ``on_rates.parquet``; those of other neurons are left out.
        title: Object model, layer.
    """
    rows = atlas_rows(neurons, on_rates)
    heading = f"Neuron atlas: {title}"
    if rows.is_empty():
        return message("No neuron has on-rates: classes, and a live neuron with a threshold, are needed.", heading)
    classes = on_rates["class"].unique(maintain_order=True).to_list()
    named = rows.height <= MOST_NAMED
    height = float(np.clip(0.17 * rows.height, 2.5, 11)) if named else 11.0
    width = float(np.clip(0.34 * len(classes), 3, 9))
    figure = new_figure(width + 4.9, height + 2.6)
    heat, side = figure.subplots(1, 2, width_ratios=(width, 1.1), sharey=True)
    _draw_rates(heat, np.array(rows["on_rates"].to_list(), dtype=float), classes)
    _draw_proportions(side, rows)
    labels = _labels(rows) if named else _runs(rows, rows.height * LABEL_HEIGHT / height)
    side.yaxis.tick_right()
    side.set_yticks([place for place, _ in labels], [text for _, text in labels], fontsize=7)
    side.tick_params(axis="y", length=0, labelleft=False, labelright=True)
    heat.tick_params(axis="y", length=0, labelleft=False)
    hint = "in brackets: the best property of a neuron that does not denote" if named else "runs that denote are named"
    heat.set_ylabel(f"neuron, similar ones together ({hint})")
    # Below both: at the right it would stand at a distance of the axes, wherever the labels end.
    bar = figure.colorbar(
        heat.images[0], ax=[heat, side], location="bottom", shrink=3 / (width + 1.1), aspect=20, pad=0.02, anchor=(0, 1)
    )
    bar.set_label("on-rate (share of the class's test rows)")
    bar.outline.set_visible(False)
    headline(figure, f"{heading}\n{_count(neurons, rows)}")
    return figure


def _draw_rates(ax: Axes, rates: Float[np.ndarray, "neuron class"], classes: Sequence[str]) -> None:
    ax.imshow(rates, cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest", rasterized=rates.size > MANY)
    shown = thinned(classes, MOST_CLASSES_NAMED)
    upright = max(len(classes[i]) for i in shown) <= 2
    ax.set_xticks(shown, [classes[i] for i in shown], rotation=0 if upright else 90)
    ax.tick_params(axis="x", length=0)
    ax.set_xlabel("class, in the order of the data")
    ax.spines[:].set_visible(True)


def _draw_proportions(ax: Axes, rows: pl.DataFrame) -> None:
    """Label proportion of each property as a bar, solid where the neuron denotes it."""
    places, proportion = np.arange(rows.height), finite(rows, "label_proportion")
    denotes = rows["denotes"].to_numpy()
    ax.barh(places, proportion, height=1.0, color=np.where(denotes, "black", "0.8"), linewidth=0)
    ax.axvline(0.5, color="0.5", linewidth=0.6, linestyle=":")
    ax.set_xlim(0, 1)
    ax.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
    ax.set_xlabel("label proportion\nblack: denotes")


def _labels(rows: pl.DataFrame) -> list[tuple[float, str]]:
    """Every neuron's number and property; those that do not denote it have it in brackets."""
    return [
        (place, f"{neuron}  {_short(name)}" if denotes else f"{neuron}  ({_short(name)})")
        for place, (neuron, name, denotes) in enumerate(rows.select("neuron", "property", "denotes").iter_rows())
    ]


def _runs(rows: pl.DataFrame, apart: float) -> list[tuple[float, str]]:
    """Places of runs of neighbours that denote one property, the longest first, as far as they are ``apart`` rows."""
    denoted = [name if denotes else None for name, denotes in rows.select("property", "denotes").iter_rows()]
    runs, start = [], 0
    for name, members in groupby(denoted):
        length = len(list(members))
        if name is not None:
            runs.append((length, start + (length - 1) / 2, name))
        start += length
    kept: list[tuple[float, str]] = []
    for length, middle, name in sorted(runs, reverse=True):
        if all(abs(middle - place) >= apart for place, _ in kept):
            kept.append((middle, _short(name) + (f" × {length}" if length > 1 else "")))
    return sorted(kept)


def _short(name: str | None) -> str:
    text = name or "none"
    return text if len(text) <= 34 else f"{text[:32]}…"


def _count(neurons: pl.DataFrame, rows: pl.DataFrame) -> str:
    live, denoting = neurons["live"].sum(), neurons["denotes"].fill_null(value=False).sum()
    dead = neurons.height - live
    text = f"{denoting} of {live} live neurons denote" + (f"; {dead} dead ones are left out" if dead else "")
    if rows.height < live:
        text += f"; drawn: {int(rows['denotes'].sum())} that denote and {int((~rows['denotes']).sum())} of the others"
    return text
