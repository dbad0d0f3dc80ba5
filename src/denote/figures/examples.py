"""Inputs that show what neurons denote: those it is most active on, and the cases on either side of its threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from denote.figures.curves import thinned
from denote.figures.style import message, new_figure, styled

N_INPUTS = 8
MOST_NEURONS = 30
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

Images = Mapping[int, Float[np.ndarray, "*shape"]]


def n_drawn(examples: pl.DataFrame, images: Images) -> int:
    """Return how many neurons of ``examples.parquet`` have their inputs drawn."""
    return min(examples.filter(pl.col("sample").is_in(list(images))).n_unique(NEURON), MOST_NEURONS)


@styled
def draw_examples(examples: pl.DataFrame, images: Images, title: str = "") -> Figure:
    """Thumbnails of the inputs in ``examples.parquet``, a row per neuron, the true class above each.

    An input on which the neuron errs (on without the property, off with it) has a dashed frame and a cross.

    Args:
        examples: Rows of ``examples.parquet``, in the order to be drawn; of more than `MOST_NEURONS` neurons some,
            evenly spaced.
        images: By sample the image, ``(height, width)`` or ``(1 or 3, height, width)``. All are shown on one scale,
            from the smallest to the largest value of these images.
        title: Object model, family.
    """
    heading = f"Inputs that show what neurons denote: {title}"
    drawn = examples.filter(pl.col("sample").is_in(list(images)))
    if drawn.is_empty():
        return message("No neuron denotes, or its inputs are no images.", heading)
    neurons = drawn.partition_by(NEURON, maintain_order=True)
    shown = [neurons[index] for index in thinned(neurons, MOST_NEURONS)]
    ax = _canvas(len(shown))
    scale = _scale(images, drawn["sample"].unique())
    for place, text in enumerate(KINDS.values()):
        ax.text(place * (N_INPUTS + GAP), -0.25, text, fontsize=9, fontweight="bold", va="bottom")
    for row, own in enumerate(shown):
        _draw_neuron(ax, own, images, scale, row * (1 + LABEL) + LABEL)
    more = f"; {len(neurons) - len(shown)} more neurons are in the table" if len(neurons) > len(shown) else ""
    above = "above each input its true class; " if _has_targets(drawn) else ""
    note = f"{above}dashed frame and cross: the neuron errs, on without the property or off with it{more}"
    ax.text(0, -TOP + 0.2, f"{heading}\n{note}", fontsize=11, va="top")
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
    ax.set_xlim(-0.2, width + 0.2)
    ax.set_ylim(height + 0.2, -TOP)
    return ax


def _draw_neuron(ax: Axes, own: pl.DataFrame, images: Images, scale: tuple[float, float], y: float) -> None:
    """One neuron: its name and property, and below it the three kinds side by side."""
    neuron = own.row(0, named=True)
    name = neuron["property"] if len(neuron["property"]) <= 80 else f"{neuron['property'][:78]}…"
    ax.text(0, y - 0.08 - TARGET, f"{neuron['layer']}, neuron {neuron['neuron']}: {name}", fontsize=8, va="bottom")
    for place, kind in enumerate(KINDS):
        cells = own.filter(pl.col("kind") == kind).sort("rank").head(N_INPUTS)
        for rank, cell in enumerate(cells.iter_rows(named=True)):
            x = place * (N_INPUTS + GAP) + rank
            _draw_thumbnail(ax, _pixels(images[cell["sample"]], scale), x, y, wrong=_is_wrong(cell))
            ax.text(
                x + SIDE / 2, y - 0.05, _short(cell.get("target")), fontsize=6, ha="center", va="bottom", color="0.2"
            )


def _short(target: str | None) -> str:
    name = target or ""
    return name if len(name) <= LONGEST_TARGET else f"{name[: LONGEST_TARGET - 1]}…"


def _is_wrong(cell: Mapping[str, Any]) -> bool:
    """On without the property, or off with it; of a neuron that denotes the largest activations are on."""
    return bool(cell["has_property"] == (cell["kind"] == "below"))


def _scale(images: Images, samples: Iterable[int]) -> tuple[float, float]:
    """One scale for all thumbnails, so that brightness can be compared."""
    ends = np.array([(images[sample].min(), images[sample].max()) for sample in samples])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    return low, high if high > low else low + 1.0


def _pixels(image: Float[np.ndarray, "*shape"], scale: tuple[float, float]) -> Float[np.ndarray, "row column *colour"]:
    """An image as numbers in [0, 1]: one plane as grey, three as red, green and blue."""
    shown: np.ndarray = (np.asarray(image, dtype=float) - scale[0]) / (scale[1] - scale[0])
    return np.moveaxis(shown, 0, -1) if shown.ndim == 3 and len(shown) == 3 else shown.reshape(shown.shape[-2:])


def _draw_thumbnail(
    ax: Axes, pixels: Float[np.ndarray, "row column *colour"], x: float, y: float, *, wrong: bool
) -> None:
    height, width = (SIDE * side / max(pixels.shape[:2]) for side in pixels.shape[:2])
    look: dict[str, Any] = {"interpolation": "nearest", "aspect": "auto", "clip_on": False}
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=1, extent=(x, x + width, y + height, y), **look)
    if wrong:
        for colour, dash in (("white", "-"), ("#d55e00", (0, (2, 1)))):
            ax.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=colour, linestyle=dash, linewidth=2.2))
        ax.plot(x + 0.84 * width, y + 0.16 * height, "x", color="#d55e00", markersize=6, markeredgewidth=1.8)
