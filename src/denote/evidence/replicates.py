"""Refit an observer with drawn labels, side by side as further columns of one solve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from jaxtyping import Float64

from denote.evidence.fit_test_data import FitTestData
from denote.evidence.label_controls import Draw
from denote.evidence.measuring import Columns, Hear, frame, measured_sizes
from denote.evidence.relevance_band import largest_relevance
from denote.evidence.scores import PerAttribute
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

    @property
    def cells(self) -> pl.DataFrame:
        """One row per attribute and size, without correction, under the control's name."""
        return frame(self.curve).with_columns(control=pl.lit(self.control), draw=pl.lit(self.number, dtype=pl.Int64))


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
    for draw, observers, drawn in refits(draws, data, probe):
        curve = measured_sizes(observers, drawn, heard.get(draw.control, ()))
        for columns in curve:
            columns["note"] = [note(reason, Note.of("control_alone")) for reason in columns["note"]]
        known = [] if spread is None else [largest_relevance(replace(each, spread=spread)) for each in observers]
        yield Replicate(draw.control, draw.number, curve, known)


def refits(
    draws: Iterable[Draw], data: FitTestData, probe: Probe
) -> Iterator[tuple[Draw, tuple[Observer, ...], FitTestData]]:
    """Fit a probe to every draw.

    Draws are fitted side by side unless the probe's attributes shape each other.

    Args:
        draws: Labels, each draw with at least one attribute.
        data: What the probe is fitted to, with other labels.
        probe: What is fitted.

    Yields:
        Every draw with its observers, one per size, and the data with its labels and the memory that is left.
    """
    rows, n_neurons = data.state.fit.shape
    # The labels of a column, those of *fit* twice, and a handful of numbers for each of its weights.
    of_column = 2 * rows + len(data.state.test) + BYTES_PER_WEIGHT * n_neurons
    together = 1 if probe.joint else min(CHUNK // max(1, rows), data.resources.memory / 4 // of_column)
    for some in _packed(draws, together):
        widths = [len(draw) for draw in some]
        left = data.with_less_memory(sum(widths) * of_column)
        side_by_side = np.concatenate([draw.labels.fit.values for draw in some], axis=1)
        observers = probe.fit_sizes(replace(left.fit, labels=side_by_side))
        for draw, width, end in zip(some, widths, np.cumsum(widths).tolist(), strict=True):
            of_draw = tuple(observer.at(slice(end - width, end)) for observer in observers)
            yield draw, of_draw, replace(left, labels=draw.labels)


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
