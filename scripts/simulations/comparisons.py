"""Comparisons of sweeps whose cells are drawn: is a planted difference found, and is one found where none is?

Tables of cells are drawn as those of 8 networks, 6 layers and 10 attributes, whose paired differences of the mean over
attributes have a standard deviation of .03, the same part of it in all attributes. They go the whole way of
`denote-compare` from its tables on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from denote.comparison.compare import Comparison, compare
from denote.comparison.compared import Compared
from denote.comparison.differences import over_pairs
from denote.comparison.family import LEVEL
from denote.comparison.observers import CELL, HEADLINE, OVERALL
from denote.comparison.sign_flips import sign_flip_p_values
from denote.evidence.corrections import benjamini_hochberg
from denote.streams import stream
from denote.tables import CELLS, SWEEP_TABLES, empty, table
from simulations.chance import most
from simulations.row import Row

NETWORKS, LAYERS, ATTRIBUTES = 8, 6, 10
PLANTED, AT, SPREAD = 0.05, 2, 0.03
"""Difference of AUROC, the layer that it is planted at, standard deviation of paired differences."""
OF_ATTRIBUTES = 0.01
"""Standard deviation of what an attribute differs by itself."""

EMPTY = {name: empty(schema) for name, schema in SWEEP_TABLES.items()}
"""What a sweep without anything but cells has."""

Scores = Float[np.ndarray, "network layer attribute"]
Pair = tuple[Compared, Compared]


def run(draws: int) -> list[Row]:
    """How often the planted difference is found at its layer, and how often any is where there is none."""
    planted = [compared(draw, PLANTED) for draw in range(draws)]
    elsewhere = sum(map(is_found_elsewhere, planted))
    rows = [
        Row("comparisons", "planted difference found at its layer", sum(map(is_found, planted)) / draws, least=0.90),
        Row("comparisons", "planted: found at another layer", elsewhere, most=most(draws, 0.05)),
    ]
    for name, made in EQUAL.items():
        found = sum(any_found(made(draw)) for draw in range(draws))
        rows.append(Row("comparisons", f"{name}: with a headline difference", found, most=most(draws, 0.05)))
    for name, made in EQUAL.items():
        covered = np.mean([covers(made(draw, PLANTED)) for draw in range(5 * draws)])
        what = f"{name} but for the planted difference: mean over layers covered"
        rows.append(Row("comparisons", what, float(covered), least=0.93, most=0.97))
    rows += _powers(5 * draws)
    same = [_largest(_of(draw)) for draw in range(min(draws, 20))]
    return [*rows, Row("comparisons", "a sweep with itself: largest number but for p = 1", max(same), most=0.0)]


def _powers(draws: int) -> list[Row]:
    """Return in how many draws of means alone the planted difference is found, by the correction of pairs and by t."""
    rng = stream("simulated comparisons", "means alone")
    differences = rng.normal(0, SPREAD, (draws, NETWORKS, LAYERS)) + PLANTED * (np.arange(LAYERS) == AT)
    found = {
        "sign flips": [sign_flip_p_values(each)[1] for each in differences],
        "paired t, Benjamini and Hochberg": [
            benjamini_hochberg(over_pairs(np.zeros_like(each), each).p_value) for each in differences
        ],
    }
    return [
        Row("comparisons", f"means alone, planted: found by {name}", (np.array(p)[:, AT] <= LEVEL).mean())
        for name, p in found.items()
    ]


def headline(found: Comparison) -> pl.DataFrame:
    """Mean differences over attributes, layer by layer."""
    return found.table.filter(pl.col("scope") == HEADLINE)


def is_found(found: Comparison) -> bool:
    """Whether the planted difference is called one."""
    return bool(headline(found).filter("differs", pl.col("layer") == f"hidden_{AT}").height)


def is_found_elsewhere(found: Comparison) -> bool:
    """Whether a difference is found where none was planted."""
    return bool(headline(found).filter("differs", pl.col("layer") != f"hidden_{AT}").height)


def any_found(found: Comparison) -> bool:
    """Whether any difference is found."""
    return bool(headline(found).filter("differs").height)


def covers(found: Comparison, truth: float = PLANTED / LAYERS) -> bool:
    """Whether the interval of the mean difference over layers holds the true one."""
    row = found.table.filter(pl.col("scope") == OVERALL).row(0, named=True)
    return bool(row["difference_low"] <= truth <= row["difference_high"])


def compared(draw: int, planted: float = 0.0) -> Comparison:
    """Compare a sweep with one of the same networks that differs at one layer, each network by its own amount."""
    rng = stream("simulated comparisons", "paired", draw)
    ours = _scores(rng)
    shift = np.where(np.arange(LAYERS) == AT, planted, 0.0) + rng.normal(0, SPREAD, (NETWORKS, LAYERS))
    others = ours + shift[:, :, None] + rng.normal(0, OF_ATTRIBUTES, ours.shape)
    return compare([_sweep("a", ours), _sweep("b", others)])


def compared_of_other_seeds(draw: int, planted: float = 0.0) -> Comparison:
    """Compare two sweeps of networks that share nothing but their settings."""
    rng = stream("simulated comparisons", "other seeds", draw)
    shift = np.where(np.arange(LAYERS) == AT, planted, 0.0)[:, None]
    return compare([_sweep("a", _scores(rng)), _sweep("b", _scores(rng) + shift, first_seed=NETWORKS)])


def _of(draw: int) -> Comparison:
    """Compare a sweep with itself."""
    sweep = _sweep("a", _scores(stream("simulated comparisons", "itself", draw)))
    return compare([sweep, Compared("again", sweep.tables, sweep.jobs)])


EQUAL: Mapping[str, Callable[..., Comparison]] = {
    "equal sweeps, paired": compared, "equal sweeps, other seeds": compared_of_other_seeds,
}  # fmt: skip


def _largest(found: Comparison) -> float:
    """Return the largest difference or end of an interval; infinite where a number is missing or p is not 1."""
    tests = found.table.filter(pl.col("scope").is_in([OVERALL, HEADLINE, CELL]), pl.col("quantity") == "auroc")
    numbers = tests.select("difference", "difference_low", "difference_high").to_numpy().astype(float)
    is_sure = tests["p_corrected"].null_count() == 0 and (tests["p_corrected"] == 1).all()
    return float(np.abs(numbers).max()) if is_sure and np.isfinite(numbers).all() else float("inf")


def _scores(rng: np.random.Generator) -> Scores:
    """Draw scores of networks, whose layers and attributes have something in common."""
    return np.asarray(
        0.8
        + rng.normal(0, 0.02, (NETWORKS, 1, 1))
        + rng.normal(0, SPREAD / np.sqrt(2), (NETWORKS, LAYERS, 1))
        + stream("simulated comparisons", "attributes").normal(0, 0.03, (1, LAYERS, ATTRIBUTES))
        + rng.normal(0, OF_ATTRIBUTES, (NETWORKS, LAYERS, ATTRIBUTES))
    )


def _sweep(name: str, scores: Scores, first_seed: int = 0) -> Compared:
    rows = [
        _cell(network + first_seed, layer, attribute, float(scores[network, layer, attribute]))
        for network, layer, attribute in np.ndindex(scores.shape)
    ]
    tables = {**EMPTY, "cells": table(rows, CELLS)}
    seeds = range(first_seed, first_seed + NETWORKS)
    jobs = [(f"{seed}", {"architecture": {"layers": LAYERS}, "seed": seed, "name": name}) for seed in seeds]
    return Compared(name, tables, jobs)


def _cell(seed: int, layer: int, attribute: int, score: float) -> dict[str, Any]:
    return {
        "dataset": "drawn", "architecture": "mlp", "trained": True, "seed": seed, "object_model": f"{seed}",
        "layer": f"hidden_{layer}", "depth": layer, "relative_depth": layer / (LAYERS - 1), "pooling": "none",
        "n_neurons": 32, "probe": "linear", "probe_seed": 0, "attribute": f"a{attribute}", "family": "named",
        "auroc": score, "auroc_low": score - 0.02, "auroc_high": score + 0.02, "decisive": False,
    }  # fmt: skip
