"""The network that is observed, as a LightningModule around any module that gives logits."""

from __future__ import annotations

from typing import Any, cast

import pytorch_lightning as pl
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torchmetrics.classification import MulticlassAccuracy

from denote.errors import ConfigError, one_of

Batch = tuple[Float[Tensor, " sample *shape"], Int[Tensor, " sample"], Int[Tensor, " sample"]]
"""Inputs, class indices, row ids."""

_OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}


class ObjectModel(pl.LightningModule):
    """A classifier trained by cross-entropy; one step serves training, validation and test.

    Args:
        network: Maps a batch of inputs to logits ``[sample, class]``.
        n_classes: Number of logits.
        optimizer: ``adam``, ``adamw`` or ``sgd``.
        lr: Learning rate, above 0.
        weight_decay: At least 0.
    """

    def __init__(
        self, network: nn.Module, n_classes: int, optimizer: str = "adam", lr: float = 1e-3, weight_decay: float = 0.0
    ) -> None:
        super().__init__()
        if optimizer not in _OPTIMIZERS:
            raise ConfigError(
                "trainer.optimizer", f"no optimizer is called {optimizer!r}", one_of(optimizer, _OPTIMIZERS)
            )
        self.save_hyperparameters(ignore=["network"])
        self.network = network
        # Argmax first: torchmetrics would pass raw scores outside [0, 1] through a sigmoid.
        self.accuracies = nn.ModuleDict(
            {stage: MulticlassAccuracy(n_classes, average="micro") for stage in ("train_", "val_", "test_")}
        )

    def forward(self, inputs: Float[Tensor, " sample *shape"]) -> Float[Tensor, "sample class"]:
        """Logits."""
        logits: Tensor = self.network(inputs)
        return logits

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimizer named in the settings.

        Raises:
            ConfigError: if the network has no parameters.
        """
        if next(self.parameters(), None) is None:
            raise ConfigError("architecture.trained", "the network has nothing to train", "allowed: false")
        hparams: Any = self.hparams
        kind = _OPTIMIZERS[hparams.optimizer]
        return kind(self.parameters(), lr=hparams.lr, weight_decay=hparams.weight_decay)  # type: ignore[call-arg] # the base class does not declare what all three take

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of a training batch."""
        return self._step(batch, "train_")

    def validation_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of a batch that early stopping looks at."""
        return self._step(batch, "val_")

    def test_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of a held-out batch."""
        return self._step(batch, "test_")

    def _step(self, batch: Batch, stage: str) -> Tensor:
        inputs, targets, _ = batch
        logits = self(inputs)
        loss = cross_entropy(logits, targets)
        accuracy = cast(MulticlassAccuracy, self.accuracies[stage])
        accuracy(logits.argmax(dim=1), targets)
        options: dict[str, Any] = {"on_step": False, "on_epoch": True, "prog_bar": True, "batch_size": len(targets)}
        self.log(f"{stage}loss", loss, **options)
        self.log(f"{stage}accuracy", accuracy, **options)
        return loss
