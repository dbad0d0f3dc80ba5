"""Finished jobs' tables as one: each row once, and one correction over all of them (METHOD section 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from denote.denotation.depth import label_proportion_by_depth
from denote.denotation.rule import best_per_key, decide_neurons, decide_replicates, realised_cutoffs
from denote.evidence.cells import decide_cells
from denote.evidence.rule import Rule
from denote.tables import CELLS, CELLS_KEY, CONTROLS, LABEL_PROPORTION_BY_DEPTH, NEURONS

TABLES = {"cells": CELLS, "neurons": NEURONS, "controls": CONTROLS}
"""A job's tables and their columns."""


@dataclass(frozen=True)
class Merged:
    """The tables of a sweep.

    Attributes:
        cells: One row per object model, layer, attribute and probe.
        neurons: One row per neuron and attribute family.
        controls: The replicates behind the control columns.
        by_depth: Label proportion of what neurons denote, per layer.
    """

    cells: pl.DataFrame
    neurons: pl.DataFrame
    controls: pl.DataFrame
    by_depth: pl.DataFrame

    def write(self, folder: Path) -> None:
        """Save as parquet."""
        self.cells.write_parquet(folder / "cells.parquet")
        self.neurons.write_parquet(folder / "neurons.parquet")
        self.controls.write_parquet(folder / "controls.parquet")
        self.by_depth.write_parquet(folder / "label_proportion_by_depth.parquet")

    @classmethod
    def read(cls, folder: Path) -> Merged:
        """What `write` saved."""
        names = ("cells", "neurons", "controls", "label_proportion_by_depth")
        return cls(*(pl.read_parquet(folder / f"{name}.parquet") for name in names))


def merge(jobs: Sequence[Path], rule: Rule) -> Merged:
    """Merge the tables of job folders and decide again over all of them.

    A neuron that was searched by several jobs keeps, per family, the property with the best *fit* score; a cell that
    several jobs have is the same cell and is kept once.
    """
    cells, neurons, controls = (_concat(jobs, name) for name in TABLES)
    cells = decide_cells(cells.unique(CELLS_KEY, keep="first", maintain_order=True), rule)
    neurons = decide_neurons(best_per_key(neurons), rule)
    controls = decide_replicates(_distinct(controls), realised_cutoffs(neurons, rule), rule)
    by_depth = label_proportion_by_depth(neurons, controls, rule)
    return Merged(cells, neurons, controls, by_depth.select(*LABEL_PROPORTION_BY_DEPTH))


def rule_of(config: Mapping[str, Any]) -> Rule:
    """The decision rule of a job's ``evidence.*``."""
    evidence = config["evidence"]
    return Rule(**{name: evidence[name] for name in ("decisive", "null", "q", "min_rows", "on_tolerance")})


def _concat(jobs: Sequence[Path], name: str) -> pl.DataFrame:
    schema = TABLES[name]
    frames = [pl.read_parquet(job / f"{name}.parquet") for job in jobs]
    return pl.concat([pl.DataFrame(schema=schema), *frames], how="diagonal")


def _distinct(controls: pl.DataFrame) -> pl.DataFrame:
    """Replicates of jobs that overlap, once; of a neuron the property with the best *fit* score, as for real ones."""
    is_neuron = pl.col("neuron").is_not_null()
    cells = controls.filter(~is_neuron).unique(["control", "draw", *CELLS_KEY], keep="first", maintain_order=True)
    neurons = [
        best_per_key(part) for _, part in controls.filter(is_neuron).group_by("control", "draw", maintain_order=True)
    ]
    return pl.concat([cells, *neurons])
