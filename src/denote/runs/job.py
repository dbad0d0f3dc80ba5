"""One job: from a dataset and an architecture to the evidence in its folder."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from denote.attributes.families import check_rows, families, merge_labels
from denote.errors import ConfigError
from denote.evidence.rule import Rule
from denote.object_models.accuracy import accuracy_note, held_out_accuracy
from denote.object_models.settings import TrainerOptions, TrainingSettings
from denote.object_models.spec import ModelSpec, rows_key
from denote.object_models.store import ModelStore, TrainedModel
from denote.observation import Controls, Observation, Subject, observe_states
from denote.observers.probes import probe_from
from denote.reporting import tracking
from denote.states.layers import Layer
from denote.states.listing import list_layers, select_layers
from denote.states.store import LayerState, StateStore, state_of_all

if TYPE_CHECKING:
    from torch import nn

    from denote.data.module import SamplesModule

log = logging.getLogger(__name__)

STATE = "state"
"""The layer option that puts all layers side by side."""


@dataclass
class Job:
    """What one job does, as objects.

    Attributes:
        config: The resolved settings, as plain values.
        data: The dataset with its split.
        network: Builds the architecture with fresh weights from input shape and number of classes.
        tracker: Where its runs are tracked.
        memory_limit: Bytes the observers may hold at once.
        timings: Seconds per step, filled while it runs.
    """

    config: Mapping[str, Any]
    data: SamplesModule
    network: Callable[[tuple[int, ...], int], nn.Module]
    tracker: tracking.Tracker
    memory_limit: int
    timings: dict[str, float] = field(default_factory=dict)

    def run(self) -> Observation:
        """Train or load, record, observe. Every mistake that can be known before training is raised before it."""
        config = self.config
        with self._timed("data"):
            self.data.setup()
        samples, parts = self.data.samples, self.data.parts
        rule = self.rule
        with self._timed("attributes"):
            searched = families(config["attribute"], samples)
            labels = merge_labels(searched)
            reasons = check_rows(labels, parts, rule.min_rows)
        probes = {name: probe_from(settings["kind"], _without_kind(settings)) for name, settings in config["probe"].items()}
        spec = self.model_spec()
        chosen, all_layers = self.layers(spec)
        with self._timed("object model"):
            trained = self.obtain(spec)
        accuracy, remark = self.accuracy(trained)
        with self._timed("states"):
            states = self.states(trained, chosen, all_layers)
            untrained = [self.states(twin, chosen, all_layers) for twin in self.twins(spec)]
        subject = Subject(
            dataset=samples.name, architecture=self.architecture_id(spec), trained=not spec.is_initialisation,
            epoch=trained.epoch if spec.epoch is not None or spec.is_initialisation else None, seed=spec.seed,
            object_model=spec.key, object_accuracy=accuracy, note=remark,
        )  # fmt: skip
        with self._timed("observers"):
            return observe_states(
                states, subject=subject, parts=parts, families=searched, labels=labels, reasons=reasons, probes=probes,
                rule=rule, controls=Controls.of(config["control"]), untrained=untrained,
                raw_input=self.raw_input() if self._wants_raw_input else None, probe_seed=config["probe_seed"],
                thresholds=config["evidence"]["thresholds"], memory_limit=self.memory_limit,
            )  # fmt: skip

    @property
    def rule(self) -> Rule:
        """The decision rule of ``evidence.*``."""
        evidence = self.config["evidence"]
        return Rule(**{name: evidence[name] for name in ("decisive", "null", "q", "min_rows", "on_tolerance")})

    def model_spec(self) -> ModelSpec:
        """Which object model; the data must be set up."""
        from denote.build import ARCHITECTURE_KEYS

        samples, architecture, trainer = self.data.samples, self.config["architecture"], self.config["trainer"]
        shape, n_classes = tuple(samples.inputs.shape), len(samples.classes)
        shaping = {key: value for key, value in trainer.items() if key not in ("progress", "extract_batch_size")}
        return ModelSpec(
            architecture={key: value for key, value in architecture.items() if key not in ARCHITECTURE_KEYS},
            network=lambda: self.network(shape, n_classes), input_shape=shape, n_classes=n_classes,
            data_key=samples.key, rows_digest=rows_key(self.data.train_rows, self.data.validation_rows),
            training=TrainingSettings.of(shaping), seed=self.config["seed"], trained=architecture["trained"],
            epoch=architecture["epoch"], save_epochs=tuple(architecture["save_epochs"]),
        )  # fmt: skip
