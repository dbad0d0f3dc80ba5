"""Do intervals cover? One neuron that reads -d in one class and +d in the other, with unit variance.

AUROC and balanced accuracy have known true values there. That of the balanced accuracy is the true value *of the fitted
threshold*: the threshold is chosen on fit rows of their own, as the neuron probe does.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int8
from scipy import stats

from denote.evidence.intervals import auroc_interval, newcombe_balanced_accuracy
from denote.evidence.scores import auroc, confusion
from denote.numbers import Estimate
from denote.observers.neuron import best_thresholds
from denote.streams import stream
from simulations.row import Row

DISTANCES = (1.0, 1.5, 1.9, 2.5)
SIZES = ((100, 100), (20, 380), (500, 500))
"""Positives and negatives, on fit and on test."""

BEYOND = 2.0
"""From this d on nearly all test rows are right, and coverage is only asked to stay off the floor."""


def run(draws: int) -> list[Row]:
    """Share of draws in which an interval holds its own target."""
    return [row for d in DISTANCES for size in SIZES for row in covered(d, *size, draws)]


def covered(d: float, positives: int, negatives: int, draws: int) -> list[Row]:
    """Coverage at one distance and one size; every draw has fit rows and test rows of its own."""
    labels = np.repeat(np.array([1, 0], np.int8), [positives, negatives])[:, None]
    fit, test = (_neurons(d, labels, draws, part) for part in ("fit", "test"))
    threshold = best_thresholds(fit, labels).threshold[:, 0]
    balanced = (stats.norm.cdf(d - threshold) + stats.norm.cdf(d + threshold)) / 2
    counts = confusion(test > threshold, np.broadcast_to(labels, test.shape))
    sample = counts.tp, counts.n_positive, counts.tn, counts.n_negative
    area = auroc(test, np.broadcast_to(labels, test.shape))
    held = {
        "AUROC": holds(auroc_interval(area, positives, negatives), stats.norm.cdf(d * np.sqrt(2))),
        "balanced accuracy": holds(newcombe_balanced_accuracy(*sample), balanced),
        "balanced accuracy, lower bound": newcombe_balanced_accuracy(*sample, one_sided=True).low <= balanced,
    }
    goals: dict[str, tuple[float | None, float | None]] = (
        {"AUROC": (0.93, None), "balanced accuracy": (0.92, 0.97)}
        if d < BEYOND
        else {"balanced accuracy": (0.88, None)}
    )
    place = f"d = {d:g}, {positives}/{negatives}"
    note = f"true AUROC {stats.norm.cdf(d * np.sqrt(2)):.4f}, balanced accuracy of the thresholds {balanced.mean():.4f}"
    return [
        Row("coverage", f"{what}, {place}", float(inside.mean()), *goals.get(what, (None, None)), note)
        for what, inside in held.items()
    ]


def _neurons(d: float, labels: Int8[np.ndarray, "row 1"], draws: int, part: str) -> Float[np.ndarray, "row draw"]:
    noise = stream("coverage", str(d), int(labels.sum()), len(labels), part).standard_normal((draws, len(labels)))
    return np.ascontiguousarray(noise.T) + d * (2 * labels - 1)


def holds(found: Estimate[np.ndarray], target: float | Float[np.ndarray, " draw"]) -> Bool[np.ndarray, " draw"]:
    """Whether each interval has its target inside."""
    return np.asarray((found.low <= target) & (target <= found.high))
