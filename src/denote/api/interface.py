"""denote in five lines of Python: observe a network in memory, look at the result, save it, load a sweep."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from torch import nn

from denote.api.results import ObservationResult, SweepResult
from denote.attributes.families import AttributeFamily, families, simple_columns
from denote.attributes.labels import Family, check_rows, merge_labels
from denote.config.byte_units import byte_count
from denote.config.levels import LEVELS, Level, left_out
from denote.config.settings import AT_LEAST_ONE, COUNT, PROGRESS, SWITCH, WHOLE, Evidence, check_values
from denote.data.memory import given_samples as given
from denote.data.memory.given_columns import given_frame
from denote.data.memory.given_inputs import DrawnInputs, inputs_of
from denote.data.parts import Parts
from denote.data.samples import CLASSES, Inputs, Samples, picture_shape
from denote.data.trained_on import UNKNOWN, TrainedOn
from denote.errors import AttributeLabelError, ConfigError, DataError, StoreError, one_of
from denote.evidence.control import NegativeControl
from denote.evidence.controls import built_in_controls, chosen_controls
from denote.evidence.controls.raw_input import RawInput
from denote.evidence.rule import Rule
from denote.interventions.kinds import Intervention, given_interventions
from denote.interventions.task_scores import TaskScores
from denote.notes import note
from denote.observation import (
    NO_NETWORK,
    Controls,
    ControlStates,
    ObservationSettings,
    SampleInfo,
    Subject,
    observe_states,
)
from denote.observation import network as networks
from denote.observation.accuracy import recorded_accuracy
from denote.observation.intervene import with_interventions
from denote.observation.layer_run import NetworkRun
from denote.observation.recording import Recording, device_named
from denote.observers.observer import Probe
from denote.observers.probes import OwnProbe, probe_from
from denote.observers.reading import Resources
from denote.progress import shown, step
from denote.progress.surfaces import AUTO
from denote.runs.record import RECORD, tell_of_older
from denote.states.geometry import Kinds
from denote.states.layers import BLOCKS, Selection, asked_names, select_layers
from denote.states.pooling import raw_input
from denote.states.store import StateStore
from denote.streams import generators_kept
from denote.tables import JOB_TABLES, has_tables

CONTROLS = tuple(name for name, kind in built_in_controls().items() if kind.bare)
"""Controls that a name alone says all of."""

MOST_VALUES, LEAST_OF_CLASS = 1_000, 5
"""Whole numbers of a column that may be classes: at most so many, each with so many rows on average."""

COUNTS = ("thresholds", "permutations", "bootstraps", "equal_rows", "examples")
NAMED = (*COUNTS, "randomisation", "stability", "curves")
"""Settings of `ObservationSettings` that may be given by name."""


@generators_kept()
def observe(
    model: nn.Module | None = None,
    inputs: Any = None,
    attributes: Mapping[str, Any] | pl.DataFrame | None = None,
    *,
    classes: Any = None,
    unit: str = given.SAMPLE,
    states: Mapping[str, Any] | None = None,
    layers: Selection = "all",
    probe: str | Sequence[str] | Mapping[str, Mapping[str, Any] | Probe] = "linear",
    seed: int = 0,
    parts: Parts | Mapping[str, Any] | None = None,
    trained_on: Any = UNKNOWN,
    groups: Any = None,
    untrained: networks.Untrained = None,
    pooling: str = "mean",
    of: str = BLOCKS,
    kinds: Kinds = None,
    evidence: str = "standard",
    controls: Controls | Sequence[str | NegativeControl] | None = None,
    interventions: str | Intervention | Sequence[str | Intervention] | None = None,
    rule: Rule | None = None,
    store: Path | str | None = None,
    device: str = "auto",
    memory_limit: int | str = 4 << 30,
    batch_size: int = 256,
    name: str = "data",
    architecture: str | None = None,
    model_seed: int = 0,
    show_inputs: bool = True,
    progress: str = AUTO,
    **settings: Any,
) -> ObservationResult:
    """Observe a network: find what can be read off its layers, and what its neurons denote.

    The model is left as it was: mode, hooks, gradients, device and the global random generators, also after an error.

    Args:
        model: The network; None where ``states`` are given.
        inputs: What it is called with, see `inputs_of`; row i has the attributes of row i.
        attributes: Columns with two values, or text columns, an attribute per value; null where not known. A mapping
            may hold families of one's own (`denote.extending.AttributeFamily`) besides.
        classes: Class of every row. Observers read every class, and neurons are searched over all sets of classes.
            Where they are 0 to k - 1 and the network gives k numbers a row, its accuracy on *test* is in the tables.
        unit: What a row is: ``sample``, a row of the inputs; ``token``, every position that is no padding, in order,
            whose attributes may also be arrays ``sequence x position``; ``word``, every word that a fast tokenizer was
            given. Tokens and words of one sequence are a group unless ``groups`` says otherwise.
        states: Activations recorded elsewhere, ``row x neuron`` by layer, in order of depth; instead of a model.
        layers: A depth, a name or glob, a list of those, or ``all``.
        probe: A kind of observer, several, their settings by kind, or probes of one's own by name.
        seed: Of the split and of what observers draw.
        parts: Row ids of ``fit`` and ``test``; by default the rows are halved, in equal shares of the classes.
        trained_on: Which of these rows the network was trained on: row ids or a mask, which leave *fit* and *test*
            (with the whole group of each); ``"none"``, none of them or it is not trained; or ``"unknown"``, which is
            said first in the findings and on every row, since a network may know its training rows by heart.
        groups: What rows belong together: a group stays in one part, and its rows do not count as independent.
        untrained: The same network without training, or what makes one (called three times, and once more for the
            randomisation check); without it the tables say null and why.
        pooling: How maps and sequences become neurons: ``mean``, ``max``, ``flatten``, ``centre``, ``first``,
            ``last`` or ``cls``; with ``unit="word"`` how the positions of a word do.
        of: Which modules are layers: ``blocks``, ``leaves`` or ``modules``.
        kinds: How the axes of layers lie: ``channels_first``, ``channels_last`` or ``sequence``, ``time_first`` or
            ``heads`` for all whose axes are a guess, or a mapping from names or globs, whatever is read there.
        evidence: How much of it: ``quick`` leaves out all that is fitted or searched again, ``full`` adds what a
            reviewer asks for. It sets what is not given here: ``controls`` and numbers that are given win.
        controls: What results are held against, by name or with numbers; at ``standard`` shuffled labels, rotations,
            the raw input, and untrained networks where they can be had.
        interventions: What is done to the network to see whether it uses what is read off it: ``ablate``, ``erase``,
            ``steer``, a list of those, or settings of their own (`denote.Ablate`, `denote.Erase`,
            `denote.Steer`). An ablation takes a forward pass over *test* from the layer on for every
            neuron, and more for what denotes; it may take minutes.
        rule: When a cell is decisive and a neuron denotes.
        store: Folder in which states are kept for the next call; None keeps none. What is drawn from a Dataset
            cannot be known again: its states lie there only during the call.
        device: Where the network and the observers run: ``auto``, ``cpu``, ``cuda``, ``cuda:N``.
        memory_limit: Bytes that the observers may hold at once, or a text such as ``4GiB``.
        batch_size: Inputs run at once.
        name: Of the data, in tables.
        architecture: A readable id of the network, in tables; by default the name of its class.
        model_seed: Of the network, in tables, where several are compared.
        show_inputs: Whether inputs that show what neurons denote are kept in the result, and the classes of their rows:
            pictures, rows of a table, words, texts. False keeps and saves nothing of them.
        progress: ``bar``, ``log``, ``none`` or ``auto``: a line in a notebook or a terminal, log lines elsewhere (after
            10 s, then at growing intervals), on standard error.
        **settings: ``thresholds``, ``permutations``, ``bootstraps``, ``equal_rows``, ``examples``, ``randomisation``,
            ``stability`` and ``curves``, as ``evidence.*`` on the command line.

    Returns:
        The tables, observers and figures; a notebook shows them.

    Raises:
        DenoteError: for a mistake, in one line: what, where, what is allowed.

    Example:
        >>> result = denote.observe(model, inputs, {"high": high}, layers=[0, "2"], probe="linear")
        >>> result.cells.select("layer", "attribute", "probe").rows()
        [('0', 'high', 'linear'), ('2', 'high', 'linear')]
    """
    rule = rule or Rule()
    level, asked_interventions = _level(evidence), given_interventions(interventions)
    if asked_interventions and model is None:
        raise ConfigError("interventions", "recorded states have no network to intervene on", "observe(model, inputs)")
    _check(settings, level, rule, batch_size, seed=seed, model_seed=model_seed)
    memory_limit = byte_count(memory_limit, "observe(memory_limit=...)")
    probes, asked = _probes(probe), _controls(controls, level)
    without = left_out(level, level.control) if controls is None else frozenset[str]()
    if (model is None) == (states is None):
        raise ConfigError("observe", "takes a model or states, one of them", "observe(model, inputs, ...)")
    if states is None and inputs is None:
        raise DataError("inputs", "are missing", "observe(model, inputs, ...)")
    held = {} if states is None else networks.given_states(states)
    taken = None if inputs is None else inputs_of(inputs, model)
    if taken is not None and attributes is None and classes is None:
        classes = taken.labels
    attributes, own = _split(attributes)
    if taken is None:
        rows = _rows_of(held, unit)
    else:
        rows = given.in_units(taken, unit, inputs)
        networks.check_rows_of(held, len(rows))
        attributes, classes = given.each_per_sample(attributes, rows), given.per_sample(classes, rows)
        groups = getattr(rows, "sequence", None) if groups is None else groups
    samples = given.given_samples(rows, attributes, classes, groups, name)
    trained = TrainedOn.of(trained_on, len(samples))
    split = given.given_parts(samples, parts, seed, trained)
    trained.check_left(split, rule.min_rows)
    of_level = {**level.evidence, **settings, "level": level.name, "left_out": without}
    chosen_settings = ObservationSettings(probes, rule, asked, seed, **of_level)
    searched = _families(_spec(attributes, classes, own), samples)
    info = _sample_info(samples, split, searched, rule, shown=inputs is not None)
    where, drawn = device_named(device), isinstance(samples.inputs, DrawnInputs)
    if store is not None:
        tell_of_older(Path(store))
    PROGRESS.check(progress, "observe(progress=...)")
    SWITCH.check(show_inputs, "observe(show_inputs=...)")
    with shown(progress), _folder(store, lasting=not drawn) as folder:
        if model is None:
            observed, key = networks.states_of(held, layers), networks.arrays_key(held)
            control_states = ControlStates(missing=NO_NETWORK)
        else:
            network, example = networks.observable_network(model), samples.inputs[split.fit[: networks.TRIED]]
            reading: dict[str, Any] = {"pooling": pooling, "of": of, "asked": asked_names(layers), "kinds": kinds}
            listed = networks.listed_layers(network, example, **reading)
            recording = Recording(StateStore(folder, batch_size, where), samples, split, listed, "asked")
            key, chosen = networks.weights_key(network), select_layers(listed.layers, layers)
            observed, control_states = networks.record_states(
                network, key, chosen, recording, chosen_settings, untrained
            )
        if inputs is not None and RawInput.among(chosen_settings.controls).enabled:
            control_states = replace(control_states, raw_input=raw_input(samples, split, memory_limit))
        accuracy, remark = (None, None) if model is None else recorded_accuracy(observed, samples, split)
        subject = Subject(
            dataset=name,
            architecture=architecture or ("states" if model is None else type(model).__name__.lower()),
            trained=True,
            epoch=None,
            seed=model_seed,
            object_model=key,
            object_accuracy=accuracy,
            note=note(trained.remark, remark),
            trained_on=trained.word,
        )
        resources = Resources(str(where), memory_limit)
        observation = observe_states(
            observed,
            subject=subject,
            info=info,
            settings=chosen_settings,
            control_states=control_states,
            resources=resources,
            show_inputs=show_inputs,
        )
        if asked_interventions:
            run = NetworkRun(network, samples.inputs, _task(samples, split), where, batch_size, memory_limit)
            of_call: dict[str, Any] = {"subject": subject, "info": info, "settings": chosen_settings}
            with step("interventions"):
                observation = with_interventions(observation, asked_interventions, observed, run, **of_call)
    return ObservationResult.of(observation)


@generators_kept()
def layers(
    model: nn.Module,
    inputs: Any,
    *,
    pooling: str = "mean",
    of: str = BLOCKS,
    names: Sequence[str] = (),
    kinds: Kinds = None,
) -> pl.DataFrame:
    """List the layers that `observe` would observe, and what it would leave out and why; nothing is recorded.

    Args:
        model: The network, left as it was.
        inputs: What it is called with, see `inputs_of`.
        pooling: How maps and sequences become neurons.
        of: Which modules are layers: ``blocks``, ``leaves`` or ``modules``.
        names: Further modules, or what comes into them (``module.input``).
        kinds: As of `observe`.

    Returns:
        One row each: ``layer depth kind shape pooling neurons note module_class axes remark``; a row with a note is
        left out for that reason, a remark says what is doubtful of a layer.

    Raises:
        DenoteError: for a mistake, in one line.

    Example:
        >>> denote.layers(model, inputs).select("layer", "neurons", "module_class").rows()
        [('0', 5, 'Linear'), ('1', 5, 'ReLU'), ('2', 2, 'Linear')]
    """
    taken = inputs_of(inputs, model)
    network, example = networks.observable_network(model), taken[np.arange(min(len(taken), networks.TRIED))]
    return networks.listed_layers(network, example, pooling=pooling, of=of, asked=names, kinds=kinds).frame()


def load(folder: Path | str) -> SweepResult | ObservationResult:
    """Load a sweep, or one observation.

    Args:
        folder: ``multirun/NAME``, or its ``sweep/``, of a sweep; the folder of a job or of `ObservationResult.save`.

    Returns:
        The merged tables of a sweep; of one job what `observe` gave.

    Raises:
        StoreError: if it holds none, or jobs that were not merged.

    Example:
        >>> folder = denote.observe(model, inputs, {"high": high}).save("runs/mine/seed_0")
        >>> len(denote.load(folder).layers)
        3
    """
    folder = Path(folder)
    if (sweep := SweepResult.read(folder)) is not None:
        return sweep
    if has_tables(folder, JOB_TABLES):
        return ObservationResult.read(folder)
    allowed = "multirun/NAME of a sweep that ended, or a job's folder"
    if not folder.is_dir():
        raise StoreError(str(folder), "there is no such folder", f"allowed: {allowed}")
    if any(True for _ in folder.glob(f"*/{RECORD}")):
        raise StoreError(
            str(folder),
            "holds jobs that were never merged",
            f"denote.merge({str(folder)!r}) or denote-report sweep={folder} merges them",
        )
    raise StoreError(str(folder), "holds no tables", f"allowed: {allowed}")


def merge(folder: Path | str) -> SweepResult:
    """Merge the jobs in a folder and load them, as ``denote-report`` does on the command line, without figures.

    Corrections, profiles and tests of depth are then over all networks. What is merged, and ``report.html``, lie in
    ``sweep/`` within the folder; another call merges again.

    Args:
        folder: The folder whose subfolders `ObservationResult.save` or jobs of the command line have written.

    Returns:
        The merged tables.

    Raises:
        StoreError: if it holds no finished job, or jobs that were not asked the same question.

    Example:
        >>> result = denote.observe(model, inputs, {"high": high}, evidence="quick")
        >>> folder = result.save("runs/merged/seed_0")
        >>> denote.merge("runs/merged").cells["attribute"].unique().to_list()
        ['high']
    """
    from denote.runs.sweep import report_sweep

    report_sweep(Path(folder), {"figures": "none"}, printed=False)
    return cast(SweepResult, load(folder))


def _check(settings: Mapping[str, Any], level: Level, rule: Rule, batch_size: Any, **seeds: Any) -> None:
    for key in settings:
        if key not in NAMED:
            raise ConfigError(
                f"observe({key}=...)",
                "there is no such setting",
                one_of(key, [*inspect.signature(observe).parameters, *NAMED]),
            )
    of_rule = vars(rule)
    check_values(
        Evidence,
        {**of_rule, **settings, "level": level.name},
        lambda name: f"rule.{name}" if name in of_rule else f"observe({name}=...)",
    )
    for key, value in seeds.items():
        WHOLE.check(value, f"observe({key}=...)")
    AT_LEAST_ONE.check(batch_size, "observe(batch_size=...)")


def _task(samples: Samples, parts: Parts) -> TaskScores | None:
    """What outputs are held against: classes, where these are 0 to k - 1, as outputs are told apart by place alone."""
    names = samples.classes
    if len(names) < 2 or names != tuple(map(str, range(len(names)))):
        return None
    return TaskScores(CLASSES, samples.targets[parts.test], len(names))


def _rows_of(held: Mapping[str, Any], unit: str) -> Inputs:
    """Return what stands for the inputs of states without any."""
    if unit != given.SAMPLE:
        raise DataError("unit", f"{unit!r} of states without inputs", "states with a row per token")
    return given.no_inputs(len(next(iter(held.values()))))


def _sample_info(samples: Samples, parts: Parts, searched: Sequence[Family], rule: Rule, *, shown: bool) -> SampleInfo:
    labels, table = merge_labels(searched), samples.table.drop(given.OWN, strict=False)
    numbers = [name for name, kind in table.schema.items() if kind.is_numeric() or kind == pl.Boolean]
    has_classes = any(family.name == "classes" for family in searched)
    return SampleInfo(
        parts=parts,
        families=searched,
        labels=labels,
        reasons=check_rows(labels, parts, rule.min_rows),
        groups=given.given_groups(samples, parts),
        classes=samples.targets if has_classes else None,
        class_names=samples.classes,
        target=given.CLASS,
        columns=simple_columns(samples, numbers),
        input_shape=picture_shape(samples.inputs),
        inputs=samples.inputs if shown else None,
        table=samples.table.drop(given.NO_CLASS, strict=False),
    )


def _families(spec: Mapping[str, Any], samples: Samples) -> list[Family]:
    """The families, and mistakes told as a caller knows them, not as keys of a config."""
    try:
        searched = families(spec, samples)
    except AttributeLabelError as error:
        raise AttributeLabelError("attributes", error.problem, _remedy(spec, samples)) from error
    taken = {name for family in searched for name in family.labels.names if family.name == "classes"}
    for family in searched:
        if family.name == "columns" and (twice := taken.intersection(family.labels.names)):
            raise AttributeLabelError(f"attributes[{min(twice)!r}]", "is the name of a class", "another name")
    return searched


def _remedy(spec: Mapping[str, Any], samples: Samples) -> str:
    """Say what to do with a column of many values; whole numbers are often classes."""
    for name in spec.get("columns", {}).get("names", ()):
        column = samples.table[name]
        values = column.drop_nulls().n_unique()
        if column.dtype.is_integer() and 2 < values <= min(MOST_VALUES, len(column) / LEAST_OF_CLASS):
            cut = f"{name} > {int(column.median())}"
            return (
                f"if {name!r} are classes: observe(..., classes={name}), which reads every class and searches neurons "
                f"over sets of them; if they are numbers, cut them: {{{cut!r}: {cut}}}"
            )
    return "two values or text are needed: cut numbers first (x > 3), or classes=column"


def _split(attributes: Any) -> tuple[Any, dict[str, AttributeFamily]]:
    """Columns, and families of the user's own."""
    if not isinstance(attributes, Mapping):
        return given_frame(attributes), {}
    own = {str(name): each for name, each in attributes.items() if isinstance(each, AttributeFamily)}
    return given_frame({name: each for name, each in attributes.items() if str(name) not in own} or None), own


def _spec(attributes: Any, classes: Any, own: Mapping[str, AttributeFamily]) -> dict[str, Any]:
    """What observers read and neurons are searched over, as the config's ``attribute`` says it."""
    spec: dict[str, Any] = dict(own)
    if classes is not None:
        spec |= {"classes": {"kind": "classes"}, "subsets": {"kind": "subsets", "as_cells": False}}
    if attributes is not None:
        spec["columns"] = {"kind": "columns", "names": list(attributes)}
    if not spec:
        raise DataError("observe", "no attributes and no classes", "attributes={name: column}, or classes=labels")
    return spec


def _level(name: Any) -> Level:
    if not isinstance(name, str) or name not in LEVELS:
        raise ConfigError("observe(evidence=...)", f"{name!r} is unknown", one_of(str(name), LEVELS))
    return LEVELS[name]


def _controls(controls: Controls | Sequence[str | NegativeControl] | None, level: Level) -> Sequence[NegativeControl]:
    if controls is None:
        return chosen_controls(level.control)
    if isinstance(controls, Controls):
        return tuple(_checked(controls))
    chosen: dict[str, NegativeControl] = {}
    for entry in [controls] if isinstance(controls, str) else controls:
        if not isinstance(entry, NegativeControl) and entry not in CONTROLS:
            raise ConfigError(
                "controls",
                f"{entry!r} came",
                f"{one_of(entry, CONTROLS)}; or Controls(...), your own by own={{name: control}}",
            )
        control = entry if isinstance(entry, NegativeControl) else built_in_controls()[entry]()
        if chosen.setdefault(control.name, control) != control:
            raise ConfigError("controls", f"'{control.name}' came twice, with other settings", "allowed: each once")
        if type(control) in built_in_controls().values():
            check_values(type(control), vars(control), f"controls.{control.name}.{{}}".format)
    return sorted((control for control in chosen.values() if control.is_on), key=lambda control: control.order)


def _checked(controls: Controls) -> Controls:
    """Controls whose numbers are possible."""
    for name, value in vars(controls).items():
        key = f"controls.{name}"
        if name == "raw_input":
            SWITCH.check(value, key)
        elif name != "own":
            COUNT.check(value, key)
    return controls


def _probes(probe: str | Sequence[str] | Mapping[str, Mapping[str, Any] | Probe]) -> dict[str, Probe]:
    if not isinstance(probe, Mapping):
        return {kind: probe_from(kind, {}) for kind in ([probe] if isinstance(probe, str) else probe)}
    return {
        str(name): OwnProbe(str(name), own) if isinstance(own, Probe) else probe_from(str(name), own or {})
        for name, own in probe.items()
    }


@contextmanager
def _folder(store: Path | str | None, *, lasting: bool) -> Iterator[Path]:
    """The store; or a folder, in the store if there is one, that is gone when everything is observed."""
    try:
        if store is not None:
            Path(store).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"store={store}", f"no folder can be made there ({error.strerror})", "a folder") from error
    if store is not None and lasting:
        yield Path(store)
        return
    with tempfile.TemporaryDirectory(prefix="denote-", dir=store) as folder:
        yield Path(folder)
