"""The best subset of classes for every neuron, exactly and without listing the subsets (METHOD section 2.2).

For a fixed threshold the subset with the best balanced accuracy is a prefix of the classes sorted by how often the
neuron is on in them, so the search costs one sort of the classes instead of 2^classes comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from denote.denotation.thresholds import MEMORY, Block, exact_threshold, sorted_blocks
from denote.observers.reading import State

ENTRY_ROWS = 20
"""Least number of positive and of negative fit rows of a class or attribute that enters the search (METHOD 2.1)."""


@dataclass(frozen=True)
class Subsets:
    """The class subset of every neuron, chosen on *fit*.

    Attributes:
        masks: Whether a class is in the neuron's subset; all False where nothing was found.
        threshold: The neuron is on strictly above it; nan where nothing was found.
        score: Balanced accuracy on fit at that threshold; nan likewise.
        smallest: Smallest and ...
        largest: ... largest subset nested with the neuron's own that also reaches the point rule on fit; the own subset
            where there is no other.
        entered: Whether a class had enough rows to take part.
    """

    masks: Bool[np.ndarray, "neuron class"]
    threshold: Float[np.ndarray, " neuron"]
    score: Float[np.ndarray, " neuron"]
    smallest: Bool[np.ndarray, "neuron class"]
    largest: Bool[np.ndarray, "neuron class"]
    entered: Bool[np.ndarray, " class"]


def entering_classes(
    codes: Int[np.ndarray, " row"], n_classes: int, entry_rows: int = ENTRY_ROWS
) -> Bool[np.ndarray, " class"]:
    """Which classes have at least ``entry_rows`` rows inside and outside of them; null rows (-1) count as neither."""
    size = np.bincount(codes[codes >= 0], minlength=n_classes)
    return np.asarray((size >= entry_rows) & (size.sum() - size >= entry_rows))


def search_subsets(
    state: State,
    codes: Int[np.ndarray, " row"],
    n_classes: int,
    thresholds: int = 64,
    decisive: float = 0.95,
    entry_rows: int = ENTRY_ROWS,
    memory: int = MEMORY,
) -> Subsets:
    """Find for every neuron the class subset that it tells best from the other classes.

    All quantile thresholds are tried, each with its best subset; the winner's threshold is then set exactly.

    Args:
        state: Activations on fit ``[row, neuron]``, finite.
        codes: Class of every row, -1 null.
        n_classes: Number of classes.
        thresholds: Number of quantiles, at least 1; METHOD asks for 64 or more.
        decisive: Balanced accuracy on fit from which a nested subset is listed.
        entry_rows: Least number of rows inside and outside a class for it to enter.
        memory: Bytes for one block of neurons.
    """
    entered = entering_classes(codes, n_classes, entry_rows)
    n_neurons, kept = state.shape[1], np.flatnonzero(entered)
    masks, smallest, largest = (np.zeros((n_neurons, n_classes), dtype=bool) for _ in range(3))
    threshold, score = np.full(n_neurons, np.nan), np.full(n_neurons, np.nan)
    if len(kept) > 1:
        rows = (codes >= 0) & entered[codes]
        renumbered = np.cumsum(entered)[codes[rows]] - 1
        size = np.bincount(renumbered, minlength=len(kept))
        for block in sorted_blocks(state if rows.all() else state[rows], thresholds, len(kept), memory):
            span = slice(block.start, block.start + len(block))
            on = block.counts_above(renumbered, len(kept))
            found = _best_over_thresholds(on, size)
            low, high = _nested(on, size, found, decisive)
            masks[span, kept], smallest[span, kept], largest[span, kept] = found, low, high
            threshold[span], score[span] = _exact(block, renumbered, found)
        nothing = np.isnan(threshold)
        masks[nothing], smallest[nothing], largest[nothing] = False, False, False
    return Subsets(masks, threshold, score, smallest, largest, entered)


def best_prefixes(
    on: Int[np.ndarray, "*batch class"], size: Int[np.ndarray, " class"]
) -> tuple[Bool[np.ndarray, "*batch class"], Float[np.ndarray, "*batch"]]:
    """The subset of classes whose union "on" tells best from the rest, for each row of counts.

    Args:
        on: Rows of each class where the neuron is on.
        size: Rows of each class, each at least 1; two classes or more.

    Returns:
        Members of the best subset (never empty, never all classes) and its balanced accuracy.
    """
    order = np.argsort(-(on / size), axis=-1, kind="stable")
    gain = _prefix_gain(np.take_along_axis(on, order, axis=-1), size[order])
    place = gain.argmax(axis=-1)
    best = np.take_along_axis(gain, place[..., None], axis=-1)[..., 0]
    members = np.empty(on.shape, dtype=bool)
    np.put_along_axis(members, order, np.arange(on.shape[-1]) <= place[..., None], axis=-1)
    return members, (1 + best) / 2


def _prefix_gain(
    on: Int[np.ndarray, "*batch class"], size: Int[np.ndarray, "*batch class"]
) -> Float[np.ndarray, "*batch prefix"]:
    """TPR - FPR of every proper prefix of classes given in an order."""
    on_inside, inside = on.cumsum(axis=-1), size.cumsum(axis=-1)
    total_on, total = on_inside[..., -1:], inside[..., -1:]
    on_inside, inside = on_inside[..., :-1], inside[..., :-1]
    gain: Float[np.ndarray, "*batch prefix"] = on_inside / inside - (total_on - on_inside) / (total - inside)
    return gain


def _best_over_thresholds(
    on: Int[np.ndarray, "neuron threshold class"], size: Int[np.ndarray, " class"]
) -> Bool[np.ndarray, "neuron class"]:
    members, score = best_prefixes(on, size)
    return np.asarray(members[np.arange(len(on)), score.argmax(axis=1)])


def _nested(
    on: Int[np.ndarray, "neuron threshold class"],
    size: Int[np.ndarray, " class"],
    found: Bool[np.ndarray, "neuron class"],
    decisive: float,
) -> tuple[Bool[np.ndarray, "neuron class"], Bool[np.ndarray, "neuron class"]]:
    """Smallest and largest subset that pass on fit among prefixes of the classes nested with the one found.

    The classes of the subset found come first; within it and outside of it they are ordered by the mean rank of their
    activations (the mean on-rate over thresholds), so the prefixes form one chain through the subset found.
    """
    rank = (on / size).mean(axis=1)
    order = np.argsort(-(rank + 2.0 * found), axis=-1, kind="stable")
    ordered = np.take_along_axis(on, order[:, None, :], axis=-1)
    gain = _prefix_gain(ordered, np.broadcast_to(size[order][:, None, :], ordered.shape)).max(axis=1)
    own = found.sum(axis=1)[:, None]
    n_members = np.arange(1, on.shape[-1])
    passing = ((1 + gain) / 2 >= decisive) | (n_members == own)
    low = n_members[passing.argmax(axis=1)]
    high = n_members[passing.shape[1] - 1 - passing[:, ::-1].argmax(axis=1)]
    place = np.argsort(order, axis=-1)
    return place < low[:, None], place < high[:, None]


def _exact(
    block: Block, codes: Int[np.ndarray, " row"], found: Bool[np.ndarray, "neuron class"]
) -> tuple[Float[np.ndarray, " neuron"], Float[np.ndarray, " neuron"]]:
    pairs = [
        exact_threshold(values, members[codes[order]])
        for values, order, members in zip(block.values, block.order, found, strict=True)
    ]
    threshold, score = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    return threshold, score
