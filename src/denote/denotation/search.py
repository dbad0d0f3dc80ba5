"""One property for every neuron, chosen on *fit* whatever the family (METHOD section 2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from denote.attributes.labels import NULL, Family
from denote.data.parts import Halves
from denote.denotation.properties import Properties, attribute_properties, complement, subset_name
from denote.denotation.subsets import ENTRY_ROWS, search_subsets
from denote.denotation.thresholds import MEMORY, Block, exact_threshold, sorted_blocks
from denote.tables import note

State = Float[np.ndarray, "row neuron"]


@dataclass(frozen=True)
class Settings:
    """How neurons are searched.

    Attributes:
        thresholds: Quantiles tried for each neuron before the winner's threshold is set exactly; 64 or more.
        decisive: Balanced accuracy on fit from which a nested subset is listed in ``label_proportion_range``.
        entry_rows: Least number of positive and of negative fit rows of a class or attribute that enters.
        memory: Bytes for one block of neurons.
    """

    thresholds: int = 64
    decisive: float = 0.95
    entry_rows: int = ENTRY_ROWS
    memory: int = MEMORY


@dataclass(frozen=True)
class Candidates:
    """The property of every neuron, chosen on *fit*.

    Attributes:
        properties: The distinct properties found; the masks are those of where the neuron is on.
        index: Which of them is each neuron's; -1 where none was found.
        direction: -1 where the property is the complement of an attribute, else +1; 0 where none was found.
        threshold: The neuron is on strictly above it; nan where none was found.
        score: Balanced accuracy on fit; nan where none was found.
        smallest: Property index of the smallest and ...
        largest: ... of the largest nested subset that passes on fit too; the own property where there is no other.
        live: Whether the neuron is not constant on fit.
        note: What was left out of the search, or why nothing could be searched.
    """

    properties: Properties
    index: Int[np.ndarray, " neuron"]
    direction: Int[np.ndarray, " neuron"]
    threshold: Float[np.ndarray, " neuron"]
    score: Float[np.ndarray, " neuron"]
    smallest: Int[np.ndarray, " neuron"]
    largest: Int[np.ndarray, " neuron"]
    live: Bool[np.ndarray, " neuron"]
    note: str | None


def search(state: State, family: Halves[Family], settings: Settings | None = None) -> Candidates:
    """Choose the property of every neuron.

    Args:
        state: Activations on the fit rows, finite. Test rows are not needed, so they cannot leak.
        family: The family at the fit and at the test rows. Labels of test rows are only carried along.
        settings: Of the search.

    Returns:
        For a family with class codes the best class subset; for any other the best attribute or its complement.
    """
    settings = settings or Settings()
    live = np.asarray(state.max(axis=0) > state.min(axis=0))
    if family.fit.codes is not None:
        return _search_subsets(state, family, settings, live)
    return _search_attributes(state, family, settings, live)


def _search_subsets(state: State, family: Halves[Family], settings: Settings, live: np.ndarray) -> Candidates:
    codes, names = Halves(_codes(family.fit), _codes(family.test)), family.fit.class_names
    found = search_subsets(
        state, codes.fit, len(names), settings.thresholds, settings.decisive, settings.entry_rows, settings.memory
    )
    has = ~np.isnan(found.threshold)
    # The three subsets of every neuron that has one, each distinct subset once.
    wanted = np.concatenate([found.masks[has], found.smallest[has], found.largest[has]])
    distinct, inverse = np.unique(wanted, axis=0, return_inverse=True)
    indices = np.full((3, len(has)), -1)
    indices[:, has] = inverse.reshape(3, -1)
    masks = np.where(found.entered, distinct.astype(np.int8), np.int8(NULL))
    properties = Properties(
        tuple(subset_name(members, found.entered, names) for members in distinct), masks.astype(np.int8), codes
    )
    rows_out = sum(int(np.count_nonzero((c >= 0) & ~found.entered[c])) for c in (codes.fit, codes.test))
    left_out = int(np.count_nonzero(~found.entered))
    reason = note(
        f"fewer than 2 classes have {settings.entry_rows} fit rows inside and outside"
        if found.entered.sum() < 2
        else f"{left_out} classes ({rows_out} rows) left out: fewer than {settings.entry_rows} fit rows"
        if left_out
        else None
    )
    return Candidates(
        properties, indices[0], has.astype(np.int64), found.threshold, found.score, indices[1], indices[2], live, reason
    )


def _search_attributes(state: State, family: Halves[Family], settings: Settings, live: np.ndarray) -> Candidates:
    single = attribute_properties(family, settings.entry_rows)
    n_neurons, n_single = state.shape[1], len(single)
    names = single.names + tuple(complement(name) for name in single.names)
    flipped = np.where(single.masks == NULL, np.int8(NULL), 1 - single.masks).astype(np.int8)
    properties = Properties(names, np.concatenate([single.masks, flipped]), single.codes)
    index, direction = np.full(n_neurons, -1), np.zeros(n_neurons, dtype=np.int64)
    threshold, score = np.full(n_neurons, np.nan), np.full(n_neurons, np.nan)
    if n_single:
        for block, gain in signed_gains(state, single, settings):
            # gain[neuron, threshold, attribute]: its sign is the direction.
            peak = np.abs(gain).max(axis=1)
            attribute = peak.argmax(axis=1)
            column = gain[np.arange(len(block)), :, attribute]
            sign = np.sign(column[np.arange(len(block)), np.abs(column).argmax(axis=1)]).astype(np.int64)
            sign[sign == 0] = 1
            for row, neuron in enumerate(range(block.start, block.start + len(block))):
                which = int(attribute[row]) + (n_single if sign[row] < 0 else 0)
                labels = properties.fit_labels(which)[block.order[row]]
                known = labels != NULL
                threshold[neuron], score[neuron] = exact_threshold(block.values[row][known], labels[known] == 1)
                if not np.isnan(threshold[neuron]):
                    index[neuron], direction[neuron] = which, sign[row]
    left_out = len(family.fit.labels) - n_single
    reason = (
        f"no attribute has {settings.entry_rows} positive and negative fit rows"
        if not n_single
        else f"{left_out} attributes left out: fewer than {settings.entry_rows} positive or negative fit rows"
        if left_out
        else None
    )
    return Candidates(properties, index, direction, threshold, score, index, index, live, reason)


def signed_gains(
    state: State, properties: Properties, settings: Settings
) -> Iterator[tuple[Block, Float[np.ndarray, "neuron threshold property"]]]:
    """TPR - FPR on fit of every neuron at every threshold for every property, block by block of neurons.

    One count of codes above each threshold serves all properties: theirs are matrix products with the masks.
    """
    kept = properties.codes.fit >= 0
    codes = properties.codes.fit[kept]
    positive, negative = ((properties.masks == label).astype(np.float32).T for label in (1, 0))
    size = np.bincount(codes, minlength=properties.n_codes).astype(np.float32)
    # Where a property has no such rows its gain is 0 instead of undefined: it is never chosen for it.
    n_positive, n_negative = np.maximum(size @ positive, 1), np.maximum(size @ negative, 1)
    width = properties.n_codes + len(properties)
    for block in sorted_blocks(state if kept.all() else state[kept], settings.thresholds, width, settings.memory):
        above = block.counts_above(codes, properties.n_codes).astype(np.float32)
        yield block, above @ (positive / n_positive) - above @ (negative / n_negative)


def _codes(family: Family) -> Int[np.ndarray, " row"]:
    if family.codes is None:
        raise ValueError(f"family {family.name} has class codes in one part only")
    return family.codes
