"""Cells: one layer, one probe, every attribute, with the controls that make a score mean something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeAlias

import numpy as np
import polars as pl

from denote.attributes.labels import Labels
from denote.comparison import reaches
from denote.data.parts import Halves
from denote.estimate import Estimate, mean_of_defined
from denote.evidence.bootstrap import AurocBootstrap
from denote.evidence.corrections import benjamini_hochberg
from denote.evidence.label_controls import LabelControl, Shuffled
from denote.evidence.measuring import Columns, frame, measured_sizes, scored_together
from denote.evidence.permutations import DRAWS, Groups
from denote.evidence.raw_input import RawInput
from denote.evidence.relevance_band import largest_relevance, relevance_band, weighs_neurons
from denote.evidence.remarks import ROTATED_ALIKE
from denote.evidence.replicates import Replicate, refits, replicates
from denote.evidence.resampling import DRAWS as BOOTSTRAPS
from denote.evidence.resampling import Resampling
from denote.evidence.rule import Rule
from denote.evidence.scores import PerAttribute, Ranking, Reasons, Values
from denote.observers.observer import Observer, Probe, fit_sizes
from denote.observers.reading import UNBOUNDED, Resources, State, moments
from denote.tables import note

_OTHER_LABELS = ("shuffled", "random_subset", "control_task")

_OTHER_STATES = {
    "untrained": ("untrained_auroc", "no untrained twin has more than {} live neurons"),
    "rotated": ("rotated_auroc", "no rotation has more than {} live neurons"),
    "raw_input": ("input_auroc", "the raw input has no more than {} live values"),
}
"""Controls that are other states: their column, and why the sizes of a probe may not go so far there."""

BySize: TypeAlias = Mapping[int | None, PerAttribute]
"""Scores by `Observer.size`: None for observers that read all neurons, which most probes have alone."""


@dataclass(frozen=True)
class CellEvidence:
    """What one probe finds in one layer.

    Attributes:
        cells: One row per attribute (and size), with the columns of ``tables.CELLS`` that do not say which network was
            observed. ``q_value``, ``n_tests`` and ``decisive`` are provisional: over these cells alone.
        replicates: The same columns plus ``control`` and ``draw`` for every refit with other labels, each draw a
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
    label_controls: Sequence[LabelControl] = (),
    untrained: Sequence[Halves[State]] = (),
    rotated: Sequence[Halves[State]] = (),
    raw_input: RawInput | None = None,
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
        label_controls: Further controls that are other labels, made for the same ``labels``.
        untrained: States of the same layer in twins that were never trained, for the same rows.
        rotated: The state in other bases; only a probe that picks single neurons is fitted there.
        raw_input: The same probe on the input; the dense size goes with the dense size.
        missing: Per control (by its name in ``control=``) the reason why it is not there, other than that it is off.
        groups: Group of every row, where rows of a group are not independent.
        resources: What fits and scores may use.

    Raises:
        ConfigError: if ``memory_limit`` is too small for a fit.
        StateError: if a state is not finite or does not fit the labels.
    """
    observers = fit_sizes(probe, state.fit, labels.fit.values, probe_seed, resources, _of_fit(groups))
    redrawn = _bootstraps(observers, groups, len(labels.test.values), probe_seed, bootstraps)
    # What these hold comes out of the memory of what follows, as long as that keeps half of it.
    taken = min(sum(each.nbytes for each in redrawn), resources.memory / 2)
    resources = replace(resources, memory=resources.memory - taken)
    heard = [each.hear for each in redrawn]
    curve = measured_sizes(observers, state, labels, groups, probe_seed, resources, heard, redrawn)
    spread = moments(state.fit).variance.sqrt().numpy() if weighs_neurons(probe, observers[0]) else None
    controls = [*([Shuffled(labels, shuffles, probe_seed, groups)] if shuffles else []), *label_controls]
    draws = chain.from_iterable(control.draws() for control in controls)
    hear = {Shuffled.name: [each.hear_shuffled for each in redrawn]}
    drawn = list(replicates(draws, state, probe, spread, groups, probe_seed, resources, hear))

    def elsewhere(others: Sequence[Halves[State]]) -> list[BySize]:
        return [held_out_auroc(probe, other, labels, probe_seed, resources, groups) for other in others]

    other_states = {
        "untrained": elsewhere(untrained),
        "rotated": elsewhere(rotated) if probe.reads_neurons else [],
        "raw_input": [] if raw_input is None else [raw_input.auroc],
    }
    reasons = _reasons(probe, missing or {})
    for place, (observer, columns) in enumerate(zip(observers, curve, strict=True)):
        _fill(columns, _of_other_labels(columns, place, controls, drawn, reasons))
        _fill(columns, _selectivity_interval(columns, redrawn[place] if redrawn else None, _shuffled(drawn, place)))
        _fill(columns, _of_other_states(observer.size, other_states, reasons))
        if raw_input is not None:
            _fill(columns, raw_input.beside(observer.size, _auroc(columns), redrawn[place] if redrawn else None))
        _fill(columns, _band(replace(observer, spread=spread), place, drawn))
    cells = frame(curve)
    empty = cells.clear().with_columns(control=pl.lit("", pl.String), draw=pl.lit(0, pl.Int64))
    found = [decide_cells(replicate.cells, rule) for replicate in drawn]
    kept = tuple(replace(each, band=columns["relevance_band"]) for each, columns in zip(observers, curve, strict=True))
    return CellEvidence(decide_cells(cells, rule), pl.concat(found) if found else empty, kept)


def with_band(
    probe: Probe,
    observer: Observer,
    state: Halves[State],
    labels: Halves[Labels],
    shuffles: int,
    probe_seed: int = 0,
    groups: Halves[Groups] | None = None,
    resources: Resources = UNBOUNDED,
) -> Observer:
    """An observer with the band of shuffled labels, for a heat map of a state that has no cells, such as the input.

    Args:
        probe: What it was fitted with.
        observer: With ``spread``.
        state: What it reads.
        labels: What it was fitted to.
        shuffles: Number of refits; 0 leaves it without a band.
        probe_seed: Names the draws.
        groups: Group of every row, where rows of a group are not independent.
        resources: What fits may use.
    """
    if not shuffles or not weighs_neurons(probe, observer):
        return observer
    draws = Shuffled(labels, shuffles, probe_seed, groups).draws()
    drawn = [
        largest_relevance(replace(refit, spread=observer.spread))
        for _, (refit,), _ in refits(draws, state, probe, _of_fit(groups), probe_seed, resources)
    ]
    return replace(observer, band=relevance_band(observer, drawn)["relevance_band"])


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
                for part in scored_together(labels, resources)
            ]
        )
        for observer in observers
    }


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
                reaches(pl.col("balanced_accuracy"), rule.decisive),
                reaches(pl.col("balanced_accuracy_low"), rule.null),
                pl.col("q_value") <= rule.q,
                *enough,
            ).fill_null(False)
        )
    )


def _reasons(probe: Probe, missing: Mapping[str, str]) -> dict[str, str]:
    """Per control why its columns are null where it is not there."""
    off = {name: f"control={name} is off" for name in (*_OTHER_LABELS, *_OTHER_STATES)}
    if not probe.reads_neurons:
        off["rotated"] = ROTATED_ALIKE
        missing = {name: reason for name, reason in missing.items() if name != "rotated"}
    return off | dict(missing)


def _of_other_labels(
    columns: Columns,
    place: int,
    controls: Sequence[LabelControl],
    drawn: Sequence[Replicate],
    reasons: Mapping[str, str],
) -> Iterator[Columns]:
    """What the label controls say of one size."""
    for control in controls:
        yield control.answer(columns, [each.curve[place] for each in drawn if each.control == control.name])
    for name in _OTHER_LABELS:
        if name not in {control.name for control in controls}:
            yield {"note": reasons[name]}


def _bootstraps(
    observers: Sequence[Observer], groups: Halves[Groups] | None, n_rows: int, probe_seed: int, draws: int
) -> list[AurocBootstrap]:
    """One per size, all with the same draws; none where there are to be no draws."""
    if not draws:
        return []
    resampling = Resampling.of(n_rows, None if groups is None else groups.test, probe_seed, draws)
    return [AurocBootstrap(resampling, len(observer.bias)) for observer in observers]


def _shuffled(drawn: Sequence[Replicate], place: int) -> list[PerAttribute]:
    """AUROC of one size in every shuffled refit."""
    return [each.curve[place]["auroc"] for each in drawn if each.control == Shuffled.name]


def _selectivity_interval(
    columns: Columns, bootstrap: AurocBootstrap | None, shuffled: Sequence[PerAttribute]
) -> Iterator[Columns]:
    """How far the selectivity of one size could be off."""
    if not shuffled:
        return
    reasons: Reasons = ("selectivity_low, selectivity_high: no bootstrap was asked for",) * len(columns["auroc"])
    if bootstrap is None:
        yield {"note": list(reasons)}
        return
    found, reasons = bootstrap.selectivity(_auroc(columns), np.stack(shuffled))
    yield {**found.columns("selectivity"), "note": list(reasons)}


def _auroc(columns: Columns) -> Estimate[PerAttribute]:
    return Estimate(columns["auroc"], columns["auroc_low"], columns["auroc_high"])


def _of_other_states(
    size: int | None, found: Mapping[str, Sequence[BySize]], reasons: Mapping[str, str]
) -> Iterator[Columns]:
    """Mean AUROC of one size in the states that others gave, or why there is none."""
    for name, (column, too_few) in _OTHER_STATES.items():
        aurocs = [by_size[size] for by_size in found[name] if size in by_size]
        if aurocs:
            yield {column: mean_of_defined(aurocs), "note": None}
        else:
            yield {"note": f"{column}: {too_few.format(size)}" if found[name] else reasons[name]}


def _band(observer: Observer, place: int, drawn: Sequence[Replicate]) -> Iterator[Columns]:
    """The heat map's band of one size, which is that of the shuffled control."""
    largest = [each.largest[place] for each in drawn if each.control == Shuffled.name and each.largest]
    if observer.spread is None:
        yield {"note": "relevance_band: this probe does not weigh every neuron"}
    elif largest:
        yield relevance_band(observer, largest)


def _fill(columns: Columns, answers: Iterable[Columns]) -> None:
    """Add what controls say; a note is one for all attributes or one for each."""
    for answer in answers:
        reasons = answer.pop("note")
        each = reasons if isinstance(reasons, list) else [reasons] * len(columns["note"])
        columns["note"] = [note(*both) for both in zip(columns["note"], each, strict=True)]
        columns.update(answer)
