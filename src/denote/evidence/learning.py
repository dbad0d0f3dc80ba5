"""The learning curve: how well a probe reads *test* when it is fitted on ever more rows of *fit*."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from denote.evidence.points import Point, Sides, read
from denote.evidence.prefixes import growing_prefixes
from denote.observers.observer import Observer, Probe


def learning_curve(probe: Probe, observer: Observer, sides: Sides) -> Iterator[Point]:
    """A point per prefix of *fit*, at the number of its rows in which an attribute is not null.

    The prefixes are those of the online code (`growing_prefixes`), and the last is all of *fit*. Of a probe with
    several sizes the largest that leaves neurons out is fitted. A curve tells how many rows an attribute takes to be
    read with this probe's penalty; its points share their test rows, and the larger prefixes hold the smaller ones.

    Args:
        probe: What is fitted.
        observer: The probe, fitted on all of *fit*.
        sides: States, labels and groups.
    """
    labels = sides.labels.fit
    prefixes = growing_prefixes(len(labels), sides.probe_seed, None if sides.groups is None else sides.groups.fit)
    for index in range(len(prefixes.ends)):
        rows = prefixes.prefix(index)
        fitted = observer if len(rows) == len(labels) else sides.fit(probe, rows)
        yield read(fitted, sides, np.count_nonzero(labels[rows] >= 0, axis=0))
