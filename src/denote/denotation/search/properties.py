"""Properties that neurons may denote, as yes/no labels of rows with a name, and how neurons are searched for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Int, Int8

from denote.attributes.labels import NULL, Family, class_set_name
from denote.data.parts import Halves
from denote.denotation.property_names import complement
from denote.evidence.rule import Rule
from denote.observers.neuron import comparable
from denote.observers.reading import State
from denote.observers.sorted_columns import batches, column_blocks, side_by_side

PER_NUMBER = 40
"""Labels of three values that 64 bits hold."""


@dataclass(frozen=True)
class Properties:
    """Properties side by side, in the fewest bytes: rows with equal labels throughout share a code.

    Attributes:
        names: One name per property.
        masks: Label of each code under each property: 1 yes, 0 no, -1 null.
        codes: Code of every row of *fit* and of *test*; -1 where every property is null.
        n_members: What each property is made of: named classes of a subset, attributes of a formula; None: one each.
    """

    names: tuple[str, ...]
    masks: Int8[np.ndarray, "property code"]
    codes: Halves[Int[np.ndarray, " row"]]
    n_members: Int[np.ndarray, " property"] | None = None

    def __len__(self) -> int:
        return len(self.names)

    @property
    def n_codes(self) -> int:
        """Number of distinct codes."""
        return int(self.masks.shape[1])

    def fit_labels(self, which: int | Int[np.ndarray, " property"]) -> Int8[np.ndarray, "*property row"]:
        """Labels of one or several properties on the fit rows."""
        return labels_of_codes(self.masks[which], self.codes.fit)

    def test_labels(self, which: int | Int[np.ndarray, " property"]) -> Int8[np.ndarray, "*property row"]:
        """Labels of one or several properties on the test rows."""
        return labels_of_codes(self.masks[which], self.codes.test)


def labels_of_codes(masks: Int8[np.ndarray, "*property code"], codes: Int[np.ndarray, " row"]) -> np.ndarray:
    """Labels of rows from the labels of their codes; a row without a code is null."""
    if masks.shape[-1] == 0:
        return np.full((*masks.shape[:-1], len(codes)), NULL, dtype=np.int8)
    return np.asarray(np.where(codes >= 0, masks[..., codes], np.int8(NULL)))


def family_halves(family: Family, fit: Int[np.ndarray, " row"], test: Int[np.ndarray, " row"]) -> Halves[Family]:
    """The family at the fit rows and at the test rows, in the order given."""
    return Halves(family.at(fit), family.at(test))


def entering_attributes(values: Int8[np.ndarray, "row attribute"], entry_rows: int) -> Bool[np.ndarray, " attribute"]:
    """Which attributes have enough fit rows of both kinds (METHOD section 2.1)."""
    return np.asarray(((values == 1).sum(axis=0) >= entry_rows) & ((values == 0).sum(axis=0) >= entry_rows))


def attribute_properties(family: Halves[Family], entry_rows: int) -> Properties:
    """Every attribute of a family that enters."""
    fit, test = family.fit.labels.values, family.test.labels.values
    enters = entering_attributes(fit, entry_rows)
    patterns, codes = distinct_rows(np.concatenate([fit, test])[:, enters])
    names = tuple(name for name, inside in zip(family.fit.labels.names, enters, strict=True) if inside)
    return Properties(names, np.ascontiguousarray(patterns.T), Halves(codes[: len(fit)], codes[len(fit) :]))


def distinct_rows(
    labels: Int8[np.ndarray, "row attribute"],
) -> tuple[Int8[np.ndarray, "code attribute"], Int[np.ndarray, " row"]]:
    """The different rows of labels, in lexical order, and which of them each row is.

    As ``np.unique`` along the rows, but ten times faster: 40 labels of three values fit into one integer, and the
    numbers of the rows so far stand for the labels before.
    """
    first, codes = np.zeros(min(1, len(labels)), dtype=np.int64), np.zeros(len(labels), dtype=np.int64)
    for start in range(0, labels.shape[1], PER_NUMBER):
        part = labels[:, start : start + PER_NUMBER]
        powers = np.uint64(3) ** np.arange(part.shape[1], dtype=np.uint64)[::-1]
        _, first, numbers = np.unique((part + 1).astype(np.uint64) @ powers, return_index=True, return_inverse=True)
        if start:
            together = codes * (numbers.max(initial=0) + 1) + numbers
            _, first, numbers = np.unique(together, return_index=True, return_inverse=True)
        codes = numbers
    return labels[first], codes


def subset_name(
    members: Bool[np.ndarray, " class"],
    entered: Bool[np.ndarray, " class"],
    names: Sequence[str],
    target: str = "class",
) -> str:
    """Name of a set of classes: ``class=3``, ``class in {0,6}``, and ``NOT`` of these for the larger half.

    A subset and its complement among the classes that entered differ by ``NOT`` alone. At exactly half of the classes
    the subset with the first of them goes without.
    """
    twice, first = 2 * members.sum(), int(np.argmax(entered))
    larger = twice > entered.sum() or (twice == entered.sum() and not members[first])
    shown = [names[int(index)] for index in np.flatnonzero(entered & ~members if larger else members)]
    name = class_set_name(shown, target)
    return complement(name) if larger else name


def named_members(
    members: Bool[np.ndarray, "property class"], entered: Bool[np.ndarray, " class"]
) -> Int[np.ndarray, " property"]:
    """Number of classes that the names of sets of classes list."""
    inside = members.sum(axis=1)
    return np.asarray(np.minimum(inside, entered.sum() - inside))


MEMORY = 256 * 2**20
"""Bytes that one block of neurons may take while it is searched, unless told otherwise."""

Thresholds: TypeAlias = int | Literal["all"]
"""Number of even quantiles, or every gap between neighbouring values."""

ENTRY_ROWS = 20
"""Least number of positive and of negative fit rows of a class or attribute that enters the search (METHOD 2.1)."""


@dataclass(frozen=True)
class Settings:
    """How neurons are searched.

    Attributes:
        thresholds: Quantiles tried for each neuron before the winner's threshold is set exactly, 64 or more, or ``all``
            gaps. Attributes that are searched one by one are tried at every threshold.
        decisive: Balanced accuracy on fit from which a nested subset is listed in ``nested_properties``.
        entry_rows: Least number of positive and of negative fit rows of a class or attribute that enters.
        formula_rows: Least number of fit rows where a formula holds and where it does not, at least as many as the rule
            asks for: unlike attributes, formulas can be avoided that could never denote.
        memory: Bytes for one block of neurons.
    """

    thresholds: Thresholds = 64
    decisive: float = 0.95
    entry_rows: int = ENTRY_ROWS
    formula_rows: int = Rule.min_rows
    memory: int = MEMORY


def places(n_rows: int, thresholds: Thresholds) -> Int[np.ndarray, " threshold"]:
    """Where sorted rows are cut, as the number of rows below the threshold, ascending.

    Where a place falls among equal values the loops take the nearer edge of their run.
    """
    if n_rows < 2:
        return np.zeros(1, dtype=np.int64)
    if thresholds == "all":
        return np.arange(1, n_rows)
    even = np.round(n_rows * np.arange(1, thresholds + 1) / (thresholds + 1)).astype(np.int64)
    return np.clip(even, 1, n_rows - 1)


def counts_above(
    state: State, codes: Int[np.ndarray, " row"], n_codes: int, thresholds: Thresholds, width: int
) -> Iterator[tuple[int, Int[np.ndarray, "neuron threshold code"]]]:
    """Rows of each code that lie above each threshold of each neuron, block by block of neurons.

    Args:
        state: Activations ``[row, neuron]``, finite; wherever it lies, a block of columns is read at a time.
        codes: Of every row, in [0, n_codes), or -1 for rows that take no part.
        n_codes: Number of codes.
        thresholds: Where neurons are cut, by the rows that take part.
        width: Neurons in a block.

    Yields:
        The place of the block's first neuron, and the counts.
    """
    from denote.kernels.subset_kernels import codes_above  # compiles: only what searches waits for it

    cuts = places(int(np.count_nonzero(codes >= 0)), thresholds)
    for start, values in column_blocks(state, width):
        numbers = comparable(values)
        counts = np.empty((len(values), len(cuts), n_codes), dtype=np.int64)

        def batch(part: slice, numbers: np.ndarray = numbers, counts: np.ndarray = counts) -> None:
            codes_above(numbers[part], np.argsort(numbers[part], axis=1), codes, cuts, counts[part])

        side_by_side(batch, batches(*values.shape))
        yield start, counts
