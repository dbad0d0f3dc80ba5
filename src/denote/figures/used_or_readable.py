"""How well neurons denote beside how much their network needs them."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from denote.evidence.intervals import t_interval
from denote.figures import style
from denote.figures.curves import Curve
from denote.interventions.use import ablated_neurons
from denote.interventions.words import TOGETHER_ONLY, USED, verdict
from denote.numbers import count

_TITLE = "Used, or only readable?"
COLOURS = "viridis"
"""Of relative depth, from the first layer to the last."""
MOST_TICKS = 12


def use_data(neurons: pl.DataFrame, layers: pl.DataFrame, curve: Curve) -> pl.DataFrame:
    """Return the numbers that are drawn, one ablated neuron a row.

    Args:
        neurons: Rows of ``neurons.parquet``.
        layers: Rows of ``layers.parquet``.
        curve: Which networks and family.
    """
    columns = ("object_model", "seed", "layer", "depth", "relative_depth", "neuron", "property")
    scores = ("balanced_accuracy", "label_proportion", "folded_label_proportion")
    found = ("ablation_effect", "ablation_random", "excess", "ablation_q", "causal_evidence")
    return curve.of(ablated_neurons(neurons, layers)).select(*columns, *scores, *found)


@style.styled
def draw_used_or_readable(data: pl.DataFrame, curve: Curve, said: str = "") -> Figure:
    """Draw what resampling each denoting neuron costs beyond random ones, against how well it denotes and where.

    Args:
        data: As `use_data` gives it.
        curve: Whose they are.
        said: What the tests over networks say.
    """
    if data.is_empty():
        return style.message("No denoting neuron was ablated.", f"{_TITLE} {curve.title}")
    figure = style.new_figure(11.5, 4.4)
    axes = figure.subplots(1, 3, sharey=True)
    colours = Normalize(0, 1)
    for ax, column, label in zip(
        axes[[0, 2]],
        ("balanced_accuracy", "folded_label_proportion"),
        ("how well it denotes (balanced accuracy)", "folded label proportion of what it denotes"),
        strict=True,
    ):
        ax.scatter(
            data[column], data["excess"], c=data["relative_depth"].fill_null(0.0), cmap=COLOURS, norm=colours, s=11,
            linewidths=0, alpha=0.75, rasterized=data.height > 5000,
        )  # fmt: skip
        _ring(data, ax, column)
        ax.set_xlabel(label)
    axes[0].legend(loc="upper left", fontsize="small", frameon=False)
    _by_depth(data, axes[1])
    for ax, title in zip(axes, ("a  Readable, and used?", "b  By depth", "c  By label proportion"), strict=True):
        ax.axhline(0, color="0.6", linewidth=0.8, zorder=0)
        style.panel_title(ax, title, 3.7)
        style.faint_grid(ax)
    axes[0].set_ylabel("score lost on its rows,\nbeyond random ones")
    figure.colorbar(ScalarMappable(colours, COLOURS), ax=axes[2], label="relative depth", fraction=0.05)
    return style.finish(figure, f"{_TITLE} {curve.title}", note=f"Over networks: {said}." if said else "")


def _ring(data: pl.DataFrame, ax: Axes, column: str) -> None:
    """Encircle the neurons that are shown to be used, alone or together with others."""
    word = data.select(word=verdict())["word"]
    rings = ((USED, "black", 1.2, "used"), (TOGETHER_ONLY, "0.4", 0.5, "used only together with others"))
    for which, colour, width, label in rings:
        of_word = data.filter(word == which)
        counted = f"{label}: {count(len(of_word))} of {count(len(data))}"
        ax.scatter(
            of_word[column],
            of_word["excess"],
            s=30,
            facecolors="none",
            edgecolors=colour,
            linewidths=width,
            label=counted,
        )


def _by_depth(data: pl.DataFrame, ax: Axes) -> None:
    """Means of the networks at each layer, and over networks with their interval."""
    means = data.group_by("depth", "layer", "object_model").agg(pl.col("excess").mean()).sort("depth")
    places = means.select("depth", "layer").unique().sort("depth")
    for index, (depth, layer) in enumerate(places.iter_rows()):
        values = means.filter(pl.col("depth") == depth, pl.col("layer") == layer)["excess"].to_numpy()
        ax.scatter(np.full(len(values), index), values, s=14, color="0.6", linewidths=0, zorder=2)
        mean = t_interval(values)
        if not np.isnan(mean.low):
            ax.vlines(index, mean.low, mean.high, color="black", linewidth=1.2, zorder=3)
        ax.scatter([index], [mean.value], s=26, color="black", zorder=4)
    style.slanted_ticks(ax, range(len(places)), places["layer"].to_list(), MOST_TICKS)
    ax.set_xlabel("layer (grey: a network, black: their mean)")
