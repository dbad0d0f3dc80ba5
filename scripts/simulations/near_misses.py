"""Does the whole search let through what it should not? Noise, and neurons that carry a property almost well enough.

Near misses have a true balanced accuracy of .90 at their best threshold, the value that the rule says is not enough.
Unlike in `families`, every neuron here is searched: which property it is judged by, and with which threshold, is chosen
on *fit*.
"""

from __future__ import annotations

import polars as pl
import torch
from scipy.stats import norm

from denote.data.sources.planted import load_planted
from denote.evidence.rule import Rule
from denote.object_models.architectures.planted_network import PlantedNetwork
from denote.streams import stream_seed
from simulations.planted_truth import KNOWN, judged
from simulations.row import Row

ROWS = 1_000
"""Half are *fit*, half *test*."""
NOISE = {"subsets": 10_000, "formulas": 10_000}
"""Neurons without a property in a sweep, by the family that is searched."""
NEAR = 200
"""Near misses of a sweep, and planted neurons beside them."""
PASSING = 0.05
"""Share of sweeps of noise that may hold a neuron that denotes."""
D_PRIME = 2 * float(norm.ppf(Rule().null))
"""Of a neuron whose best threshold, half-way, has a balanced accuracy of .90."""


def run(sweeps: int) -> list[Row]:
    """Sweeps of noise with any neuron that denotes, and the share of near misses that do."""
    rows = []
    for family, width in NOISE.items():
        if family in KNOWN:
            hits = sum(bool(noise(family, width, sweep)["denotes"].any()) for sweep in range(sweeps))
            rows.append(Row("near_misses", f"{family}: sweeps of {width:,} noise neurons in which one denotes", hits,
                            most=int(PASSING * sweeps), note=f"of {sweeps}"))  # fmt: skip
    for family in KNOWN:
        for beside, most in ((0, 0.02), (NEAR, 0.05)):
            found = pl.concat([near_misses(family, beside, sweep) for sweep in range(sweeps)])
            near = found.filter(kind="distractor")
            others = f"beside {beside} planted ones" if beside else "alone"
            rows.append(Row("near_misses", f"{family}: near misses {others} that denote", float(near["denotes"].mean()),
                            most=most, note=_note(near)))  # fmt: skip
    return rows


def noise(family: str, width: int, sweep: int) -> pl.DataFrame:
    """One layer in which nothing is planted."""
    return _judged(family, sweep, width=width, share=(0.0, 0.0), distractor_share=0.0)


def near_misses(family: str, beside: int, sweep: int) -> pl.DataFrame:
    """One layer of near misses, and planted neurons if asked for."""
    width = NEAR + beside
    return _judged(
        family, sweep, width=width, share=(beside / width,) * 2, distractor_share=NEAR / width,
        distractor_d_prime=(D_PRIME, D_PRIME),
    )  # fmt: skip


def _judged(family: str, sweep: int, **settings: object) -> pl.DataFrame:
    samples = load_planted(n=ROWS, seed=sweep)
    proportions = [float(part) for part in samples.table.select(pl.col(pl.Boolean).mean()).row(0)]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed("near misses", family, sweep))
        network = PlantedNetwork(
            samples.inputs.shape, 10, proportions, layers=1, dead_share=0.0, families=(family,), **settings
        )  # fmt: skip
    return judged(network, samples, [family], sweep)


def _note(near: pl.DataFrame) -> str:
    tested = near.filter(pl.col("p_value").is_not_null())
    return f"of {near.height}; {tested['right'].mean():.2f} of those tested have their own property"
