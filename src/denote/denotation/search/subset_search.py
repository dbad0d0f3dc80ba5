"""The best subset of classes for every neuron, exactly and without listing the subsets (METHOD section 2.2).

For a fixed threshold the subset with the best balanced accuracy is a prefix of the classes sorted by how often the
neuron is on in them, so the search costs one sort of the classes instead of 2^classes comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from denote.denotation.search.properties import ENTRY_ROWS, Settings, places
from denote.observers.neuron import comparable, live_neurons, midpoints
from denote.observers.reading import Resources, State
from denote.observers.sorted_columns import least_memory, over_sorted_columns


@dataclass(frozen=True)
class Subsets:
    """The class subset of every neuron, chosen on *fit*, in a chain of nested ones.

    Attributes:
        chain: Place of every class in its neuron's chain, whose first 1, 2, ... classes are the nested subsets; the
            number of classes where a class did not enter or nothing was found.
        n_members: How many classes the neuron's own subset has, the first of the chain; 0 where nothing was found.
        passing: Whether the first 1, 2, ... classes of the chain reach the point rule on fit, or are the own subset.
        threshold: The neuron is on strictly above it; nan where nothing was found.
        score: Balanced accuracy on fit at that threshold; nan likewise.
        entered: Whether a class had enough rows to take part.
        live: Whether the neuron is not constant on fit.
    """

    chain: Int[np.ndarray, "neuron class"]
    n_members: Int[np.ndarray, " neuron"]
    passing: Bool[np.ndarray, "neuron prefix"]
    threshold: Float[np.ndarray, " neuron"]
    score: Float[np.ndarray, " neuron"]
    entered: Bool[np.ndarray, " class"]
    live: Bool[np.ndarray, " neuron"]

    @property
    def masks(self) -> Bool[np.ndarray, "neuron class"]:
        """Membership of every class in the neuron's subset."""
        return np.asarray(self.chain < self.n_members[:, None])

    def nested(self) -> tuple[Int[np.ndarray, " pair"], Bool[np.ndarray, "pair class"]]:
        """Neurons with the subsets of their chains that pass, the own one among them, from the smallest."""
        neuron, prefix = np.nonzero(self.passing)
        return neuron, self.chain[neuron] <= prefix[:, None]


def entering_classes(
    codes: Int[np.ndarray, " row"], n_classes: int, entry_rows: int = ENTRY_ROWS
) -> Bool[np.ndarray, " class"]:
    """Which classes have at least ``entry_rows`` rows inside and outside of them; null rows (-1) count as neither."""
    size = np.bincount(codes[codes >= 0], minlength=n_classes)
    return np.asarray((size >= entry_rows) & (size.sum() - size >= entry_rows))


def search_subsets(
    state: State, codes: Int[np.ndarray, " row"], n_classes: int, settings: Settings | None = None
) -> Subsets:
    """Find for every neuron the class subset that it tells best from the other classes.

    All thresholds asked for are tried, each with its best subset; the winner's threshold is then set exactly.

    Args:
        state: Activations on fit ``[row, neuron]``, finite.
        codes: Class of every row, -1 null.
        n_classes: Number of classes.
        settings: Of the search. A block holds one neuron at least; what is found takes 5 bytes more per neuron and
            class.
    """
    settings = settings or Settings()
    entered = entering_classes(codes, n_classes, settings.entry_rows)
    n_neurons, n_entered = state.shape[1], int(entered.sum())
    found = Subsets(
        chain=np.full((n_neurons, n_classes), n_classes, dtype=np.int32),
        n_members=np.zeros(n_neurons, dtype=np.int64),
        passing=np.zeros((n_neurons, max(0, n_entered - 1)), dtype=bool),
        threshold=np.full(n_neurons, np.nan),
        score=np.full(n_neurons, np.nan),
        entered=entered,
        live=live_neurons(state) if n_entered < 2 else np.zeros(n_neurons, dtype=bool),
    )
    if n_entered > 1:
        renumbered = np.where((codes >= 0) & entered[codes], np.cumsum(entered)[codes] - 1, -1)
        _fill(found, state, renumbered, settings)
    return found


def _fill(found: Subsets, state: State, codes: Int[np.ndarray, " row"], settings: Settings) -> None:
    """Search, with the classes that entered renumbered and all other rows at -1."""
    # Importing compiles: only what searches waits for it.
    from denote.kernels.subset_kernels import BestSubsets, Classes, best_subsets

    size = np.bincount(codes[codes >= 0])
    kept, labels = np.flatnonzero(found.entered), codes[:, None]
    cuts = places(int(np.count_nonzero(codes >= 0)), settings.thresholds)

    def batch(part: slice, values: np.ndarray, order: np.ndarray) -> None:
        n, numbers = len(values), comparable(values)
        chain, gain = np.full((n, len(size)), found.chain.shape[1], dtype=np.int32), np.zeros(n, dtype=np.int64)
        low, high = np.zeros((2, n), dtype=numbers.dtype)
        n_members, passing = found.n_members[part], found.passing[part]
        best = BestSubsets(chain, n_members, passing, gain, low, high)
        best_subsets(numbers, order, Classes(codes, size), cuts, settings.decisive, best)
        found.chain[part, kept] = chain
        has, inside = n_members > 0, (chain < n_members[:, None]) @ size
        cut = midpoints(low.astype(values.dtype), high.astype(values.dtype))
        found.threshold[part] = np.where(has, cut, np.nan)
        pairs = np.where(has, inside * (size.sum() - inside), 1)
        found.score[part] = np.where(has, 0.5 + gain / (2 * pairs), np.nan)

    enough = max(settings.memory, least_memory(state, labels))
    found.live[:] = over_sorted_columns(state, labels, batch, Resources(memory=enough))
