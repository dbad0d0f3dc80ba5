"""Controls of the heat map: how large weights get by chance, and whether the map depends on what its layer learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import scipy
from jaxtyping import Bool, Float64

from denote.evidence.measuring import Columns
from denote.evidence.scores import PerAttribute
from denote.notes import Note
from denote.numbers import ratio
from denote.observers.observer import FitData, Observer, Probe
from denote.observers.reading import moments

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
        return np.nan, Note.of("no_weight")
    odds = len(known) + 1
    level = None if odds >= ONE_IN else Note.of("band_level", odds=odds, draws=len(known))
    return float(known[-max(1, odds // ONE_IN)]), level


LEAST_NEURONS = 20
"""Of fewer neurons even unrelated maps look alike by chance: their correlation has a deviation of .23 and more."""


def randomised_similarity(probe: Probe, observer: Observer, data: FitData) -> dict[str, Any]:
    """Refit an observer on the randomised layer and compare the two maps.

    After Adebayo et al. (2018), Sanity Checks for Saliency Maps. Near 1 the map does not depend on what the layer
    learned: it may only show the input, or what a skip connection carries past the layer. Near 0 it does depend on it,
    or it is noise: the shuffled band tells these apart. Units of two initialisations are in no relation, so for layers
    without places and skips near 0 is what to expect and says little.

    Args:
        probe: A probe whose observers weigh every neuron.
        observer: What it fitted on *fit* of the trained network, with ``spread``.
        data: What ``observer`` was fitted to, with the state of the same layer in
            `denote.states.randomised.Cascade`.

    Returns:
        ``randomised_similarity``, `similarity` over the neurons that are live in both networks, and ``note`` as columns
        of cells; NaN without a note where there is no fit, which has one already.

    Raises:
        ValueError: if the observers have no weight per neuron.
    """
    trained = observer.relevance  # before the refit, which is then never made in vain
    assert observer.spread is not None  # noqa: S101 # else it had no relevance
    spread = moments(data.state).variance.sqrt().numpy()
    again = replace(probe.fit_data(data), spread=spread)
    live = (spread > 0) & (observer.spread > 0)
    found = similarity(trained, again.relevance, live)
    few = Note.of("few_live_in_both", neurons=live.sum(), needed=LEAST_NEURONS)
    why = few if live.sum() < LEAST_NEURONS else Note.of("flat_map")
    unexplained = np.isnan(found) & observer.fitted & again.fitted
    return {"randomised_similarity": found, "note": [why if there else None for there in unexplained]}


def similarity(
    trained: Float64[np.ndarray, "neuron attribute"],
    randomised: Float64[np.ndarray, "neuron attribute"],
    live: Bool[np.ndarray, " neuron"],
) -> PerAttribute:
    """Spearman correlation of |relevance| between two maps of the same neurons.

    Magnitudes, not signed values: the sign of a neuron is arbitrary in an initialisation, so a map that points at the
    same places with changed signs would look changed. Dead neurons have no relevance in any map; counted, they would
    make every two maps alike. Between unrelated maps of n neurons the deviation is about 1 / sqrt(n - 1).

    Args:
        trained: Relevance in the trained network.
        randomised: Relevance in the other.
        live: Which neurons count.

    Returns:
        In [-1, 1]; NaN where a map is constant or undefined, or there are fewer than `LEAST_NEURONS` neurons.
    """
    if live.sum() < LEAST_NEURONS:
        return np.full(trained.shape[1], np.nan)
    first, second = (_centred_ranks(relevance[live]) for relevance in (trained, randomised))
    product = (first * second).sum(axis=0)
    size = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    return ratio(product, size)


def _centred_ranks(relevance: Float64[np.ndarray, "neuron attribute"]) -> Float64[np.ndarray, "neuron attribute"]:
    """Mid-ranks of the magnitudes about their mean; a column with NaN is NaN."""
    ranks: np.ndarray = scipy.stats.rankdata(np.abs(relevance), axis=0, nan_policy="propagate")
    centred: np.ndarray = ranks - ranks.mean(axis=0)
    return centred
