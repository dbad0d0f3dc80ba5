"""One property for every neuron, chosen on *fit* whatever the family (METHOD section 2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatch

import numpy as np
from jaxtyping import Bool, Float, Int

from denote.attributes.labels import NULL, Family, FormulaFamily, SubsetFamily
from denote.data.parts import Halves
from denote.denotation.property_names import complement
from denote.denotation.search.formula_search import formula_properties, search_formulas
from denote.denotation.search.properties import (
    Properties,
    Settings,
    attribute_properties,
    distinct_rows,
    entering_attributes,
    named_members,
    subset_name,
)
from denote.denotation.search.subset_search import search_subsets
from denote.notes import Note
from denote.observers.neuron import best_thresholds, live_neurons
from denote.observers.reading import Resources, State
from denote.observers.sorted_columns import least_memory


@dataclass(frozen=True)
class Candidates:
    """The property of every neuron, chosen on *fit*.

    Attributes:
        properties: The distinct properties found; the masks are those of where the neuron is on.
        index: Which of them is each neuron's; -1 where none was found.
        direction: -1 where the property is the complement of an attribute, else +1; 0 where none was found.
        threshold: The neuron is on strictly above it; nan where none was found.
        score: Balanced accuracy on fit; nan where none was found.
        live: Whether the neuron is not constant on fit.
        note: What was left out of the search, or why nothing could be searched.
        nested: Neurons with the indices of nested properties that pass on fit too, the own one among them; neuron by
            neuron from the smallest. Empty where a family has no such chains.
    """

    properties: Properties
    index: Int[np.ndarray, " neuron"]
    direction: Int[np.ndarray, " neuron"]
    threshold: Float[np.ndarray, " neuron"]
    score: Float[np.ndarray, " neuron"]
    live: Bool[np.ndarray, " neuron"]
    note: Note | None
    nested: Int[np.ndarray, "2 pair"] = field(default_factory=lambda: np.empty((2, 0), dtype=np.int64))


def search(state: State, family: Halves[Family], settings: Settings | None = None) -> Candidates:
    """Choose the property of every neuron.

    Args:
        state: Activations ``[row, neuron]`` on the fit rows, finite. Test rows are not needed, so they cannot leak.
        family: The family at the fit and at the test rows. Labels of test rows are only carried along.
        settings: Of the search.

    Returns:
        For a family with class codes the best class subset, for one of formulas the best formula, for any other the
        best attribute or its complement.
    """
    if type(family.fit) is not type(family.test):
        raise ValueError(f"family {family.fit.name} is of another kind on test")
    return _search(family.fit, family.test, state, settings or Settings())


@singledispatch
def _search(fit: Family, test: Family, state: State, settings: Settings) -> Candidates:
    """Search by kind of family; here attributes one by one."""
    single = attribute_properties(Halves(fit, test), settings.entry_rows)
    n_neurons, n_single = state.shape[1], len(single)
    names = single.names + tuple(complement(name) for name in single.names)
    flipped = np.where(single.masks == NULL, np.int8(NULL), 1 - single.masks).astype(np.int8)
    properties = Properties(names, np.concatenate([single.masks, flipped]), single.codes)
    index, direction = np.full(n_neurons, -1), np.zeros(n_neurons, dtype=np.int64)
    threshold, score = np.full(n_neurons, np.nan), np.full(n_neurons, np.nan)
    if n_single:
        labels = single.fit_labels(np.arange(n_single)).T
        # As with subsets a block holds one neuron at the least.
        memory = max(settings.memory, least_memory(state, labels))
        scan = best_thresholds(state, labels, resources=Resources(memory=memory))
        live, known = scan.live, np.nan_to_num(scan.balanced_accuracy, nan=-1.0)
        attribute, neuron = known.argmax(axis=1), np.arange(n_neurons)
        has = known[neuron, attribute] >= 0
        direction[has] = scan.direction[neuron, attribute][has]
        threshold, score = scan.threshold[neuron, attribute], scan.balanced_accuracy[neuron, attribute]
        index[has] = (attribute + n_single * (direction < 0))[has]
    else:
        live = live_neurons(state)
    reason = _left_out(n_single, len(fit.labels), settings.entry_rows)
    return Candidates(properties, index, direction, threshold, score, live, reason)


@_search.register(SubsetFamily)
def _search_subsets(fit: SubsetFamily, test: SubsetFamily, state: State, settings: Settings) -> Candidates:
    codes, names = Halves(fit.codes, test.codes), fit.class_names
    found = search_subsets(state, codes.fit, len(names), settings)
    neuron, members = found.nested()
    distinct, place = distinct_rows(members.astype(np.int8))
    masks, sets = np.where(found.entered, distinct, np.int8(NULL)), distinct == 1
    named = tuple(subset_name(inside, found.entered, names, fit.target) for inside in sets)
    properties = Properties(named, masks, codes, named_members(sets, found.entered))
    has, index = found.n_members > 0, np.full(len(found.n_members), -1)
    own = members.sum(axis=1) == found.n_members[neuron]
    index[neuron[own]] = place[own]
    rows_out = sum(int(np.count_nonzero((c >= 0) & ~found.entered[c])) for c in (codes.fit, codes.test))
    left_out = int(np.count_nonzero(~found.entered))
    reason = None
    if found.entered.sum() < 2:
        reason = Note.of("few_classes_entered", rows=settings.entry_rows)
    elif left_out:
        reason = Note.of("classes_left_out", classes=left_out, out=rows_out, rows=settings.entry_rows)
    nested, direction = np.stack([neuron, place]), has.astype(np.int64)
    return Candidates(properties, index, direction, found.threshold, found.score, found.live, reason, nested)


def _left_out(n_entered: int, n_attributes: int, entry_rows: int) -> Note | None:
    if not n_entered:
        return Note.of("no_attribute_entered", rows=entry_rows)
    left_out = n_attributes - n_entered
    what = "1 attribute" if left_out == 1 else f"{left_out} attributes"
    return Note.of("attributes_left_out", attributes=what, rows=entry_rows) if left_out else None


@_search.register(FormulaFamily)
def _search_formulas(fit: FormulaFamily, test: FormulaFamily, state: State, settings: Settings) -> Candidates:
    asked, atoms = fit.formulas, Halves(fit.formulas.atoms, test.formulas.atoms)
    enters = np.flatnonzero(entering_attributes(atoms.fit.values, settings.entry_rows))
    names = [atoms.fit.names[place] for place in enters]
    values = Halves(atoms.fit.values[:, enters], atoms.test.values[:, enters])
    found = search_formulas(state, values.fit, asked, settings.thresholds, settings.formula_rows, settings.memory)
    formulas = list(dict.fromkeys(formula for formula in found.formulas if formula is not None))
    properties, place = formula_properties(formulas, names, values)
    of_formula = dict(zip(formulas, place, strict=True))
    index = np.array([-1 if formula is None else of_formula[formula] for formula in found.formulas], dtype=np.int64)
    direction, reason = (index >= 0).astype(np.int64), _left_out(len(names), len(atoms.fit), settings.entry_rows)
    return Candidates(properties, index, direction, found.threshold, found.score, found.live, reason)
