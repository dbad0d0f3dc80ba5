"""Observing every layer with every probe, and searching every neuron over every family."""

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
from denote.denotation.mixing import Mixing, attributes_passed
from denote.denotation.neurons import Neurons
from denote.denotation.properties import family_halves
from denote.denotation.rivals import SimpleColumns
from denote.denotation.rotation import rotated
from denote.denotation.search import Settings
from denote.denotation.thresholds import MEMORY
from denote.errors import ConfigError, StateError
from denote.evidence.attribute_correlation import attribute_correlation
from denote.evidence.cells import BySize, auroc_by_size, observe_cells
from denote.evidence.pair_scan import LayerScan, join_layers, scan_layer
from denote.observation.asked import Asked
from denote.observation.decide import decide
from denote.observation.facts import Beside, Facts, Subject
from denote.observation.found import INPUT, Observation
from denote.observers.design import LEAST_ROWS
from denote.observers.neuron import live_neurons
from denote.observers.observer import Observer, fit_sizes
from denote.observers.reading import Resources, State, check_state, moments
from denote.states.state import LayerState
from denote.states.stored import StoredState
from denote.tables import JOB_TABLES, NEURONS, empty

HELD = 0.25
"""Share of the memory limit that the states of a layer may take; what is larger stays on disk."""


def observe_states(
    states: Sequence[LayerState],
    *,
    subject: Subject,
    facts: Facts,
    asked: Asked,
    beside: Beside | None = None,
    memory_limit: int = 4 << 30,
    device: str = "cpu",
) -> Observation:
    """Observe every layer with every probe, and search every neuron over every family.

    Args:
        states: Recorded states of the layers, on *fit* and *test* at least.
        subject: The object model.
        facts: What is known of the samples.
        asked: Observers, rule and controls.
        beside: States that these are held against.
        memory_limit: Bytes that may be held at once; a layer that takes more than a quarter of them stays on disk.
        device: Where observers are fitted.

    Raises:
        ConfigError: if ``memory_limit`` is too small, with the least that works.
        StateError: if a state is not finite, with the layer, the neuron and how many.
    """
    beside = beside or Beside()
    labels = _without(facts.labels, facts.reasons)
    at = Halves(labels.at(facts.parts.fit), labels.at(facts.parts.test))
    whole = Resources(device, memory_limit - sum(values.nbytes for values in (at.fit.values, at.test.values)))
    _check_memory(states, at, memory_limit)
    work = _Work(subject, facts, asked, beside, at, whole)
    if beside.raw_input is not None and len(labels):
        work.read_input(beside.raw_input)
    for index, layer_state in enumerate(states):
        work.read_layer(index, layer_state)
    work.look_over()
    decided = decide(work.tables(), asked.rule)
    cells = _with_reasons(decided["cells"], facts.reasons)
    return Observation(
        tables={name: frame.select(*JOB_TABLES[name]) for name, frame in {**decided, "cells": cells}.items()},
        observers=work.observers, layers=tuple(state.layer for state in states), attributes=labels.names,
        object_model=subject.object_model, input_shape=facts.input_shape, rule=asked.rule,
    )  # fmt: skip


@dataclass
class _Work:
    """An observation while it is made: what was asked for, and the rows found so far."""

    subject: Subject
    facts: Facts
    asked: Asked
    beside: Beside
    labels: Halves[Labels]
    whole: Resources
    observers: dict[str, Observer] = field(default_factory=dict)
    on_input: dict[str, BySize] = field(default_factory=dict)
    scans: list[LayerScan] = field(default_factory=list)
    frames: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: {name: [] for name in JOB_TABLES})

    def __post_init__(self) -> None:
        parts, columns = self.facts.parts, self.facts.columns
        self.searched: list[Halves[Family]] = [
            family_halves(family, parts.fit, parts.test) for family in self.facts.families
        ]
        values = np.stack(list(columns.values()), axis=1) if columns else np.empty((0, 0))
        self.rivals = SimpleColumns(tuple(columns), Halves(values[parts.fit], values[parts.test])) if columns else None

    def tables(self) -> dict[str, pl.DataFrame]:
        """All rows, with the columns of every table."""
        return {
            name: pl.concat([empty(schema), *self.frames[name]], how="diagonal") for name, schema in JOB_TABLES.items()
        }

    def read_input(self, inputs: Halves[State]) -> None:
        """Fit every probe on the raw input."""
        asked, labels = self.asked, self.labels
        groups = None if self.facts.groups is None else self.facts.groups.fit
        with _naming("raw input"):
            check_state(inputs.test, labels.test.values)
            for name, probe in asked.probes.items():
                fitted = fit_sizes(probe, inputs.fit, labels.fit.values, asked.probe_seed, self.whole, groups)
                self.observers |= _named(f"{INPUT}/{name}", fitted, inputs.fit)
                self.on_input[name] = auroc_by_size(fitted, inputs.test, labels.test.values, self.whole)

    def read_layer(self, index: int, layer_state: LayerState) -> None:
        """Observe one layer, beside the same layer of the untrained networks and its own rotations."""
        layer, rotations = layer_state.layer, self.asked.controls.rotations
        others = [twin[index] for twin in self.beside.untrained]
        (state, *twins), resources = _loaded([layer_state, *others], self.facts.parts, self.whole, rotations)
        names = [f"layer {layer.name}", *(f"layer {layer.name} of untrained network {d}" for d in range(len(others)))]
        for name, each in zip(names, (state, *twins), strict=True):
            with _naming(name):
                check_state(each.fit, self.labels.fit.values)
                check_state(each.test, self.labels.test.values)
        with _naming(f"layer {layer.name}"):
            turned = [rotated(state, layer, draw, self.asked.probe_seed) for draw in range(rotations)]
        around = _Around(layer_state, state, twins, turned, resources)
        mixing = None
        if len(self.labels.fit):
            self._cells(around)
            self._pairs(around)
            mixing = attributes_passed(state, self.labels, self.asked.rule, resources, self.facts.groups)
        self._neurons(around, mixing)

    def look_over(self) -> None:
        """What only shows once all layers are there."""
        if self.scans:
            found = join_layers(self.scans, self.subject.object_model, self.asked.rule.q)
            for name in ("scan", "pairs", "null_check"):
                self._add(name, getattr(found, name))
        if len(self.labels.test):
            self._add("attribute_correlation", attribute_correlation(self.labels.test, self.subject.dataset))

    def _add(self, name: str, frame: pl.DataFrame) -> None:
        """Rows of a table, with the columns that say who is observed."""
        self.frames[name].append(self.subject.stamp(frame) if _stamped(name) else frame)

    def _cells(self, around: _Around) -> None:
        asked, place = self.asked, _place(around.layer_state)
        for name, probe in asked.probes.items():
            with _naming(f"layer {around.layer_state.layer.name}"):
                found = observe_cells(
                    around.state, self.labels, probe, asked.rule, asked.probe_seed, shuffles=asked.controls.shuffles,
                    untrained=around.twins, raw_input_auroc=self.on_input.get(name), missing=self._missing(),
                    groups=self.facts.groups, resources=around.resources,
                )  # fmt: skip
            self.observers |= _named(f"{around.layer_state.layer.name}/{name}", found.observers, around.state.fit)
            self._add("cells", _placed(found.cells, place))
            self._add("controls", _placed(found.replicates, place))

    def _pairs(self, around: _Around) -> None:
        place = {**_place(around.layer_state), "object_model": self.subject.object_model}
        self.scans.append(
            scan_layer(
                around.state.test, self.labels.test, live_neurons(around.state.fit), place, self.asked.rule.q,
                draws=self.asked.permutations, groups=None if self.facts.groups is None else self.facts.groups.test,
                resources=around.resources,
            )
        )  # fmt: skip

    def _neurons(self, around: _Around, mixing: Mixing | None) -> None:
        asked, layer = self.asked, around.layer_state.layer
        settings = Settings(
            thresholds=asked.thresholds, decisive=asked.rule.decisive,
            memory=_search_memory(around.state, around.resources),
        )  # fmt: skip
        names = [around.layer_state.neuron_name(neuron) for neuron in range(layer.n_neurons)]
        neurons = Neurons(layer, names, asked.rule, asked.probe_seed, settings, self.facts.groups)
        beside = denotation.Controls(asked.controls.neuron_shuffles, around.twins, self.beside.raw_input, self.rivals)
        for family in self.searched:
            self._add("neurons", denotation.observe_neurons(neurons, around.state, family, beside, mixing))
            for control, states in (("untrained", around.twins), ("rotated", around.turned)):
                for draw, other in enumerate(states):
                    self._add("controls", denotation.replicate(neurons, other, family, control, draw))

    def _missing(self) -> dict[str, str]:
        """Why a control column is null, where the control was not asked for."""
        controls = self.asked.controls
        return {
            name: f"control={name} is off"
            for name, there in (
                ("shuffled", controls.shuffles > 0),
                ("rotated", controls.rotations > 0),
                ("untrained", controls.twins > 0),
                ("raw_input", self.beside.raw_input is not None),
                ("random_subset", controls.subsets > 0),
                ("control_task", controls.tasks > 0),
            )
            if not there
        }


@dataclass(frozen=True)
class _Around:
    """A layer's activations and those it is held against, with what is left of the memory."""

    layer_state: LayerState
    state: Halves[State]
    twins: Sequence[Halves[State]]
    turned: Sequence[Halves[State]]
    resources: Resources


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


def _check_memory(states: Sequence[LayerState], labels: Halves[Labels], limit: int) -> None:
    """Refuse a limit that not even the labels, a block of the widest layer and its coefficients fit into."""
    widest = max((state.layer.n_neurons for state in states), default=0)
    own = sum(values.nbytes for values in (labels.fit.values, labels.test.values))
    least = own + 12 * LEAST_ROWS * widest + 64 * widest * max(1, len(labels.fit))
    if limit < least:
        raise ConfigError("memory_limit", f"{limit} bytes are too few for a layer of {widest} neurons",
                          f"at least {-(-least // 2**20)}MiB")  # fmt: skip


def _without(labels: Labels, reasons: Mapping[str, str]) -> Labels:
    """Labels in which an attribute with too few rows is null everywhere, so that its cell is null too."""
    if not reasons:
        return labels
    values = labels.values.copy()
    values[:, [name in reasons for name in labels.names]] = -1
    return Labels(labels.names, labels.families, values)


def _with_reasons(cells: pl.DataFrame, reasons: Mapping[str, str]) -> pl.DataFrame:
    if not reasons or cells.is_empty():
        return cells
    why = pl.col("attribute").replace_strict(dict(reasons), default=None, return_dtype=pl.String)
    return cells.with_columns(note=pl.when(why.is_not_null()).then(why).otherwise("note"))
