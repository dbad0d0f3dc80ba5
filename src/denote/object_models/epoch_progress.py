"""Show a training as a step: which epoch, what the last one reached on validation, how long it takes at most."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from denote.progress.steps import Step

LONG = 3.0
"""Seconds of an epoch after which its batches are told, too."""


class EpochProgress(Callback):
    """Counts epochs of a step; Lightning's bars write a line for every batch, and leave lines behind.

    Args:
        epochs: The step.
        measure: Name of what is told of an epoch, such as ``val_accuracy``.
    """

    def __init__(self, epochs: Step, measure: str) -> None:
        self.epochs, self.measure, self.begun = epochs, measure, epochs.clock()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin where a resumed training does."""
        self.epochs.done = trainer.current_epoch

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note when it began."""
        self.begun = self.epochs.clock()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Tell the batch of a long epoch."""
        if self.epochs.clock() - self.begun >= LONG:
            self.epochs.detail = f"batch {batch_idx + 1} of {trainer.num_training_batches}"

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Count the epoch."""
        value = trainer.callback_metrics.get(self.measure)
        self.epochs.advance(detail="" if value is None else f"{self.measure} {float(value):.3f}")
