"""One observation: states, attributes and probes in; tables and observers out. The command line and Python share it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int

from denote.attributes.labels import Family, Labels
from denote.data.parts import Halves, Parts
from denote.denotation import neurons as denotation
from denote.denotation.depth import label_proportion_by_depth
from denote.denotation.properties import family_halves
from denote.denotation.rule import decide_neurons, decide_replicates, realised_cutoffs
from denote.denotation.search import Settings
from denote.denotation.thresholds import MEMORY
from denote.errors import ConfigError, StateError
from denote.evidence.cells import BySize, CellEvidence, auroc_by_size, decide_cells, observe_cells
from denote.evidence.rule import Rule
from denote.observers.design import LEAST_ROWS
from denote.observers.observer import Observer, Probe, fit_sizes
from denote.observers.reading import Resources, State, check_state, moments
from denote.observers.storage import save_observers
from denote.states.layers import Layer
from denote.states.state import LayerState
from denote.states.stored import StoredState
from denote.tables import CELLS, CONTROLS, NEURONS, table

HELD = 0.25
"""Share of the memory limit that the states of a layer may take; what is larger stays on disk."""

INPUT = "input"
"""Name under which the observers of the raw input are kept, beside those of the layers."""


@dataclass(frozen=True)
class Subject:
    """Who is observed; these columns stand in every row.

    Attributes:
        dataset: Name of the dataset.
        architecture: Readable id that tells networks apart.
        trained: False for a network at initialisation.
        epoch: The checkpoint that was chosen, or None for the best.
        seed: Seed of the object model.
        object_model: Its key.
        object_accuracy: Share of *test* it gets right; None where it is no classifier.
        note: A remark that every row carries, such as a model at chance.
    """

    dataset: str
    architecture: str
    trained: bool
    epoch: int | None
    seed: int
    object_model: str
    object_accuracy: float | None
    note: str | None = None

    def stamp(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with these columns filled and the remark added to its notes."""
        known = {key: value for key, value in asdict(self).items() if key != "note"}
        frame = frame.with_columns(pl.lit(value, dtype=CELLS[key]).alias(key) for key, value in known.items())
        if self.note is None:
            return frame
        return frame.with_columns(
            note=pl.concat_str(pl.lit(self.note), pl.col("note"), separator="; ", ignore_nulls=True)
        )


@dataclass(frozen=True)
class Controls:
    """Which controls are run (METHOD section 5); 0 or False leaves one out.

    Attributes:
        shuffles: Refits of every cell with permuted labels.
        neuron_shuffles: Searches of every neuron under permuted labels.
        twins: Untrained networks of the same architecture.
        raw_input: Whether the observers also read the input itself.
    """

    shuffles: int = 20
    neuron_shuffles: int = 3
    twins: int = 3
    raw_input: bool = True

    @classmethod
    def of(cls, options: Mapping[str, Mapping[str, Any]]) -> Controls:
        """From the ``control`` group of a config; an option that is not there is a control that is not run."""
        shuffled, untrained = options.get("shuffled"), options.get("untrained")
        return cls(
            shuffles=int((shuffled or {}).get("draws", 20)) if shuffled is not None else 0,
            neuron_shuffles=int((shuffled or {}).get("neuron_draws", 3)) if shuffled is not None else 0,
            twins=int((untrained or {}).get("twins", 3)) if untrained is not None else 0,
            raw_input="raw_input" in options and bool((options["raw_input"] or {}).get("enabled", True)),
        )


@dataclass(frozen=True)
class Observation:
    """What one observation found.

    Attributes:
        cells: Columns of ``tables.CELLS``; corrections over these cells alone.
        neurons: Columns of ``tables.NEURONS``, likewise.
        controls: Columns of ``tables.CONTROLS``: the replicates behind the control columns.
        observers: The fitted observers by ``layer/probe``, of a probe of several sizes by ``layer/probe-k``; those of
            the raw input under ``input/probe``.
        layers: The layers that were observed.
        attributes: Names of the attributes, in the order of the observers' columns.
        object_model: Key of the object model.
        input_shape: Shape of one input; empty where it is not known.
        rule: The rule that decided.
    """

    cells: pl.DataFrame
    neurons: pl.DataFrame
    controls: pl.DataFrame
    observers: Mapping[str, Observer]
    layers: tuple[Layer, ...]
    attributes: tuple[str, ...]
    object_model: str
    input_shape: tuple[int, ...] = ()
    rule: Rule = field(default_factory=Rule)

    def label_proportion_by_depth(self) -> pl.DataFrame:
        """Columns of ``tables.LABEL_PROPORTION_BY_DEPTH`` for this one object model."""
        return label_proportion_by_depth(self.neurons, self.controls, self.rule)

    def write(self, folder: Path) -> None:
        """Save tables and observers into a job's folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("cells", "neurons", "controls"):
            partial = folder / f"{name}.parquet.partial"
            getattr(self, name).write_parquet(partial)
            partial.replace(folder / f"{name}.parquet")
        save_observers(folder / "observers.safetensors", self.observers)


def observe_states(
    states: Sequence[LayerState],
    *,
    subject: Subject,
    parts: Parts,
    families: Sequence[Family],
    labels: Labels,
    probes: Mapping[str, Probe],
    rule: Rule,
    controls: Controls,
    reasons: Mapping[str, str] | None = None,
    untrained: Sequence[Sequence[LayerState]] = (),
    raw_input: Halves[State] | None = None,
    probe_seed: int = 0,
    groups: Halves[Int[np.ndarray, " row"]] | None = None,
    input_shape: tuple[int, ...] = (),
    thresholds: int = 64,
    memory_limit: int = 4 << 30,
    device: str = "cpu",
) -> Observation:
    """Observe every layer with every probe, and search every neuron over every family.

    Args:
        states: Recorded states of the layers, on *fit* and *test* at least.
        subject: The object model.
        parts: Which rows are *fit* and *test*.
        families: What neurons are searched over; labels of all samples.
        labels: The attributes of all families as cells, each once; labels of all samples.
        probes: By option.
        rule: When a cell is decisive and a neuron denotes.
        controls: Which controls are run.
        reasons: Attributes that have too few rows, with the reason; their cells are null.
        untrained: Per twin the states of the same layers.
        raw_input: The flattened inputs, or None where that control is off.
        probe_seed: Names the random draws.
        groups: Group of every row, where rows of a group are not independent.
        input_shape: Shape of one input, for figures.
        thresholds: Quantile thresholds of the subset search.
        memory_limit: Bytes that may be held at once; a layer that takes more than a quarter of them stays on disk.
        device: Where observers are fitted.

    Raises:
        ConfigError: if ``memory_limit`` is too small, with the least that works.
        StateError: if a state is not finite, with the layer, the neuron and how many.
    """
    at = Halves(_without(labels, reasons or {}).at(parts.fit), _without(labels, reasons or {}).at(parts.test))
    whole = Resources(device, memory_limit - sum(values.nbytes for values in (at.fit.values, at.test.values)))
    _check_memory(states, at, memory_limit)
    searched = [family_halves(family, parts.fit, parts.test) for family in families]
    missing = _missing(controls, raw_input)
    observers: dict[str, Observer] = {}
    cells, replicates, neurons, neuron_replicates = [], [], [], []
    on_input: dict[str, BySize] = {}
    if raw_input is not None and len(labels):
        with _naming("raw input"):
            check_state(raw_input.test, at.test.values)
            for name, probe in probes.items():
                fitted = fit_sizes(
                    probe, raw_input.fit, at.fit.values, probe_seed, whole, None if groups is None else groups.fit
                )
                observers |= _named(f"{INPUT}/{name}", fitted, raw_input.fit)
                on_input[name] = auroc_by_size(fitted, raw_input.test, at.test.values, whole)
    for index, layer_state in enumerate(states):
        layer = layer_state.layer
        twin_names = [f"layer {layer.name} of untrained network {draw}" for draw in range(len(untrained))]
        (state, *twins), resources = _loaded([layer_state, *(twin[index] for twin in untrained)], parts, whole)
        for owner, each in zip((f"layer {layer.name}", *twin_names), (state, *twins), strict=True):
            with _naming(owner):
                check_state(each.fit, at.fit.values)
                check_state(each.test, at.test.values)
        settings = Settings(thresholds=thresholds, decisive=rule.decisive, memory=_search_memory(state, resources))
        place = {
            "layer": layer.name,
            "depth": layer.depth,
            "relative_depth": layer.relative_depth,
            "pooling": layer.pooling,
        }
        for name, probe in probes.items() if len(labels) else ():
            with _naming(f"layer {layer.name}"):
                found: CellEvidence = observe_cells(
                    state, at, probe, rule, probe_seed, shuffles=controls.shuffles, untrained=twins,
                    raw_input_auroc=on_input.get(name), missing=missing, groups=groups, resources=resources,
                )  # fmt: skip
            observers |= _named(f"{layer.name}/{name}", found.observers, state.fit)
            cells.append(_placed(found.cells, place))
            replicates.append(_placed(found.replicates, place))
        names = [layer_state.neuron_name(neuron) for neuron in range(layer.n_neurons)]
        beside = denotation.Controls(controls.neuron_shuffles, twins, raw_input)
        for family in searched:
            neurons += denotation.observe_neurons(
                state, family, layer, names, rule, probe_seed, beside, settings, groups
            )
            for draw, twin in enumerate(twins):
                neuron_replicates += denotation.replicate(
                    twin, family, layer, names, rule, probe_seed, "untrained", draw, settings, groups
                )
    decided = subject.stamp(decide_neurons(table(neurons, NEURONS), rule))
    cell_frame = subject.stamp(_with_reasons(decide_cells(_joined(cells, CELLS), rule), reasons or {}))
    shuffled = _joined(replicates, CONTROLS)
    beside_neurons = decide_replicates(table(neuron_replicates, CONTROLS), realised_cutoffs(decided, rule), rule)
    control_frame = subject.stamp(pl.concat([shuffled, beside_neurons], how="diagonal"))
    return Observation(
        cells=cell_frame.select(*CELLS), neurons=decided.select(*NEURONS), controls=control_frame.select(*CONTROLS),
        observers=observers, layers=tuple(state.layer for state in states), attributes=labels.names,
        object_model=subject.object_model, input_shape=input_shape, rule=rule,
    )  # fmt: skip


def _named(name: str, observers: Sequence[Observer], fit: State) -> dict[str, Observer]:
    """Observers under the names by which they are kept, with how their neurons vary on *fit*."""
    spread = moments(fit).variance.sqrt().numpy()
    return {
        name if observer.k is None else f"{name}-{observer.k}": replace(observer, spread=spread)
        for observer in observers
    }


def _loaded(layers: Sequence[LayerState], parts: Parts, whole: Resources) -> tuple[list[Halves[State]], Resources]:
    """*fit* and *test* of the same layer in several networks, in memory if they are small, and what that leaves."""
    stored = [Halves(each.stored(parts.fit), each.stored(parts.test)) for each in layers]
    size = sum(half.nbytes for each in stored for half in (each.fit, each.test))
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


def _missing(controls: Controls, raw_input: object | None) -> dict[str, str]:
    """Why a control column is null, where the control was not asked for."""
    return {
        name: f"control={name} is off"
        for name, there in (
            ("shuffled", controls.shuffles > 0),
            ("untrained", controls.twins > 0),
            ("raw_input", raw_input is not None),
        )
        if not there
    }  # fmt: skip


def _placed(frame: pl.DataFrame, place: Mapping[str, Any]) -> pl.DataFrame:
    return frame.with_columns(pl.lit(value, dtype=CELLS[name]).alias(name) for name, value in place.items())


def _joined(frames: Sequence[pl.DataFrame], schema: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=dict(schema)), *frames], how="diagonal")
