"""How well neurons tell their properties on held-out rows (METHOD sections 2.4 and 3)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from denote.attributes.labels import NULL
from denote.denotation.search.candidates import Candidates
from denote.evidence.intervals import (
    auroc_interval,
    balanced_accuracy_p_value,
    design_effect,
    newcombe_balanced_accuracy,
    wilson,
)
from denote.numbers import ratio
from denote.observers.neuron import comparable
from denote.observers.reading import State
from denote.observers.sorted_columns import column_blocks, mann_whitney_u, sorting_orders


@dataclass(frozen=True)
class Scores:
    """Scores of neurons, each against its own property, with the ends of their two-sided 95 % intervals; nan where
    undefined. All but the p-value lie in [0, 1] or, for ``mcc``, in [-1, 1].

    Attributes:
        n_positive: Rows that have the property.
        n_negative: Rows that have not; null rows are neither.
        on_proportion: Share of these rows where the neuron is on.
        balanced_accuracy: Mean of ``tpr`` and ``tnr``.
        balanced_accuracy_low: One-sided 95 % bound (Newcombe).
        balanced_accuracy_interval_low: Lower and ...
        balanced_accuracy_interval_high: ... upper end of Newcombe's interval.
        tpr: True positive rate.
        tpr_low: Lower and ...
        tpr_high: ... upper end of Wilson's interval.
        tnr: True negative rate.
        tnr_low: Likewise.
        tnr_high: Likewise.
        precision: Share of the rows where it is on that have the property; nan where it is never on.
        auroc: Of the activations, ties counted half.
        auroc_low: Lower and ...
        auroc_high: ... upper end of the score interval; nan where there are groups, for which it knows no number of
            rows.
        mcc: Matthews correlation.
        p_value: Of "true balanced accuracy <= null".
    """

    n_positive: Int[np.ndarray, " neuron"]
    n_negative: Int[np.ndarray, " neuron"]
    on_proportion: Float[np.ndarray, " neuron"]
    balanced_accuracy: Float[np.ndarray, " neuron"]
    balanced_accuracy_low: Float[np.ndarray, " neuron"]
    balanced_accuracy_interval_low: Float[np.ndarray, " neuron"]
    balanced_accuracy_interval_high: Float[np.ndarray, " neuron"]
    tpr: Float[np.ndarray, " neuron"]
    tpr_low: Float[np.ndarray, " neuron"]
    tpr_high: Float[np.ndarray, " neuron"]
    tnr: Float[np.ndarray, " neuron"]
    tnr_low: Float[np.ndarray, " neuron"]
    tnr_high: Float[np.ndarray, " neuron"]
    precision: Float[np.ndarray, " neuron"]
    auroc: Float[np.ndarray, " neuron"]
    auroc_low: Float[np.ndarray, " neuron"]
    auroc_high: Float[np.ndarray, " neuron"]
    mcc: Float[np.ndarray, " neuron"]
    p_value: Float[np.ndarray, " neuron"]

    @classmethod
    def joined(cls, parts: list[Scores]) -> Scores:
        """Scores of several blocks of neurons, one after the other."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def score_neurons(
    values: Float[np.ndarray, "neuron row"],
    threshold: Float[np.ndarray, " neuron"],
    labels: Int8[np.ndarray, "neuron row"],
    null: float,
    groups: Int[np.ndarray, " row"] | None = None,
) -> Scores:
    """Score neurons against their properties.

    Args:
        values: Activations on the test rows.
        threshold: A neuron is on strictly above it.
        labels: Label of its property: 1 yes, 0 no, -1 null.
        null: Balanced accuracy that is not enough (``Rule.null``).
        groups: Group of every row; rates then enter p-value and intervals with effective numbers of rows.
    """
    on, positive, negative = values > threshold[:, None], labels == 1, labels == 0
    tp, fp = (on & positive).sum(axis=1), (on & negative).sum(axis=1)
    n_positive, n_negative = positive.sum(axis=1), negative.sum(axis=1)
    tn = n_negative - fp
    deff = _design_effects(on, positive, negative, groups)
    auroc = auroc_of_rows(values, positive, negative)
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 is nan, which is what it should be
        tpr, tnr, precision = tp / n_positive, tn / n_negative, tp / (tp + fp)
        n = n_positive + n_negative
        covariance = tp.astype(float) * tn - fp.astype(float) * (n_positive - tp)
        mcc = covariance / np.sqrt(n_positive.astype(float) * n_negative * (tp + fp) * (n - tp - fp))
        return Scores(
            n_positive=n_positive,
            n_negative=n_negative,
            on_proportion=(tp + fp) / n,
            balanced_accuracy=(tpr + tnr) / 2,
            tpr=tpr,
            tnr=tnr,
            precision=precision,
            auroc=auroc,
            mcc=mcc,
            p_value=balanced_accuracy_p_value(tp, n_positive, tn, n_negative, null, (deff[0], deff[1])),
            **_rate_bounds(tp / deff[0], n_positive / deff[0], tn / deff[1], n_negative / deff[1]),
            **_auroc_bounds(auroc, n_positive, n_negative, groups is not None),
        )


def _rate_bounds(
    tp: Float[np.ndarray, " neuron"],
    n_positive: Float[np.ndarray, " neuron"],
    tn: Float[np.ndarray, " neuron"],
    n_negative: Float[np.ndarray, " neuron"],
) -> dict[str, Float[np.ndarray, " neuron"]]:
    """Bounds of both rates and of their mean, from effective numbers of rows."""
    counts = tp, n_positive, tn, n_negative
    intervals = {
        "balanced_accuracy_interval": newcombe_balanced_accuracy(*counts),
        "tpr": wilson(tp, n_positive),
        "tnr": wilson(tn, n_negative),
    }
    ends = {f"{name}_{end}": getattr(each, end) for name, each in intervals.items() for end in ("low", "high")}
    return {"balanced_accuracy_low": newcombe_balanced_accuracy(*counts, one_sided=True).low, **ends}


def _auroc_bounds(
    auroc: Float[np.ndarray, " neuron"],
    n_positive: Int[np.ndarray, " neuron"],
    n_negative: Int[np.ndarray, " neuron"],
    grouped: bool,
) -> dict[str, Float[np.ndarray, " neuron"]]:
    if grouped:
        return dict.fromkeys(("auroc_low", "auroc_high"), np.full(len(auroc), np.nan))
    interval = auroc_interval(auroc, n_positive, n_negative)
    return {"auroc_low": interval.low, "auroc_high": interval.high}


def balanced_accuracies(
    values: Float[np.ndarray, "neuron row"],
    threshold: Float[np.ndarray, " neuron"],
    labels: Int8[np.ndarray, "neuron row"],
) -> Float[np.ndarray, " neuron"]:
    """Balanced accuracy of neurons against their properties alone (see `score_neurons`)."""
    on, positive, negative = values > threshold[:, None], labels == 1, labels == 0
    with np.errstate(invalid="ignore", divide="ignore"):
        tpr = (on & positive).sum(axis=1) / positive.sum(axis=1)
        tnr = (~on & negative).sum(axis=1) / negative.sum(axis=1)
    mean: Float[np.ndarray, " neuron"] = (tpr + tnr) / 2
    return mean


def auroc_of_rows(
    values: Float[np.ndarray, "neuron row"],
    positive: Bool[np.ndarray, "neuron row"],
    negative: Bool[np.ndarray, "neuron row"],
) -> Float[np.ndarray, " neuron"]:
    """AUROC of every neuron against its own labels, ties counted half; nan where a kind of row is missing."""
    pairs_won = mann_whitney_u(comparable(values), sorting_orders(values), positive, negative)
    return ratio(pairs_won, positive.sum(axis=1) * negative.sum(axis=1))


def balanced_accuracy(on: Bool[np.ndarray, " row"], labels: Int8[np.ndarray, " row"]) -> float:
    """Return the balanced accuracy of yes/no answers; nan where a kind of row is missing."""
    positive, negative = on[labels == 1], on[labels == 0]
    if len(positive) == 0 or len(negative) == 0:
        return float("nan")
    return float((positive.mean() + 1 - negative.mean()) / 2)


def enough(count: Int[np.ndarray, " neuron"], others: Int[np.ndarray, " neuron"], least: int) -> np.ndarray:
    """Tell where there are at least ``least`` rows of both kinds."""
    return np.asarray((count >= least) & (others >= least))


def _design_effects(
    on: np.ndarray, positive: np.ndarray, negative: np.ndarray, groups: np.ndarray | None
) -> Float[np.ndarray, "2 neuron"]:
    if groups is None:
        return np.ones((2, len(on)))
    effects = [
        [design_effect(hits[rows], groups[rows]) for hits, rows in zip(on, of_kind, strict=True)]
        for of_kind in (positive, negative)
    ]
    return np.array(effects)


def score_candidates(
    test: State, found: Candidates, null: float, memory: int, groups: Int[np.ndarray, " row"] | None = None
) -> Scores:
    """Score every neuron on held-out rows against the property chosen for it; nan where it has none.

    Args:
        test: Activations ``[row, neuron]`` on the test rows; a block of neurons is read at a time.
        found: Properties chosen on fit.
        null: ``Rule.null``.
        memory: Bytes that a block may take.
        groups: Group of every test row.
    """
    width = max(1, memory // max(1, len(test) * 64))
    parts = []
    for start, values in column_blocks(test, width):
        index = found.index[start : start + width]
        labels = np.full((len(index), len(test)), NULL, dtype=np.int8)
        labels[index >= 0] = found.properties.test_labels(index[index >= 0])
        parts.append(score_neurons(values, found.threshold[start : start + width], labels, null, groups))
    return Scores.joined(parts)
