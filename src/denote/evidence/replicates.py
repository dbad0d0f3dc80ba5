"""Refit an observer with drawn labels, side by side as further columns of one solve, and measure them together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float64

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.label_controls import Draw
from denote.evidence.measuring import Columns, Hear, frame, measured_sizes
from denote.evidence.relevance_band import largest_relevance
from denote.evidence.scores import PerAttribute, Ranking
from denote.notes import Note, note
from denote.observers.observer import Observer, Probe

CHUNK = 1 << 25
"""Drawn labels (fit row x attribute x draw) that are fitted in one solve."""

BYTES_PER_WEIGHT = 64
"""Bytes that a neuron of an attribute takes while observers are put together."""


@dataclass(frozen=True)
class Replicate:
    """What the observers of one draw say of its labels.

    Attributes:
        control: Name of the control.
        number: Which draw.
        curve: Measured columns, one per size of the probe.
        largest: `largest_relevance`, one per size; empty where neurons have no weights to compare.
    """

    control: str
    number: int
    curve: Sequence[Columns]
    largest: Sequence[PerAttribute]


@dataclass(frozen=True)
class Refitted:
    """Draws that were fitted side by side.

    Attributes:
        draws: The draws.
        places: Of the attributes of each draw among all columns.
        observers: Of all columns, one per size of the probe.
        data: What they were fitted to, with the labels of all columns and the memory that is left.
    """

    draws: Sequence[Draw]
    places: Sequence[slice]
    observers: tuple[Observer, ...]
    data: FitTestData

    def hear(self, heard: Mapping[str, Sequence[Hear | None]], size: int) -> Hear | None:
        """Return what hands the ranking of each draw's test rows on, as one of its attributes alone; None for nothing.

        Args:
            heard: By control, what hears its draws, one per size.
            size: Which of the sizes.
        """
        hearing = [heard[draw.control][size] if heard.get(draw.control) else None for draw in self.draws]
        if not any(hearing):
            return None

        def hand_on(part: slice, ranking: Ranking) -> None:
            for place, hear in zip(self.places, hearing, strict=True):
                start, stop = max(place.start, part.start), min(place.stop, part.stop)
                if hear is not None and start < stop:
                    inside = slice(start - place.start, stop - place.start)
                    hear(inside, ranking.at(slice(start - part.start, stop - part.start)))

        return hand_on


def replicates(
    draws: Iterable[Draw],
    data: FitTestData,
    probe: Probe,
    spread: Float64[np.ndarray, " neuron"] | None,
    heard: Mapping[str, Sequence[Hear | None]],
) -> Iterator[Replicate]:
    """Refit a probe for every draw and measure what it finds; of the weights only the largest are kept.

    Args:
        draws: Labels, each draw with at least one attribute.
        data: What the probe is fitted to, with other labels.
        probe: What is fitted.
        spread: Standard deviation of every neuron on *fit*; None where weights are not compared.
        heard: By control, what hears how its draws rank the test rows, one per size.
    """
    for refitted in refits(draws, data, probe):
        observers, n_sizes = refitted.observers, len(refitted.observers)
        hears = [refitted.hear(heard, size) for size in range(n_sizes)]
        curve = measured_sizes(observers, refitted.data, hears, rough=refitted.draws[0].rough is not None)
        for columns in curve:
            columns["note"] = [note(reason, Note.of("control_alone")) for reason in columns["note"]]
        known = [] if spread is None else [largest_relevance(replace(each, spread=spread)) for each in observers]
        for draw, place in zip(refitted.draws, refitted.places, strict=True):
            of_draw = [_at(columns, place) for columns in curve]
            yield Replicate(draw.control, draw.number, of_draw, [largest[place] for largest in known])


def replicate_cells(replicates: Sequence[Replicate]) -> pl.DataFrame:
    """One row per draw, size and attribute, without correction, under the name of its control."""
    named: list[Columns] = [
        columns | {"control": replicate.control, "draw": replicate.number}
        for replicate in replicates
        for columns in replicate.curve
    ]
    joined: Columns = {name: _joined(name, named) for name in named[0]}
    controls = pl.Series("control", joined["control"], dtype=pl.String)
    return frame([joined]).with_columns(controls, pl.Series("draw", joined["draw"], dtype=pl.Int64))


def refits(draws: Iterable[Draw], data: FitTestData, probe: Probe) -> Iterator[Refitted]:
    """Fit a probe to every draw.

    Draws are fitted side by side unless the probe's attributes shape each other.

    Args:
        draws: Labels, each draw with at least one attribute.
        data: What the probe is fitted to, with other labels.
        probe: What is fitted.
    """
    rows, n_neurons = data.state.fit.shape
    # The labels of a column, those of *fit* three times, and a handful of numbers for each of its weights.
    of_column = 3 * rows + 2 * len(data.state.test) + BYTES_PER_WEIGHT * n_neurons
    together = 1 if probe.joint else min(CHUNK // max(1, rows), data.resources.memory / 4 // of_column)
    for some in _packed(draws, together):
        ends = [0, *accumulate(map(len, some))]
        left = data.with_less_memory(ends[-1] * of_column)
        labels = Halves(_beside([draw.labels.fit for draw in some]), _beside([draw.labels.test for draw in some]))
        side_by_side = replace(left, labels=labels)
        purpose = some[0].rough
        fitted = (probe if purpose is None else probe.rough(purpose)).fit_sizes(side_by_side.fit)
        yield Refitted(some, [slice(*both) for both in pairwise(ends)], fitted, side_by_side)


def _packed(draws: Iterable[Draw], columns: float) -> Iterator[list[Draw]]:
    """Draws of at most so many columns together, or a single one, all as rough as each other."""
    pack: list[Draw] = []
    for draw in draws:
        if pack and (sum(map(len, pack)) + len(draw) > columns or draw.rough != pack[0].rough):
            yield pack
            pack = []
        pack.append(draw)
    if pack:
        yield pack


def _beside(labels: Sequence[Labels]) -> Labels:
    """Labels of several draws side by side; names recur."""
    names, families = (tuple(part for each in labels for part in getattr(each, of)) for of in ("names", "families"))
    return Labels(names, families, np.concatenate([each.values for each in labels], axis=1))


def _of_attributes(value: Any) -> bool:
    """Tell a column with a value per attribute from one of a single value."""
    return isinstance(value, np.ndarray | list | tuple)


def _at(columns: Columns, place: slice) -> Columns:
    """Return the columns of some attributes."""
    return {name: value[place] if _of_attributes(value) else value for name, value in columns.items()}


def _joined(name: str, parts: Sequence[Columns]) -> Any:
    """Return one column of several parts, one below the other."""
    values = [part[name] if _of_attributes(part[name]) else [part[name]] * len(part["note"]) for part in parts]
    if all(isinstance(value, np.ndarray) for value in values):
        return np.concatenate(values)
    return [value for some in values for value in some]
