"""One neuron as an observer: its best threshold for an attribute, and how it ranks (METHOD sections 2 and 3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy
from jaxtyping import Bool, Float, Float64, Int, Int8

from denote.errors import StateError
from denote.notes import Note
from denote.observers.observer import BuiltInProbe, FitData, Observer, unfit_notes
from denote.observers.reading import UNBOUNDED, Resources, State, Values, as_tensor, check_shape, row_blocks
from denote.observers.sorted_columns import (
    Group,
    groups_of,
    over_sorted_columns,
    rank_sum_deviation,
    rank_sum_skewness,
    two_sided_tail,
)
from denote.observers.whole_columns import over_whole_columns

NARROW = int(np.iinfo(np.int32).max)
"""Largest count that is kept in 32 bits."""

PAIRS = 1 << 16
"""Pairs of neuron and attribute whose p-values are made at once."""


@dataclass(frozen=True)
class NeuronScan:
    """The best threshold of every neuron for every attribute; NaN (direction 0) for dead neurons and one class.

    Attributes:
        balanced_accuracy: Of the better direction, on the rows that were searched, in [.5, 1].
        threshold: Midpoint of the gap between two neighbouring values; the neuron is on strictly above it.
        direction: +1 where being on means the attribute, -1 where it means its negation.
        live: Which neurons are not constant on these rows.
    """

    balanced_accuracy: Float64[np.ndarray, "neuron attribute"]
    threshold: Float64[np.ndarray, "neuron attribute"]
    direction: Int[np.ndarray, "neuron attribute"]
    live: Bool[np.ndarray, " neuron"]


@dataclass(frozen=True)
class NeuronRanking:
    """How every neuron ranks the samples of every attribute; NaN where there is one class or a dead neuron.

    Attributes:
        auroc: Chance that a positive has the larger activation, ties counted half.
        p_value: Two-sided Mann-Whitney against AUROC .5, tie-corrected, normal approximation with continuity
            correction.
        skewed_p_value: The same statistic, with tails as skewed as its own under permuted labels: to be used where
            many pairs are corrected together, since ties make the normal distribution's tails far too thin.
    """

    auroc: Float64[np.ndarray, "neuron attribute"]
    p_value: Float64[np.ndarray, "neuron attribute"]
    skewed_p_value: Float64[np.ndarray, "neuron attribute"]


@dataclass(frozen=True)
class NeuronProbe(BuiltInProbe):
    """Reads the one neuron of the layer with the best balanced accuracy on *fit*, the first of equals."""

    kind = "neuron"
    capacity = 0
    reads_neurons = True

    def fit_data(self, data: FitData) -> Observer:
        """Fit all attributes (see ``Probe.fit``).

        Raises:
            ConfigError: if not even one neuron fits into the memory.
            StateError: if the state is not finite or has another number of rows than the labels.
        """
        state, labels = data.state, data.labels
        check_shape(state, labels)
        scan = best_thresholds(state, labels, resources=data.resources)
        if state.shape[1] == 0:
            raise StateError("state", "has no neurons", "allowed: one or more")
        fitted = ~np.isnan(scan.balanced_accuracy).all(0)
        neuron = np.where(fitted, np.nan_to_num(scan.balanced_accuracy, nan=-1.0).argmax(0), -1)
        columns = np.arange(len(neuron))
        threshold = np.where(fitted, scan.threshold[neuron, columns], np.nan)
        direction = np.where(fitted, scan.direction[neuron, columns], 0)
        weights = np.zeros(scan.threshold.shape)
        weights[neuron, columns] = direction
        # With direction -1 the attribute is where the neuron is off, which includes the threshold itself.
        bias = np.where(direction > 0, -threshold, np.nextafter(threshold, np.inf))
        notes = tuple(
            note if note or ok else Note.of("all_constant")
            for note, ok in zip(unfit_notes(labels, shards=data.resources.shards), fitted, strict=True)
        )
        accuracy = np.where(fitted, scan.balanced_accuracy[neuron, columns], np.nan)
        linear = Observer.in_closed_form(self.kind, weights, bias, notes)
        return replace(linear, neuron=neuron, threshold=threshold, direction=direction, fit_balanced_accuracy=accuracy)


def best_thresholds(
    state: State, labels: Values, upward_only: bool = False, resources: Resources = UNBOUNDED
) -> NeuronScan:
    """Best balanced accuracy of every neuron for every attribute over all thresholds.

    Exact: counts are integers, and between equally good thresholds the one in the wider gap is taken (then the lower).

    Args:
        state: Finite activations ``[sample, neuron]``.
        labels: 1, 0, or -1 for rows that are left out of that attribute.
        upward_only: Look at direction +1 only (balanced accuracy may then be below .5).
        resources: Bytes that may be held; they shape no result.

    Raises:
        ConfigError: if not even one neuron fits into that memory.
        StateError: if the state is not finite.
    """

    def scan(state: State, labels: Values) -> tuple[np.ndarray, ...]:
        shape = state.shape[1], labels.shape[1]
        accuracy, threshold = np.full(shape, np.nan), np.full(shape, np.nan)
        direction = np.zeros(shape, dtype=np.int8)
        groups = groups_of(labels)

        def batch(part: slice, values: np.ndarray, order: np.ndarray) -> None:
            for group in groups:
                gain, cut, sign = best_cuts_of(values, order, group, upward_only)
                varies = sign != 0
                accuracy[part, group.columns] = np.where(varies, 0.5 + gain / (2 * group.pairs), np.nan)
                threshold[part, group.columns] = np.where(varies, cut, np.nan)
                direction[part, group.columns] = sign

        live = over_sorted_columns(state, labels, batch, resources)
        return accuracy, threshold, direction, live

    return NeuronScan(*over_whole_columns(state, labels, scan, resources))


def live_neurons(state: State) -> Bool[np.ndarray, " neuron"]:
    """Which neurons are not constant (METHOD section 1); one pass over blocks of rows."""
    live, first = np.zeros(state.shape[1], dtype=bool), as_tensor(state[:1])
    for _, block in row_blocks(state):
        live |= (block != first).any(0).cpu().numpy()
    return live


def rank_neurons(state: State, labels: Values, resources: Resources = UNBOUNDED) -> NeuronRanking:
    """AUROC with ties and two-sided Mann-Whitney p-value of every neuron for every attribute: the pair scan.

    Ranks are counted in integers, so that activations of any size keep their order. With the p-values go a correction
    family of their own (METHOD section 3).

    Args:
        state: Finite activations ``[sample, neuron]``.
        labels: 1, 0, or -1 for rows that are left out of that attribute.
        resources: Bytes that may be held; they shape no result.

    Raises:
        ConfigError: if not even one neuron fits into that memory.
        StateError: if the state is not finite.
    """
    shape = state.shape[1], labels.shape[1]
    u, p_value, skewed = (np.full(shape, np.nan) for _ in range(3))
    groups = groups_of(labels)
    ties, cubes = np.empty((2, len(groups), shape[0]))

    def rank(part: slice, values: np.ndarray, order: np.ndarray) -> None:
        for place, group in enumerate(groups):
            u[part, group.columns] = _mann_whitney(values, order, group, ties[place, part], cubes[place, part])

    over_sorted_columns(state, labels, rank, resources)
    for group, excess, cubed in zip(groups, ties, cubes, strict=True):
        step = max(1, PAIRS // len(group.columns))
        for part in (slice(start, start + step) for start in range(0, shape[0], step)):
            pairs, own, n0 = group.pairs, u[part, group.columns], group.n_rows - group.n_positive
            spread = rank_sum_deviation(group.n_positive, n0, excess[part, None])
            skewness = rank_sum_skewness(group.n_positive, n0, excess[part, None], cubed[part, None])
            with np.errstate(invalid="ignore", divide="ignore"):
                z = np.maximum(np.abs(own - pairs / 2) - 0.5, 0) / spread
            p_value[part, group.columns] = np.minimum(1, 2 * scipy.stats.norm.sf(z))
            skewed[part, group.columns] = two_sided_tail(z, skewness)
            u[part, group.columns] = own / pairs
    return NeuronRanking(u, p_value, skewed)


def best_cuts_of(
    values: Float[np.ndarray, "neuron row"], order: Int[np.ndarray, "neuron row"], group: Group, upward_only: bool
) -> tuple[
    Int[np.ndarray, "neuron attribute"], Float64[np.ndarray, "neuron attribute"], Int8[np.ndarray, "neuron attribute"]
]:
    """Return gain, threshold and direction of the best cut; direction is 0 where a neuron is constant on the rows."""
    # Importing compiles: only what scans neurons waits for it.
    from denote.kernels.scan_kernels import Cuts, Labelled, best_cuts

    n_positive = group.n_positive.astype(_counts_up_to(group.n_rows**2 // 4))
    shape = len(values), len(n_positive)
    gain, sign = np.zeros(shape, dtype=n_positive.dtype), np.zeros(shape, dtype=np.int8)
    numbers = comparable(values)
    low, high = np.zeros((2, *shape), dtype=numbers.dtype)
    labels = Labelled(group.applies, group.positive, n_positive)
    best_cuts(numbers, order, labels, upward_only, Cuts(gain, low, high, sign))
    return gain, midpoints(low.astype(values.dtype), high.astype(values.dtype)), sign


def _mann_whitney(
    values: Float[np.ndarray, "neuron row"],
    order: Int[np.ndarray, "neuron row"],
    group: Group,
    ties: Float64[np.ndarray, " neuron"],
    cubes: Float64[np.ndarray, " neuron"],
) -> Float64[np.ndarray, "neuron attribute"]:
    """U of every neuron for every attribute, a multiple of 1/2; nan where a neuron is constant.

    Fills the terms of ties, nan likewise, and those of skewness.
    """
    from denote.kernels.scan_kernels import RankSums, rank_sums

    n_positive = group.n_positive
    sums = np.empty((len(values), len(n_positive)), dtype=_counts_up_to(group.n_rows * (group.n_rows + 1)))
    rank_sums(comparable(values), order, group.applies, group.positive, RankSums(sums, ties, cubes))
    u = (sums - n_positive * (n_positive + 1)) / 2
    return np.where(np.isnan(ties[:, None]), np.nan, u)


def _counts_up_to(largest: int) -> type[np.signedinteger[Any]]:
    """The narrower of two types that holds such counts: the processor takes twice as many of them at once."""
    return np.int32 if largest <= NARROW else np.int64


def comparable(values: Float[np.ndarray, "neuron row"]) -> Float[np.ndarray, "neuron row"]:
    """The same numbers in a type that compiled loops know."""
    return values.astype(np.result_type(values, np.float32), copy=False)


def midpoints(low: Float[np.ndarray, "*pair"], high: Float[np.ndarray, "*pair"]) -> Float64[np.ndarray, "*pair"]:
    """Thresholds between two values that part them with ``>`` in float64 and, where it came so, in float32."""
    middle = low.astype(np.float64) + (high.astype(np.float64) - low.astype(np.float64)) / 2
    # Neighbouring floats: the midpoint may round up to the higher one, which would then not be above it.
    return np.where(middle.astype(low.dtype) >= high, low.astype(np.float64), middle)
