"""One job: from a dataset and an architecture to the evidence in its folder."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from jaxtyping import Int

from denote import progress
from denote.attributes.families import AttributeFamily, families, simple_columns
from denote.attributes.labels import Labels, check_rows, merge_labels
from denote.config.environment import as_written
from denote.config.levels import left_out, level_of
from denote.config.report_settings import ReportSettings
from denote.config.settings import TrainingSettings
from denote.data.memory.given_samples import NO_CLASS
from denote.data.parts import Halves
from denote.data.samples import CLASSES, known_of, picture_shape
from denote.errors import ConfigError
from denote.evidence.control import NegativeControl
from denote.evidence.controls import chosen_controls
from denote.evidence.controls.control_task import ControlTask
from denote.evidence.controls.raw_input import RawInput
from denote.evidence.controls.untrained import Untrained
from denote.evidence.rule import Rule, rule_of
from denote.evidence.user_controls import Control
from denote.interventions.kinds import Intervention, chosen_interventions
from denote.interventions.task_scores import TaskScores
from denote.notes import Note, note
from denote.object_models.model_store import ModelStore, TrainedModel
from denote.object_models.spec import ModelSpec, TrainerOptions, rows_key
from denote.object_models.task import Score, accuracy_note, held_out_score, shuffled_note
from denote.observation import (
    NO_NETWORK,
    ControlStates,
    Observation,
    ObservationSettings,
    SampleInfo,
    Subject,
    observe_states,
)
from denote.observation.intervene import with_interventions
from denote.observation.layer_run import NetworkRun
from denote.observation.network import TRIED, listed_layers
from denote.observation.recording import RANDOMISED, Recording, device_named
from denote.observers.observer import Probe
from denote.observers.probes import OwnProbe, probe_from
from denote.observers.reading import Resources
from denote.reporting.lineage import log_network, network_name
from denote.reporting.run_config import SETTINGS, STATE, flat, options
from denote.reporting.tracking import Tracker
from denote.reporting.tracking_guard import harmless
from denote.reporting.training_curves import lightning_logger, replay
from denote.runs.fingerprint import NO_ARGUMENTS, by_content, training_settings
from denote.runs.record import tell_of_older
from denote.states.layers import Layer, asked_names, select_layers
from denote.states.listing import Listing
from denote.states.pooling import raw_input
from denote.states.state import LayerState
from denote.states.store import StateStore

if TYPE_CHECKING:
    from torch import nn

    from denote.data.module import SamplesModule
    from denote.data.trained_on import TrainedOn
    from denote.object_models.pretrained.source import Pretrained

log = logging.getLogger(__name__)

PLACES = {"path"}
"""Keys of a network trained elsewhere that say where its weights lie, which have a digest of their own."""


@dataclass(frozen=True)
class UserClasses:
    """Objects of the user's own classes, which stand in the place of an option's settings, by option.

    Attributes:
        attributes: Families.
        probes: Probes.
        controls: Controls.
    """

    attributes: Mapping[str, AttributeFamily] = field(default_factory=dict)
    probes: Mapping[str, Probe] = field(default_factory=dict)
    controls: Mapping[str, Control] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """What is known of a job before anything is trained.

    Attributes:
        spec: The object model.
        listing: All layers of the architecture.
        layers: Layers to observe; None stands for all of them side by side.
        probes: The observers, by option.
        info: What is known of the samples.
    """

    spec: ModelSpec
    listing: Listing
    layers: Sequence[Layer | None]
    probes: Mapping[str, Probe]
    info: SampleInfo


@dataclass
class Job:
    """What one job does, as objects.

    Attributes:
        config: The resolved settings, as plain values.
        data: The dataset with its split.
        network: Builds the architecture with fresh weights from input shape, number of classes and, by name, what
            `known_of` says.
        tracker: Where its runs are tracked.
        memory_limit: Bytes the observers may hold at once.
        pretrained: Gives a network that was trained elsewhere, from what the dataset offers; None trains one here.
        user_classes: Objects of the user's own classes, which the config names.
        timings: Seconds per step, filled while it runs.
        score: How well the object model does its task, once that is known.
        stored: Folders of the store that it used, once it has run.
    """

    config: Mapping[str, Any]
    data: SamplesModule
    network: Callable[..., nn.Module]
    tracker: Tracker
    memory_limit: int
    pretrained: Callable[[Mapping[str, Any]], Pretrained] | None = None
    user_classes: UserClasses = field(default_factory=UserClasses)
    timings: dict[str, float] = field(default_factory=dict)
    score: Score | None = None
    stored: list[str] = field(default_factory=list)

    def prepare(self) -> Prepared:
        """Load the data and find every mistake that can be known before training.

        Raises:
            DenoteError: naming the key, what came and what is allowed.
        """
        config = self.config
        _ = self.device
        with self.timed("data"):
            self.data.setup()
            if self.data.trained is not None:
                self.data.trained.check_left(self.data.parts, self.rule.min_rows)
            groups = self.groups()
        with self.timed("attributes"):
            searched = families({**config["attribute"], **self.user_classes.attributes}, self.data.samples)
            labels, samples = merge_labels(searched), self.data.samples
            reasons = check_rows(labels, self.data.parts, self.rule.min_rows)
            self.check_equal_rows(labels)
            info = SampleInfo(
                parts=self.data.parts,
                families=searched,
                labels=labels,
                reasons=reasons,
                groups=groups,
                classes=samples.targets if samples.has_classes else None,
                class_names=samples.classes if samples.has_classes else (),
                target=samples.target,
                types=self.types(),
                columns=simple_columns(samples, config["evidence"]["rivals"]),
                input_shape=picture_shape(samples.inputs),
                inputs=samples.inputs,
                table=samples.table.drop(NO_CLASS, strict=False),
            )
        if self.interventions and not self._has_network:
            raise ConfigError("intervention", "recorded states have no network to intervene on", "intervention=none")
        spec = self.model_spec()
        listing = self.listing(spec)
        return Prepared(spec, listing, self.layers(listing), self.probes(), info)

    def run(self, prepared: Prepared | None = None) -> Observation:
        """Train or load, record, observe."""
        ready = prepared or self.prepare()
        tell_of_older(Path(self.config["store"]["path"]))
        spec, samples = ready.spec, self.data.samples
        with self.timed("object model"):
            trained = self.obtain(spec)
        accuracy, remark = self.accuracy(trained)
        with self.timed("states"):
            recording = self.recording(ready.listing)
            states, *untrained = [
                recording.states(each.spec.key, each.network, ready.layers) for each in (trained, *self.twins(spec))
            ]
            randomised = self.randomised(trained, ready.layers, recording) if self.checks_maps(ready.probes) else ()
        self.stored = [f"states/{key}" for key in sorted(recording.store.used)]
        self.stored += [f"models/{spec.training_key}"] if spec.is_trained_here else []
        known = self._trained_on(spec)
        subject = Subject(
            dataset=samples.name,
            architecture=self.architecture_id(spec),
            trained=not spec.is_initialisation,
            epoch=trained.epoch if spec.epoch is not None or spec.is_initialisation else None,
            seed=spec.seed,
            object_model=spec.key,
            object_accuracy=accuracy,
            note=self._note(spec, remark, known),
            trained_on=None if known is None else known.word,
        )
        reads_input = RawInput.among(self.controls).enabled
        shown = raw_input(samples, self.data.parts, self.memory_limit) if reads_input else None
        control_states = ControlStates(untrained, randomised, shown, {} if self._has_network else NO_NETWORK)
        with self.timed("observers"):
            found = observe_states(
                states,
                subject=subject,
                info=ready.info,
                settings=self.observation_settings(ready.probes),
                control_states=control_states,
                resources=Resources(str(self.device), self.memory_limit),
                show_inputs=ReportSettings.of(self.config).inputs,
            )
        if self.interventions:
            with self.timed("interventions"):
                found = with_interventions(
                    found,
                    self.interventions,
                    states,
                    NetworkRun(trained.network, samples.inputs, self.task(), self.device, memory=self.memory_limit),
                    subject=subject,
                    info=ready.info,
                    settings=self.observation_settings(ready.probes),
                )
        return replace(found, truth=self.truth(trained))

    @property
    def interventions(self) -> Sequence[Intervention]:
        """What is done to the network, by ``intervention``."""
        return chosen_interventions(self.config.get("intervention") or {})

    def task(self) -> TaskScores:
        """What the network's outputs on *test* are held against; the data must be set up."""
        learned = self.data.learned
        return TaskScores(learned.task, learned.targets[self.data.parts.test], learned.n_classes)

    @staticmethod
    def truth(trained: TrainedModel) -> pl.DataFrame | None:
        """What a network that knows it says of its neurons, beside its key."""
        known = getattr(trained.network, "truth", None)
        return None if known is None else known().with_columns(object_model=pl.lit(trained.spec.key))

    def observation_settings(self, probes: Mapping[str, Probe]) -> ObservationSettings:
        """Observers, rule and controls of the config."""
        evidence = self.config["evidence"]
        counts = ("thresholds", "permutations", "bootstraps", "equal_rows", "examples")
        names = (*counts, "randomisation", "stability", "curves")
        chosen = {name: evidence[name] for name in names} | {"probe_seed": self.config["probe_seed"]}
        level = level_of(self.config)
        chosen |= {"level": level.name, "left_out": left_out(level, self.config["control"])}
        return ObservationSettings(probes=probes, rule=self.rule, controls=self.controls, **chosen)

    @property
    def controls(self) -> Sequence[NegativeControl]:
        """Which controls are run, by ``control``."""
        return chosen_controls(self.config["control"], self.user_classes.controls)

    @property
    def rule(self) -> Rule:
        """The decision rule of ``evidence.*``."""
        return rule_of(self.config)

    def model_spec(self) -> ModelSpec:
        """Which object model; the data must be set up."""
        samples, architecture = self.data.samples, self.config["architecture"]
        shape, n_classes = tuple(samples.inputs.shape), self.data.learned.n_classes
        found = None if self.pretrained is None else self.source
        left_out = NO_ARGUMENTS | (PLACES if found else set())
        return ModelSpec(
            architecture={key: value for key, value in by_content(architecture).items() if key not in left_out},
            network=found.fresh if found else lambda: self.network(shape, n_classes, **known_of(samples.inputs)),
            input_shape=shape,
            n_classes=n_classes,
            data_key=samples.key,
            rows_digest=rows_key(self.data.train_rows, self.data.validation_rows),
            training=TrainingSettings(**training_settings(self.config)),
            seed=self.config["seed"],
            trained=architecture["trained"],
            epoch=architecture["epoch"],
            save_epochs=tuple(architecture["save_epochs"]),
            task=self.data.learned.task,
            weights=found.weights if found and architecture["trained"] else None,
            elsewhere=(lambda: found.network) if found else None,
        )

    @cached_property
    def source(self) -> Pretrained:
        """The network that was trained elsewhere; the data must be set up."""
        assert self.pretrained is not None  # noqa: S101  (for the type checker; asked for only where there is one)
        inputs = self.data.samples.inputs
        offered = {"input_shape": tuple(inputs.shape), "n_classes": self.data.learned.n_classes} | known_of(inputs)
        found = self.pretrained(offered)
        if found.is_network and "layers" in offered:
            raise ConfigError("architecture", "a network cannot be run on recorded states", "architecture=recorded")
        return found

    @property
    def _has_network(self) -> bool:
        """Whether there is a network behind the states; the data must be set up."""
        return self.pretrained is None or self.source.is_network

    def probes(self) -> dict[str, Probe]:
        """The observers asked for, by option."""
        probes: dict[str, Probe] = {}
        for name, settings in self.config["probe"].items():
            given = {key: value for key, value in settings.items() if key != "kind"}
            own = self.user_classes.probes.get(name)
            probes[name] = probe_from(settings["kind"], given) if own is None else OwnProbe(name, own)
        return probes

    def listing(self, spec: ModelSpec) -> Listing:
        """Every layer of the architecture, and what is none and why, without training it."""
        layer, example = self.config["layer"], self.data.samples.inputs[np.arange(min(len(self.data.samples), TRIED))]
        named = [name for name in asked_names(layer["select"]) if name != STATE]
        network = spec.initial_network() if spec.weights is None else self.source.network
        options = {"pooling": layer["pooling"], "of": layer["of"], "asked": named, "kinds": layer.get("kind")}
        fits = f"an architecture that takes what dataset {self.data.samples.name} gives"
        return listed_layers(network, example, "architecture", fits, **options)

    def layers(self, found: Listing) -> list[Layer | None]:
        """The layers that are observed, in execution order; None stands for all of them side by side."""
        every, select = found.layers, self.config["layer"]["select"]
        parts = select if isinstance(select, list) else [select]
        named = [part for part in parts if part != STATE]
        chosen: list[Layer | None] = [*select_layers(every, named)] if named else []
        return [*chosen, None] if STATE in parts else chosen

    def obtain(self, spec: ModelSpec) -> TrainedModel:
        """The object model, trained or loaded, with its training curve tracked once per sweep."""
        store = ModelStore(self.config["store"]["path"])
        settings = self.config["trainer"]
        options = TrainerOptions(str(self.device), settings["strategy"] or "auto", settings["progress"])
        if not spec.is_trained_here:
            return store.obtain(spec, self.data, options)
        key = spec.training_key
        if self.tracker.logged("object_model", key) and store.record(spec) is not None:
            return store.obtain(spec, self.data, options)
        of_network = {"dataset": self.data.samples.name, "architecture": self.architecture_id(spec), "seed": spec.seed}
        name = "{dataset} {architecture} seed {seed}".format(**of_network)
        config = {**of_network, "network": network_name(key), SETTINGS: as_written(spec.described())}
        with self.tracker.run("object_model", key, name, config) as run:
            logger = lightning_logger(run)
            trained = store.obtain(spec, self.data, replace(options, logger=logger))
            with harmless(name):
                replay(run, trained.history, logger)
                log_network(run, key, store.folder(spec), config)
        log.info("%s: %s", name, "trained" if trained.was_trained else "loaded from the store")
        return trained

    def tracked_as(self, ready: Prepared) -> dict[str, Any]:
        """Settings by which a dashboard groups and filters the job's run."""
        layers: dict[str, list[Any]] = {
            "layer": [STATE if layer is None else layer.name for layer in ready.layers],
            "depth": [None if layer is None else layer.depth for layer in ready.layers],
        }
        chosen = {"dataset": [self.data.samples.name], **self._network_tracked_as(ready.spec), **layers}
        return flat(chosen | options(self.config))

    def known_so_far(self) -> dict[str, Any]:
        """Those settings of `tracked_as` that can be told of a job whose preparation has failed."""
        known: dict[str, list[Any]] = {}
        with suppress(Exception):  # whatever failed may fail again
            known |= {"dataset": [self.data.samples.name]}
            known |= self._network_tracked_as(self.model_spec())
        return flat(known)

    def _network_tracked_as(self, spec: ModelSpec) -> dict[str, list[Any]]:
        return {
            "architecture": [self.architecture_id(spec)],
            "epoch": [0 if spec.is_initialisation else spec.epoch],
            "object_model": [spec.key],
            "network": [network_name(spec.training_key) if spec.is_trained_here else None],
        }

    def twins(self, spec: ModelSpec) -> Iterator[TrainedModel]:
        """The untrained twins that the control asks for; the first is the model's own initialisation."""
        store = ModelStore(self.config["store"]["path"])
        for draw in range(Untrained.among(self.controls).twins if self._has_network else 0):
            yield store.obtain(spec.twin(draw), self.data)

    def checks_maps(self, probes: Mapping[str, Probe]) -> bool:
        """Whether the randomisation check was asked for and there is a map to be checked."""
        asked = bool(self.config["evidence"]["randomisation"]) and self._has_network
        return asked and any(probe.has_map for probe in probes.values())

    def recording(self, found: Listing) -> Recording:
        """How states are had of the network and of those it is held against."""
        settings = self.config["store"]
        trainer = self.config["trainer"]
        store = StateStore(settings["path"], trainer["extract_batch_size"], self.device, trainer["devices"])
        return Recording(store, self.data.samples, self.data.parts, found, settings["extract"])

    def randomised(
        self, trained: TrainedModel, layers: Sequence[Layer | None], recording: Recording
    ) -> list[tuple[LayerState | None, str | None]]:
        """States of randomised networks, see `Recording.randomised`."""
        spec = trained.spec
        if spec.is_initialisation:
            return [(None, Note.of("not_trained"))] * len(layers)
        return recording.randomised(spec.key, trained.network, spec.twin(RANDOMISED).initial_network(), layers)

    def accuracy(self, trained: TrainedModel) -> tuple[float | None, str | None]:
        """Share of *test* whose learned class the object model gets right, and a remark on it.

        The remark says that it is no better than chance, or that shuffled targets were learned, which have no truth
        on *test*. A model that learned no classes has no accuracy, and the remark is its score.
        """
        learned, test = self.data.learned, self.data.parts.test
        if not self._has_network:
            self.score = Score("accuracy", None, len(test), "only its states are known")
            return None, self.score.remark
        self.score = held_out_score(trained.network, self.data, test)
        accuracy = self.score.value
        if learned.task != CLASSES or accuracy is None:
            return None, self.score.remark
        if trained.spec.is_initialisation:
            return accuracy, None
        majority = np.bincount(learned.targets[test]).max() / len(test)
        if learned.shuffled:
            return accuracy, shuffled_note(len(test), majority)
        remark = accuracy_note(accuracy, len(test), majority)
        if remark:
            log.warning("%s", remark)
        return accuracy, remark

    def _note(self, spec: ModelSpec, remark: str | None, known: TrainedOn | None) -> str | None:
        """A remark with those on a network from elsewhere: the rows it was trained on, and its weights."""
        found = self.source.remark if spec.weights is not None else None
        return note(None if known is None else known.remark, found, remark)

    def _trained_on(self, spec: ModelSpec) -> TrainedOn | None:
        """What is known of the rows that it was trained on elsewhere; None for what is trained here, or not at all."""
        return None if spec.is_initialisation else self.data.trained

    def groups(self) -> Halves[Int[np.ndarray, " row"]] | None:
        """Group of every row of *fit* and *test*, where ``split.group`` names a column."""
        column = self.config["split"]["group"]
        if column is None:
            return None
        codes = self.data.samples.column(column, "split.group").rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
        return Halves(codes[self.data.parts.fit], codes[self.data.parts.test])

    def check_equal_rows(self, labels: Labels) -> None:
        """Refuse a number of rows that no attribute has.

        Raises:
            ConfigError: with the most that one has.
        """
        number, parts = self.config["evidence"]["equal_rows"], self.data.parts
        if not isinstance(number, int) or not len(labels):
            return
        rows = [(labels.values[part] == label).sum(0) for part in (parts.fit, parts.test) for label in (0, 1)]
        most = int(np.min(rows, axis=0).max())
        if number > most:
            problem = f"no attribute has {number} rows of each label in fit and in test"
            raise ConfigError("evidence.equal_rows", problem, f"allowed: at most {most} here, or auto")

    def types(self) -> Int[np.ndarray, " sample"] | None:
        """Type of every sample for the control task, where it has a column; -1 where the column is null."""
        column = ControlTask.among(self.controls).column
        if column is None:
            return None
        values = self.data.samples.column(column, "control.control_task.column")
        codes: np.ndarray = values.rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1
        return codes

    def architecture_id(self, spec: ModelSpec) -> str:
        """A readable id that tells networks apart: ``mlp-8x128-relu``."""
        if self.pretrained is not None:
            return self.source.readable_id
        network = spec.initial_network()
        return str(getattr(network, "readable_id", type(network).__name__.lower()))

    @property
    def device(self) -> torch.device:
        """Where networks run."""
        return device_named(str(self.config["device"]))

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Show a step, and add its seconds to the timings."""
        start = time.perf_counter()
        with progress.step(step):
            yield
        self.timings[step] = round(time.perf_counter() - start, 3)
