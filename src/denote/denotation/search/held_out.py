"""What was chosen on *fit*, judged on *test*: each neuron against its own property, a block of neurons at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int, Int8

from denote.attributes.labels import NULL
from denote.denotation.search.candidates import Candidates
from denote.denotation.search.held_out_scores import Scores, score_neurons
from denote.observers.reading import State
from denote.observers.sorted_columns import column_blocks

Block = tuple[Float[np.ndarray, "neuron row"], Float[np.ndarray, " neuron"], Int8[np.ndarray, "neuron row"]]


def score_candidates(
    test: State, found: Candidates, null: float, memory: int, groups: Int[np.ndarray, " row"] | None = None
) -> Scores:
    """Held-out scores of every neuron against the property chosen for it; nan where it has none.

    Args:
        test: Activations ``[row, neuron]`` on the test rows; a block of neurons is read at a time.
        found: Properties chosen on fit.
        null: ``Rule.null``.
        memory: Bytes that a block may take.
        groups: Group of every test row.
    """
    blocks = _blocks(test, found, memory)
    return Scores.joined([score_neurons(values, cut, labels, null, groups) for values, cut, labels in blocks])


def _blocks(test: State, found: Candidates, memory: int) -> Iterator[Block]:
    """Activations, thresholds and labels of their own properties."""
    n_rows = len(test)
    width = max(1, memory // max(1, n_rows * 64))
    for start, values in column_blocks(test, width):
        index = found.index[start : start + width]
        labels = np.full((len(index), n_rows), NULL, dtype=np.int8)
        labels[index >= 0] = found.properties.test_labels(index[index >= 0])
        yield values, found.threshold[start : start + width], labels
