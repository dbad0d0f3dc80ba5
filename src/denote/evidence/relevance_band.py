"""The heat map's control: how large the weight of a neuron gets where there is nothing to read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from denote.evidence.measuring import Columns
from denote.evidence.scores import PerAttribute
from denote.observers.observer import Observer, Probe

ONE_IN = 20
"""Of so many observers that read nothing, at most one has a neuron outside the band."""


def weighs_neurons(probe: Probe, observer: Observer) -> bool:
    """Whether every neuron has a weight of its own, as in a heat map: none is left out and no hidden layer between."""
    return probe.has_map and observer.hidden is None


def largest_relevance(observer: Observer) -> PerAttribute:
    """Largest |weight x standard deviation on *fit*| over the neurons of every attribute; NaN without fit."""
    largest: PerAttribute = np.abs(observer.relevance).max(0)
    return largest


def relevance_band(observer: Observer, drawn: Sequence[PerAttribute]) -> Columns:
    """The band inside which no single neuron's relevance is evidence, and how many neurons lie outside.

    An observer of B shuffled labels and the real one are exchangeable where there is nothing to read, so that the
    largest relevance of the real one is among the m largest of all B + 1 with chance m / (B + 1), or less with ties.
    The band ends at the m-th largest of the B, m the most that keeps this at 1 / `ONE_IN`, at least 1; fewer than 19
    draws cannot keep it and a note says what they keep. This holds for all neurons of an attribute together (the
    largest of them is compared), not for all attributes together.

    Args:
        observer: The real one, with ``spread``.
        drawn: `largest_relevance` of every observer of shuffled labels.

    Returns:
        ``relevance_band``, in units of `Observer.relevance`, >= 0, and ``n_outside_band`` as columns of cells.
    """
    ends = [_end(np.array(largest)) for largest in zip(*drawn, strict=True)]
    band = np.array([end for end, _ in ends], dtype=np.float64)
    real = np.abs(observer.relevance)
    defined = ~np.isnan(band) & observer.fitted
    outside = [int(count) if there else None for count, there in zip((real > band).sum(0), defined, strict=True)]
    return {"relevance_band": band, "n_outside_band": outside, "note": [reason for _, reason in ends]}


def _end(largest: PerAttribute) -> tuple[float, str | None]:
    """The end of the band of one attribute, and what there is to say of it."""
    known = np.sort(largest[~np.isnan(largest)])
    if not len(known):
        return np.nan, None  # no fit, which has a note already
    if known[-1] == 0:
        return np.nan, "relevance_band: no neuron has a weight"
    odds = len(known) + 1
    level = None if odds >= ONE_IN else f"relevance_band: of level 1/{odds} ({len(known)} draws)"
    return float(known[-max(1, odds // ONE_IN)]), level
