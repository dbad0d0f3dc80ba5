"""An observation while it is made: what was asked for, what a layer is held against, and the rows found so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from denote.attributes.labels import Family, Labels
from denote.data.parts import Halves, Parts
from denote.denotation import neurons as denotation
from denote.denotation.atlas import on_rates
from denote.denotation.judging.attributes_passed import Mixing, attributes_passed
from denote.denotation.judging.rivals import SimpleColumns
from denote.denotation.judging.search_stability import searched_again, with_agreements
from denote.denotation.neurons import Neurons
from denote.denotation.rotation import nbytes, rotated
from denote.denotation.search.properties import family_halves
from denote.denotation.search.thresholds import MEMORY
from denote.errors import StateError
from denote.evidence.attribute_correlation import attribute_correlation
from denote.evidence.audit import InputReading
from denote.evidence.bootstrap import Resampling
from denote.evidence.cells import CellControls, CellEvidence, OtherStates, observe_cells, with_band
from denote.evidence.control import LabelControl, StateControl
from denote.evidence.controls.rotated import Rotated
from denote.evidence.controls.shuffled import Shuffled
from denote.evidence.controls.untrained import Untrained
from denote.evidence.corrections import ScanSettings
from denote.evidence.description import description_length
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.label_controls import LabelDraws, OnEqualRows
from denote.evidence.own import OwnControl
from denote.evidence.pair_scan import LayerScan, join_layers, scan_layer
from denote.evidence.participation import active_share, participation_ratio
from denote.evidence.reading_curves import reading_curves
from denote.evidence.relevance_band import randomised_similarity, weighs_neurons
from denote.notes import Note, note
from denote.observation.asked import Asked, Beside, Facts, Subject
from denote.observation.found import INPUT
from denote.observers.neuron import live_neurons
from denote.observers.observer import Observer, Probe
from denote.observers.reading import Resources, State, check_state, moments
from denote.states.layers import Layer
from denote.states.state import LayerState, StoredState
from denote.tables import JOB_TABLES, LAYERS, NEURONS, OF_ROW, empty, joined_notes, remarks, table

HELD = 0.25
"""Share of the memory limit that the states of a layer may take; what is larger stays on disk."""


@dataclass
class Work:
    """An observation while it is made: what was asked for, and the rows found so far."""

    subject: Subject
    facts: Facts
    asked: Asked
    beside: Beside
    labels: Halves[Labels]
    whole: Resources
    scan_key: str
    equal_rows: int | None = None
    observers: dict[str, Observer] = field(default_factory=dict)
    on_input: dict[str, InputReading] = field(default_factory=dict)
    scans: list[LayerScan] = field(default_factory=list)
    frames: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: {name: [] for name in JOB_TABLES})

    def __post_init__(self) -> None:
        parts, columns = self.facts.parts, self.facts.columns
        self.searched: list[Halves[Family]] = [
            family_halves(family, parts.fit, parts.test) for family in self.facts.families
        ]
        self.controls = tuple(self.asked.controls)
        self.held_against = self._cell_controls()
        self.rivals = SimpleColumns(columns, Halves(parts.fit, parts.test)) if columns else None

    def tables(self) -> dict[str, pl.DataFrame]:
        """All rows, with the columns of every table."""
        return {
            name: pl.concat([empty(schema), *self.frames[name]], how="diagonal") for name, schema in JOB_TABLES.items()
        }

    def read_input(self, inputs: Halves[State]) -> None:
        """Fit every probe on the raw input."""
        asked, data = self.asked, self._data(inputs, self.whole)
        names, draws = getattr(self.facts.inputs, "names", None), asked.bootstraps
        resampling = Resampling.of(len(data.test_labels), data.test_groups, asked.probe_seed, draws) if draws else None
        with _naming("raw input"):
            check_state(inputs.test, data.test_labels)
            for name, probe in asked.probes.items():
                fitted = probe.fit_sizes(data.fit)
                self.on_input[name] = InputReading.read(fitted, data, names, resampling)
                self.observers |= {
                    key: with_band(probe, observer, data, self.held_against)
                    for key, observer in _named(f"{INPUT}/{name}", fitted, inputs.fit).items()
                }

    def _data(self, state: Halves[State], resources: Resources) -> FitTestData:
        """A state beside the attributes that are observed."""
        return FitTestData(state, self.labels, self.facts.groups, self.asked.probe_seed, resources)

    def read_layer(self, index: int, layer_state: LayerState) -> None:
        """Observe one layer, beside the same layer of the untrained networks and its own rotations."""
        layer, rotations = layer_state.layer, Rotated.among(self.controls).rotations
        others = [twin[index] for twin in self.beside.untrained]
        (state, *twins), resources = _loaded([layer_state, *others], self.facts.parts, self.whole, rotations)
        names = [f"layer {layer.name}", *(f"layer {layer.name} of untrained network {d}" for d in range(len(others)))]
        for name, each in zip(names, (state, *twins), strict=True):
            with _naming(name):
                check_state(each.fit, self.labels.fit.values)
                check_state(each.test, self.labels.test.values)
        with _naming(f"layer {layer.name}"):
            turned = [rotated(state, layer, draw, self.asked.probe_seed) for draw in range(rotations)]
        if isinstance(state.fit, StoredState):  # then the matrices are what rotations hold
            resources = replace(resources, memory=max(resources.memory / 4, resources.memory - nbytes(turned)))
        others_by_control = {Untrained: twins, Rotated: turned}
        around = Around(layer_state, self._data(state, resources), others_by_control, *self._randomised(index))
        self._add("layers", layer_row(layer, state))
        mixing = None
        if len(self.labels.fit):
            self._cells(around)
            mixing = attributes_passed(state, self.labels, self.asked.rule, resources, self.facts.groups)
            self._pairs(around, mixing)
        self._neurons(around, mixing)

    def _randomised(self, index: int) -> tuple[State | None, str | None]:
        """*fit* of a layer whose network was randomised from the top down to it, and what there is to say of that."""
        if not self.beside.randomised:
            return None, self.beside.missing.get("randomised", Note.of("randomisation_off"))
        other, remark = self.beside.randomised[index]
        return None if other is None else other.stored(self.facts.parts.fit), remark

    def look_over(self) -> None:
        """What only shows once all layers are there."""
        if self.scans:
            found = join_layers(self.scans, self.subject.object_model, self.asked.rule.q, self.scan_key)
            for name in ("scan", "pairs", "null_check"):
                self._add(name, getattr(found, name))
        if len(self.labels.test):
            # Of all rows, also where attributes are observed on equal numbers: those say little of two together.
            test = self.facts.labels.at(self.facts.parts.test)
            self._add("attribute_correlation", attribute_correlation(test, self.subject.dataset))

    def _add(self, name: str, frame: pl.DataFrame) -> None:
        """Rows of a table, with the columns that say who is observed."""
        self.frames[name].append(self.subject.stamp(frame) if _stamped(name) else frame)

    def _cell_controls(self) -> CellControls:
        """Make the controls of cells ready that are the same for all layers."""
        facts, seed, missing = self.facts, self.asked.probe_seed, {}
        min_rows = max(self.asked.rule.min_rows, self.equal_rows or 0)  # of fewer none could be drawn
        samples = facts.drawn_from(self.labels, min_rows, seed)
        draws: list[LabelDraws] = []
        for control in self.controls:
            if isinstance(control, LabelControl):
                prepared = control.prepare(samples)
                if isinstance(prepared, str):
                    missing[control.name] = prepared
                elif control.of_all_rows and self.equal_rows is not None:
                    draws.append(OnEqualRows(prepared, self.equal_rows, seed))
                else:
                    draws.append(prepared)
            elif isinstance(control, StateControl) and control.name in self.beside.missing:
                missing[control.name] = self.beside.missing[control.name]
        return CellControls(draws, missing=missing)

    def _cells(self, around: Around) -> None:
        asked, layer = self.asked, around.layer_state.layer
        others = [OtherStates(kind, states) for kind, states in around.others.items() if states]
        for name, probe in asked.probes.items():
            of_input = [self.on_input[name]] if name in self.on_input else []
            controls = replace(self.held_against, states=[*others, *of_input])
            with _naming(f"layer {layer.name}"):
                found = observe_cells(around.data, probe, asked.rule, controls, asked.bootstraps)
            observers = _named(f"{layer.name}/{name}", found.observers, around.state.fit)
            self.observers |= observers
            cells = self._with_randomised(found, probe, next(iter(observers.values())), around)
            cells = _with_notes(cells, [self._remark] * cells.height)
            self._add("cells", _placed(self._with_curves(cells, probe, found, around), _place(around.layer_state)))
            self._add("controls", _placed(found.replicates, _place(around.layer_state)))
            for control in self.controls:
                if isinstance(control, OwnControl):
                    with _naming(f"layer {layer.name} under control {control.option}"):
                        for rows in control.cells(around.data, probe, asked.rule):
                            self._add("controls", _placed(rows, _place(around.layer_state)))

    @property
    def _remark(self) -> str | None:
        """What holds for all cells and should not be forgotten."""
        groups, number = self.facts.groups, self.equal_rows
        n_groups = 0 if groups is None else len(np.unique(groups.test))
        of_groups = [Note.of("groups", groups=n_groups), Note.of("power_of_groups")]
        of_rows = [Note.of("equal_rows", number=number), Note.of("proportion_of_equal_rows")]
        return note(*(of_groups if groups is not None else ()), *(of_rows if number is not None else ()))

    def _with_randomised(self, found: CellEvidence, probe: Probe, observer: Observer, around: Around) -> pl.DataFrame:
        """The cells with the randomisation check of their map, where they have one."""
        if not weighs_neurons(probe, observer):
            return found.cells
        if around.randomised is None:
            return _with_notes(found.cells, [around.remark] * found.cells.height)
        name = "randomised_similarity"
        columns = randomised_similarity(probe, observer, replace(around.data.fit, state=around.randomised))
        remarks = [note(around.remark, each) for each in columns["note"]]
        return _with_notes(found.cells.with_columns(_number(name, columns[name])), remarks)

    def _with_curves(self, cells: pl.DataFrame, probe: Probe, found: CellEvidence, around: Around) -> pl.DataFrame:
        """The cells with their description length, where it was asked for; curves go into their table."""
        asked, data = self.asked, around.data
        if not asked.curves or probe.is_baseline:
            reason = Note.of("curves_off") if not asked.curves else None
            return _with_notes(cells, [reason] * cells.height)
        code = description_length(data.fit, probe)
        curves = reading_curves(data, probe, found.observers[-1], code)
        self._add("curves", _placed(curves, _place(around.layer_state)))
        if len(found.observers) > 1:
            return cells
        numbers = {name: getattr(code, name) for name in ("description_bits", "intercept_bits", "compression")}
        return _with_notes(cells.with_columns(_number(*each) for each in numbers.items()), code.notes)

    def _pairs(self, around: Around, mixing: Mixing) -> None:
        place = {**_place(around.layer_state), "object_model": self.subject.object_model}
        settings = ScanSettings(self.scan_key, self.asked.rule.q, self.asked.permutations)
        found = scan_layer(around.data, live_neurons(around.state.fit), place, settings)
        passing = pl.Series("n_passing", mixing.neurons_passing, dtype=pl.Int64)
        self.scans.append(replace(found, scan=found.scan.with_columns(passing)))

    def _neurons(self, around: Around, mixing: Mixing | None) -> None:
        asked, layer = self.asked, around.layer_state.layer
        settings = replace(asked.search, memory=_search_memory(around.state, around.data.resources))
        names = [around.layer_state.neuron_name(neuron) for neuron in range(layer.n_neurons)]
        neurons = Neurons(layer, names, asked.rule, asked.probe_seed, settings, self.facts.groups)
        n_shuffles, twins = Shuffled.among(self.controls).neuron_draws, around.others[Untrained]
        beside = denotation.Controls(n_shuffles, twins, self.beside.raw_input, self.rivals)
        for family in self.searched:
            chosen = neurons.search(around.state.fit, family)
            shuffled = denotation.shuffled_replicates(neurons, around.state, family, beside.shuffles)
            held_against = replace(beside, replicates=shuffled)
            rows = denotation.observe_neurons(neurons, around.state, family, held_against, mixing, chosen)
            again = list(searched_again(neurons, around.state, family, chosen)) if asked.stability else []
            rows = with_agreements(rows, again)
            self._add("neurons", rows)
            self._add("on_rates", self._of_model(on_rates(rows, around.state.test, family.test, settings.memory)))
            for replicate in (*shuffled, *(each.rows for each in again)):
                self._add("controls", replicate)
            for control, states in around.others.items():
                for draw, other in enumerate(states):
                    self._add("controls", denotation.replicate(neurons, other, family, control.name, draw))

    def _of_model(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows of a table that knows of the object model its key alone."""
        return frame.with_columns(object_model=pl.lit(self.subject.object_model))


@dataclass(frozen=True)
class Around:
    """A layer and what it is held against.

    Attributes:
        layer_state: The layer as it was recorded.
        data: Its activations with the attributes, and what is left of the memory.
        others: By control the same layer of other networks, or in other bases.
        randomised: *fit* of the layer in the randomised network, or None.
        remark: What there is to say of that.
    """

    layer_state: LayerState
    data: FitTestData
    others: Mapping[type[StateControl], Sequence[Halves[State]]]
    randomised: State | None
    remark: str | None

    @property
    def state(self) -> Halves[State]:
        """Activations of the layer."""
        return self.data.state


def layer_row(layer: Layer, state: Halves[State]) -> pl.DataFrame:
    """A row of ``tables.LAYERS`` without the columns that tell the object model.

    Args:
        layer: The layer.
        state: Its activations; which neurons are live is said of *fit*, everything else of *test*.
    """
    live = live_neurons(state.fit)
    ratio, remark = participation_ratio(state.test, live, layer.name, layer.pooling)
    no_sign = Note.of("sign_unknown") if layer.sign_identified is None else None
    row = {
        "layer": layer.name,
        "depth": layer.depth,
        "relative_depth": layer.relative_depth,
        "pooling": layer.pooling,
        "n_neurons": layer.n_neurons,
        "n_live": int(live.sum()),
        "participation_ratio": ratio,
        "active_share": active_share(state.test, live),
        "sign_identified": layer.sign_identified,
        "is_head": layer.is_head,
        "module_class": layer.module_class or None,
        "axes": layer.axes_text,
        "note": note(remark, None if live.any() else Note.of("none_active"), no_sign),
    }
    return table([row], LAYERS).with_columns(pl.col("participation_ratio", "active_share").fill_nan(None))


def _number(name: str, values: np.ndarray) -> pl.Series:
    return pl.Series(name, values, dtype=pl.Float64).fill_nan(None)


def _with_notes(cells: pl.DataFrame, reasons: Sequence[str | None]) -> pl.DataFrame:
    """Cells with a remark more each, where there is one."""
    return cells.with_columns(**joined_notes(OF_ROW, remarks(reasons)))


def _stamped(name: str) -> bool:
    return "object_accuracy" in JOB_TABLES[name]


def _place(layer_state: LayerState) -> dict[str, Any]:
    layer = layer_state.layer
    return {
        "layer": layer.name, "depth": layer.depth, "relative_depth": layer.relative_depth, "pooling": layer.pooling,
    }  # fmt: skip


def _placed(frame: pl.DataFrame, place: Mapping[str, Any]) -> pl.DataFrame:
    return frame.with_columns(pl.lit(value, dtype=NEURONS[name]).alias(name) for name, value in place.items())


def _named(name: str, observers: Sequence[Observer], fit: State) -> dict[str, Observer]:
    """Observers under the names by which they are kept, with how their neurons vary on *fit*."""
    spread = moments(fit).variance.sqrt().numpy()
    return {
        name if observer.k is None else f"{name}-{observer.k}": replace(observer, spread=spread)
        for observer in observers
    }


def _loaded(
    layers: Sequence[LayerState], parts: Parts, whole: Resources, rotations: int
) -> tuple[list[Halves[State]], Resources]:
    """*fit* and *test* of the same layer in several networks, in memory if they are small, and what that leaves.

    The first is the one that will be turned, so that it counts as often again.
    """
    stored = [Halves(each.stored(parts.fit), each.stored(parts.test)) for each in layers]
    size = sum(half.nbytes for each in [*stored, *stored[:1] * rotations] for half in (each.fit, each.test))
    if size > whole.memory * HELD:
        return [Halves(each.fit, each.test) for each in stored], whole
    return [Halves(each.fit[:], each.test[:]) for each in stored], replace(whole, memory=whole.memory - size)


def _search_memory(state: Halves[State], resources: Resources) -> int:
    """Bytes for a block of neurons in a search; a state on disk is read once per block, so its blocks are large."""
    return int(resources.memory // 2 if isinstance(state.fit, StoredState) else min(MEMORY, resources.memory // 4))


@contextmanager
def _naming(whose: str) -> Iterator[None]:
    """Let a complaint about a state say whose it is."""
    try:
        yield
    except StateError as error:
        raise StateError(whose, error.problem, error.allowed) from error
