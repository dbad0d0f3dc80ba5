"""Would the same search find the same again? Every neuron searched on other rows, and with other thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from jaxtyping import Float, Int8

from denote.attributes.labels import NULL, Family
from denote.data.parts import Halves
from denote.denotation.neurons import Neurons, replicate
from denote.denotation.search import Candidates, Settings
from denote.observers.reading import State
from denote.tables import NUMBER, joined_notes

SECOND_FIT, THRESHOLDS = "second_fit", "thresholds"
"""The two searches, by what their rows are called in ``controls``."""

AGREEMENT = {SECOND_FIT: "fit_agreement", THRESHOLDS: "threshold_agreement"}
"""Where a neuron says how far it agrees with each."""

OFF = "fit_agreement, threshold_agreement: evidence.stability is off"


@dataclass(frozen=True)
class SearchedAgain:
    """What another search found of the same neurons.

    Attributes:
        name: ``second_fit`` or ``thresholds``.
        rows: Columns of ``tables.CONTROLS``, one row per neuron.
        agreement: Jaccard index, over *test* rows, of every neuron's two properties; nan where either has none.
        remark: What to mind, or None.
    """

    name: str
    rows: pl.DataFrame
    agreement: Float[np.ndarray, " neuron"]
    remark: str | None = None


def searched_again(
    neurons: Neurons, state: Halves[State], family: Halves[Family], found: Candidates
) -> Iterator[SearchedAgain]:
    """The search on a second draw of rows, and with half as many thresholds.

    Nothing is chosen by what comes out, and no number but the agreement is made of it: *test* rows shape neither
    property nor threshold of a neuron, though they choose those of its replicate.

    Args:
        neurons: The neurons and how they are judged.
        state: Their activations on fit and test.
        family: The family at the same rows.
        found: What was chosen on *fit*.
    """
    yield _second_fit(neurons, state, family, found)
    yield _thresholds(neurons, state, family, found)


def with_agreements(rows: pl.DataFrame, again: list[SearchedAgain]) -> pl.DataFrame:
    """The neurons with how far each of them agrees with the other searches, and remarks.

    Args:
        rows: Columns of ``tables.NEURONS``, in the order of the state.
        again: What other searches found; without any the notes say that they are off.
    """
    remarks = [each.remark for each in again if each.remark] if again else [OFF]
    notes = [pl.col("note"), *(pl.when("live").then(pl.lit(remark)) for remark in remarks)]
    agreements = [pl.Series(AGREEMENT[each.name], each.agreement, dtype=NUMBER).fill_nan(None) for each in again]
    return rows.with_columns(*agreements, note=joined_notes(*notes))


def jaccard(labels: Int8[np.ndarray, "pair row"], others: Int8[np.ndarray, "pair row"]) -> Float[np.ndarray, " pair"]:
    """Jaccard index of the rows that have either property: those with both by those with one at least.

    Args:
        labels: 1 yes, 0 no, -1 null; a row that is null for either is left out.
        others: The same of the other property.

    Returns:
        In [0, 1]; nan where no row has either.
    """
    known = (labels != NULL) & (others != NULL)
    both = np.count_nonzero((labels == 1) & (others == 1), axis=1)
    either = np.count_nonzero(known & ((labels == 1) | (others == 1)), axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(both / either)


def _second_fit(neurons: Neurons, state: Halves[State], family: Halves[Family], found: Candidates) -> SearchedAgain:
    """The halves swapped: chosen on the rows of *test*, another draw from the same source, scored on those of *fit*."""
    groups = neurons.groups
    swapped = replace(neurons, groups=None if groups is None else Halves(groups.test, groups.fit))
    other_state, other_family = Halves(state.test, state.fit), Halves(family.test, family.fit)
    other = swapped.search(other_state.fit, other_family)
    rows = replicate(swapped, other_state, other_family, SECOND_FIT, 0, other)
    n_fit, n_test = len(state.fit), len(state.test)
    remark = f"fit_agreement: with a search on {n_test} rows, this one is on {n_fit}" if 2 * n_test < n_fit else None
    return SearchedAgain(SECOND_FIT, rows, _agreement(found, other, neurons.settings.memory, swapped=True), remark)


def _thresholds(neurons: Neurons, state: Halves[State], family: Halves[Family], found: Candidates) -> SearchedAgain:
    """Half as many thresholds, the default instead of all; families that try every threshold are not searched again."""
    other, settings = found, neurons.settings
    if family.fit.combines:
        number = Settings.thresholds if settings.thresholds == "all" else max(2, settings.thresholds // 2)
        fewer = replace(neurons, settings=replace(settings, thresholds=number))
        other = fewer.search(state.fit, family)
    rows = replicate(neurons, state, family, THRESHOLDS, 0, other)
    return SearchedAgain(THRESHOLDS, rows, _agreement(found, other, settings.memory))


def _agreement(
    found: Candidates, other: Candidates, memory: int, swapped: bool = False
) -> Float[np.ndarray, " neuron"]:
    """Jaccard index of every neuron's two properties over *test* rows, a block of distinct pairs at a time."""
    agreement = np.full(len(found.index), np.nan)
    has = (found.index >= 0) & (other.index >= 0)
    pairs, place = np.unique(np.stack([found.index[has], other.index[has]]), axis=1, return_inverse=True)
    of_other = other.properties.fit_labels if swapped else other.properties.test_labels
    step = max(1, memory // (8 * max(1, len(found.properties.codes.test))))
    values = [
        jaccard(found.properties.test_labels(mine), of_other(theirs))
        for mine, theirs in (pairs[:, start : start + step] for start in range(0, pairs.shape[1], step))
    ]
    agreement[has] = np.concatenate([np.empty(0), *values])[place.ravel()]
    return agreement
