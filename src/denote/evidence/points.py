"""One place of a reading curve: how well observers of all attributes read *test*."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from denote.evidence.cells import auroc_by_size
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.intervals import auroc_interval
from denote.evidence.scores import PerAttribute
from denote.observers.observer import Observer, class_counts
from denote.tables import note

IN_GROUPS = "auroc_low, auroc_high: rows in groups need a bootstrap of groups"


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


def read(observer: Observer, data: FitTestData, x: Int[np.ndarray, " attribute"]) -> Point:
    """The point of observers that were fitted somehow on *fit*."""
    positives, negatives = class_counts(data.test_labels)
    (auroc,) = auroc_by_size([observer], data).values()
    # Of groups the interval would need a bootstrap of its own for every point.
    unknown = np.full(len(auroc), np.nan)
    interval = auroc_interval(auroc if data.groups is None else unknown, positives, negatives)
    notes = [
        note(
            reason,
            None if p and n else f"auroc: {p} positive and {n} negative test rows",
            "the fit has not converged" if fitted and not converged else None,
            IN_GROUPS if data.groups is not None else None,
        )
        for reason, fitted, converged, p, n in zip(
            observer.notes, observer.fitted, observer.converged, positives, negatives, strict=True
        )
    ]
    return Point(x, auroc, interval.low, interval.high, notes)
