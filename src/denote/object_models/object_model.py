"""The network that is observed, as a LightningModule around any module."""

from __future__ import annotations

from typing import Any, cast

import pytorch_lightning as pl
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchmetrics import Metric

from denote.data.batch import Batch
from denote.data.module import Taught
from denote.data.samples import CLASSES
from denote.errors import ConfigError, one_of
from denote.object_models.task import TASKS, outputs_of

_OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}


class ObjectModel(pl.LightningModule):
    """A network with the loss and the metric of its task; one step serves training, validation and test.

    Args:
        network: Maps a batch of inputs to outputs ``[sample, output]``; where samples are words of sequences, to
            outputs ``[sequence, position, output]``.
        n_classes: Number of outputs: classes, labels, or 1 for a number.
        optimizer: ``adam``, ``adamw`` or ``sgd``.
        lr: Learning rate, above 0.
        weight_decay: At least 0.
        task: ``classes`` (cross-entropy, accuracy), ``numeric`` (mean squared error, R squared) or ``labels`` (binary
            cross-entropy, mean accuracy).
    """

    def __init__(
        self,
        network: nn.Module,
        n_classes: int,
        optimizer: str = "adam",
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        task: str = CLASSES,
    ) -> None:
        super().__init__()
        if optimizer not in _OPTIMIZERS:
            problem = f"no optimizer is called {optimizer!r}"
            raise ConfigError("trainer.optimizer", problem, one_of(optimizer, _OPTIMIZERS))
        self.save_hyperparameters(ignore=["network"])
        self.network = network
        self.task = TASKS[task]
        self.metrics = nn.ModuleDict({stage: self.task.metric(n_classes) for stage in ("train_", "val_", "test_")})

    def forward(self, inputs: Batch) -> Float[Tensor, "sample output"]:
        """Return logits, or numbers, of the samples."""
        return outputs_of(self.network, inputs)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer named in the settings.

        Raises:
            ConfigError: if the network has no parameters.
        """
        if next(self.parameters(), None) is None:
            raise ConfigError("architecture.trained", "the network has nothing to train", "allowed: false")
        hparams: Any = self.hparams
        kind = _OPTIMIZERS[hparams.optimizer]
        return kind(self.parameters(), lr=hparams.lr, weight_decay=hparams.weight_decay)  # type: ignore[call-arg] # the base class does not declare what all three take

    def training_step(self, batch: Taught, batch_idx: int) -> Tensor:
        """Return the loss of a training batch."""
        return self._step(batch, "train_")

    def validation_step(self, batch: Taught, batch_idx: int) -> Tensor:
        """Return the loss of a batch that early stopping looks at."""
        return self._step(batch, "val_")

    def test_step(self, batch: Taught, batch_idx: int) -> Tensor:
        """Return the loss of a held-out batch."""
        return self._step(batch, "test_")

    def _step(self, batch: Taught, stage: str) -> Tensor:
        inputs, targets, _ = batch
        outputs = self(inputs)
        loss = self.task.loss(outputs, targets)
        metric = cast(Metric, self.metrics[stage])
        metric.update(self.task.predict(outputs), targets)
        options: dict[str, Any] = {"on_step": False, "on_epoch": True, "prog_bar": True, "batch_size": len(targets)}
        self.log(f"{stage}loss", loss, **options)
        self.log(f"{stage}{self.task.measure}", metric, **options)
        return loss
