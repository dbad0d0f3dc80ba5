"""What counting copies of rows costs beside the default evidence on the same rows."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from benchmarks.evidence import default_evidence
from benchmarks.layers import info_of, layer_states
from benchmarks.measure import Row, timed
from benchmarks.states import Bench
from denote.data.samples import TensorInputs
from denote.observation.duplicates import duplicates

GOAL = 0.02
"""Of a job with the default evidence."""


def copies(bench: Bench, name: str) -> list[Row]:
    """Exact and near copies among the rows of the first layer, taken for inputs, within and across both halves."""
    stored, a = bench.stored(name), bench.arguments
    states, info = layer_states(stored), info_of(stored, a.seed)
    inputs = TensorInputs(states[0].at(states[0].rows))
    known = replace(info, inputs=inputs)
    count = partial(duplicates, states, known, name)
    count()  # the first call makes things ready and is not counted
    least = min(timed(count).seconds for _ in range(a.repeats))
    whole = timed(partial(default_evidence, bench, name)).seconds
    note = f"{len(inputs)} x {inputs.shape[0]} inputs; {least / whole:.2%} of {whole:.3g} s; goal {GOAL:.0%}"
    return [Row("copies", name, "exact and near copies", least, note=note)]
