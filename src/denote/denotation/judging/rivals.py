"""Find rivals of properties: simple columns (METHOD section 6) and single coordinates of other states (section 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from denote.attributes.labels import NULL
from denote.data.parts import Halves
from denote.denotation.search.held_out_scores import balanced_accuracies, balanced_accuracy
from denote.denotation.search.properties import Properties, Settings, counts_above, places
from denote.observers.neuron import best_thresholds
from denote.observers.reading import Resources, State, as_array
from denote.observers.sorted_columns import least_memory


@dataclass(frozen=True)
class SimpleColumns:
    """Numeric and yes/no columns of the attribute table.

    One is read at a time, since all of a large table together would take more memory than a layer's state.

    Attributes:
        columns: By name, of all samples; yes is 1, no is 0, nan is null.
        rows: Which samples are *fit* and *test*.
    """

    columns: Mapping[str, Float[np.ndarray, " sample"]]
    rows: Halves[Int[np.ndarray, " row"]]

    @property
    def names(self) -> tuple[str, ...]:
        """One name per column."""
        return tuple(self.columns)

    def halves(self, name: str) -> Halves[Float[np.ndarray, " row"]]:
        """Return a column at the fit and at the test rows, in float32, as most states are, where that loses nothing."""
        column = self.columns[name]
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is another number then
            narrow = column.astype(np.float32)
        if np.array_equal(narrow, column, equal_nan=True):
            column = narrow  # the loops are compiled for few types
        return Halves(column[self.rows.fit], column[self.rows.test])


@dataclass(frozen=True)
class Rivals:
    """The best rival of each of some properties.

    Attributes:
        names: ``ink > 0.31`` or ``ink <= 0.31``; None where no column varies on the property's rows.
        balanced_accuracy: On the test rows where the column is not null; nan likewise.
    """

    names: tuple[str | None, ...]
    balanced_accuracy: Float[np.ndarray, " property"]


def best_rivals(
    columns: SimpleColumns, properties: Properties, which: Int[np.ndarray, " property"], memory: int
) -> Rivals:
    """Find the column, threshold and direction that tell each property best on *fit*, and score them on *test*.

    Args:
        columns: What may stand in for a property. One that defines it is no exception: its name says so.
        properties: Properties chosen by a search.
        which: Indices of those asked for.
        memory: Bytes that some properties' labels and columns may take.
    """
    width = max(1, memory // (32 * max(1, len(columns.rows.fit) + len(columns.rows.test))))
    found = [_best(columns, properties, which[start : start + width], memory) for start in range(0, len(which), width)]
    scores = [each.balanced_accuracy for each in found]
    return Rivals(tuple(name for each in found for name in each.names), np.concatenate([np.empty(0), *scores]))


def _best(columns: SimpleColumns, properties: Properties, which: Int[np.ndarray, " property"], memory: int) -> Rivals:
    accuracy, threshold, direction = _scan(columns, properties, which, memory)
    own = np.arange(len(which))
    if len(accuracy) == 0:
        return Rivals((None,) * len(which), np.full(len(which), np.nan))
    best = np.nan_to_num(accuracy, nan=-1.0).argmax(axis=0)
    threshold, upward = threshold[best, own], direction[best, own] > 0
    values = np.empty((len(which), len(columns.rows.test)))
    for column in np.unique(best):
        values[best == column] = columns.halves(columns.names[column]).test
    labels = np.where(np.isfinite(values), properties.test_labels(which), np.int8(NULL))
    above = balanced_accuracies(values, threshold, labels)
    names = tuple(
        None if np.isnan(cut) else f"{columns.names[column]} {'>' if up else '<='} {cut:.4g}"
        for column, cut, up in zip(best, threshold, upward, strict=True)
    )
    return Rivals(names, np.where(np.isnan(threshold), np.nan, np.where(upward, above, 1 - above)))


def _scan(
    columns: SimpleColumns, properties: Properties, which: Int[np.ndarray, " property"], memory: int
) -> Float[np.ndarray, "3 column property"]:
    """Balanced accuracy on fit, threshold and direction of every column for every property, nulls left out."""
    labels = properties.fit_labels(which).T
    found = np.empty((3, len(columns.names), len(which)))
    width = max(1, memory // (32 * max(1, len(columns.rows.fit))))
    for start in range(0, len(columns.names), width):
        values = np.stack([columns.halves(name).fit for name in columns.names[start : start + width]], axis=1)
        known = np.isfinite(values)
        complete = np.flatnonzero(known.all(axis=0))
        # Columns without nulls ask for the same rows, so that one pass over the labels serves them all.
        for some in (complete, *(np.array([column]) for column in np.flatnonzero(~known.all(axis=0)))):
            there = known[:, some].all(axis=1)[:, None]
            scan = best_thresholds(np.where(there, values[:, some], 0.0), np.where(there, labels, np.int8(NULL)))
            found[:, start + some] = scan.balanced_accuracy, scan.threshold, scan.direction
    return found


def best_coordinates(
    state: Halves[State],
    properties: Properties,
    which: Int[np.ndarray, " property"],
    settings: Settings,
    every_threshold: bool = False,
) -> Float[np.ndarray, " property"]:
    """Return the held-out balanced accuracy of the coordinate that is best on fit for each property (section 5).

    Both directions count: the question is whether the property can be read off one coordinate at all, so the control is
    given every chance.

    Args:
        state: The other state, same rows.
        properties: Properties chosen by a search.
        which: Indices of those asked for, each once.
        settings: Of the search; the same thresholds as for the neurons.
        every_threshold: Whether all are tried, as for attributes one by one. For formulas, too, whose labels may be
            null: there it gives the control a better chance than the neurons had, which tried quantiles.

    Returns:
        In [0, 1]; nan where no coordinate varies or a kind of row is missing on test.
    """
    if every_threshold or settings.thresholds == "all":
        return _of_every_threshold(state, properties, which, settings)
    asked = Properties(tuple(properties.names[i] for i in which), properties.masks[which], properties.codes)
    n = len(asked)
    peak, coordinate, sign = np.zeros(n), np.full(n, -1), np.ones(n, dtype=np.float32)
    for start, gain in _signed_gains(state.fit, asked, settings) if n else ():
        flat = gain.reshape(-1, n)
        place = np.abs(flat).argmax(axis=0)
        value = flat[place, np.arange(n)]
        better = np.abs(value) > peak
        peak[better], sign[better] = np.abs(value[better]), np.sign(value[better])
        coordinate[better] = start + place[better] // gain.shape[1]
    scores = np.full(n, np.nan)
    for index, fit, test in _columns_of(state, coordinate, settings.memory):
        scan = best_thresholds(sign[index] * fit[:, None], asked.fit_labels(index)[:, None], upward_only=True)
        scores[index] = balanced_accuracy(sign[index] * test > scan.threshold[0, 0], asked.test_labels(index))
    return scores


def _of_every_threshold(
    state: Halves[State], properties: Properties, which: Int[np.ndarray, " property"], settings: Settings
) -> Float[np.ndarray, " property"]:
    """The same from all thresholds; a property and its complement are read alike, so they are scanned once."""
    scores = np.full(len(which), np.nan)
    if not len(which):
        return scores
    masks = properties.masks[which]
    starts = np.take_along_axis(masks, (masks != NULL).argmax(axis=1)[:, None], axis=1)
    folded = np.where((masks != NULL) & (starts == 1), 1 - masks, masks)
    distinct: dict[bytes, int] = {}  # np.unique along an axis takes a second for as many codes as rows
    place = np.array([distinct.setdefault(row.tobytes(), len(distinct)) for row in folded])
    first = np.unique(place, return_index=True)[1]
    labels = properties.fit_labels(which[first]).T
    memory = max(settings.memory, least_memory(state.fit, labels))
    scan = best_thresholds(state.fit, labels, resources=Resources(memory=memory))
    known = np.nan_to_num(scan.balanced_accuracy, nan=-1.0)
    coordinate, own = known.argmax(axis=0), np.arange(len(first))
    coordinate = np.where(known[coordinate, own] >= 0, coordinate, -1)
    only_test = Halves(state.test[:0], state.test)
    for index, _, test in _columns_of(only_test, coordinate, settings.memory):
        on = test > scan.threshold[coordinate[index], index]
        if scan.direction[coordinate[index], index] < 0:
            on = ~on
        scores[place == index] = balanced_accuracy(on, properties.test_labels(int(which[first[index]])))
    return scores


def _columns_of(
    state: Halves[State], coordinate: Int[np.ndarray, " property"], memory: int
) -> Iterator[tuple[int, Float[np.ndarray, " row"], Float[np.ndarray, " row"]]]:
    """Every property that has a coordinate, with that column on fit and on test; columns are read by blocks, once."""
    wanted = np.unique(coordinate[coordinate >= 0])
    width = max(1, memory // max(1, 16 * (len(state.fit) + len(state.test))))
    for start in range(0, len(wanted), width):
        columns = wanted[start : start + width]
        fit, test = (as_array(side[:, columns]) for side in (state.fit, state.test))
        for index in np.flatnonzero(np.isin(coordinate, columns)):
            place = np.searchsorted(columns, coordinate[index])
            yield int(index), fit[:, place], test[:, place]


def _signed_gains(
    state: State, properties: Properties, settings: Settings
) -> Iterator[tuple[int, Float[np.ndarray, "neuron threshold property"]]]:
    """TPR - FPR on fit of every neuron at every threshold for every property, block by block of neurons.

    One count of codes above each threshold serves all properties: theirs are matrix products with the masks.
    """
    codes, n_codes, thresholds = properties.codes.fit, properties.n_codes, settings.thresholds
    positive, negative = ((properties.masks == label).astype(np.float32).T for label in (1, 0))
    size = np.bincount(codes[codes >= 0], minlength=n_codes).astype(np.float32)
    # Where a property has no such rows its gain is 0 instead of undefined: it is never chosen for it.
    n_positive, n_negative = np.maximum(size @ positive, 1), np.maximum(size @ negative, 1)
    cuts = len(places(int(size.sum()), thresholds))
    width = max(1, settings.memory // (16 * len(state) + 16 * cuts * (n_codes + len(properties)) + 1))
    for start, counts in counts_above(state, codes, n_codes, thresholds, width):
        above = counts.astype(np.float32)
        yield start, above @ (positive / n_positive) - above @ (negative / n_negative)
