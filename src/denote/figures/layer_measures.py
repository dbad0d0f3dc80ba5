"""Other measures over depth: properties, classes in them, live neurons, directions of the state, share denoting."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from denote.figures.canvas import depth_canvas
from denote.figures.curves import Curve, finite
from denote.figures.folded_difference import say
from denote.figures.style import TRAINED, headline, message, new_figure, styled
from denote.numbers import count

MEASURES = {
    "property_entropy_mean": ("Variety of denoted properties", "entropy (bits)"),
    "n_members_mean": ("What a property is made of", "classes or attributes (count)"),
    "n_live_mean": ("Live neurons", "neurons (count)"),
    "participation_ratio_mean": ("Participation ratio of the state", "directions (count)"),
    "share_denoting_mean": ("Live neurons that denote", "share of live neurons"),
}
BOUNDS = {"share_denoting_mean": ("share_denoting_low", "share_denoting_high")}

_NONE_DENOTES, _NOT_MEASURED = "no hidden layer\ndenotes anything", "not known\nin a hidden layer"
WHY_EMPTY = {
    "property_entropy_mean": _NONE_DENOTES,
    "n_members_mean": _NONE_DENOTES,
    "n_live_mean": _NOT_MEASURED,
    "participation_ratio_mean": _NOT_MEASURED,
    "share_denoting_mean": "no hidden layer\nhas a live neuron",
}


def measured(by_depth: pl.DataFrame) -> list[str]:
    """The measures that are known at some layer."""
    return [name for name in MEASURES if by_depth[name].is_not_null().any()]


@styled
def draw_layer_measures(by_depth: pl.DataFrame, curve: Curve) -> Figure:
    """A small panel per measure over depth, means over object models, each on a scale of its own from 0.

    Args:
        by_depth: Rows of ``label_proportion_by_depth.parquet``; a measure that is null everywhere has no panel.
        curve: Which curve of them.
    """
    own = curve.of(by_depth).filter(pl.col("depth").is_not_null())
    names, heading = measured(own), f"What else changes with depth: {curve.title}"
    if not names:
        return message("None of the measures is known.", heading)
    canvas = depth_canvas(own, pl.DataFrame(schema={"object_model": pl.String, "seed": pl.Int64}))
    figure = new_figure(3.4 * len(names) + 0.4, 3.7)
    for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        canvas.line(ax, name, TRAINED, *BOUNDS.get(name, ("", "")))
        canvas.furnish(ax, *MEASURES[name])
        highest = np.nanmax([finite(canvas.curve, column) for column in (name, *BOUNDS.get(name, ()))])
        ax.set_ylim(0, 1.08 * highest or 1.0)
        if canvas.curve.filter(~canvas.head)[name].is_null().all():
            say(ax, WHY_EMPTY[name])
    most = int(canvas.curve["n_models"].max())  # type: ignore[arg-type]
    headline(figure, f"{heading}, mean over {count(most, 'object model')}")
    return figure
