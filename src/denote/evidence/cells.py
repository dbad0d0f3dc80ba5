"""Cells: one layer, one probe, every attribute, with the controls that make a score mean something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.estimate import Estimate
from denote.evidence.bootstrap import AurocBootstrap
from denote.evidence.corrections import benjamini_hochberg
from denote.evidence.intervals import auroc_interval, design_effect, newcombe_balanced_accuracy
from denote.evidence.permutations import DRAWS, Groups, shuffled
from denote.evidence.resampling import DRAWS as BOOTSTRAPS
from denote.evidence.resampling import Resampling
from denote.evidence.rule import Rule
from denote.evidence.scores import (
    Confusion,
    PerAttribute,
    Ranking,
    Reasons,
    Scores,
    Values,
    confusion,
    mann_whitney_greater,
)
from denote.evidence.sufficiency import sufficient_sizes
from denote.observers.observer import Observer, Probe, class_counts, fit_sizes
from denote.observers.reading import UNBOUNDED, Resources, State
from denote.tables import CELLS, note

CHUNK = 1 << 25
"""Shuffled labels (fit row x attribute x draw) that are fitted in one solve."""

BYTES_PER_WEIGHT = 64
"""Bytes that a neuron of an attribute takes while observers are put together."""

BYTES_PER_SCORE = 120
"""Bytes that a test row of an attribute takes while it is scored: score, order, runs of ties, ranks."""

_MISSING = {
    "shuffled": "control_auroc: no shuffled control was asked for",
    "untrained": "untrained_auroc: no untrained twin was asked for",
    "raw_input": "input_auroc: no raw_input control was asked for",
}

_LATER = (
    "control_auroc", "selectivity", "selectivity_low", "selectivity_high", "untrained_auroc", "input_auroc",
    "sufficient_k", "q_value", "n_tests", "decisive",
)  # fmt: skip

BySize: TypeAlias = Mapping[int | None, PerAttribute]
"""Scores by `Observer.size`: None for observers that read all neurons, which most probes have alone."""

_Columns: TypeAlias = dict[str, Any]

_Hear: TypeAlias = Callable[[slice, Ranking], None]
"""Takes up how the test rows of some attributes are ranked."""


@dataclass(frozen=True)
class CellEvidence:
    """What one probe finds in one layer.

    Attributes:
        cells: One row per attribute (and size), with the columns of ``tables.CELLS`` that do not say which network was
            observed. ``q_value``, ``n_tests`` and ``decisive`` are provisional: over these cells alone.
        replicates: The same columns plus ``control`` and ``draw`` for every refit with shuffled labels, each draw a
            family of its own.
        observers: The observers behind ``cells``, one per size.
    """

    cells: pl.DataFrame
    replicates: pl.DataFrame
    observers: tuple[Observer, ...]

    @property
    def observer(self) -> Observer:
        """The observers of a probe of one size."""
        (only,) = self.observers
        return only


def observe_cells(
    state: Halves[State],
    labels: Halves[Labels],
    probe: Probe,
    rule: Rule,
    probe_seed: int = 0,
    *,
    shuffles: int = DRAWS,
    bootstraps: int = BOOTSTRAPS,
    untrained: Sequence[Halves[State]] = (),
    raw_input_auroc: BySize | None = None,
    missing: Mapping[str, str] | None = None,
    groups: Halves[Groups] | None = None,
    resources: Resources = UNBOUNDED,
) -> CellEvidence:
    """Fit on *fit*, score on *test*, and do the same where the answer is known or is the rival's.

    Args:
        state: Activations of the layer.
        labels: The attributes, names and families alike on both sides.
        probe: What is fitted.
        rule: When a cell is decisive.
        probe_seed: Names the draws of the shuffled control.
        shuffles: Number of refits with shuffled labels; 0 leaves the control out.
        bootstraps: Draws of test rows (or groups) for the interval of the selectivity and, with groups, of the AUROC;
            0 leaves these intervals out.
        untrained: States of the same layer in twins that were never trained, for the same rows.
        raw_input_auroc: ``held_out_auroc`` of the same probe on the input; the dense size goes with the dense size.
        missing: Per control (``shuffled``, ``untrained``, ``raw_input``) the reason why it is not there.
        groups: Group of every row, where rows of a group are not independent.
        resources: What fits and scores may use.

    Raises:
        ConfigError: if ``memory_limit`` is too small for a fit.
        StateError: if a state is not finite or does not fit the labels.
    """
    observers = fit_sizes(probe, state.fit, labels.fit.values, probe_seed, resources, _of_fit(groups))
    truth = Halves(labels.fit.values, labels.test.values)
    draws = _bootstraps(observers, groups, len(truth.test), probe_seed, bootstraps)
    # What the draws hold comes out of the memory of what follows, as long as that keeps half of it.
    taken = min(sum(each.nbytes for each in draws), resources.memory / 2)
    resources = replace(resources, memory=resources.memory - taken)
    heard = [each.hear for each in draws]
    curve = _measured_sizes(observers, state, truth, groups, probe_seed, labels.test, resources, heard, draws)
    heard = [each.hear_shuffled for each in draws]
    drawn = list(_shuffled_columns(state, labels, probe, probe_seed, shuffles, groups, resources, heard))
    twins = [held_out_auroc(probe, twin, labels, probe_seed, resources, groups) for twin in untrained]
    reasons = {**_MISSING, **(missing or {})}
    for place, (observer, columns) in enumerate(zip(observers, curve, strict=True)):
        shuffled_aurocs = [draw[place]["auroc"] for draw in drawn]
        _add_controls(columns, observer.size, shuffled_aurocs, twins, raw_input_auroc, reasons)
        if shuffled_aurocs:
            _add_selectivity_interval(columns, draws[place] if draws else None, np.stack(shuffled_aurocs))
    replicates = [
        decide_cells(_frame(draw), rule).with_columns(
            pl.lit("shuffled").alias("control"), pl.lit(number, dtype=pl.Int64).alias("draw")
        )
        for number, draw in enumerate(drawn)
    ]
    cells = _frame(curve)
    empty = cells.clear().with_columns(control=pl.lit("", pl.String), draw=pl.lit(0, pl.Int64))
    return CellEvidence(decide_cells(cells, rule), pl.concat(replicates) if replicates else empty, observers)


def held_out_auroc(
    probe: Probe,
    state: Halves[State],
    labels: Halves[Labels],
    probe_seed: int = 0,
    resources: Resources = UNBOUNDED,
    groups: Halves[Groups] | None = None,
) -> BySize:
    """AUROC on *test* of a probe fitted on *fit*, per size and attribute; NaN where it is undefined."""
    observers = fit_sizes(probe, state.fit, labels.fit.values, probe_seed, resources, _of_fit(groups))
    return auroc_by_size(observers, state.test, labels.test.values, resources)


def _of_fit(groups: Halves[Groups] | None) -> Groups | None:
    return None if groups is None else groups.fit


def auroc_by_size(
    observers: Sequence[Observer], state: State, labels: Values, resources: Resources = UNBOUNDED
) -> BySize:
    """AUROC of every size of a probe on the rows of a state."""
    return {
        observer.size: np.concatenate(
            [
                Ranking(observer.at(part).scores(state), labels[:, part]).auroc
                for part in _scored_together(labels, resources)
            ]
        )
        for observer in observers
    }


def _scored_together(labels: Values, resources: Resources) -> list[slice]:
    """Attributes whose scores fit into memory side by side."""
    rows, attributes = labels.shape
    width = int(max(1, min(attributes, resources.memory / 2 // max(1, rows * BYTES_PER_SCORE))))
    return [slice(start, start + width) for start in range(0, attributes, width)]


def decide_cells(frame: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Correct the p-values of all rows as one family and apply the rule (METHOD section 3).

    Args:
        frame: Cells with their p-values and scores; a null ``p_value`` is no test.
        rule: Its thresholds.

    Returns:
        The frame with ``q_value``, ``n_tests`` and ``decisive`` written anew; ``decisive`` is null where the balanced
        accuracy is, and false where all but the p-value is defined.
    """
    p = frame["p_value"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    enough = [pl.col(count) >= rule.min_rows for count in ("n_positive_fit", "n_positive_test")] + [
        pl.col(total) - pl.col(count) >= rule.min_rows
        for total, count in (("n_fit", "n_positive_fit"), ("n_test", "n_positive_test"))
    ]
    return frame.with_columns(
        q_value=pl.Series(benjamini_hochberg(p), dtype=pl.Float64).fill_nan(None),
        n_tests=pl.lit(int(np.count_nonzero(~np.isnan(p))), dtype=pl.Int64),
    ).with_columns(
        decisive=pl.when(pl.col("balanced_accuracy").is_not_null()).then(
            pl.all_horizontal(
                pl.col("balanced_accuracy") >= rule.decisive,
                pl.col("balanced_accuracy_low") >= rule.null,
                pl.col("q_value") <= rule.q,
                *enough,
            ).fill_null(False)
        )
    )


def _shuffled_columns(
    state: Halves[State],
    labels: Halves[Labels],
    probe: Probe,
    probe_seed: int,
    shuffles: int,
    groups: Halves[Groups] | None,
    resources: Resources,
    heard: Sequence[_Hear] = (),
) -> Iterator[list[_Columns]]:
    """The measured columns of every draw and size, whose rankings are ``heard``, each size by one.

    Draws are fitted side by side, as further columns of one solve, unless the probe's attributes shape each other.
    """
    truth = Halves(labels.fit.values, labels.test.values)
    attributes = len(labels.test)
    # The labels of a draw, those of *fit* twice, and a handful of numbers for each of its weights.
    of_draw = max(1, 2 * truth.fit.size + truth.test.size + BYTES_PER_WEIGHT * state.fit.shape[1] * attributes)
    together = 1 if probe.joint else int(max(1, min(CHUNK // max(1, truth.fit.size), resources.memory / 4 // of_draw)))
    resources = replace(resources, memory=resources.memory - min(together, shuffles) * of_draw)
    for start in range(0, shuffles, together):
        draws = [shuffled(truth, probe_seed, d, groups) for d in range(start, min(start + together, shuffles))]
        side_by_side = np.concatenate([draw.fit for draw in draws], axis=1)
        observers = fit_sizes(probe, state.fit, side_by_side, probe_seed, resources, _of_fit(groups))
        for number, draw in enumerate(draws):
            own = [observer.at(slice(number * attributes, (number + 1) * attributes)) for observer in observers]
            curve = _measured_sizes(own, state, draw, groups, probe_seed, labels.test, resources, heard)
            for columns in curve:
                columns["note"] = [note(reason, "a control has no controls of its own") for reason in columns["note"]]
            yield curve


def _add_controls(
    columns: _Columns,
    size: int | None,
    shuffled_aurocs: Sequence[PerAttribute],
    twins: Sequence[BySize],
    raw_input: BySize | None,
    reasons: Mapping[str, str],
) -> None:
    """Fill the control columns of one size, and note why one is not there."""
    absent = np.full(len(columns["attribute"]), np.nan)
    there = [twin[size] for twin in twins if size in twin]
    columns["control_auroc"] = _mean(shuffled_aurocs, absent)
    columns["selectivity"] = columns["auroc"] - columns["control_auroc"]
    columns["untrained_auroc"] = _mean(there, absent)
    columns["input_auroc"] = absent if raw_input is None else raw_input.get(size, absent)
    left_out = [
        None if shuffled_aurocs else reasons["shuffled"],
        None if twins else reasons["untrained"],
        f"untrained_auroc: no untrained twin has more than {size} live neurons" if twins and not there else None,
        reasons["raw_input"] if raw_input is None else None,
        None if raw_input is None or size in raw_input
        else f"input_auroc: the raw input has no more than {size} live values",
    ]  # fmt: skip
    columns["note"] = [note(reason, *left_out) for reason in columns["note"]]


def _measured_sizes(
    observers: Sequence[Observer],
    state: Halves[State],
    truth: Halves[Values],
    groups: Halves[Groups] | None,
    probe_seed: int,
    names: Labels,
    resources: Resources,
    heard: Sequence[_Hear] = (),
    draws: Sequence[AurocBootstrap] = (),
) -> list[_Columns]:
    """The columns of every size that need no control, with what the curve over sizes says as a whole.

    Rankings are ``heard``, each size by one; then ``draws`` of groups, where there are any, give the AUROC's interval.
    """
    curve = [
        _measured(observer, state, truth, groups, probe_seed, names, resources, hear)
        for observer, hear in zip_longest(observers, heard)
    ]
    if groups is not None:
        _add_group_intervals(curve, draws)
    sizes = [observer.k for observer in observers if observer.k is not None]
    if sizes:
        aurocs = np.stack([columns["auroc"] for columns in curve])
        found, unanswered = sufficient_sizes(sizes, aurocs, curve[-1]["auroc_low"])
        for columns in curve:
            columns["sufficient_k"] = found
            columns["note"] = [note(*both) for both in zip(columns["note"], unanswered, strict=True)]
    return curve


def _bootstraps(
    observers: Sequence[Observer], groups: Halves[Groups] | None, n_rows: int, probe_seed: int, draws: int
) -> list[AurocBootstrap]:
    """One per size, all with the same draws; none where there are to be no draws."""
    if not draws:
        return []
    resampling = Resampling.of(n_rows, None if groups is None else groups.test, probe_seed, draws)
    return [AurocBootstrap(resampling, len(observer.bias)) for observer in observers]


def _add_group_intervals(curve: Sequence[_Columns], draws: Sequence[AurocBootstrap]) -> None:
    """Where rows come in groups, the AUROC has the interval of groups that are drawn again, or none."""
    for columns, bootstrap in zip_longest(curve, draws):
        reasons: Reasons = ("auroc_low, auroc_high: these groups are not drawn again",) * len(columns["auroc"])
        if bootstrap is not None:
            found, reasons = bootstrap.interval(columns["auroc"])
            columns |= found.columns("auroc")
        columns["note"] = [note(*both) for both in zip(columns["note"], reasons, strict=True)]


def _add_selectivity_interval(columns: _Columns, bootstrap: AurocBootstrap | None, shuffled_aurocs: np.ndarray) -> None:
    reasons: Reasons = ("selectivity_low, selectivity_high: no bootstrap was asked for",) * len(columns["auroc"])
    if bootstrap is not None:
        auroc = Estimate(*(columns[name] for name in ("auroc", "auroc_low", "auroc_high")))
        found, reasons = bootstrap.selectivity(auroc, shuffled_aurocs)
        columns |= found.columns("selectivity")
    columns["note"] = [note(*both) for both in zip(columns["note"], reasons, strict=True)]


def _measured(
    observer: Observer,
    state: Halves[State],
    truth: Halves[Values],
    groups: Halves[Groups] | None,
    probe_seed: int,
    names: Labels,
    resources: Resources,
    hear: _Hear | None = None,
) -> _Columns:
    """All columns of one size that need no control."""
    positive_fit, negative_fit = class_counts(truth.fit)
    positive_test, negative_test = class_counts(truth.test)
    return {
        "n_neurons": state.fit.shape[1],
        "probe": observer.probe,
        "k": observer.k,
        "probe_seed": probe_seed,
        "attribute": names.names,
        "family": names.families,
        "label_proportion": _share(positive_test, positive_test + negative_test),
        "n_fit": positive_fit + negative_fit,
        "n_test": positive_test + negative_test,
        "n_positive_fit": positive_fit,
        "n_positive_test": positive_test,
        "majority_accuracy": _share(
            np.where(positive_fit > negative_fit, positive_test, negative_test), positive_test + negative_test
        ),
        "converged": observer.converged,
        "gradient_norm": observer.gradient_norm,
        "l2": observer.l2,
        **dict.fromkeys(_LATER),
        **_scored_by_parts(observer, state.test, truth.test, None if groups is None else groups.test, resources, hear),
    }


def _scored_by_parts(
    observer: Observer,
    state: State,
    labels: Values,
    groups: Groups | None,
    resources: Resources,
    hear: _Hear | None,
) -> dict[str, Any]:
    """What the scores of all attributes say, as many attributes at a time as fit into memory."""
    parts = []
    for part in _scored_together(labels, resources):
        own = observer.at(part)
        reasons = tuple(map(_with_convergence, own.notes, own.fitted, own.converged))
        scores = own.scores(state)
        ranking = Ranking(scores, labels[:, part])
        parts.append(_scored(scores, ranking, groups, reasons))
        if hear is not None:
            hear(part, ranking)
    notes = [reason for part in parts for reason in part.pop("note")]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} | {"note": notes}


def _with_convergence(reason: str | None, fitted: bool, converged: bool) -> str | None:
    return note(reason, "the fit has not converged" if fitted and not converged else None)


def _scored(scores: Scores, ranking: Ranking, groups: Groups | None, fit_notes: Reasons) -> dict[str, Any]:
    """What the scores of the test rows say."""
    labels = ranking.labels
    decided = scores > 0
    counts = confusion(decided, labels)
    auroc = ranking.auroc
    unknown = np.full(len(auroc), np.nan)
    # Of groups the interval needs draws, which are not made here.
    interval = auroc_interval(auroc if groups is None else unknown, counts.n_positive, counts.n_negative)
    least, between = _balanced_accuracy_bounds(counts, decided, labels, groups)
    p_value, p_notes = mann_whitney_greater(scores, labels, groups)
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
    unfit = np.isnan(scores).any(0)
    for column in columns.values():
        column[unfit] = np.nan
    notes = [
        note(
            fit_note,
            None if fit_note and missing else p_note,
            "mcc: decisions or labels are constant" if not missing and np.isnan(mcc) else None,
        )
        for fit_note, missing, p_note, mcc in zip(fit_notes, unfit, p_notes, columns["mcc"], strict=True)
    ]
    return {**columns, "note": notes}


def _balanced_accuracy_bounds(
    counts: Confusion, decided: np.ndarray, labels: Values, groups: Groups | None
) -> tuple[Estimate[PerAttribute], Estimate[PerAttribute]]:
    """95 %, one-sided and two-sided; with groups the rates count their effective numbers of rows (METHOD section 3)."""
    effect = {1: np.ones(len(counts.tp)), 0: np.ones(len(counts.tp))}
    if groups is not None:
        for label, effects in effect.items():
            for a in range(labels.shape[1]):
                rows = labels[:, a] == label
                effects[a] = design_effect((decided[rows, a] == bool(label)).astype(np.int64), groups[rows])
    effective = (
        counts.tp / effect[1], counts.n_positive / effect[1], counts.tn / effect[0], counts.n_negative / effect[0]
    )  # fmt: skip
    return newcombe_balanced_accuracy(*effective, one_sided=True), newcombe_balanced_accuracy(*effective)


def _mean(values: Sequence[PerAttribute], absent: PerAttribute) -> PerAttribute:
    """Mean of the values that are defined, NaN where none is."""
    if not values:
        return absent
    stacked = np.stack(values)
    there = ~np.isnan(stacked)
    return _share(np.where(there, stacked, 0).sum(0), there.sum(0))


def _share(part: np.ndarray, whole: np.ndarray) -> PerAttribute:
    share: PerAttribute = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return share


def _frame(curve: Sequence[_Columns]) -> pl.DataFrame:
    """Columns of a cell, one size below the other, in the order of the schema; NaN becomes null."""
    return pl.concat(_frame_of_size(columns) for columns in curve)


def _frame_of_size(columns: _Columns) -> pl.DataFrame:
    height = len(columns["attribute"])
    schema = {name: kind for name, kind in CELLS.items() if name in columns}
    series = [
        pl.Series(name, [columns[name]] * height if np.isscalar(columns[name]) or columns[name] is None
                  else columns[name], dtype=kind)
        for name, kind in schema.items()
    ]  # fmt: skip
    return pl.DataFrame(series).with_columns(pl.col(pl.Float64).fill_nan(None))
