"""One neuron as an observer: its best threshold for an attribute, and how it ranks (METHOD sections 2 and 3)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int
from scipy import stats

from denote.observers.observer import Observer, class_counts, unfit_notes
from denote.observers.ranks import average_ranks, rank_sum_deviation, tie_excess, tie_runs
from denote.observers.reading import UNBOUNDED, Resources, State, Values, as_array, check_state

BLOCK = 1 << 22
"""Activations that are sorted at once."""

NEAR = 1 << 20
"""Numbers (sample x attribute) that one neuron is scanned over at once, so that they stay near the processor."""


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
    """

    auroc: Float64[np.ndarray, "neuron attribute"]
    p_value: Float64[np.ndarray, "neuron attribute"]


@dataclass(frozen=True)
class NeuronProbe:
    """Reads the one neuron of the layer with the best balanced accuracy on *fit*, the first of equals."""

    kind = "neuron"
    joint = False

    def fit(self, state: State, labels: Values, seed: int = 0, resources: Resources = UNBOUNDED) -> Observer:
        """Fit all attributes (see ``Probe.fit``)."""
        check_state(state, labels)
        scan = best_thresholds(state, labels)
        found = ~np.isnan(scan.balanced_accuracy).all(0)
        neuron = np.where(found, np.nan_to_num(scan.balanced_accuracy, nan=-1.0).argmax(0), -1)
        columns = np.arange(len(neuron))
        threshold = np.where(found, scan.threshold[neuron, columns], np.nan)
        direction = np.where(found, scan.direction[neuron, columns], 0)
        weights = np.zeros(scan.threshold.shape)
        weights[neuron, columns] = direction
        weights[:, ~found] = np.nan
        # With direction -1 the attribute is where the neuron is off, which includes the threshold itself.
        bias = np.where(direction > 0, -threshold, np.nextafter(threshold, np.inf))
        notes = [note if note or ok else "not fitted: every neuron is constant on fit"
                 for note, ok in zip(unfit_notes(labels), found, strict=True)]  # fmt: skip
        return Observer(
            self.kind, weights, bias, found, np.where(found, 0.0, np.nan), tuple(notes),
            neuron=neuron, threshold=threshold, direction=direction,
            fit_balanced_accuracy=np.where(found, scan.balanced_accuracy[neuron, columns], np.nan),
        )  # fmt: skip


def best_thresholds(state: State, labels: Values, upward_only: bool = False) -> NeuronScan:
    """Best balanced accuracy of every neuron for every attribute over all thresholds.

    Exact: counts are integers, and between equally good thresholds the one in the wider gap is taken (then the lower).

    Args:
        state: Finite activations ``[sample, neuron]``.
        labels: 1, 0, or -1 for rows that are left out of that attribute.
        upward_only: Look at direction +1 only (balanced accuracy may then be below .5).
    """
    neurons, attributes = state.shape[1], labels.shape[1]
    accuracy, threshold = np.full((neurons, attributes), np.nan), np.full((neurons, attributes), np.nan)
    direction = np.zeros((neurons, attributes), dtype=np.int8)
    for rows, columns in _searches(labels):
        coded, halves = _coded(labels[np.ix_(rows, columns)])
        width = max(1, NEAR // coded[:, :1].size)
        for block, values, order in _sorted_blocks(state, rows):
            for neuron, ascending, places in zip(block, values, order, strict=True):
                cuts = _cuts(ascending)
                if len(cuts) == 0:
                    continue
                for start in range(0, len(columns), width):
                    part = slice(start, start + width)
                    gain, place, sign = _best_cut(coded[:, part], places, cuts, upward_only)
                    accuracy[neuron, columns[part]] = 0.5 + gain / halves[part]
                    threshold[neuron, columns[part]] = midpoints(ascending[place], ascending[place + 1])
                    direction[neuron, columns[part]] = sign
    return NeuronScan(accuracy, threshold, direction, live_neurons(state))


def live_neurons(state: State) -> Bool[np.ndarray, " neuron"]:
    """Which neurons are not constant (METHOD section 1)."""
    array = as_array(state)
    return np.asarray(array.max(0) > array.min(0))


def rank_neurons(state: State, labels: Values) -> NeuronRanking:
    """AUROC with ties and two-sided Mann-Whitney p-value of every neuron for every attribute: the pair scan.

    Ranks are float64, so that activations of any size keep their order. With the p-values go a correction family of
    their own (METHOD section 3).
    """
    neurons, attributes = state.shape[1], labels.shape[1]
    auroc, p_value = np.full((neurons, attributes), np.nan), np.full((neurons, attributes), np.nan)
    for rows, columns in _searches(labels):
        positive = (labels[np.ix_(rows, columns)] == 1).astype(np.float64)
        n, n_positive = len(rows), positive.sum(0)
        pairs = n_positive * (n - n_positive)
        for block, values, order in _sorted_blocks(state, rows):
            runs = tie_runs(values)
            ranks = np.empty(values.shape)
            np.put_along_axis(ranks, order, average_ranks(runs), axis=1)
            u = ranks @ positive - n_positive * (n_positive + 1) / 2
            spread = rank_sum_deviation(n_positive, n - n_positive, tie_excess(runs).sum(1)[:, None])
            live = (values[:, 0] < values[:, -1])[:, None]
            with np.errstate(invalid="ignore", divide="ignore"):
                z = np.maximum(np.abs(u - pairs / 2) - 0.5, 0) / spread
            auroc[block[:, None], columns] = np.where(live, u / pairs, np.nan)
            p_value[block[:, None], columns] = np.where(live, np.minimum(1, 2 * stats.norm.sf(z)), np.nan)
    return NeuronRanking(auroc, p_value)


def _searches(labels: Values) -> Iterator[tuple[Int[np.ndarray, " row"], Int[np.ndarray, " column"]]]:
    """Attributes that can be searched, grouped by the rows they apply to, so that ranks and gaps are of those rows."""
    positives, negatives = class_counts(labels)
    able = np.flatnonzero((positives > 0) & (negatives > 0))
    applies = labels[:, able] >= 0
    alike: dict[bytes, list[int]] = {}
    for place, pattern in enumerate(np.packbits(applies, axis=0).T):
        alike.setdefault(pattern.tobytes(), []).append(place)
    for places in alike.values():
        yield np.flatnonzero(applies[:, places[0]]), able[places]


def _sorted_blocks(
    state: State, rows: Int[np.ndarray, " row"]
) -> Iterator[tuple[Int[np.ndarray, " neuron"], Float[np.ndarray, "neuron row"], Int[np.ndarray, "neuron row"]]]:
    """Blocks of neurons, each neuron's values ascending, with the order that sorts the rows."""
    array = as_array(state)
    step = max(1, BLOCK // max(1, len(rows)))
    for start in range(0, array.shape[1], step):
        columns = np.ascontiguousarray(array[rows, start : start + step].T)
        order = np.argsort(columns, axis=1, kind="stable")
        yield np.arange(start, start + len(columns)), np.take_along_axis(columns, order, axis=1), order


def _coded(labels: Values) -> tuple[Int[np.ndarray, "row attribute"], Int[np.ndarray, " attribute"]]:
    """Codes whose sum over some rows is (FPR - TPR) of those rows times positives times negatives: exact integers.

    Returns:
        The codes, with rows of zeros that fill up a square number of rows, and twice positives times negatives.
    """
    positives, negatives = class_counts(labels)
    n = len(labels)
    kind = np.int32 if n**2 // 4 < np.iinfo(np.int32).max else np.int64
    coded = np.zeros(((math.isqrt(n - 1) + 1) ** 2, labels.shape[1]), dtype=kind)
    coded[:n] = np.where(labels == 1, -negatives, positives)
    return coded, 2 * positives * negatives


def _cuts(ascending: Float[np.ndarray, " row"]) -> Int[np.ndarray, " cut"]:
    """Places after which a threshold can lie, the widest gap first, so that the first of equals is the one to take."""
    gaps = np.diff(ascending.astype(np.float64))
    cuts = np.flatnonzero(gaps > 0)
    return cuts[np.argsort(-gaps[cuts], kind="stable")]


def _best_cut(
    coded: Int[np.ndarray, "square attribute"],
    order: Int[np.ndarray, " row"],
    cuts: Int[np.ndarray, " cut"],
    upward_only: bool,
) -> tuple[Int[np.ndarray, " attribute"], Int[np.ndarray, " attribute"], Int[np.ndarray, " attribute"]]:
    """Largest coded |TPR - FPR| of one neuron for all attributes, the place of its cut and its direction."""
    below = _running_sums(coded, order).take(cuts, axis=0)
    best, sign = below.max(0), np.ones(below.shape[1], dtype=np.int8)
    if not upward_only:
        lowest = below.min(0)
        sign[-lowest > best] = -1
        best = np.where(sign > 0, best, lowest)
    # The first hit, by a maximum: argmax along columns would be several times slower.
    countdown = np.arange(len(cuts), 0, -1, dtype=np.int32)[:, None]
    first = len(cuts) - ((below == best) * countdown).max(0)
    return best * sign, cuts[first], sign


def _running_sums(
    coded: Int[np.ndarray, "square attribute"], order: Int[np.ndarray, " row"]
) -> Int[np.ndarray, "square attribute"]:
    """Sums of the codes over the first rows in the given order.

    In two levels, whole rows at a time, which the processor vectorises: ten times faster than ``cumsum`` along rows.
    """
    side = math.isqrt(len(coded))
    sums = coded.take(np.append(order, np.arange(len(order), len(coded))), axis=0).reshape(side, side, -1)
    for i in range(1, side):
        sums[:, i] += sums[:, i - 1]
    for i in range(1, side):
        sums[i] += sums[i - 1, -1]
    return sums.reshape(coded.shape)


def midpoints(low: Float[np.ndarray, " pair"], high: Float[np.ndarray, " pair"]) -> Float64[np.ndarray, " pair"]:
    """Thresholds between two values that part them with ``>`` in float64 and, where it came so, in float32."""
    middle = low.astype(np.float64) + (high.astype(np.float64) - low.astype(np.float64)) / 2
    # Neighbouring floats: the midpoint may round up to the higher one, which would then not be above it.
    return np.where(middle.astype(low.dtype) >= high, low.astype(np.float64), middle)
