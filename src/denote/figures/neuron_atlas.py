"""Draw how often every neuron is on in every class, and the inputs that show what neurons denote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering

from denote.figures.curves import finite, thinned
from denote.figures.style import MANY, colour_bar, cut, finish, fitting, message, new_figure, styled
from denote.streams import stream

MOST_NEURONS = 400
"""Rows of an atlas; optimal leaf ordering grows with their square, and more are thinner than a line."""

MOST_NAMED = 60
"""Rows that have a label each; of more the runs of one property have."""

MOST_UNITS = 4
"""Units of a run that are named by their numbers."""

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
    hint = "in brackets: best property of one that does not denote" if named else "those that denote are named"
    heat.set_ylabel(f"unit, similar ones together ({hint})" if height > 5 else "unit, similar ones together")
    # Below both: at the right it would stand at a distance of the axes, wherever the labels end.
    place: dict[str, Any] = {
        "location": "bottom",
        "shrink": 3 / (width + 1.1),
        "aspect": 20,
        "pad": 0.02,
        "anchor": (0, 1),
    }
    colour_bar(heat.images[0], "on-rate (share of the class's test rows)", [heat, side], **place)
    return finish(figure, heading, note=f"{_count(neurons, rows)}.")


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
    ax.set(xlim=(0, 1), xlabel="label proportion\nblack: denotes")
    ax.set_xticks([0, 0.5, 1], ["0", ".5", "1"])


def _labels(rows: pl.DataFrame) -> list[tuple[float, str]]:
    """Every neuron's number and property; those that do not denote it have it in brackets."""
    return [
        (place, f"{neuron}  {_short(name)}" if denotes else f"{neuron}  ({_short(name)})")
        for place, (neuron, name, denotes) in enumerate(rows.select("neuron", "property", "denotes").iter_rows())
    ]


def _runs(rows: pl.DataFrame, apart: float) -> list[tuple[float, str]]:
    """Places of runs of neighbours that denote one property, the longest first, as far as they are ``apart`` rows.

    Each has its property and the numbers of its first units.
    """
    denoted = [name if denotes else None for name, denotes in rows.select("property", "denotes").iter_rows()]
    units = rows["neuron"].to_list()
    runs, start = [], 0
    for name, members in groupby(denoted):
        length = len(list(members))
        if name is not None:
            first = ", ".join(map(str, units[start : start + min(length, MOST_UNITS)]))
            more = f" and {length - MOST_UNITS} more" if length > MOST_UNITS else ""
            runs.append((length, start + (length - 1) / 2, f"{_short(name)}: {first}{more}"))
        start += length
    kept: list[tuple[float, str]] = []
    for _, middle, text in sorted(runs, reverse=True):
        if all(abs(middle - place) >= apart for place, _ in kept):
            kept.append((middle, text))
    return sorted(kept)


def _short(name: str | None) -> str:
    return cut(name or "none", 34)


def _count(neurons: pl.DataFrame, rows: pl.DataFrame) -> str:
    live, denoting = neurons["live"].sum(), neurons["denotes"].fill_null(value=False).sum()
    dead = neurons.height - live
    text = f"{denoting} of {live} live neurons denote" + (f"; {dead} dead ones are left out" if dead else "")
    if rows.height < live:
        text += f"; drawn: {int(rows['denotes'].sum())} that denote and {int((~rows['denotes']).sum())} of the others"
    return text


N_INPUTS = 8
MOST_DRAWN = 30
THUMBNAIL = 0.56
"""Inches that a thumbnail takes, with the space to the next."""

SIDE, GAP, LABEL = 0.93, 0.5, 0.8
"""In thumbnails: the larger side of an image, the space between kinds, and the height of the lines above a row."""

TARGET = 0.24
"""Height of the line of true classes, in thumbnails."""

LONGEST_TARGET = 10
"""Letters of a class name that fit above a thumbnail."""

TOP = 1.9
"""Height of the title and of the names of the kinds, in thumbnails."""

KINDS = {
    "top": "largest activations",
    "above": "just above the threshold (on)",
    "below": "just below it (off)",
}
NEURON = ("object_model", "layer", "pooling", "neuron", "family", "probe_seed", "property")

Images = Mapping[int, UInt8[np.ndarray, "height width *plane"]]
"""Pictures of samples in 8 bits: grey, colours, or colours with opacity."""


def n_drawn(examples: pl.DataFrame, images: Images) -> int:
    """Return how many neurons of ``examples.parquet`` have their inputs drawn."""
    return min(examples.filter(pl.col("sample").is_in(list(images))).n_unique(NEURON), MOST_DRAWN)


@styled
def draw_examples(examples: pl.DataFrame, images: Images, title: str = "") -> Figure:
    """Thumbnails of the inputs in ``examples.parquet``, a row per neuron, the true class above each.

    An input on which the neuron errs (on without the property, off with it) has a dashed frame and a cross.

    Args:
        examples: Rows of ``examples.parquet``, in the order to be drawn; of more than `MOST_DRAWN` neurons some,
            evenly spaced.
        images: By sample its picture, all on one scale.
        title: Object model, family.
    """
    heading = f"Inputs that show what neurons denote: {title}"
    drawn = examples.filter(pl.col("sample").is_in(list(images)))
    if drawn.is_empty():
        return message("No neuron denotes, or its inputs are no images.", heading)
    neurons = drawn.partition_by(NEURON, maintain_order=True)
    shown = [neurons[index] for index in thinned(neurons, MOST_DRAWN)]
    ax = _canvas(len(shown))
    for place, text in enumerate(KINDS.values()):
        ax.text(place * (N_INPUTS + GAP), -0.25, text, fontsize=9, fontweight="bold", va="bottom")
    for row, own in enumerate(shown):
        _draw_neuron(ax, own, images, row * (1 + LABEL) + LABEL)
    more = f" {len(neurons) - len(shown)} more neurons are in the table." if len(neurons) > len(shown) else ""
    above = "Above each input its true class. " if _has_targets(drawn) else ""
    note = f"{above}Dashed frame and cross: the neuron errs, on without the property or off with it.{more}"
    width = ax.figure.get_figwidth() - 2 * THUMBNAIL * 0.2  # type: ignore[union-attr]
    ax.text(0, -TOP + 0.2, fitting(heading, width, 11), fontsize=11, va="top")
    ax.text(0, -TOP + 0.62, note, fontsize=8, va="top", color="0.35")
    return ax.figure  # type: ignore[return-value]


def _has_targets(examples: pl.DataFrame) -> bool:
    """Return whether true classes are known; older tables lack the column."""
    return "target" in examples.columns and bool(examples["target"].is_not_null().any())


def _canvas(n_neurons: int) -> Axes:
    """Axes without a frame whose unit is a thumbnail, x to the right and y down."""
    width, height = 3 * N_INPUTS + 2 * GAP, n_neurons * (1 + LABEL)
    figure = new_figure(THUMBNAIL * (width + 0.4), THUMBNAIL * (TOP + height + 0.2))
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set(xlim=(-0.2, width + 0.2), ylim=(height + 0.2, -TOP))
    return ax


def _draw_neuron(ax: Axes, own: pl.DataFrame, images: Images, y: float) -> None:
    """One neuron: its name and property, and below it the three kinds side by side."""
    neuron = own.row(0, named=True)
    name = f"{neuron['layer']} unit {neuron['neuron']}: {cut(neuron['property'], 80)}"
    ax.text(0, y - 0.08 - TARGET, name, fontsize=8, va="bottom")
    for place, kind in enumerate(KINDS):
        cells = own.filter(pl.col("kind") == kind).sort("rank").head(N_INPUTS)
        for rank, cell in enumerate(cells.iter_rows(named=True)):
            x = place * (N_INPUTS + GAP) + rank
            # Of a neuron that denotes the largest activations are on.
            wrong = cell["has_property"] == (kind == "below")
            _draw_thumbnail(ax, images[cell["sample"]], x, y, wrong=wrong)
            target = _short_target(cell.get("target"))
            ax.text(x + SIDE / 2, y - 0.05, target, fontsize=6, ha="center", va="bottom", color="0.2")


def _short_target(target: str | None) -> str:
    name = target or ""
    return name if len(name) <= LONGEST_TARGET else f"{name[: LONGEST_TARGET - 1]}…"


def _draw_thumbnail(
    ax: Axes, pixels: UInt8[np.ndarray, "height width *plane"], x: float, y: float, *, wrong: bool
) -> None:
    height, width = (SIDE * side / max(pixels.shape[:2]) for side in pixels.shape[:2])
    look: dict[str, Any] = {"interpolation": "nearest", "aspect": "auto", "clip_on": False}
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=255, extent=(x, x + width, y + height, y), **look)
    if wrong:
        for colour, dash in (("white", "-"), ("#d55e00", (0, (2, 1)))):
            ax.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=colour, linestyle=dash, linewidth=2.2))
        ax.plot(x + 0.84 * width, y + 0.16 * height, "x", color="#d55e00", markersize=6, markeredgewidth=1.8)
