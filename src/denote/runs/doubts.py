"""What makes the numbers of a sweep doubtful."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from denote.tables import says

if TYPE_CHECKING:
    from denote.observation.result import Evidence


def warnings(merged: Evidence) -> list[str]:
    """Say what makes the numbers doubtful, one sentence each."""
    found = []
    networks = ["architecture", "trained", "epoch", "seed"]
    marked = says("at_chance")
    at_chance = pl.concat(table.filter(marked).select(networks) for table in (merged.cells, merged.neurons))
    at_chance = at_chance.unique().sort(networks)
    for (architecture, _, epoch), part in at_chance.group_by(networks[:3], maintain_order=True):
        at = f" at epoch {epoch}" if epoch is not None else ""
        seeds = ", ".join(map(str, part["seed"]))
        found.append(f"{architecture} seed {seeds}{at}: at chance on held-out rows.")
    found += pooled(merged.neurons)
    unconverged = merged.cells.filter(~pl.col("converged") & pl.col("auroc").is_not_null()).height
    if unconverged:
        found.append(f"{unconverged} of {merged.cells.height} cells have an observer that did not converge.")
    return found


def pooled(neurons: pl.DataFrame) -> list[str]:
    """Say what the by-depth table takes for replicates that are none: it tells networks apart by few columns."""
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
