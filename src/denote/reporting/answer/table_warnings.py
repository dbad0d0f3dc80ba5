"""What the rows of tables say against themselves: networks at chance, unfinished fits, replicates that are none."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from denote.tables import says

NETWORK = ["architecture", "trained", "epoch", "seed"]

TRAINED_HERE = "train longer (trainer.max_epochs) or leave it out"
FROM_OUTSIDE = "leave it out, unless its outputs stand for other classes than those given"
"""What to do about a network at chance."""


def table_warnings(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """Say what makes the numbers doubtful, one sentence each.

    Args:
        tables: With ``cells`` and ``neurons``.
    """
    cells, neurons = tables["cells"], tables["neurons"]
    found = [*_at_chance(cells, neurons), *pooled(neurons)]
    unconverged = cells.filter(~pl.col("converged") & pl.col("auroc").is_not_null()).height
    if unconverged:
        found.append(
            f"{unconverged:,} of {cells.height:,} cells have an observer that did not converge, whose score may be too "
            "low: raise probe.NAME.max_iterations."
        )
    return found


def _at_chance(cells: pl.DataFrame, neurons: pl.DataFrame) -> list[str]:
    network = [*NETWORK, pl.col("trained_on").is_not_null().alias("from_outside")]
    marked = (table.filter(says("at_chance")).select(network) for table in (cells, neurons))
    rows = pl.concat(marked).unique().sort(NETWORK)
    found = []
    for (architecture, _, epoch, from_outside), part in rows.group_by(
        [*NETWORK[:3], "from_outside"], maintain_order=True
    ):
        at = f" at epoch {epoch}" if epoch is not None else ""
        seeds = ", ".join(map(str, part["seed"]))
        remedy = FROM_OUTSIDE if from_outside else TRAINED_HERE
        found.append(f"{architecture} seed {seeds}{at}: at chance on unseen inputs; {remedy}.")
    return found


def pooled(neurons: pl.DataFrame) -> list[str]:
    """Say what the by-depth table takes for replicates that are none: it tells networks apart by few columns.

    Args:
        neurons: Columns of ``tables.NEURONS``.
    """
    found = []
    several = neurons.group_by("object_model", "layer").agg(pl.n_unique("pooling", "probe_seed"))
    for column, name in (("pooling", "layer.pooling"), ("probe_seed", "probe_seed")):
        if several[column].max() not in (None, 1):
            found.append(f"{name} varies: counts of neurons hold each once per value; label proportions are averaged.")
    alike = ["dataset", "architecture", "trained", "epoch", "seed"]
    if neurons.group_by(alike).agg(pl.n_unique("object_model"))["object_model"].max() not in (None, 1):
        found.append(
            "Several object models share dataset, architecture and seed and differ in other settings: "
            "label_proportion_by_depth and the tests of depth take them for replicates."
        )
    return found
