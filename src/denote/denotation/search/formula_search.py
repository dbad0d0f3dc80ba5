"""The best formula over yes/no attributes for every neuron: AND, OR and NOT of a few of them (METHOD section 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from denote.attributes.labels import NULL, Formulas
from denote.data.parts import Halves
from denote.denotation.property_names import complement, in_parentheses
from denote.denotation.search.properties import (
    ENTRY_ROWS,
    MEMORY,
    Properties,
    Thresholds,
    distinct_rows,
    places,
)
from denote.observers.neuron import best_cuts_of, comparable, live_neurons
from denote.observers.reading import Resources, State
from denote.observers.sorted_columns import Group, least_memory, over_sorted_columns

AND, OR = "AND", "OR"


@dataclass(frozen=True)
class Formula:
    """Literals joined from left to right: ``((a AND b) OR NOT c) AND d``.

    Attributes:
        atoms: Place of each literal's atom; none twice.
        negated: Whether the literal is the atom's complement.
        joins: ``AND`` or ``OR`` between each literal but the first and all before it.
    """

    atoms: tuple[int, ...]
    negated: tuple[bool, ...]
    joins: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.atoms)

    @property
    def complement(self) -> Formula:
        """Return the formula that holds exactly where this one does not (De Morgan)."""
        return Formula(
            self.atoms, tuple(not each for each in self.negated), tuple(OR if j == AND else AND for j in self.joins)
        )

    def labels(self, atoms: Int8[np.ndarray, "row atom"]) -> Int8[np.ndarray, " row"]:
        """Label of every row by Kleene's three-valued logic: with no < null < yes AND is the least, OR the greatest."""
        ordered = np.where(atoms == NULL, np.int8(1), 2 * atoms)
        held = np.zeros(len(atoms), dtype=np.int8)
        for atom, negated, join in zip(self.atoms, self.negated, (OR, *self.joins), strict=True):
            own = 2 - ordered[:, atom] if negated else ordered[:, atom]
            held = np.minimum(held, own) if join == AND else np.maximum(held, own)
        return np.where(held == 1, NULL, held // 2).astype(np.int8)

    def name(self, atoms: Sequence[str]) -> str:
        """The formula in words, equal for equal formulas: ``odd AND NOT ink top 20%``, ``(a OR b) AND c``.

        Of a formula and its complement that with fewer NOTs, at equal number the one whose last join is AND, goes
        without, the other is ``NOT`` of it.
        """
        other = self.complement
        return self._text(atoms) if self._turns <= other._turns else complement(other._text(atoms))

    @property
    def rank(self) -> tuple[int, tuple[int, ...], int]:
        """By which of equal formulas one is named: the shortest, of these that with the earliest atoms."""
        return len(self), tuple(sorted(self.atoms)), sum(self.negated)

    @property
    def _turns(self) -> tuple[int, bool]:
        return sum(self.negated), self.joins[-1:] == (OR,)

    def _text(self, atoms: Sequence[str]) -> str:
        """Literals that are joined alike stand in the order of their atoms, complements last."""
        if len(self) == 1:
            name = atoms[self.atoms[0]]
            return complement(name) if self.negated[0] else name
        join, start = self.joins[-1], len(self)
        while start > 1 and self.joins[start - 2] == join:
            start -= 1
        first = [Formula(self.atoms[:start], self.negated[:start], self.joins[: start - 1])]
        parts = first + [Formula((a,), (n,), ()) for a, n in zip(self.atoms[start:], self.negated[start:], strict=True)]
        parts.sort(key=lambda part: (part.negated == (True,), min(part.atoms)))
        return f" {join} ".join(in_parentheses(part._text(atoms)) for part in parts)


@dataclass(frozen=True)
class FoundFormulas:
    """The formula of every neuron, chosen on *fit*.

    Attributes:
        formulas: None where nothing was found.
        threshold: The neuron is on strictly above it; nan likewise.
        score: Balanced accuracy on fit at that threshold, without the penalty; nan likewise.
        live: Whether the neuron is not constant on fit.
    """

    formulas: tuple[Formula | None, ...]
    threshold: Float[np.ndarray, " neuron"]
    score: Float[np.ndarray, " neuron"]
    live: Bool[np.ndarray, " neuron"]


def formula_properties(
    formulas: Sequence[Formula], names: Sequence[str], atoms: Halves[Int8[np.ndarray, "row atom"]]
) -> tuple[Properties, Int[np.ndarray, " formula"]]:
    """Formulas as properties, those with equal rows on *fit* and *test* as one, and which of them each formula is.

    A property is named by its shortest formula, of equals that with the earliest atoms; so is its complement, by
    ``NOT`` of that.
    """
    used = sorted({atom for formula in formulas for atom in formula.atoms})
    patterns, codes = distinct_rows(np.concatenate([atoms.fit, atoms.test])[:, used])
    wide = np.full((len(patterns), len(names)), NULL, dtype=np.int8)
    wide[:, used] = patterns
    masks = [formula.labels(wide) for formula in formulas]
    shortest: dict[bytes, tuple[Formula, bool]] = {}
    sides = [_side(mask) for mask in masks]
    for formula, (rows, turned) in sorted(zip(formulas, sides, strict=True), key=lambda each: each[0].rank):
        shortest.setdefault(rows, (formula, turned))
    found: dict[tuple[bytes, bool], int] = {}
    place = np.array([found.setdefault(side, len(found)) for side in sides], dtype=np.int64)
    distinct = [sides.index(side) for side in found]
    own = [
        formula.complement if turned != side[1] else formula
        for side in found
        for formula, turned in [shortest[side[0]]]
    ]
    labels = np.stack([masks[each] for each in distinct]) if distinct else np.empty((0, len(patterns)), dtype=np.int8)
    halves = Halves(codes[: len(atoms.fit)], codes[len(atoms.fit) :])
    lengths = np.array([len(formula) for formula in own], dtype=np.int64)
    return Properties(tuple(formula.name(names) for formula in own), labels, halves, lengths), place


def _side(mask: Int8[np.ndarray, " code"]) -> tuple[bytes, bool]:
    """Return a key that a property and its complement share, and True for one of the two."""
    turned = bool(mask[np.argmax(mask != NULL)] == 1)
    return (np.where(mask == NULL, mask, 1 - mask).astype(np.int8) if turned else mask).tobytes(), turned


def search_formulas(
    state: State,
    atoms: Int8[np.ndarray, "row atom"],
    settings: Formulas,
    thresholds: Thresholds = 64,
    entry_rows: int = ENTRY_ROWS,
    memory: int = MEMORY,
) -> FoundFormulas:
    """Find for every neuron the formula that it tells best, less what its length costs.

    All pairs of literals are tried; longer formulas are made of the ``beam`` best of the length before. Formulas are
    compared at quantiles; the winner's threshold is then set exactly.

    Args:
        state: Activations on fit ``[row, neuron]``, finite.
        atoms: Labels at the same rows, each with enough rows of both kinds; without any nothing is found.
        settings: Length, beam and penalty.
        thresholds: Number of quantiles, or ``all`` for every gap.
        entry_rows: Least number of fit rows where a formula, and what it is made longer from, holds and does not.
        memory: Bytes for one block of neurons, at least one neuron. Beside it a thread holds four bits a row for every
            atom, its complement and every place of the beam.
    """
    # Importing compiles: only what searches waits for it.
    from denote.kernels.formula_kernels import BestFormulas, FormulaSearch, best_formulas

    n_neurons = state.shape[1]
    literals = np.zeros((n_neurons, settings.length), dtype=np.int64)
    joins, n_atoms = np.zeros_like(literals, dtype=np.int8), np.zeros(n_neurons, dtype=np.int64)
    formulas: list[Formula | None] = [None] * n_neurons
    threshold, score = np.full((2, n_neurons), np.nan)
    labels = np.ascontiguousarray(atoms)
    how = FormulaSearch(places(len(atoms), thresholds), settings.beam, settings.penalty, entry_rows)

    def batch(part: slice, values: np.ndarray, order: np.ndarray) -> None:
        numbers = comparable(values)
        best_formulas(numbers, order, labels, how, BestFormulas(literals[part], joins[part], n_atoms[part]))
        for place, neuron in enumerate(range(part.start, part.stop)):
            formula = _formula(literals[neuron], joins[neuron], n_atoms[neuron])
            if formula is not None:
                held = formula.labels(labels)
                threshold[neuron], score[neuron] = _exact(values[place], order[place], held)
                formulas[neuron] = None if np.isnan(threshold[neuron]) else formula  # constant on the rows with labels

    resources = Resources(memory=max(memory, least_memory(state, labels)))
    live = over_sorted_columns(state, labels, batch, resources) if labels.shape[1] else live_neurons(state)
    return FoundFormulas(tuple(formulas), threshold, score, live)


def _formula(literals: Int[np.ndarray, " length"], joins: Int8[np.ndarray, " length"], n_atoms: int) -> Formula | None:
    """A formula as the compiled loops write it."""
    if n_atoms == 0:
        return None
    own = literals[:n_atoms]
    words = tuple(OR if join else AND for join in joins[1:n_atoms])
    return Formula(tuple(int(each) // 2 for each in own), tuple(bool(each % 2) for each in own), words)


def _exact(
    values: Float[np.ndarray, " row"], order: Int[np.ndarray, " row"], held: Int8[np.ndarray, " row"]
) -> tuple[float, float]:
    """Return the best threshold over every gap and its balanced accuracy; nan where the neuron is constant."""
    applies, n_yes = held != NULL, np.array([np.count_nonzero(held == 1)])
    group = Group(np.zeros(1, dtype=np.int64), applies, held[:, None], int(np.count_nonzero(applies)), n_yes)
    gain, cut, sign = best_cuts_of(values[None], order[None], group, upward_only=True)
    if sign[0, 0] == 0:
        return np.nan, np.nan
    return float(cut[0, 0]), float(0.5 + gain[0, 0] / (2 * group.pairs[0]))
