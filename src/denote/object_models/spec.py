"""Which object model: everything that shapes its weights, and the keys made of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from denote.config.keys import SCHEMA, digest, digest_array
from denote.config.settings import TrainingSettings, in_key
from denote.data.samples import CLASSES, Rows
from denote.errors import ConfigError
from denote.streams import stream_seed

if TYPE_CHECKING:
    from pytorch_lightning import Callback
    from pytorch_lightning.loggers import Logger


def rows_key(train_rows: Rows, validation_rows: Rows) -> str:
    """Key of the rows that train an object model and of those that stop its training."""
    return digest([digest_array(np.asarray(rows, dtype=np.int64)) for rows in (train_rows, validation_rows)])


@dataclass(frozen=True)
class ModelSpec:
    """One object model, before it exists.

    Attributes:
        architecture: The architecture's settings as plain JSON-like values, its ``_target_`` included, without
            ``trained``, ``epoch`` and ``save_epochs``.
        network: Makes the network; called with the generator seeded, so it must draw from torch's global one only.
        input_shape: Shape of one sample.
        n_classes: Number of classes.
        data_key: Key of the samples and the target.
        rows_digest: `rows_key` of the rows that train and of those that stop the training.
        training: Settings that shape the weights.
        seed: Seed of initialisation, shuffling and dropout.
        trained: False for the network at initialisation.
        epoch: Passes over the training rows after which the weights are taken; 0 is the initialisation, None the
            epoch with the lowest validation loss.
        save_epochs: Epochs whose weights are kept besides. Shapes no key: asking for more later is allowed.
        draw: Which initialisation: 0 the model's own, others those of its untrained twins.
        task: What is learned, see `denote.data.samples.TASKS`.
        weights: Digest of weights that were trained elsewhere; None where it is trained here.
        elsewhere: Gives the network with those weights.
    """

    architecture: Mapping[str, Any]
    network: Callable[[], nn.Module] = field(compare=False)
    input_shape: tuple[int, ...]
    n_classes: int
    data_key: str
    rows_digest: str
    training: TrainingSettings
    seed: int
    trained: bool = True
    epoch: int | None = None
    save_epochs: tuple[int, ...] = ()
    draw: int = 0
    task: str = CLASSES
    weights: str | None = None
    elsewhere: Callable[[], nn.Module] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        last, batch, devices = self.training.max_epochs, self.training.batch_size, self.training.devices
        if self.is_trained_here and batch % devices:
            near = max(devices, round(batch / devices) * devices)
            problem = f"{batch} rows a step cannot be shared equally by trainer.devices={devices}"
            raise ConfigError("trainer.batch_size", problem, f"a multiple of {devices}, such as {near}")
        asked = {"epoch": () if self.epoch is None else (self.epoch,), "save_epochs": self.save_epochs}
        for key, epochs in asked.items():
            if beyond := [epoch for epoch in epochs if not 0 <= epoch <= last]:
                allowed = f"0 to {last} (trainer.max_epochs)"
                raise ConfigError(f"architecture.{key}", f"there is no epoch {beyond[0]}", allowed)
        if not self.trained and self.epoch:
            raise ConfigError("architecture.epoch", f"an untrained network has no epoch {self.epoch}", "0 or null")
        if self.weights is not None and (self.epoch or self.save_epochs):
            problem = "the network was trained elsewhere, its epochs are not here"
            raise ConfigError("architecture.epoch", problem, "null")
        if self.draw and not self.is_initialisation:
            raise ValueError("only a network at initialisation has draws")

    @property
    def is_initialisation(self) -> bool:
        """Whether the weights are those before any training."""
        return not self.trained or self.epoch == 0

    @property
    def is_trained_here(self) -> bool:
        """Whether its weights come from a training of ours."""
        return not self.is_initialisation and self.weights is None

    @property
    def training_key(self) -> str:
        """Key of one training, whichever of its epochs is taken."""
        return digest(self._initial_state() | {"kind": "training", **self._training_state()})

    @property
    def key(self) -> str:
        """Key of the object model. Without training it depends on architecture, samples, seed and draw only.

        The samples enter because the key stands for a row of a table, where two datasets must not be confused.
        """
        if self.is_initialisation:
            drawn = {"kind": "initialisation", "draw": self.draw, "data_key": self.data_key}
            return digest(self._initial_state() | drawn)
        if self.weights is not None:
            loaded = {"kind": "trained elsewhere", "weights": self.weights, "data_key": self.data_key, "seed": None}
            return digest(self._initial_state() | loaded)
        return digest({"kind": "object model", "training": self.training_key, "epoch": self.epoch})

    def twin(self, draw: int) -> ModelSpec:
        """The untrained twin: 0 is this model's own initialisation, others are drawn from streams of its seed."""
        return replace(self, trained=False, epoch=None, draw=draw)

    def initial_network(self) -> nn.Module:
        """The network at initialisation, on the CPU; no global generator is left changed."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(stream_seed("initialisation", self.seed, self.draw))
            return self.network()

    def untaught_network(self) -> nn.Module:
        """The network before any training of ours: with weights from elsewhere, or at initialisation."""
        is_loaded = self.elsewhere is not None and not self.is_initialisation
        return self.elsewhere() if is_loaded and self.elsewhere else self.initial_network()

    def described(self) -> dict[str, Any]:
        """What shaped a training, for its record."""
        return self._initial_state() | self._training_state()

    def _initial_state(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "architecture": dict(self.architecture),
            "input_shape": list(self.input_shape),
            "n_classes": self.n_classes,
            "seed": self.seed,
            **({} if self.task == CLASSES else {"task": self.task}),
        }

    def _training_state(self) -> dict[str, Any]:
        return {"data_key": self.data_key, "rows_digest": self.rows_digest, "training": in_key(asdict(self.training))}


@dataclass(frozen=True)
class TrainerOptions:
    """What may differ between two trainings that give the same weights; none of it enters a key.

    Attributes:
        device: ``cpu``, ``cuda`` or ``cuda:N``; several are the first ones of that kind.
        strategy: How several devices train together, see `denote.config.settings.STRATEGIES`.
        progress: True to count epochs in the progress that is shown.
        logger: Gets losses and accuracies per epoch; None for nothing.
        callbacks: Further Lightning callbacks, which must not change the weights.
    """

    device: str = "cpu"
    strategy: str = "auto"
    progress: bool = False
    logger: Logger | None = None
    callbacks: Sequence[Callback] = field(default=())
