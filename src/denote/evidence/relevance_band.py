"""The heat map's control: how large a share of its weight an observer puts on one neuron if there is nothing to read."""

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
    return not probe.reads_neurons and observer.hidden is None


def largest_share(observer: Observer) -> PerAttribute:
    """Largest |relevance| over the neurons of every attribute, as a share of the length of all of its relevance.

    Returns:
        From 1 / sqrt(neurons), all alike, to 1, a single one; 0 where no neuron has a weight, NaN without fit.
    """
    largest: PerAttribute = np.abs(observer.relevance).max(0)
    length = _length(observer)
    return np.divide(largest, length, out=length.copy(), where=length > 0)


def _length(observer: Observer) -> PerAttribute:
    """Euclidean norm of the relevance of every attribute."""
    length: PerAttribute = np.linalg.norm(observer.relevance, axis=0)
    return length


def relevance_band(observer: Observer, drawn: Sequence[PerAttribute]) -> Columns:
    """The band inside which no single weight is evidence, and how many neurons lie outside.

    Shares are compared, not sizes: labels that cannot be separated take larger weights than those that can, whose loss
    is soon near 0. Observers of B shuffled labels and the real one are exchangeable where there is nothing to read, in
    whatever is computed from one observer, so that the largest share of the real one is among the m largest of all
    B + 1 with chance m / (B + 1), or less with ties. The band ends at the m-th largest of the B, m the most that keeps
    this at 1 / `ONE_IN`, at least 1; fewer than 19 draws cannot keep it and a note says what they keep. This holds for
    all neurons of an attribute together (the largest of them is compared), not for all attributes together.

    Args:
        observer: The real one, with ``spread``.
        drawn: `largest_share` of every observer of shuffled labels.

    Returns:
        ``relevance_band``, the share at which it ends in units of the real `Observer.relevance`, >= 0, and
        ``n_outside_band`` as columns of cells.
    """
    ends = [_end(np.array(shares)) for shares in zip(*drawn, strict=True)]
    band = np.array([end for end, _ in ends], dtype=np.float64) * _length(observer)
    real = np.abs(observer.relevance)
    defined = ~np.isnan(band) & observer.fitted
    outside = [int(count) if there else None for count, there in zip((real > band).sum(0), defined, strict=True)]
    return {"relevance_band": band, "n_outside_band": outside, "note": [reason for _, reason in ends]}


def _end(shares: PerAttribute) -> tuple[float, str | None]:
    """The share at which the band of one attribute ends, and what there is to say of it."""
    known = np.sort(shares[~np.isnan(shares)])
    if not len(known):
        return np.nan, None  # no fit, which has a note already
    if known[-1] == 0:
        return np.nan, "relevance_band: no neuron has a weight"
    odds = len(known) + 1
    level = None if odds >= ONE_IN else f"relevance_band: of level 1/{odds} ({len(known)} draws)"
    return float(known[-max(1, odds // ONE_IN)]), level
