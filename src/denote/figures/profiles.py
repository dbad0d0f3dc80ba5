"""Mean scores of each attribute at each depth, over object models: the frame behind heat map, report and summary."""

from __future__ import annotations

import polars as pl

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
    from denote.evidence.first_decisive import passes  # loads scipy: only what makes profiles waits for it

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
