"""Rivals of what neurons denote: the best threshold of a simple column, such as ink or size (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from denote.attributes.labels import NULL
from denote.data.parts import Halves
from denote.denotation.search.held_out_scores import balanced_accuracies
from denote.denotation.search.properties import Properties
from denote.observers.neuron import best_thresholds


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

    def fit(self, name: str) -> Float[np.ndarray, " row"]:
        """A column at the fit rows."""
        return np.asarray(self.columns[name][self.rows.fit])

    def test(self, name: str) -> Float[np.ndarray, " row"]:
        """A column at the test rows."""
        return np.asarray(self.columns[name][self.rows.test])


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
    """The column, threshold and direction that tell each property best on *fit*, scored on *test*.

    Args:
        columns: What may stand in for a property. One that defines it is no exception: its name says so.
        properties: Properties chosen by a search.
        which: Indices of those asked for.
        memory: Bytes that some properties' labels and columns may take.
    """
    width = max(1, memory // (32 * max(1, len(columns.rows.fit) + len(columns.rows.test))))
    found = [_best(columns, properties, which[start : start + width]) for start in range(0, len(which), width)]
    scores = [each.balanced_accuracy for each in found]
    return Rivals(tuple(name for each in found for name in each.names), np.concatenate([np.empty(0), *scores]))


def _best(columns: SimpleColumns, properties: Properties, which: Int[np.ndarray, " property"]) -> Rivals:
    accuracy, threshold, direction = _scan(columns, properties, which)
    own = np.arange(len(which))
    if len(accuracy) == 0:
        return Rivals((None,) * len(which), np.full(len(which), np.nan))
    best = np.nan_to_num(accuracy, nan=-1.0).argmax(axis=0)
    threshold, upward = threshold[best, own], direction[best, own] > 0
    values = np.empty((len(which), len(columns.rows.test)))
    for column in np.unique(best):
        values[best == column] = columns.test(columns.names[column])
    labels = np.where(np.isfinite(values), properties.test_labels(which), np.int8(NULL))
    above = balanced_accuracies(values, threshold, labels)
    names = tuple(
        None if np.isnan(cut) else f"{columns.names[column]} {'>' if up else '<='} {cut:.4g}"
        for column, cut, up in zip(best, threshold, upward, strict=True)
    )
    return Rivals(names, np.where(np.isnan(threshold), np.nan, np.where(upward, above, 1 - above)))


def _scan(
    columns: SimpleColumns, properties: Properties, which: Int[np.ndarray, " property"]
) -> Float[np.ndarray, "3 column property"]:
    """Balanced accuracy on fit, threshold and direction of every column for every property, nulls left out."""
    labels = properties.fit_labels(which).T
    found = np.empty((3, len(columns.names), len(which)))
    for place, name in enumerate(columns.names):
        column = columns.fit(name)
        known = np.isfinite(column)
        scan = best_thresholds(np.where(known, column, 0.0)[:, None], np.where(known[:, None], labels, np.int8(NULL)))
        found[:, place] = scan.balanced_accuracy[0], scan.threshold[0], scan.direction[0]
    return found
