"""One sweep in many jobs on pure noise: corrected as one family after the merge, and corrected job by job.

A job holds one layer and one attribute. The attributes of a layer are fitted together, which gives each the fit that it
has by itself (their columns share no weights); the table is then cut into jobs, and these are joined and decided again
as the merge does.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.evidence.cells import decide_cells, observe_cells
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.rule import Rule
from denote.observers.linear import LinearProbe
from denote.observers.observer import Probe
from denote.streams import stream
from simulations.chance import most
from simulations.row import Row

LAYERS, ATTRIBUTES = 4, 10
"""Of a sweep: 40 jobs."""

ROWS, NEURONS = 200, 16
"""Of *fit*, and as many of *test*."""


def run(sweeps: int) -> list[Row]:
    """Number of sweeps with any hit."""
    rule = Rule()
    found = [jobs(sweep) for sweep in range(sweeps)]
    merged = sum(_hit(decide_cells(pl.concat(each), rule), rule) for each in found)
    apart = sum(any(_hit(decide_cells(job, rule), rule) for job in each) for each in found)
    n = LAYERS * ATTRIBUTES
    return [
        Row("jobs", f"sweeps with a hit, {n} jobs as one family", merged, most=most(sweeps, 0.05), note=f"of {sweeps}"),
        Row("jobs", "share of sweeps with a hit, one family", merged / sweeps, note="expected .05"),
        Row("jobs", "share of sweeps with a hit, each job by itself", apart / sweeps,
            note=f"expected {1 - 0.95**n:.3f}: why the merge corrects again"),
    ]  # fmt: skip


def jobs(sweep: int, probe: Probe | None = None) -> list[pl.DataFrame]:
    """The cells of every job of a sweep."""
    cells = [
        observe_cells(FitTestData(*noise(sweep, layer)), probe or LinearProbe(), Rule()).cells.with_columns(
            layer=pl.lit(f"layer {layer}")
        )
        for layer in range(LAYERS)
    ]
    return [job for layer in cells for job in layer.iter_slices(1)]


def noise(sweep: int, layer: int) -> tuple[Halves[np.ndarray], Halves[Labels]]:
    """A state of a layer and attributes that have nothing to do with it; all layers are asked for the same attributes.

    Label proportions lie between .1 and .5.
    """
    names = tuple(f"attribute {a}" for a in range(ATTRIBUTES))

    def part(name: str) -> tuple[np.ndarray, Labels]:
        state = stream("jobs", sweep, "state", layer, name).standard_normal((ROWS, NEURONS), dtype=np.float32)
        chance = stream("jobs", sweep, "labels", name).random((ROWS, ATTRIBUTES))
        values = (chance < np.linspace(0.1, 0.5, ATTRIBUTES)).astype(np.int8)
        return state, Labels(names, ("named",) * ATTRIBUTES, values)

    (fit, fit_labels), (test, test_labels) = part("fit"), part("test")
    return Halves(fit, test), Halves(fit_labels, test_labels)


def _hit(cells: pl.DataFrame, rule: Rule) -> bool:
    return bool((cells["q_value"] <= rule.q).any())
