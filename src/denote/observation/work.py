"""An observation while it is made: its settings, the states that a layer is held against, and the rows so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from denote import tables
from denote.attributes.labels import Family, Labels
from denote.data.parts import Halves, Parts
from denote.denotation import neurons as denotation
from denote.denotation.atlas import on_rates
from denote.denotation.histograms import histograms
from denote.denotation.judging import attributes_passed, rivals, search_stability
from denote.denotation.search import properties
from denote.denotation.search import properties as thresholds
from denote.errors import StateError
from denote.evidence import cells, description, label_controls, pair_scan, participation, relevance_band, rotation
from denote.evidence.attribute_correlation import attribute_correlation
from denote.evidence.audit import InputReading
from denote.evidence.bootstrap import Resampling
from denote.evidence.control import LabelControl, StateControl
from denote.evidence.controls.shuffled import Shuffled
from denote.evidence.controls.untrained import Untrained
from denote.evidence.corrections import ScanSettings
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.reading_curves import reading_curves
from denote.evidence.user_controls import OwnControl
from denote.notes import Note, note
from denote.observation.arguments import ControlStates, ObservationSettings, SampleInfo, Subject
from denote.observation.result import INPUT
from denote.observers.neuron import live_neurons
from denote.observers.observer import Observer, Probe
from denote.observers.reading import Resources, State, check_state, moments
from denote.progress import counted, step
from denote.states.layers import Layer
from denote.states.state import LayerState, StoredState
from denote.tables import JOB_TABLES, joined_notes

HELD = 0.25
"""Share of the memory limit that the states of a layer may take; what is larger stays on disk."""


@dataclass
class Work:
    """An observation while it is made: its settings and the rows so far."""

    subject: Subject
    info: SampleInfo
    settings: ObservationSettings
    control_states: ControlStates
    labels: Halves[Labels]
    whole: Resources
    scan_key: str
    equal_rows: int | None = None
    observers: dict[str, Observer] = field(default_factory=dict)
    on_input: dict[str, InputReading] = field(default_factory=dict)
    scans: list[pair_scan.LayerScan] = field(default_factory=list)
    frames: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: {name: [] for name in JOB_TABLES})

    def __post_init__(self) -> None:
        parts, columns = self.info.parts, self.info.columns
        self.searched: list[Halves[Family]] = [
            properties.family_halves(family, parts.fit, parts.test) for family in self.info.families
        ]
        self.controls = tuple(self.settings.controls)
        self.cell_controls = self._cell_controls()
        self.classes = self.info.test_classes
        self.rivals = rivals.SimpleColumns(columns, Halves(parts.fit, parts.test)) if columns else None

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return all rows, with the columns of every table."""
        return {
            name: pl.concat([tables.empty(schema), *self.frames[name]], how="diagonal")
            for name, schema in JOB_TABLES.items()
        }

    @step("raw input")
    def read_input(self, inputs: Halves[State]) -> None:
        """Fit every probe on the raw input."""
        settings, data = self.settings, self._data(inputs, self.whole)
        names, draws = getattr(self.info.inputs, "names", None), settings.bootstraps
        resampling = (
            Resampling.of(len(data.test_labels), data.test_groups, settings.probe_seed, draws) if draws else None
        )
        with _naming("raw input"):
            check_state(inputs.test, data.test_labels)
            for name, probe in settings.probes.items():
                fitted = probe.fit_sizes(data.fit)
                self.on_input[name] = InputReading.read(fitted, data, names, resampling)
                self.observers |= {
                    key: cells.with_band(probe, observer, data, self.cell_controls)
                    for key, observer in _named(f"{INPUT}/{name}", fitted, inputs.fit).items()
                }

    def read_layer(self, index: int, layer_state: LayerState) -> None:
        """Observe one layer, and the same layer under every control."""
        layer, settings = layer_state.layer, self.settings
        twins = [twin[index] for twin in self.control_states.untrained]
        kinds = [control for control in self.controls if isinstance(control, StateControl)]
        n_made = sum(control.n_made for control in kinds)
        (state, *recorded), resources = _loaded([layer_state, *twins], self.info.parts, self.whole, n_made)
        names = [f"layer {layer.name}", *(f"layer {layer.name} of untrained network {d}" for d in range(len(twins)))]
        for name, halves in zip(names, (state, *recorded), strict=True):
            with _naming(name):
                check_state(halves.fit, self.labels.fit.values)
                check_state(halves.test, self.labels.test.values)
        of_networks: Mapping[type[StateControl], Sequence[Halves[State]]] = {Untrained: recorded}
        with step("control states"), _naming(f"layer {layer.name}"):
            others = {
                type(control): control.states(layer, state, settings.probe_seed, of_networks.get(type(control), ()))
                for control in kinds
            }
        if isinstance(state.fit, StoredState):  # then the matrices are what rotations hold
            taken = sum(map(rotation.nbytes, others.values()))
            resources = replace(resources, memory=max(resources.memory / 4, resources.memory - taken))
        context = LayerContext(layer_state, self._data(state, resources), others, *self._randomised(index))
        self._add("layers", layer_row(layer, state))
        mixing = None
        if len(self.labels.fit):
            self._cells(context)
            with step("pair scan"):
                mixing = attributes_passed.attributes_passed(
                    state, self.labels, settings.rule, resources, self.info.groups
                )
                self._pairs(context, mixing)
        self._neurons(context, mixing)
        with step("histograms"):
            place = {"object_model": self.subject.object_model, "layer": layer.name, "pooling": layer.pooling}
            self._add("histograms", histograms(state.test).with_columns(**{k: pl.lit(v) for k, v in place.items()}))

    def finish(self) -> None:
        """Add what only shows once all layers are there."""
        if self.scans:
            key, q = self.subject.object_model, self.settings.rule.q
            joined = pair_scan.join_layers(self.scans, key, q, self.scan_key)
            for name in ("scan", "pairs", "null_check"):
                self._add(name, getattr(joined, name))
        if len(self.labels.test):
            # Of all rows, also where attributes are observed on equal numbers: those say little of two together.
            test = self.info.labels.at(self.info.parts.test)
            self._add("attribute_correlation", attribute_correlation(test, self.subject.dataset))

    def _data(self, state: Halves[State], resources: Resources) -> FitTestData:
        """Put a state beside the attributes that are observed."""
        kept = resources.keeping(state.fit)
        return FitTestData(state, self.labels, self.info.groups, self.settings.probe_seed, kept)

    def _randomised(self, index: int) -> tuple[State | None, str | None]:
        """Return *fit* of a layer that was randomised from the top of its network down to it, and a remark."""
        if not self.control_states.randomised:
            return None, self.control_states.missing.get("randomised", Note.of("randomisation_off"))
        other, remark = self.control_states.randomised[index]
        return None if other is None else other.stored(self.info.parts.fit), remark

    def _add(self, name: str, rows: pl.DataFrame, layer_state: LayerState | None = None) -> None:
        """Add rows of a table, with the columns that say where they were observed and who is."""
        where = {} if layer_state is None else _place(layer_state)
        rows = rows.with_columns(pl.lit(value, dtype=tables.NEURONS[key]).alias(key) for key, value in where.items())
        self.frames[name].append(self.subject.stamp(rows) if "object_accuracy" in JOB_TABLES[name] else rows)

    def _cell_controls(self) -> cells.CellControls:
        """Make the controls of cells ready that are the same for all layers."""
        seed, missing = self.settings.probe_seed, self._controls_left_out
        draws: list[label_controls.LabelDraws] = []
        min_rows = max(self.settings.rule.min_rows, self.equal_rows or 0)  # of fewer none could be drawn
        samples = self.info.drawn_from(self.labels, min_rows, seed)
        for control in self.controls:
            if isinstance(control, LabelControl):
                prepared = control.prepare(samples)
                if isinstance(prepared, str):
                    missing[control.name] = prepared
                elif control.of_all_rows and self.equal_rows is not None:
                    draws.append(label_controls.OnEqualRows(prepared, self.equal_rows, seed))
                else:
                    draws.append(prepared)
            elif isinstance(control, StateControl) and control.name in self.control_states.missing:
                missing[control.name] = self.control_states.missing[control.name]
        return cells.CellControls(draws, missing=missing)

    def _cells(self, context: LayerContext) -> None:
        settings, layer_state = self.settings, context.layer_state
        others = [cells.OtherStates(kind, states) for kind, states in context.others.items() if states]
        where = f"layer {layer_state.layer.name}"
        for name, probe in settings.probes.items():
            of_input = [self.on_input[name]] if name in self.on_input else []
            controls = replace(self.cell_controls, states=[*others, *of_input])
            with step(name), _naming(where):
                evidence = cells.observe_cells(context.data, probe, settings.rule, controls, self._bootstraps)
            observers = _named(f"{layer_state.layer.name}/{name}", evidence.observers, context.state.fit)
            self.observers |= observers
            rows = self._with_randomised(evidence.cells, probe, next(iter(observers.values())), context)
            rows = self._with_left_out(rows, "randomisation_off" if settings.randomisation is None else "")
            rows = self._with_curves(_with_notes(rows, [self._remark] * rows.height), probe, evidence, context)
            self._add("cells", rows, layer_state)
            self._add("controls", evidence.replicates, layer_state)
            for control in self.controls:
                if isinstance(control, OwnControl):
                    with _naming(f"{where} under control {control.option}"):
                        for replicate in control.cells(context.data, probe, settings.rule):
                            self._add("controls", replicate, layer_state)

    @property
    def _controls_left_out(self) -> dict[str, str]:
        """Why controls are missing that the level leaves out; of what no level could add, that it cannot be had."""
        never, remark = self.control_states.missing, self.settings.left_out_remark
        return {name: never.get(name, remark) for name in sorted(self.settings.left_out)}

    def _with_left_out(self, rows: pl.DataFrame, off: str) -> pl.DataFrame:
        """Say once of all that the level leaves out that it does; ``off`` is the code of a setting among it."""
        return tables.replaced_remarks(rows, [off], self.settings.left_out_remark)

    @property
    def _bootstraps(self) -> int:
        """Draws of test rows; none where neither groups nor controls have an interval that is made of them."""
        return self.settings.bootstraps if self.controls or self.info.groups is not None else 0

    @property
    def _remark(self) -> str | None:
        """What holds for all cells and should not be forgotten."""
        groups, number = self.info.groups, self.equal_rows
        n_groups = 0 if groups is None else len(np.unique(groups.test))
        of_groups = [Note.of("groups", groups=n_groups), Note.of("power_of_groups")]
        of_rows = [Note.of("equal_rows", number=number), Note.of("proportion_of_equal_rows")]
        return note(*(of_groups if groups is not None else ()), *(of_rows if number is not None else ()))

    def _with_randomised(
        self, rows: pl.DataFrame, probe: Probe, observer: Observer, context: LayerContext
    ) -> pl.DataFrame:
        """Add to cells the randomisation check of their map, where they have one."""
        if not relevance_band.weighs_neurons(probe, observer):
            return rows
        if context.randomised is None:
            return _with_notes(rows, [context.remark] * rows.height)
        data = replace(context.data.fit, state=context.randomised)
        columns = relevance_band.randomised_similarity(probe, observer, data)
        remarks = [note(context.remark, reason) for reason in columns.pop("note")]
        return _with_notes(rows.with_columns(_numbers(columns)), remarks)

    def _with_curves(
        self, rows: pl.DataFrame, probe: Probe, evidence: cells.CellEvidence, context: LayerContext
    ) -> pl.DataFrame:
        """Add to cells their description length, where it was asked for; curves go into their table."""
        if not self.settings.curves or probe.is_baseline:
            reason = Note.of("curves_off") if not self.settings.curves else None
            return _with_notes(rows, [reason] * rows.height)
        code = description.description_length(context.data.fit, probe)
        curves = reading_curves(context.data, probe, evidence.observers[-1], code)
        self._add("curves", curves, context.layer_state)
        if len(evidence.observers) > 1:
            return rows
        names = ("description_bits", "intercept_bits", "compression")
        return _with_notes(rows.with_columns(_numbers({name: getattr(code, name) for name in names})), code.notes)

    def _pairs(self, context: LayerContext, mixing: attributes_passed.Mixing) -> None:
        place = {**_place(context.layer_state), "object_model": self.subject.object_model}
        settings = ScanSettings(self.scan_key, self.settings.rule.q, self.settings.permutations or 0)
        later, live = context.layer_state.stored(self.info.parts.test), live_neurons(context.state.fit)
        layer_scan = pair_scan.scan_layer(context.data, live, place, settings, later)
        passing = pl.Series("n_passing", mixing.neurons_passing, dtype=pl.Int64)
        off = "permutations_off" if self.settings.permutations is None else ""
        scan = self._with_left_out(layer_scan.scan.with_columns(passing), off)
        self.scans.append(replace(layer_scan, scan=scan))

    def _neurons(self, context: LayerContext, mixing: attributes_passed.Mixing | None) -> None:
        settings, layer, state = self.settings, context.layer_state.layer, context.state
        search = replace(settings.search, memory=_search_memory(state, context.data.resources))
        names = [context.layer_state.neuron_name(neuron) for neuron in range(layer.n_neurons)]
        neurons = denotation.Neurons(layer, names, settings.rule, settings.probe_seed, search, self.info.groups)
        n_shuffles, twins = Shuffled.among(self.controls).neuron_draws, context.others.get(Untrained, ())
        for family in counted("property search", self.searched, alike=False):
            chosen = neurons.search(state.fit, family)
            shuffled = denotation.shuffled_replicates(neurons, state, family, n_shuffles)
            controls = denotation.Controls(
                n_shuffles, twins, self.control_states.raw_input, self.rivals, shuffled, self._controls_left_out
            )
            rows = denotation.observe_neurons(neurons, state, family, controls, mixing, chosen)
            again = list(search_stability.searched_again(neurons, state, family, chosen)) if settings.stability else []
            rows = search_stability.with_agreements(rows, again)
            self._add("neurons", self._with_left_out(rows, "stability_off" if settings.stability is None else ""))
            classes = family.test.classes or self.classes
            if classes is not None:
                rates = on_rates(rows, state.test, classes)
                self._add("on_rates", rates.with_columns(object_model=pl.lit(self.subject.object_model)))
            of_states = [
                denotation.replicate(neurons, other, family, control.name, draw)
                for control, states in context.others.items()
                for draw, other in enumerate(states)
            ]
            searched = [*shuffled, *(each.replicate for each in again), *of_states]
            self._add("controls", denotation.replicate_rows(searched))


@dataclass(frozen=True)
class LayerContext:
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
    ratio, remark = participation.participation_ratio(state.test, live, layer.name, layer.pooling)
    no_sign = Note.of("sign_unknown") if layer.sign_identified is None else None
    row = {
        "layer": layer.name,
        "depth": layer.depth,
        "relative_depth": layer.relative_depth,
        "pooling": layer.pooling,
        "n_neurons": layer.n_neurons,
        "n_live": int(live.sum()),
        "participation_ratio": ratio,
        "active_share": participation.active_share(state.test, live),
        "sign_identified": layer.sign_identified,
        "is_head": layer.is_head,
        "module_class": layer.module_class or None,
        "axes": layer.axes_text,
        "note": note(remark, None if live.any() else Note.of("none_active"), no_sign),
    }
    return tables.table([row], tables.LAYERS).with_columns(pl.col("participation_ratio", "active_share").fill_nan(None))


def _numbers(columns: Mapping[str, np.ndarray]) -> list[pl.Series]:
    return [pl.Series(name, values, dtype=pl.Float64).fill_nan(None) for name, values in columns.items()]


def _with_notes(rows: pl.DataFrame, reasons: Sequence[str | None]) -> pl.DataFrame:
    """Add a remark to every row, where there is one."""
    return rows.with_columns(**joined_notes(tables.OF_ROW, tables.remarks(reasons)))


def _place(layer_state: LayerState) -> dict[str, Any]:
    layer = layer_state.layer
    return {"layer": layer.name} | {name: getattr(layer, name) for name in ("depth", "relative_depth", "pooling")}


def _named(name: str, observers: Sequence[Observer], fit: State) -> dict[str, Observer]:
    """Name observers as they are kept, and note how their neurons vary on *fit*."""
    spread = moments(fit).variance.sqrt().numpy()
    return {
        name if observer.k is None else f"{name}-{observer.k}": replace(observer, spread=spread)
        for observer in observers
    }


def _loaded(
    layers: Sequence[LayerState], parts: Parts, whole: Resources, n_made: int
) -> tuple[list[Halves[State]], Resources]:
    """Return *fit* and *test* of the same layer in several networks, in memory if they are small, and what that leaves.

    Controls make ``n_made`` states of the size of the first, which count as well.
    """
    stored = [Halves(layer.stored(parts.fit), layer.stored(parts.test)) for layer in layers]
    size = sum(half.nbytes for state in [*stored, *stored[:1] * n_made] for half in (state.fit, state.test))
    if size > whole.memory * HELD:
        return [Halves(state.fit, state.test) for state in stored], whole
    return [Halves(state.fit[:], state.test[:]) for state in stored], replace(whole, memory=whole.memory - size)


def _search_memory(state: Halves[State], resources: Resources) -> int:
    """Return the bytes for a block of neurons in a search; large on disk, where a state is read once per block."""
    on_disk = isinstance(state.fit, StoredState)
    return int(resources.memory // 2 if on_disk else min(thresholds.MEMORY, resources.memory // 4))


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Re-raise an error of a state with the name of its layer."""
    try:
        yield
    except StateError as error:
        raise StateError(where, error.problem, error.allowed) from error
