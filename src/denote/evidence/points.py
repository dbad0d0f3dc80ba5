"""One place of a reading curve: how well observers of all attributes read *test*."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int

from denote.data.parts import Halves
from denote.evidence.cells import auroc_by_size
from denote.evidence.intervals import auroc_interval
from denote.evidence.permutations import Groups
from denote.evidence.scores import PerAttribute, Values
from denote.observers.observer import Observer, Probe, class_counts
from denote.observers.reading import UNBOUNDED, Resources, State, rows_of
from denote.tables import note

IN_GROUPS = "auroc_low, auroc_high: rows in groups need a bootstrap of groups"


@dataclass(frozen=True)
class Sides:
    """What a curve is made from.

    Attributes:
        state: Activations of *fit* and *test*.
        labels: 1, 0 or -1 for null.
        probe_seed: Names draws.
        groups: Group of every row, where rows of a group are not independent.
        resources: What fits and scores may use.
    """

    state: Halves[State]
    labels: Halves[Values]
    probe_seed: int = 0
    groups: Halves[Groups] | None = None
    resources: Resources = field(default=UNBOUNDED)

    def fit(self, probe: Probe, rows: Int[np.ndarray, " row"] | None = None) -> Observer:
        """A probe on all of *fit*, or on some of its rows."""
        groups = None if self.groups is None else self.groups.fit
        if rows is None:
            return probe.fit(self.state.fit, self.labels.fit, self.probe_seed, self.resources, groups)
        return probe.fit(
            rows_of(self.state.fit, rows), self.labels.fit[rows], self.probe_seed, self.resources,
            None if groups is None else groups[rows],
        )  # fmt: skip


@dataclass(frozen=True)
class Point:
    """Scores of every attribute on *test*, NaN where there is none.

    Attributes:
        x: Where on the curve, one number per attribute.
        auroc: In [0, 1].
        low: Lower end of its 95 % interval, ...
        high: ... and the upper end.
        notes: Why there is no score or no interval, or a remark on the fit.
    """

    x: Int[np.ndarray, " attribute"]
    auroc: PerAttribute
    low: PerAttribute
    high: PerAttribute
    notes: Sequence[str | None]


def read(observer: Observer, sides: Sides, x: Int[np.ndarray, " attribute"]) -> Point:
    """The point of observers that were fitted somehow on *fit*."""
    positives, negatives = class_counts(sides.labels.test)
    (auroc,) = auroc_by_size([observer], sides.state.test, sides.labels.test, sides.resources).values()
    # Of groups the interval would need a bootstrap of its own for every point.
    unknown = np.full(len(auroc), np.nan)
    interval = auroc_interval(auroc if sides.groups is None else unknown, positives, negatives)
    notes = [
        note(
            reason,
            None if p and n else f"auroc: {p} positive and {n} negative test rows",
            "the fit has not converged" if fitted and not converged else None,
            IN_GROUPS if sides.groups is not None else None,
        )
        for reason, fitted, converged, p, n in zip(
            observer.notes, observer.fitted, observer.converged, positives, negatives, strict=True
        )
    ]
    return Point(x, auroc, interval.low, interval.high, notes)
