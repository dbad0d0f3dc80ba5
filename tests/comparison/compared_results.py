"""Results to compare in tests: small tables, and the configs of the jobs that could have made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import polars as pl
from synthetic_tables import all_tables

from denote.comparison.compared import Compared
from denote.tables import CELLS, SWEEP_TABLES, empty, table

SEEDS, LAYERS, WIDTH = 4, 4, 16


@cache
def sweep_tables(seeds: int = SEEDS, layers: int = LAYERS) -> Mapping[str, pl.DataFrame]:
    """Every table of a small sweep."""
    return all_tables(seeds, layers, WIDTH)


def config(seed: int, **changed: Any) -> dict[str, Any]:
    """The settings of a job; keys with dots are put into their groups."""
    made: dict[str, Any] = {
        "architecture": {"_target_": "package.of.Network", "layers": 3, "epoch": None, "trained": True},
        "dataset": {"_target_": "package.of.Digits"}, "split": {"seed": 0}, "seed": seed,
        "probe": {"linear": {"kind": "linear", "l2": 0.001}}, "trainer": {"learning_rate": 0.001},
    }  # fmt: skip
    for key, value in changed.items():
        *groups, name = key.split("__")
        inner = made
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[name] = value
    return made


def result(
    name: str = "a", seeds: Sequence[int] = range(SEEDS), renamed: str = "", known: bool = True, **changed: Any
) -> Compared:
    """A sweep of some seeds.

    Args:
        name: What it is called.
        seeds: Of its networks.
        renamed: Put before the keys of networks, so that they are others.
        known: Whether the settings of its jobs are known.
        changed: Settings, with ``__`` for dots.
    """
    kept = {}
    for each, frame in sweep_tables().items():
        own = frame.filter(pl.col("seed").is_in(list(seeds))) if "seed" in frame.columns else frame
        if "object_model" in own.columns and renamed:
            own = own.with_columns(object_model=pl.concat_str(pl.lit(renamed), "object_model"))
        kept[each] = own
    jobs = [(f"{renamed}{seed:016x}", config(seed, **changed)) for seed in seeds]
    return Compared(name, kept, jobs if known else ())


def of_cells(name: str, layers: Mapping[str, float | None], scores: Mapping[str, float], **columns: Any) -> Compared:
    """A result of cells alone: three networks, every layer and attribute.

    Args:
        name: What it is called.
        layers: Relative depth by layer.
        scores: AUROC by attribute.
        columns: Values of further columns.
    """
    rows = [
        {"dataset": "d", "architecture": name, "trained": True, "seed": seed, "object_model": f"{name}{seed}",
         "layer": layer, "relative_depth": depth, "pooling": "none", "probe": "linear", "probe_seed": 0,
         "attribute": attribute, "family": "named", "auroc": score + 0.01 * seed, "auroc_low": score - 0.05,
         "auroc_high": score + 0.05, "decisive": False, **columns}
        for seed in range(3) for layer, depth in layers.items() for attribute, score in scores.items()
    ]  # fmt: skip
    return Compared(
        name, {each: empty(schema) for each, schema in SWEEP_TABLES.items()} | {"cells": table(rows, CELLS)}
    )
