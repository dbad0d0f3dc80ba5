"""Refits of an observer with drawn labels, side by side as further columns of one solve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from jaxtyping import Float64

from denote.data.parts import Halves
from denote.evidence.label_controls import Draw
from denote.evidence.measuring import Columns, Hear, frame, measured_sizes
from denote.evidence.permutations import Groups
from denote.evidence.relevance_band import largest_relevance
from denote.evidence.scores import PerAttribute
from denote.observers.observer import Observer, Probe, fit_sizes
from denote.observers.reading import Resources, State
from denote.tables import note

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

    @property
    def cells(self) -> pl.DataFrame:
        """One row per attribute and size, without correction, under the control's name."""
        return frame(self.curve).with_columns(control=pl.lit(self.control), draw=pl.lit(self.number, dtype=pl.Int64))


def replicates(
    draws: Iterable[Draw],
    state: Halves[State],
    probe: Probe,
    spread: Float64[np.ndarray, " neuron"] | None,
    groups: Halves[Groups] | None,
    probe_seed: int,
    resources: Resources,
    heard: Mapping[str, Sequence[Hear]],
) -> Iterator[Replicate]:
    """Refit a probe for every draw and measure what it finds; of the weights only the largest are kept.

    Args:
        draws: Labels, each draw with at least one attribute.
        state: Activations of the layer.
        probe: What is fitted.
        spread: Standard deviation of every neuron on *fit*; None where weights are not compared.
        groups: Group of every row, where rows of a group are not independent.
        probe_seed: Of the fits.
        resources: What fits and scores may use.
        heard: By control, what hears how its draws rank the test rows, one per size.
    """
    of_fit = None if groups is None else groups.fit
    for draw, observers, left in refits(draws, state, probe, of_fit, probe_seed, resources):
        hear = heard.get(draw.control, ())
        curve = measured_sizes(observers, state, draw.labels, groups, probe_seed, left, hear)
        for columns in curve:
            columns["note"] = [note(reason, "a control has no controls of its own") for reason in columns["note"]]
        known = [] if spread is None else [largest_relevance(replace(each, spread=spread)) for each in observers]
        yield Replicate(draw.control, draw.number, curve, known)


def refits(
    draws: Iterable[Draw],
    state: Halves[State],
    probe: Probe,
    groups: Groups | None,
    probe_seed: int,
    resources: Resources,
) -> Iterator[tuple[Draw, tuple[Observer, ...], Resources]]:
    """Every draw with its observers, one per size, and what is left to score them with.

    Draws are fitted side by side unless the probe's attributes shape each other. The arguments are those of
    `replicates`; ``groups`` are those of *fit*.
    """
    rows, n_neurons = state.fit.shape
    # The labels of a column, those of *fit* twice, and a handful of numbers for each of its weights.
    of_column = 2 * rows + len(state.test) + BYTES_PER_WEIGHT * n_neurons
    together = 1 if probe.joint else min(CHUNK // max(1, rows), resources.memory / 4 // of_column)
    for some in _packed(draws, together):
        widths = [len(draw) for draw in some]
        left = replace(resources, memory=resources.memory - sum(widths) * of_column)
        side_by_side = np.concatenate([draw.labels.fit.values for draw in some], axis=1)
        observers = fit_sizes(probe, state.fit, side_by_side, probe_seed, left, groups)
        for draw, width, end in zip(some, widths, np.cumsum(widths).tolist(), strict=True):
            yield draw, tuple(observer.at(slice(end - width, end)) for observer in observers), left


def _packed(draws: Iterable[Draw], columns: float) -> Iterator[list[Draw]]:
    """Draws of at most so many columns together, or a single one."""
    pack: list[Draw] = []
    for draw in draws:
        if pack and sum(map(len, pack)) + len(draw) > columns:
            yield pack
            pack = []
        pack.append(draw)
    if pack:
        yield pack
