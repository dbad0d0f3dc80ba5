"""The part of *fit* that moves no weights: it chooses strengths, thresholds and when to stop (METHOD sections 1, 3)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float64, Int

from denote.data.parts import deal
from denote.observers.neuron import best_thresholds
from denote.observers.observer import Observer, class_counts
from denote.observers.reading import Groups, Values
from denote.streams import stream

SHARE = 0.2
"""Share of the rows of *fit*."""


def inner_parts(
    n_rows: int, seed: int, groups: Groups | None = None
) -> tuple[Int[np.ndarray, " held"], Int[np.ndarray, " rest"]]:
    """Places of the rows that are held out inside *fit* and of the rest, each ascending.

    Args:
        n_rows: Rows of *fit*.
        seed: ``probe_seed``.
        groups: Rows of one group stay together. Of one or two groups none can be held out.
    """
    if groups is not None:
        dealt = deal(np.zeros(n_rows, dtype=np.int64), (SHARE,), groups, "inner validation", seed)
        return np.flatnonzero(dealt == 0), np.flatnonzero(dealt)
    order = stream("inner validation", seed).permutation(n_rows)
    cut = round(n_rows * SHARE)
    return np.sort(order[:cut]), np.sort(order[cut:])


def with_threshold(observer: Observer, scores: Float64[np.ndarray, "sample attribute"], labels: Values) -> Observer:
    """Move each decision threshold to the best balanced accuracy on held-out scores."""
    bias = observer.bias.copy()
    notes = list(observer.notes)
    positives, negatives = class_counts(labels)
    for a in np.flatnonzero(observer.fitted):
        if positives[a] and negatives[a] and np.ptp(scores[:, a]) > 0:
            column = slice(a, a + 1)
            bias[a] -= best_thresholds(scores[:, column], labels[:, column], upward_only=True).threshold[0, 0]
        else:
            notes[a] = "threshold not moved: one class or one score only in the inner validation part"
    return replace(observer, bias=bias, notes=tuple(notes))
