"""Redundancy: how well an attribute is still read when the neurons that its observer relies on most are taken away.

A score that stays says that other neurons carry the attribute as well; one that falls, that these neurons were needed
by an observer of this kind. It says nothing of what the network itself uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float64, Int

from denote.evidence.fit_test_data import FitTestData
from denote.evidence.points import Point, read
from denote.observers.centroid import CentroidProbe
from denote.observers.linear import LinearProbe
from denote.observers.neuron import NeuronProbe, best_thresholds
from denote.observers.observer import FitData, Observer, Probe
from denote.observers.reading import moments
from denote.tables import note

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
        reason = f"removed: no neurons are removed for probe {probe.kind}"
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
            observer, weights=weights, bias=bias, neuron=neuron, direction=sign, threshold=None,
            fit_balanced_accuracy=None,
        )  # fmt: skip

    return reader
