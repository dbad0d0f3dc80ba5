"""Does an attribute become decisive earlier, or later, because it is rare?

Attributes of different label proportions whose effect grows with depth alike: at every layer the same number of
standard deviations lies between the rows with and without them. So all become decisive at the same true depth, and what
differs is the doing of the rule and of the rows. Observers are fitted and cells decided as in any observation.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from jaxtyping import Float32

from denote.attributes.labels import Labels, equal_rows
from denote.data.parts import Halves
from denote.evidence.cells import decide_cells, observe_cells
from denote.evidence.first_decisive import first_decisive
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.rule import Rule
from denote.observers.neuron import NeuronProbe
from denote.streams import stream
from denote.tables import CELLS, LAYERS, empty
from simulations.row import Row

PROPORTIONS = (0.02, 0.05, 0.1, 0.3, 0.5)
NAMES = tuple(f"p = {p:g}" for p in PROPORTIONS)
NEURONS = 16
EFFECTS = 2.2 + 0.3 * np.arange(8)
"""Distance of the means by layer, in standard deviations: the best threshold reaches .95 from layer 4 on."""

SIZES = {"500": 500, "2,000": 2_000, "8,000": 8_000}
"""Rows of *fit*, and again of *test*; of 500 only 10 have the rarest attribute, too few for the rule."""

ONE_PASS, TWO_PASSES, RULE = "one pass of the score alone", "two passes of the score alone", "two passes of the rule"
APART = 0.5
"""Layers that proportions may lie apart on equal rows: about 5 standard errors of a difference of 200 networks."""


def run(networks: int) -> list[Row]:
    """Mean first depth of every proportion, one censored at the last layer counted as one beyond it."""
    rows = []
    for name, size in SIZES.items():
        cells = [observed(size, network) for network in range(networks)]
        for kind in (ONE_PASS, TWO_PASSES, RULE):
            rows += _rows(f"{name} rows, {kind}", _depths(cells, kind))
        if size * min(PROPORTIONS) < Rule().min_rows:
            continue
        equal = [observed(size, network, equal=True) for network in range(networks)]
        found = _depths(equal, RULE)
        rows += _rows(f"{name} rows, equal numbers, {RULE}", found)
        apart = max(found.values()) - min(found.values())
        what = f"{name} rows, equal numbers: layers that proportions lie apart"
        rows.append(Row("first_depth", what, apart, most=APART))
    return rows


def observed(size: int, network: int, equal: bool = False) -> pl.DataFrame:
    """Decided cells of one network.

    Args:
        size: Rows of *fit*, and of *test*.
        network: Which.
        equal: Whether every attribute keeps as many rows of either label as the rarest has.
    """
    draws = stream("first depth", size, network)
    has = np.stack([draws.permutation(2 * size) < 2 * size * p for p in PROPORTIONS], axis=1)
    every = Labels(NAMES, ("planted",) * len(NAMES), has.astype(np.int8))
    labels = Halves(every.at(np.arange(size)), every.at(np.arange(size, 2 * size)))
    kept = equal_rows(labels, "auto", network).labels if equal else labels
    layers = [
        observe_cells(FitTestData(_state(has, effect, draws), kept), NeuronProbe(), Rule(), bootstraps=0).cells
        .with_columns(layer=pl.lit(f"block {depth}"), depth=pl.lit(depth, pl.Int64), object_model=pl.lit(str(network)))
        for depth, effect in enumerate(EFFECTS)
    ]  # fmt: skip
    return decide_cells(pl.concat(layers), Rule())


def _state(has: np.ndarray, effect: float, draws: np.random.Generator) -> Halves[Float32[np.ndarray, "row neuron"]]:
    """Every attribute in a neuron of its own, noise in the others."""
    values = draws.standard_normal((len(has), NEURONS), dtype=np.float32)
    values[:, : has.shape[1]] += np.float32(effect) * has
    return Halves(values[: len(has) // 2], values[len(has) // 2 :])


def _depths(networks: list[pl.DataFrame], kind: str) -> dict[str, float]:
    """Mean first depth by attribute."""
    cells = pl.concat(networks)
    if kind != RULE:
        cells = cells.with_columns(decisive=pl.col("balanced_accuracy") >= Rule().decisive)
    if kind == ONE_PASS:
        firsts = cells.group_by("attribute", "object_model").agg(first=pl.col("depth").filter("decisive").min())
    else:
        full = pl.concat([empty(CELLS), cells], how="diagonal").select(*CELLS)
        each = [first_decisive(own, empty(LAYERS)) for _, own in full.group_by("object_model")]
        firsts = pl.concat(each).select("attribute", first="first_depth")
    means = firsts.group_by("attribute").agg(pl.col("first").fill_null(len(EFFECTS)).mean())
    return {name: means.filter(pl.col("attribute") == name)["first"].item() for name in NAMES}


def _rows(what: str, depths: dict[str, float]) -> list[Row]:
    return [Row("first_depth", f"{what}, {name}", depth) for name, depth in depths.items()]
