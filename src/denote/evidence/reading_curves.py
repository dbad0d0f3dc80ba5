"""Reading curves of one layer and probe (rows of ``tables.CURVES``): few rows, few neurons, neurons taken away.

Redundancy is how well an attribute is still read without the neurons that its observer relies on most. A score that
stays says that other neurons carry the attribute as well; one that falls, that an observer of this kind needed these
neurons. It says nothing of what the network itself uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import polars as pl
from jaxtyping import Bool, Float64, Int

from denote.attributes.labels import Labels
from denote.evidence.cells import auroc_by_size
from denote.evidence.description import DescriptionLength, description_length, growing_prefixes
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.intervals import auroc_interval
from denote.evidence.scores import PerAttribute
from denote.notes import Note, note
from denote.observers.centroid import CentroidProbe
from denote.observers.linear import LinearProbe
from denote.observers.neuron import NeuronProbe, best_thresholds
from denote.observers.observer import FitData, Observer, Probe, class_counts
from denote.observers.reading import moments
from denote.tables import CURVES, remarks


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
            None if p and n else Note.of("one_label_in_test", positive=p, negative=n),
            Note.of("not_converged") if fitted and not converged else None,
            Note.of("points_of_groups") if data.groups is not None else None,
        )
        for reason, fitted, converged, p, n in zip(
            observer.notes, observer.fitted, observer.converged, positives, negatives, strict=True
        )
    ]
    return Point(x, auroc, interval.low, interval.high, notes)


Removed: TypeAlias = Bool[np.ndarray, "neuron attribute"]
"""Neurons that each attribute's observer has to do without."""

Reader: TypeAlias = Callable[[Observer, Removed], Observer]
"""Observers that do without some neurons, from those that did without fewer."""


def removal_curve(probe: Probe, observer: Observer, data: FitTestData) -> Iterator[Point]:
    """A point per number of removed neurons: none, 1, 2, 4, ... up to half of the live ones.

    Every attribute loses the neurons on which its own observer relies most, by |weight x standard deviation| on *fit*
    (for the neuron probe: by balanced accuracy there), and the probe is fitted again without them, at the same penalty.
    The order is that of the whole layer's observer; a refit changes it no more.

    Args:
        probe: What is fitted: linear, centroid or neuron; others have the first point alone, and a note says so.
        observer: The probe, fitted on all of *fit*.
        data: What it was fitted to, and is scored on.
    """
    attributes = len(data.labels.fit)
    reliance, without = _ways(probe, observer, data.fit)
    if without is None:
        whole = read(observer, data, np.zeros(attributes, dtype=np.int64))
        reason = Note.of("no_removal", probe=probe.kind)
        yield replace(whole, notes=[note(own, reason) for own in whole.notes])
        return
    places = np.argsort(np.argsort(-np.nan_to_num(reliance, nan=-1.0), axis=0, kind="stable"), axis=0)
    live = int((~moments(data.state.fit).constant).sum())
    for count in (0, *_doublings(live // 2)):
        observer = without(observer, places < count)
        yield read(observer, data, np.full(attributes, count))


def _doublings(most: int) -> list[int]:
    return [1 << power for power in range(most.bit_length())]


def _ways(
    probe: Probe, observer: Observer, data: FitData
) -> tuple[Float64[np.ndarray, "neuron attribute"], Reader | None]:
    """What an attribute relies on, and how its observers do without; None for probes where neither is known."""
    fit, labels = data.state, data.labels
    if isinstance(probe, NeuronProbe):
        scan = best_thresholds(fit, labels, resources=data.resources)
        return scan.balanced_accuracy, _next_best(scan.balanced_accuracy, scan.direction)
    spread = moments(fit).variance.sqrt().numpy()[:, None]
    if isinstance(probe, CentroidProbe):
        return np.abs(observer.weights) * spread, _silenced
    if isinstance(probe, LinearProbe):
        l2 = np.asarray(observer.l2)
        return np.abs(observer.weights) * spread, lambda start, removed: probe.solve(
            fit, labels, l2, data.resources, start, removed
        )
    return observer.weights, None


def _silenced(observer: Observer, removed: Removed) -> Observer:
    """Centroids without some neurons: the weights of the others are what they were, and ranks need no intercept."""
    return replace(observer, weights=np.where(removed, 0.0, observer.weights))


def _next_best(
    balanced_accuracy: Float64[np.ndarray, "neuron attribute"], direction: Int[np.ndarray, "neuron attribute"]
) -> Reader:
    """The best neuron among those that are left; its threshold is not needed to rank rows."""

    def reader(observer: Observer, removed: Removed) -> Observer:
        left = np.where(removed, -1.0, np.nan_to_num(balanced_accuracy, nan=-1.0))
        neuron, columns = left.argmax(0), np.arange(removed.shape[1])
        sign = direction[neuron, columns]
        weights = np.zeros(removed.shape)
        weights[neuron, columns] = sign
        bias = np.where(observer.fitted, 0.0, np.nan)
        return replace(
            observer,
            weights=weights,
            bias=bias,
            neuron=neuron,
            direction=sign,
            threshold=None,
            fit_balanced_accuracy=None,
        )

    return reader


COLUMNS = (
    "probe",
    "probe_seed",
    "attribute",
    "family",
    "curve",
    "x",
    "auroc",
    "auroc_low",
    "auroc_high",
    "bits",
    "intercept_bits",
    "note",
    "note_codes",
)
"""Those of ``tables.CURVES`` that do not say which network was observed, or where."""


def reading_curves(
    data: FitTestData, probe: Probe, observer: Observer | None = None, description: DescriptionLength | None = None
) -> pl.DataFrame:
    """Measure how easily each attribute is read: with few rows of *fit*, and without the neurons that are relied on.

    Args:
        data: The layer; its seed names the order of the rows.
        probe: What is fitted.
        observer: The probe fitted on all of *fit*, where it is there already.
        description: Of the same *fit* and probe, where it is there already.

    Returns:
        Rows with `COLUMNS`. ``curve="fit_rows"``: ``x`` is the number of fit rows with a label, ``auroc`` that of the
        probe fitted on them, ``bits`` and ``intercept_bits`` are what the online codes take for their labels (see
        `DescriptionLength`). ``curve="removed"``: ``x`` is the number of removed neurons (see `removal_curve`). An
        attribute has each ``x`` once.

    Raises:
        StateError: if a state is not finite or does not fit the labels.
    """
    observer = observer or probe.fit_data(data.fit)
    description = description or description_length(data.fit, probe)
    frames = [
        _frame(data.labels.test, "fit_rows", learning_curve(probe, observer, data), description),
        _frame(data.labels.test, "removed", removal_curve(probe, observer, data)),
    ]
    return (
        pl.concat(frames)
        .with_columns(probe=pl.lit(probe.kind), probe_seed=pl.lit(data.probe_seed, pl.Int64))
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .unique(["attribute", "curve", "x"], keep="first", maintain_order=True)
        .select(COLUMNS)
        .cast({column: CURVES[column] for column in COLUMNS})
    )


def learning_curve(probe: Probe, observer: Observer, data: FitTestData) -> Iterator[Point]:
    """A point per prefix of *fit*, at the number of its rows in which an attribute is not null.

    The prefixes are those of the online code (`growing_prefixes`), and the last is all of *fit*. Of a probe with
    several sizes the largest that leaves neurons out is fitted. A curve tells how many rows an attribute takes to be
    read with this probe's penalty; its points share their test rows, and the larger prefixes hold the smaller ones.

    Args:
        probe: What is fitted.
        observer: The probe, fitted on all of *fit*.
        data: What it was fitted to, and is scored on.
    """
    fit = data.fit
    prefixes = growing_prefixes(len(fit.labels), fit.seed, fit.groups)
    for index in range(len(prefixes.ends)):
        rows = prefixes.prefix(index)
        fitted = observer if len(rows) == len(fit.labels) else probe.fit_data(fit.at(rows))
        yield read(fitted, data, np.count_nonzero(fit.labels[rows] >= 0, axis=0))


def _frame(names: Labels, curve: str, points: Iterable[Point], code: DescriptionLength | None = None) -> pl.DataFrame:
    """The points of one curve, a row per point and attribute."""
    undefined = np.full(len(names), np.nan)
    bits, intercept = (None, None) if code is None else (code.bits.cumsum(0), code.intercept.cumsum(0))
    reasons: tuple[str | None, ...] = (None,) * len(names) if code is None else code.notes
    return pl.concat(
        pl.DataFrame(
            {
                "attribute": names.names,
                "family": names.families,
                "curve": [curve] * len(names),
                "x": point.x,
                "auroc": point.auroc,
                "auroc_low": point.low,
                "auroc_high": point.high,
                "bits": undefined if bits is None else bits[index],
                "intercept_bits": undefined if intercept is None else intercept[index],
            }
        ).with_columns(*remarks([*map(note, point.notes, reasons)]))
        for index, point in enumerate(points)
    )
