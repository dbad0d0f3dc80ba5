"""What the observers of a layer say on held-out rows, as columns of the table of cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, TypeAlias

import numpy as np
import polars as pl
import torch
from torch import Tensor

from denote.data.parts import Groups
from denote.evidence import scores as scoring
from denote.evidence.bootstrap import AurocBootstrap
from denote.evidence.controls import built_in_controls
from denote.evidence.description import sufficient_sizes
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.intervals import auroc_interval, design_effect, newcombe_balanced_accuracy
from denote.evidence.scores import Confusion, PerAttribute, Ranking, Reasons, RoughScores, Scores, Values
from denote.notes import Note, codes_of, note
from denote.numbers import Estimate, ratio
from denote.observers.observer import Observer, class_counts
from denote.observers.reading import Resources, State, as_array, row_blocks, threads_worth
from denote.observers.threads import own_threads
from denote.tables import CELLS, frame_of

BYTES_PER_SCORE = 120
"""Bytes that a test row of an attribute takes while it is scored: score, order, runs of ties, ranks."""

SCORED = 1 << 20
"""Scores that are ranked side by side: arrays of as many numbers are taken from memory that was in use before."""

USUAL = 101
"""Rows whose median is a neuron's usual value."""

_LATER = ("sufficient_k", "q_value", "n_tests", "decisive")
"""Columns that are filled later, beside those of the controls."""

Columns: TypeAlias = dict[str, Any]
"""Columns of cells by name, a value per attribute or one for all."""

Score: TypeAlias = Callable[[Observer, State], Scores | RoughScores]
"""Gives the decision scores of an observer."""

Hear: TypeAlias = Callable[[slice, Ranking], None]
"""Takes up how the test rows of some attributes are ranked."""


def scored_together(labels: Values, resources: Resources) -> list[slice]:
    """Attributes whose scores fit into memory side by side, and not so many that new memory has to be had for them."""
    rows, attributes = labels.shape
    most = min(attributes, SCORED // max(1, rows), resources.memory / 2 // max(1, rows * BYTES_PER_SCORE))
    width = int(max(1, most))
    return [slice(start, start + width) for start in range(0, attributes, width)]


def measured_sizes(
    observers: Sequence[Observer],
    data: FitTestData,
    heard: Sequence[Hear | None] = (),
    bootstraps: Sequence[AurocBootstrap] = (),
    rough: bool = False,
) -> list[Columns]:
    """Return the columns of every size that need no control, with what the curve over sizes says as a whole.

    Args:
        observers: Fitted on *fit*, one per size, with an attribute for each of the labels.
        data: What the observers were fitted to, and are scored on.
        heard: Hears how the test rows are ranked, one per size.
        bootstraps: Draws of whole groups behind the AUROC's interval where there are groups, one per size.
        rough: Make scores in float32, for refits of which only the distribution is of interest.
    """
    scored = rough_scores if rough else Observer.scores
    curve = [_measured(observer, data, hear, scored) for observer, hear in zip_longest(observers, heard)]
    if data.groups is not None:
        _add_group_intervals(curve, bootstraps)
    sizes = [observer.k for observer in observers if observer.k is not None]
    if sizes:
        aurocs = np.stack([columns["auroc"] for columns in curve])
        found, unanswered = sufficient_sizes(sizes, aurocs, curve[-1]["auroc_low"])
        for columns in curve:
            columns["sufficient_k"] = found
            columns["note"] = [note(*both) for both in zip(columns["note"], unanswered, strict=True)]
    return curve


def _add_group_intervals(curve: Sequence[Columns], bootstraps: Sequence[AurocBootstrap]) -> None:
    """Where rows come in groups, the AUROC has the interval of groups that are drawn again, or none."""
    for columns, bootstrap in zip_longest(curve, bootstraps):
        reasons: Reasons = (Note.of("groups_not_redrawn"),) * len(columns["auroc"])
        if bootstrap is not None:
            found, reasons = bootstrap.interval(columns["auroc"])
            columns |= found.columns("auroc")
        columns["note"] = [note(*both) for both in zip(columns["note"], reasons, strict=True)]


def _measured(observer: Observer, data: FitTestData, hear: Hear | None, scored: Score) -> Columns:
    """Return all columns of one size that need no control."""
    labels = data.labels
    positive_fit, negative_fit = class_counts(labels.fit.values)
    positive_test, negative_test = class_counts(labels.test.values)
    return {
        "n_neurons": data.state.fit.shape[1],
        "probe": observer.probe,
        "k": observer.k,
        "probe_seed": data.probe_seed,
        "attribute": labels.test.names,
        "family": labels.test.families,
        "label_proportion": ratio(positive_test, positive_test + negative_test),
        "n_fit": positive_fit + negative_fit,
        "n_test": positive_test + negative_test,
        "n_positive_fit": positive_fit,
        "n_positive_test": positive_test,
        "majority_accuracy": ratio(
            np.where(positive_fit > negative_fit, positive_test, negative_test), positive_test + negative_test
        ),
        "converged": observer.converged,
        "gradient_norm": observer.gradient_norm,
        "l2": observer.l2,
        **{name: None for control in built_in_controls().values() for name in control.columns},
        **dict.fromkeys(_LATER),
        **_scored_by_parts(observer, data, hear, scored),
    }


def _scored_by_parts(observer: Observer, data: FitTestData, hear: Hear | None, scored: Score) -> dict[str, Any]:
    """Return what the scores of all attributes say, as many attributes at a time as fit into memory."""
    parts, labels = [], data.test_labels
    for part in scored_together(labels, data.resources):
        some = observer.at(part)
        reasons = tuple(map(_with_convergence, some.notes, some.fitted, some.converged))
        scores = scored(some, data.state.test)
        ranking = Ranking(scores, labels[:, part])
        parts.append(_scored(scores, ranking, data.test_groups, reasons))
        if hear is not None:
            hear(part, ranking)
    notes = [reason for part in parts for reason in part.pop("note")]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} | {"note": notes}


def _with_convergence(reason: str | None, fitted: bool, converged: bool) -> str | None:
    return note(reason, Note.of("not_converged") if fitted and not converged else None)


def rough_scores(observer: Observer, state: State) -> Scores | RoughScores:
    """Decision scores in float32, in half the time: about each neuron's usual value, so that large ones keep digits.

    They rank rows as those in float64 do but for those that differ in the seventh digit, and for rows that lie beside
    a neuron's usual value by millions of its spread.
    """
    if observer.hidden is not None or observer.neuron is not None:
        return observer.scores(state)
    scores = np.empty((len(state), len(observer.bias)), dtype=np.float32)
    centre = np.median(as_array(state[:USUAL]), axis=0, keepdims=True).astype(np.float32)  # one row may lie far out
    weights = torch.from_numpy(observer.weights.astype(np.float32))
    bias = torch.from_numpy((observer.bias + centre[0].astype(np.float64) @ observer.weights).astype(np.float32))
    about, out = torch.from_numpy(centre), torch.from_numpy(scores)

    def of_block(task: tuple[slice, Tensor]) -> None:
        torch.addmm(bias, (task[1].cpu() - about).float(), weights, out=out[task[0]])

    with own_threads(threads_worth(state)) as threads:
        for _ in threads.in_order(of_block, row_blocks(state)):
            pass
    return scores


def _scored(
    scores: Scores | RoughScores, ranking: Ranking, groups: Groups | None, fit_notes: Reasons
) -> dict[str, Any]:
    """What the scores of the test rows say."""
    labels = ranking.labels
    counts = ranking.confusion
    auroc = ranking.auroc
    unknown = np.full(len(auroc), np.nan)
    # Of groups the interval needs draws, which are not made here.
    interval = auroc_interval(auroc if groups is None else unknown, counts.n_positive, counts.n_negative)
    least, between = _balanced_accuracy_bounds(counts, scores, labels, groups)
    p_value, p_notes = scoring.mann_whitney_greater(scores, labels, groups, ranking)
    columns = {
        "auroc": auroc,
        "auroc_low": interval.low,
        "auroc_high": interval.high,
        "average_precision": ranking.average_precision,
        "balanced_accuracy": counts.balanced_accuracy,
        "balanced_accuracy_low": least.low,
        "balanced_accuracy_interval_low": between.low,
        "balanced_accuracy_interval_high": between.high,
        "mcc": counts.mcc,
        "accuracy": counts.accuracy,
        "p_value": p_value,
    }
    unfit = np.isnan(scores.sum(0)) & np.isnan(scores).any(0)
    for column in columns.values():
        column[unfit] = np.nan
    notes = [
        note(
            fit_note,
            None if fit_note and missing else p_note,
            Note.of("no_mcc") if not missing and np.isnan(mcc) else None,
        )
        for fit_note, missing, p_note, mcc in zip(fit_notes, unfit, p_notes, columns["mcc"], strict=True)
    ]
    return {**columns, "note": notes}


def _balanced_accuracy_bounds(
    counts: Confusion, scores: Scores | RoughScores, labels: Values, groups: Groups | None
) -> tuple[Estimate[PerAttribute], Estimate[PerAttribute]]:
    """95 %, one-sided and two-sided; with groups the rates count their effective numbers of rows (METHOD section 3)."""
    effect = {1: np.ones(len(counts.tp)), 0: np.ones(len(counts.tp))}
    if groups is not None:
        decided = scores > 0
        for label, effects in effect.items():
            for a in range(labels.shape[1]):
                rows = labels[:, a] == label
                effects[a] = design_effect((decided[rows, a] == bool(label)).astype(np.int64), groups[rows])
    effective = (
        counts.tp / effect[1],
        counts.n_positive / effect[1],
        counts.tn / effect[0],
        counts.n_negative / effect[0],
    )
    return newcombe_balanced_accuracy(*effective, one_sided=True), newcombe_balanced_accuracy(*effective)


def auroc_of(columns: Columns) -> Estimate[PerAttribute]:
    """Return the AUROC of cells with its interval."""
    return Estimate(columns["auroc"], columns["auroc_low"], columns["auroc_high"])


def frame(curve: Sequence[Columns]) -> pl.DataFrame:
    """Put the columns of cells into a frame, one size below the other, in the order of the schema."""
    return pl.concat(frame_of(columns | {"note_codes": codes_of(columns["note"])}, CELLS) for columns in curve)
