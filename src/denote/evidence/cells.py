"""Cells: one layer, one probe, every attribute, with the controls that make a score mean something."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TypeAlias

import numpy as np
import polars as pl

from denote.data.parts import Halves
from denote.evidence.bootstrap import DRAWS, AurocBootstrap, Resampling
from denote.evidence.control import LabelControl, NegativeControl, StateControl
from denote.evidence.controls import built_in_controls
from denote.evidence.corrections import benjamini_hochberg
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.label_controls import LabelDraws, Refits
from denote.evidence.measuring import Columns, frame, measured_sizes, scored_together
from denote.evidence.relevance_band import largest_relevance, weighs_neurons
from denote.evidence.replicates import Replicate, refits, replicate_cells, replicates
from denote.evidence.rule import Rule
from denote.evidence.scores import PerAttribute, Ranking
from denote.notes import Note, note
from denote.numbers import mean_of_defined, reaches
from denote.observers.observer import Observer, Probe
from denote.observers.reading import State, moments
from denote.observers.rough import Rough

BySize: TypeAlias = Mapping[int | None, PerAttribute]
"""Scores by `Observer.size`: None for observers that read all neurons, which most probes have alone."""


class StatesElsewhere(ABC):
    """What a state control gives the cells of a layer.

    Attributes:
        kind: The control.
    """

    kind: type[StateControl]

    @abstractmethod
    def aurocs(self, probe: Probe, data: FitTestData) -> list[BySize]:
        """Return the AUROC of the same probe in every other state."""

    def further(self, size: int | None, real: Columns, bootstrap: AurocBootstrap | None) -> Columns:
        """Return more columns of one size, with a ``note``.

        Args:
            size: Of the observers.
            real: Their measured columns.
            bootstrap: What heard them.
        """
        return {"note": None}


@dataclass(frozen=True)
class OtherStates(StatesElsewhere):
    """The same layer of other networks, or in other bases.

    Attributes:
        kind: The control.
        states: One or more, for the same rows.
    """

    kind: type[StateControl]
    states: Sequence[Halves[State]]

    def aurocs(self, probe: Probe, data: FitTestData) -> list[BySize]:
        """See `StatesElsewhere`; only a score is asked for, which needs no weights to the last digit."""
        return [held_out_auroc(probe.rough(Rough.SCORES), replace(data, state=state)) for state in self.states]


@dataclass(frozen=True)
class CellControls:
    """What the cells of a layer are held against.

    Attributes:
        labels: Controls that are other labels.
        states: Controls that are other states.
        missing: Per control (by its name in ``control=``) why it is not there, other than that it is off.
    """

    labels: Sequence[LabelDraws] = ()
    states: Sequence[StatesElsewhere] = ()
    missing: Mapping[str, str] = field(default_factory=dict)

    def why_not(self, kind: type[NegativeControl]) -> str:
        """Say why a control is not there."""
        return self.missing.get(kind.name, kind.off())


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
    data: FitTestData, probe: Probe, rule: Rule, controls: CellControls | None = None, bootstraps: int = DRAWS
) -> CellEvidence:
    """Fit on *fit*, score on *test*, and do the same where the answer is known or is the rival's.

    Args:
        data: The layer; its seed names the draws.
        probe: What is fitted.
        rule: When a cell is decisive.
        controls: What cells are held against; None for nothing.
        bootstraps: Draws of test rows (or groups) for the interval of the selectivity and, with groups, of the AUROC;
            0 leaves these intervals out.

    Raises:
        ConfigError: if ``memory_limit`` is too small for a fit.
        StateError: if a state is not finite or does not fit the labels.
    """
    controls = controls or CellControls()
    observers = probe.fit_sizes(data.fit)
    redrawn = _bootstraps(observers, data, bootstraps)
    # What these hold comes out of the memory of what follows, as long as that keeps half of it.
    data = data.with_less_memory(min(sum(bootstrap.nbytes for bootstrap in redrawn), data.resources.memory / 2))
    curve = measured_sizes(observers, data, [bootstrap.hear for bootstrap in redrawn], redrawn)
    spread = moments(data.state.fit).variance.sqrt().numpy() if weighs_neurons(probe, observers[0]) else None
    draws = chain.from_iterable(control.draws() for control in controls.labels)
    heard = {control.name: [control.hears(bootstrap) for bootstrap in redrawn] for control in controls.labels}
    drawn = list(replicates(draws, data, probe, spread, heard))
    elsewhere = {
        control.kind: (control, [] if control.kind.inapplicable(probe) else control.aurocs(probe, data))
        for control in controls.states
    }
    for place, (observer, columns) in enumerate(zip(observers, curve, strict=True)):
        bootstrap = redrawn[place] if redrawn else None
        of_draws = [(control, _refits(control, drawn, place)) for control in controls.labels]
        _fill(columns, (control.answer(columns, refitted.columns) for control, refitted in of_draws))
        _fill(columns, _absent_labels(controls))
        _fill(columns, (control.intervals(columns, refitted, bootstrap) for control, refitted in of_draws))
        _fill(columns, _of_other_states(probe, observer.size, elsewhere, controls))
        _fill(columns, (control.further(observer.size, columns, bootstrap) for control in controls.states))
        if spread is None:
            _fill(columns, [{"note": Note.of("no_map")}])
        else:
            mapped = replace(observer, spread=spread)
            _fill(columns, (control.band(mapped, refitted) for control, refitted in of_draws))
    cells = frame(curve)
    empty = cells.clear().with_columns(control=pl.lit("", pl.String), draw=pl.lit(0, pl.Int64))
    of_draws_alone = decide_cells(replicate_cells(drawn), rule, ("control", "draw")) if drawn else empty
    kept = tuple(
        replace(observer, band=columns["relevance_band"]) for observer, columns in zip(observers, curve, strict=True)
    )
    return CellEvidence(decide_cells(cells, rule), of_draws_alone, kept)


def with_band(probe: Probe, observer: Observer, data: FitTestData, controls: CellControls) -> Observer:
    """Return an observer with its band, for a heat map of a state that has no cells, such as the input.

    Args:
        probe: What it was fitted with.
        observer: With ``spread``.
        data: What it reads and was fitted to.
        controls: Those whose band it is; the observer is left as it is where none has one.
    """
    if not weighs_neurons(probe, observer):
        return observer
    for control in controls.labels:
        if control.has_band:
            largest = [
                largest_relevance(replace(refitted.observers[0], spread=observer.spread))[place]
                for refitted in refits(control.draws(), data, probe)
                for place in refitted.places
            ]
            band = control.band(observer, Refits((), largest))
            return replace(observer, band=band["relevance_band"])
    return observer


def held_out_auroc(probe: Probe, data: FitTestData) -> BySize:
    """AUROC on *test* of a probe fitted on *fit*, per size and attribute; NaN where it is undefined."""
    return auroc_by_size(probe.fit_sizes(data.fit), data)


def auroc_by_size(observers: Sequence[Observer], data: FitTestData) -> BySize:
    """AUROC of every size of a probe on *test*."""
    state, labels = data.state.test, data.test_labels
    return {
        observer.size: np.concatenate(
            [
                Ranking(observer.at(part).scores(state), labels[:, part]).auroc
                for part in scored_together(labels, data.resources)
            ]
        )
        for observer in observers
    }


def decide_cells(frame: pl.DataFrame, rule: Rule, families: Sequence[str] = ()) -> pl.DataFrame:
    """Correct the p-values of all rows as one family and apply the rule (METHOD section 3).

    Args:
        frame: Cells with their p-values and scores; a null ``p_value`` is no test.
        rule: Its thresholds.
        families: Columns by which rows are families of their own.

    Returns:
        The frame with ``q_value``, ``n_tests`` and ``decisive`` written anew; ``decisive`` is null where the balanced
        accuracy is, and false where all but the p-value is defined.
    """
    p = frame["p_value"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    q, n_tests = np.full(len(p), np.nan), np.zeros(len(p), dtype=np.int64)
    family = frame.select(pl.struct(families).rank("dense")).to_series().to_numpy() if families else np.zeros(len(p))
    for rows in (family == each for each in np.unique(family)):
        q[rows], n_tests[rows] = benjamini_hochberg(p[rows]), np.count_nonzero(~np.isnan(p[rows]))
    enough = [pl.col(count) >= rule.min_rows for count in ("n_positive_fit", "n_positive_test")] + [
        pl.col(total) - pl.col(count) >= rule.min_rows
        for total, count in (("n_fit", "n_positive_fit"), ("n_test", "n_positive_test"))
    ]
    return frame.with_columns(
        q_value=pl.Series(q, dtype=pl.Float64).fill_nan(None), n_tests=pl.Series(n_tests, dtype=pl.Int64)
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


def _absent_labels(controls: CellControls) -> Iterator[Columns]:
    """Say why label controls are not there."""
    there = {control.name for control in controls.labels}
    for kind in built_in_controls().values():
        if issubclass(kind, LabelControl) and kind.name not in there:
            yield {"note": controls.why_not(kind)}


def _bootstraps(observers: Sequence[Observer], data: FitTestData, draws: int) -> list[AurocBootstrap]:
    """Make one per size, all with the same draws; none where there are to be no draws."""
    if not draws:
        return []
    resampling = Resampling.of(len(data.test_labels), data.test_groups, data.probe_seed, draws)
    return [AurocBootstrap(resampling, len(observer.bias)) for observer in observers]


def _refits(control: LabelDraws, drawn: Sequence[Replicate], place: int) -> Refits:
    """Pick the refits of one control and size."""
    replicates_of_it = [replicate for replicate in drawn if replicate.control == control.name]
    largest = [replicate.largest[place] for replicate in replicates_of_it if replicate.largest]
    return Refits([replicate.curve[place] for replicate in replicates_of_it], largest)


def _of_other_states(
    probe: Probe,
    size: int | None,
    elsewhere: Mapping[type[StateControl], tuple[StatesElsewhere, Sequence[BySize]]],
    controls: CellControls,
) -> Iterator[Columns]:
    """Give the mean AUROC of one size in the states of every state control, or why there is none."""
    for kind in built_in_controls().values():
        if not issubclass(kind, StateControl):
            continue
        by_sizes = elsewhere[kind][1] if kind in elsewhere else []
        aurocs = [by_size[size] for by_size in by_sizes if size in by_size]
        if aurocs:
            yield {kind.column: mean_of_defined(aurocs), "note": None}
        elif by_sizes:
            yield {"note": Note.of(kind.too_few, size=size)}
        else:
            yield {"note": kind.inapplicable(probe) or controls.why_not(kind)}


def _fill(columns: Columns, answers: Iterable[Columns]) -> None:
    """Add what controls say; a note is one for all attributes or one for each."""
    for answer in answers:
        reasons = answer.pop("note")
        each = reasons if isinstance(reasons, list) else [reasons] * len(columns["note"])
        columns["note"] = [note(*both) for both in zip(columns["note"], each, strict=True)]
        columns.update(answer)
