"""Values over layers: the frames that figures and reports draw from, and the measures of layers."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from denote.evidence.first_decisive import passes
from denote.figures.canvas import depth_canvas
from denote.figures.curves import Curve, finite
from denote.figures.depth_parts import say
from denote.figures.style import TRAINED, finish, message, new_figure, styled
from denote.numbers import count
from denote.tables import CELLS_KEY

PROFILE_KEY = ("dataset", "architecture", "trained", "epoch", "probe", "k", "family", "attribute")
"""Columns that identify a profile over depth; object models and probe seeds are averaged over."""

_LAYER = ("layer", "depth", "relative_depth", "pooling")


_SCORES = ("auroc", "balanced_accuracy", "untrained_auroc", "input_auroc", "label_proportion")

_LEAVES_OUT = pl.col("k") < pl.col("n_neurons")
"""True for observers that read only some of the neurons."""


def drawn_cells(cells: pl.DataFrame) -> pl.DataFrame:
    """The cells that a figure of one network shows: trained ones where there are any, at the best or last epoch."""
    if cells["trained"].any():
        cells = cells.filter("trained")
    last = None if cells["epoch"].null_count() else cells["epoch"].max()
    return cells.filter(pl.col("epoch").eq_missing(last))


def network_names(frame: pl.DataFrame) -> str:
    """Return datasets and architectures of a table in one string."""
    columns = (frame[name].unique(maintain_order=True) for name in ("dataset", "architecture"))
    return ", ".join(name for column in columns for name in column)


def one_size(cells: pl.DataFrame) -> pl.DataFrame:
    """One row per cell: of a probe with several sizes the largest that leaves neurons out, else all neurons.

    Args:
        cells: Rows of ``cells.parquet``.
    """
    cell = [column for column in CELLS_KEY if column != "k"]
    kept = pl.coalesce(pl.col("k").filter(_LEAVES_OUT).max(), pl.col("k").max()).over(cell)
    return cells.filter(pl.col("k").is_null() | (pl.col("k") == kept))


def profiles(cells: pl.DataFrame) -> pl.DataFrame:
    """Means over object models of each attribute's scores at each layer.

    Args:
        cells: Rows of ``cells.parquet``.

    Returns:
        One row per ``PROFILE_KEY`` and layer with ``n_models``, those that have an AUROC, the mean ``auroc``,
        ``balanced_accuracy``, ``untrained_auroc``, ``input_auroc`` (null where no model has one), ``label_proportion``
        and ``decisive_share``, the share of object models with a score in which the cell is decisive, as
        `first_decisive` counts them. Probe seeds are averaged inside a model first. A probe with several sizes enters
        with `one_size`; its ``k`` is then the largest in the network, since a narrow layer has fewer to give;
        ``input_auroc`` is that of this size, null at layers that have another.
    """
    network = ("dataset", "architecture", "trained", "epoch", "probe")
    most = pl.coalesce(pl.col("k").filter(_LEAVES_OUT).max(), pl.col("k").max()).over(network)
    cells = one_size(cells).with_columns(k=most, input_auroc=pl.when(pl.col("k").eq_missing(most)).then("input_auroc"))
    scores = [pl.col(c).mean() for c in _SCORES]
    key = [*PROFILE_KEY, *_LAYER]
    within = cells.group_by(*key, "object_model", maintain_order=True).agg(
        *scores, passes().cast(pl.Float64).alias("decisive"), pl.col("note").drop_nulls().first()
    )
    return (
        within.group_by(key, maintain_order=True)
        .agg(
            pl.col("auroc").count().alias("n_models"),
            *scores,
            pl.col("decisive").mean().fill_null(0.0).alias("decisive_share"),
            pl.col("note").drop_nulls().first(),
        )
        .sort("depth", nulls_last=True, maintain_order=True)
    )


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
    return finish(figure, f"{heading}, mean over {count(most, 'object model')}")
