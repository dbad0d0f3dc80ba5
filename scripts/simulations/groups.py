"""Rows in groups: copies stay together in the split, and noise that groups share is not taken for evidence.

The states have a value of every neuron per group (a random effect) besides one per row, and groups of unequal size, so
rows of a group are nearly copies of each other. Attributes know nothing of the states: every p-value below .05 is a
false alarm. Observers are fitted on groups of their own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from jaxtyping import Float32, Int, Int8

from denote.data.parts import SplitSettings
from denote.data.samples import Samples, TensorInputs
from denote.evidence.scores import mann_whitney_greater
from denote.observers.linear import LinearProbe
from denote.streams import stream
from simulations.chance import most
from simulations.row import Row

NEURONS, GROUPS = 16, 60
"""Of one part."""

SIZES = (2, 30)
"""Smallest and largest group, every size in between alike."""

SHARED = 0.8
"""Share of a neuron's variance that rows of a group have in common."""

BESIDE = 50
"""Attributes that are observed in the same state."""

Labelling = Callable[[np.random.Generator, Int[np.ndarray, " row"]], Int8[np.ndarray, "row attribute"]]


def run(attributes: int) -> list[Row]:
    """Rows that straddle, and false alarms with and without groups; ``attributes`` is rounded up to whole states."""
    states = -(-attributes // BESIDE)
    rows = straddling()
    for name, labelling in {"constant in groups": constant, "varying in groups": varying}.items():
        found = [_p_values(name, labelling, draw) for draw in range(states)]
        for which, p in zip(("with", "without"), np.concatenate(found, axis=1), strict=True):
            goal = most(p.size, 0.05) if which == "with" else None
            note = f"of {p.size} below .05" + ("" if goal is None else "; the goal has a false alarm of < .001")
            rows.append(Row("groups", f"{name}, {which} groups", int((p < 0.05).sum()), most=goal, note=note))
    return rows


def straddling(ids: int = 300, seeds: int = 20) -> list[Row]:
    """Copies under one id that the split takes apart: with the id as group none, without most."""
    apart = {"id": 0, None: 0}
    for seed in range(seeds):
        draws = stream("straddling", seed)
        copies = np.repeat(np.arange(ids), draws.integers(1, 8, ids))
        copies = draws.permutation(copies)
        inputs = draws.standard_normal((ids, 4), dtype=np.float32)[copies]
        classes = draws.integers(0, 3, ids)[copies]
        table = pl.DataFrame({"class": classes, "id": copies})
        samples = Samples("copies", TensorInputs(inputs), classes, ("0", "1", "2"), table, "class", "copies")
        for group in apart:
            parts = SplitSettings(seed, group=group)(samples)
            seen = [np.unique(inputs[rows], axis=0) for rows in (parts.object, parts.fit, parts.test)]
            apart[group] += sum(map(len, seen)) - len(np.unique(np.concatenate(seen), axis=0))
    note = f"{seeds} splits of {ids} ids with 1 to 7 copies; a copy counts in each further part that has it"
    return [
        Row("groups", "copies in more than one part, grouped by id", apart["id"], most=0, note=note),
        Row("groups", "copies in more than one part, not grouped", apart[None], note=note),
    ]


def constant(draws: np.random.Generator, groups: Int[np.ndarray, " row"]) -> Int8[np.ndarray, "row attribute"]:
    """One label per group."""
    return (draws.random((GROUPS, BESIDE)) < 0.4).astype(np.int8)[groups]


def varying(draws: np.random.Generator, groups: Int[np.ndarray, " row"]) -> Int8[np.ndarray, "row attribute"]:
    """A label per row, of which some groups have many and some few."""
    rate = draws.beta(0.5, 0.5, (GROUPS, BESIDE))
    return (draws.random((len(groups), BESIDE)) < rate[groups]).astype(np.int8)


def _p_values(name: str, labelling: Labelling, draw: int) -> np.ndarray:
    """p-values of the attributes of one state: the engine's with groups in the first row, without in the second."""
    fit, test = (_part(name, labelling, draw, part) for part in ("fit", "test"))
    scores = LinearProbe().fit(fit[0], fit[1]).scores(test[0])
    return np.stack([mann_whitney_greater(scores, test[1], groups)[0] for groups in (test[2], None)])


def _part(
    name: str, labelling: Labelling, draw: int, part: str
) -> tuple[Float32[np.ndarray, "row neuron"], Int8[np.ndarray, "row attribute"], Int[np.ndarray, " row"]]:
    draws = stream("groups", name, draw, part)
    groups = np.repeat(np.arange(GROUPS), draws.integers(SIZES[0], SIZES[1] + 1, GROUPS))
    shared = draws.standard_normal((GROUPS, NEURONS))[groups]
    own = draws.standard_normal((len(groups), NEURONS))
    state = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own
    return state.astype(np.float32), labelling(draws, groups), groups
