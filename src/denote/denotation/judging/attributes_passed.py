"""Mixing: how many attributes a neuron passes, and by how many neurons an attribute is passed (METHOD section 7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.denotation.search.held_out_scores import enough
from denote.evidence.corrections import benjamini_hochberg
from denote.evidence.intervals import balanced_accuracy_p_value, design_effect
from denote.evidence.label_controls import labels_held
from denote.evidence.rule import Rule
from denote.numbers import reaches, within
from denote.observers.neuron import NeuronScan, best_thresholds, comparable
from denote.observers.reading import UNBOUNDED, Resources, State
from denote.observers.sorted_columns import BLOCK_BYTES, column_blocks, side_by_side

BATCH = 32
"""Neurons that one thread counts at a time."""
Groups = Int[np.ndarray, " row"]


@dataclass(frozen=True)
class Mixing:
    """Pairs of neuron and attribute that pass the rule, counted both ways.

    Attributes:
        attributes: Names of the attributes.
        attributes_passed: Number of attributes that each neuron passes; 0 for dead ones.
        neurons_passing: Number of neurons that pass each attribute.
        n_tests: Pairs with enough rows: the family of tests.
    """

    attributes: tuple[str, ...]
    attributes_passed: Int[np.ndarray, " neuron"]
    neurons_passing: Int[np.ndarray, " attribute"]
    n_tests: int


@dataclass(frozen=True)
class _Pairs:
    """Counts of test rows, by neuron and attribute, at the threshold of each pair; being on means the property.

    With direction -1 the property is the attribute's negation, so positives are the rows without the attribute.
    """

    tp: Int[np.ndarray, "neuron attribute"]
    fp: Int[np.ndarray, "neuron attribute"]
    n_positive: Int[np.ndarray, "neuron attribute"]
    n_negative: Int[np.ndarray, "neuron attribute"]

    @classmethod
    def counted(
        cls, test: State, labels: Int8[np.ndarray, "row attribute"], scan: NeuronScan, resources: Resources
    ) -> _Pairs:
        """Count on test rows, a block of neurons at a time."""
        on = np.zeros((2, *scan.threshold.shape), dtype=np.int64)
        for start, values in column_blocks(test, _width(test, resources)):
            _count(values, scan.threshold[start : start + len(values)], labels, on[:, start : start + len(values)])
        rows = np.array([(labels == label).sum(axis=0) for label in (1, 0)])[:, None].repeat(on.shape[1], axis=1)
        upward = scan.direction > 0
        tp, fp = np.where(upward, on, on[::-1])
        n_positive, n_negative = np.where(upward, rows, rows[::-1])
        return cls(tp, fp, n_positive, n_negative)

    @property
    def balanced_accuracy(self) -> Float[np.ndarray, "neuron attribute"]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((self.tp / self.n_positive + 1 - self.fp / self.n_negative) / 2)

    def on_where_it_should(self, rule: Rule) -> Bool[np.ndarray, "neuron attribute"]:
        """Tell if the share of rows where the neuron is on is near the label proportion."""
        n = np.maximum(self.n_positive + self.n_negative, 1)
        share, on = self.n_positive / n, (self.tp + self.fp) / n
        return np.asarray(within(np.abs(on - share), rule.on_tolerance * np.minimum(share, 1 - share)))


def attributes_passed(
    state: Halves[State],
    labels: Halves[Labels],
    rule: Rule,
    resources: Resources = UNBOUNDED,
    groups: Halves[Groups] | None = None,
) -> Mixing:
    """Count the pairs of neuron and attribute that satisfy the rule.

    Threshold and direction of every pair are chosen on *fit*, everything else is judged on *test*. The p-values of all
    pairs of this layer with enough rows are a family of their own, corrected by Benjamini and Hochberg: an exploratory
    count beside ``denotes``, whose family holds one property per neuron and all layers and models.

    Args:
        state: Activations ``[row, neuron]`` on fit and test, read by blocks.
        labels: Attributes of all families side by side, at the same rows.
        rule: Thresholds of the rule.
        resources: Bytes that may be held.
        groups: Group of every row where there are groups; rates then enter with effective numbers of rows, and as many
            groups as rows must hold either label on *test*.
    """
    fit, test = labels.fit.values, labels.test.values
    scan = best_thresholds(state.fit, fit, resources=resources)
    pairs = _Pairs.counted(state.test, test, scan, resources)
    tested = scan.direction != 0
    for labelled in (fit, test):
        tested &= enough((labelled == 1).sum(axis=0), (labelled == 0).sum(axis=0), rule.min_rows)
    if groups is not None:  # as for a neuron's own property (see denotation.rows.evidence)
        yes, no = labels_held(test, groups.test)
        tested &= enough(yes.sum(axis=0), no.sum(axis=0), rule.min_rows)
    p_value = np.full(tested.shape, np.nan)
    p_value[tested] = 0.5
    likely = tested & (pairs.balanced_accuracy > rule.null)
    effects: tuple[Float[np.ndarray, " pair"] | float, Float[np.ndarray, " pair"] | float] = (1.0, 1.0)
    if groups is not None:
        effects = _design_effects(state.test, test, scan, likely, groups.test, resources)
    tp, n_positive, fp, n_negative = (
        counts[likely] for counts in (pairs.tp, pairs.n_positive, pairs.fp, pairs.n_negative)
    )
    p_value[likely] = balanced_accuracy_p_value(tp, n_positive, n_negative - fp, n_negative, rule.null, effects)
    rejected = benjamini_hochberg(p_value.ravel()).reshape(p_value.shape) <= rule.q
    passes = rejected & reaches(pairs.balanced_accuracy, rule.decisive) & pairs.on_where_it_should(rule)
    return Mixing(labels.fit.names, passes.sum(axis=1), passes.sum(axis=0), int(tested.sum()))


def _width(state: State, resources: Resources) -> int:
    """Neurons whose test rows are held at once."""
    return int(max(1, min(resources.memory, BLOCK_BYTES) // (8 * max(1, len(state)))))


def _count(
    values: Float[np.ndarray, "neuron row"],
    threshold: Float[np.ndarray, "neuron attribute"],
    labels: Int8[np.ndarray, "row attribute"],
    on: Int[np.ndarray, "2 neuron attribute"],
) -> None:
    """Fill in positive and negative rows above the threshold, in threads."""
    from denote.kernels.scan_kernels import labels_above  # compiles: only what scans neurons waits for it

    numbers, labels = comparable(values), np.ascontiguousarray(labels)

    def batch(part: slice) -> None:
        labels_above(numbers[part], threshold[part], labels, on[0, part], on[1, part])

    side_by_side(batch, [slice(start, start + BATCH) for start in range(0, len(values), BATCH)])


def _design_effects(
    test: State,
    labels: Int8[np.ndarray, "row attribute"],
    scan: NeuronScan,
    which: Bool[np.ndarray, "neuron attribute"],
    groups: Int[np.ndarray, " row"],
    resources: Resources,
) -> tuple[Float[np.ndarray, " pair"], Float[np.ndarray, " pair"]]:
    """By how much groups inflate the variance of TPR and TNR of those pairs, in the order of ``which``."""
    deff = []
    for start, values in column_blocks(test, _width(test, resources)):
        for neuron, attribute in zip(*np.nonzero(which[start : start + len(values)]), strict=True):
            on = values[neuron] > scan.threshold[start + neuron, attribute]
            positive = scan.direction[start + neuron, attribute] > 0
            rows = [labels[:, attribute] == label for label in (positive, not positive)]
            deff.append([design_effect(on[kind], groups[kind]) for kind in rows])
    positive, negative = np.array(deff, dtype=float).reshape(-1, 2).T
    return positive, negative
