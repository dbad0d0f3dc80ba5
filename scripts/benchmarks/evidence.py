"""What the default evidence costs beside one bare linear fit of the same cells."""

from __future__ import annotations

from functools import partial

from benchmarks.layers import info_of, layer_states
from benchmarks.measure import Row, timed
from benchmarks.states import Bench, Stored
from denote.data.parts import Halves
from denote.evidence.rule import Rule
from denote.observation import (
    Controls,
    ControlStates,
    Observation,
    ObservationSettings,
    SampleInfo,
    Subject,
    observe_states,
)
from denote.observers.linear import LinearProbe
from denote.states.state import LayerState

GOAL = 25.0
"""Bare fits that everything may cost: 20 shuffles, 3 rotations, 3 untrained networks, intervals, corrections."""


def evidence(bench: Bench, name: str) -> list[Row]:
    """One bare fit of all layers, and all that a reviewer asks for; half of the rows are held out."""
    stored, a = bench.stored(name), bench.arguments
    states, info = layer_states(stored), info_of(stored, a.seed)
    bare = partial(_bare, states, info)
    bare()  # the first call makes things ready and is not counted
    least = min(timed(bare).seconds for _ in range(a.repeats))
    rows = []
    for what, controls, permutations in (
        ("default evidence, without the permutations of the pair scan", Controls(shuffles=a.draws), 0),
        ("default evidence", Controls(shuffles=a.draws), 200),
    ):
        whole = timed(partial(_evidence, stored, states, info, controls, permutations, a.seed))
        found = whole.result.tables
        note = (
            f"{found['cells'].height} cells, {found['neurons'].height} neurons, {found['controls'].height} replicates; "
            f"one bare linear fit of the same cells {least:.3g} s; goal {GOAL:g} x"
        )
        rows.append(Row("evidence", name, what, whole.seconds, times_one=whole.seconds / least, note=note))
    return rows


def default_evidence(bench: Bench, name: str) -> Observation:
    """All that a job observes by default."""
    stored, seed = bench.stored(name), bench.arguments.seed
    return _evidence(stored, layer_states(stored), info_of(stored, seed), Controls(), 200, seed)


def _bare(states: list[LayerState], info: SampleInfo) -> None:
    for state in states:
        LinearProbe().fit(state.at(info.parts.fit), info.labels.values[info.parts.fit])


def _evidence(
    stored: Stored, states: list[LayerState], info: SampleInfo, controls: Controls, permutations: int, seed: int
) -> Observation:
    """Other layers stand for the same layer of untrained networks, and the first layer for the input."""
    n = len(states)
    twins = [[states[(index + draw + 1) % n] for index in range(n)] for draw in range(controls.twins)]
    inputs = Halves(states[0].at(info.parts.fit), states[0].at(info.parts.test))
    return observe_states(
        states, subject=Subject("benchmark", stored.name, True, None, seed, stored.name, None), info=info,
        settings=ObservationSettings({"linear": LinearProbe()}, Rule(), controls, seed, permutations=permutations),
        control_states=ControlStates(twins, raw_input=inputs),
    )  # fmt: skip
