"""Does the correction find something where nothing is? An alarm for wrong p-values or a wrong correction.

Labels that are shuffled row by row are exchangeable whatever the rows are, so this check cannot see test rows that leak
into fit, nor rows that depend on each other (METHOD section 5); `near_copies` and `trained_on` are about those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import scipy
from jaxtyping import Float

from denote.evidence.corrections import benjamini_hochberg
from denote.evidence.max_statistic import Maxima
from denote.tables import NULL_CHECK, table

ALARM = 0.001
"""The alarm rings where right p-values and a right correction would give as many hits more rarely than this."""


def null_check_cells(controls: pl.DataFrame, q: float = 0.05) -> pl.DataFrame:
    """Correct the cells of every shuffled replicate as a family of its own, and count replicates with a hit.

    Args:
        controls: Columns of ``tables.CONTROLS``, of one job or a whole sweep, each replicate of a cell once; all cells
            of equal ``draw`` are one replicate.
        q: False discovery rate.

    Returns:
        One row of ``tables.NULL_CHECK``.
    """
    shuffled = controls.filter(pl.col("control") == "shuffled", pl.col("neuron").is_null())
    draws = shuffled.drop_nulls("p_value").group_by("draw", maintain_order=True).agg("p_value")
    families = [np.asarray(p, dtype=np.float64) for p in draws["p_value"].to_list()]
    hits = [rejects(p, len(p), q) for p in families]
    return _row(
        "cells", None, hits, max(map(len, families), default=0), q, "no cell with a shuffled control was tested"
    )


def null_check_pairs(layers: Sequence[Maxima], object_model: str, q: float = 0.05) -> pl.DataFrame:
    """Correct every permutation of an object model's pair scan, all layers together, and count those with a hit.

    Args:
        layers: What its layers gave under the same permutations.
        object_model: Its key.
        q: False discovery rate, at most that up to which p-values were kept.

    Returns:
        One row of ``tables.NULL_CHECK``.
    """
    n_tests = sum(layer.n_tests for layer in layers)
    replicates = zip(*(layer.small for layer in layers), strict=True) if n_tests else ()
    hits = [rejects(np.concatenate(small), n_tests, q) for small in replicates]
    missing = "the pair scan has no permutations" if n_tests else "the pair scan tested no pair"
    return _row("pairs", object_model, hits, n_tests, q, missing)


def rejects(p: Float[np.ndarray, " test"], n_tests: int, q: float) -> bool:
    """Whether Benjamini and Hochberg reject anything among ``n_tests`` tests, given all p-values up to q."""
    return bool((benjamini_hochberg(p, n_tests) <= q).any())


def hits_p_value(n_with_hit: int, n_replicates: int, q: float) -> float:
    """Chance of so many replicates with a hit or more if p-values are right: P(Bin(n_replicates, q) >= n_with_hit).

    Under the global null Benjamini and Hochberg's procedure rejects anything with probability q at most, if tests are
    independent or positively dependent.
    """
    return float(scipy.stats.binom.sf(n_with_hit - 1, n_replicates, q))


def _row(
    scan: str, object_model: str | None, hits: Sequence[bool], n_tests: int, q: float, missing: str
) -> pl.DataFrame:
    row: dict[str, Any] = {"scan": scan, "object_model": object_model, "n_tests": n_tests, "n_replicates": len(hits)}
    if hits:
        p_value = hits_p_value(sum(hits), len(hits), q)
        row |= {"n_with_hit": sum(hits), "expected": q * len(hits), "p_value": p_value, "alarm": p_value < ALARM}
        if hits_p_value(len(hits), len(hits), q) >= ALARM:
            row |= {"alarm": None, "note": f"{len(hits)} replicates are too few for an alarm, whatever they show"}
    else:
        row |= {"note": missing}
    return table([row], NULL_CHECK)
