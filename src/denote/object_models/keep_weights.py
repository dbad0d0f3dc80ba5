"""Keeps the weights of the best and of chosen epochs, and the history, while Lightning trains."""

from __future__ import annotations

from collections.abc import Collection
from math import inf, isfinite
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping

from denote.errors import ConfigError
from denote.object_models.object_model import ObjectModel
from denote.object_models.weights import BEST, epoch_file, write_weights
from denote.streams import stream_seed


class KeepWeights(pl.Callback):
    """Writes weights when an epoch ends; its state travels in Lightning's checkpoint, so a resumed training goes on.

    Args:
        folder: Where the weights go.
        epochs: Epochs to keep besides the best.
        seed: Seed of what the network draws while it trains (dropout), afresh for every epoch.

    Attributes:
        history: One row per finished epoch: ``epoch`` (1 first), and loss and metric of training and validation.
        best_epoch: The epoch with the lowest validation loss so far, the first of equals.
    """

    def __init__(self, folder: Path, epochs: Collection[int], seed: int) -> None:
        self.folder, self.epochs, self.seed = folder, frozenset(epochs), seed
        self.history: list[dict[str, float]] = []
        self.best_epoch, self.best_loss = 0, inf

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Name the epoch's stream, so that an epoch draws the same whether training was interrupted or not."""
        torch.manual_seed(stream_seed("training", self.seed, trainer.current_epoch))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the measures and write the weights if they are wanted."""
        epoch = trainer.current_epoch + 1
        measures = ("loss", _module(pl_module).task.measure)
        row = {f"{part}_{name}": float(trainer.callback_metrics[f"{part}_{name}"])
               for part in ("train", "val") for name in measures}  # fmt: skip
        for name in ("train_loss", "val_loss"):
            if not isfinite(row[name]):
                lr = pl_module.hparams["lr"]
                raise ConfigError(
                    "trainer.lr", f"{name} is {row[name]} after epoch {epoch} at lr {lr:g}", "try a lower one"
                )
        self.history.append({"epoch": epoch, **row})
        network = _module(pl_module).network
        if row["val_loss"] < self.best_loss:
            self.best_epoch, self.best_loss = epoch, row["val_loss"]
            write_weights(network, self.folder / BEST)
        if epoch in self.epochs:
            write_weights(network, self.folder / epoch_file(epoch))

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs to go on."""
        return {"history": self.history, "best_epoch": self.best_epoch, "best_loss": self.best_loss}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.history = list(state_dict["history"])
        self.best_epoch, self.best_loss = state_dict["best_epoch"], state_dict["best_loss"]


class Patience(EarlyStopping):
    """Early stopping that, resumed after its patience ran out, does not train another epoch."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop before the first step if the checkpoint is that of the last epoch."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


def _module(module: pl.LightningModule) -> ObjectModel:
    assert isinstance(module, ObjectModel)  # noqa: S101 # ours are the only modules this callback is given
    return module
