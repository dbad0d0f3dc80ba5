"""Training an observer by Lightning's Trainer: until its validation loss stops falling; nothing is left on disk."""

from __future__ import annotations

from math import inf, isfinite

import pytorch_lightning as pl
import torch
from torch import Tensor

from denote.errors import ConfigError
from denote.object_models.quiet import quiet_lightning
from denote.object_models.training import interruptible
from denote.observers.observer_model import ObserverModel
from denote.observers.solvers.batches import Batches
from denote.streams import torch_stream

LEAST_GAIN = 1e-3
"""Nats by which the mean validation loss (chance has .69) must fall to count as better: separable data gain forever."""


class KeepBest(pl.Callback):
    """Keeps the weights of the best epoch in memory, and ends the training when none was better for a while.

    Args:
        patience: Epochs without a better one after which training ends.

    Attributes:
        best_loss: Validation loss of the epoch that is kept.
        weights: Its coefficients.
        waited: Epochs since then.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best_loss, self.waited = inf, 0
        self.weights: dict[str, Tensor] = {}

    @property
    def ran_out(self) -> bool:
        """Whether the validation loss stopped falling."""
        return self.waited >= self.patience

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the epoch.

        Raises:
            ConfigError: if the loss is no longer finite.
        """
        loss = float(trainer.callback_metrics["val_loss"])
        if not isfinite(loss):
            where = f"probe.{pl_module.hparams['probe']}.lr"
            raise ConfigError(where, f"the loss is {loss} after epoch {trainer.current_epoch + 1}", "try a lower one")
        if loss < self.best_loss - LEAST_GAIN:
            self.best_loss, self.waited = loss, 0
            self.weights = {name: value.detach().clone() for name, value in pl_module.state_dict().items()}
        else:
            self.waited += 1
            trainer.should_stop = self.ran_out


def train_observer(
    model: ObserverModel, training: Batches, validation: Batches, seed: int, max_epochs: int, patience: int
) -> bool:
    """Draw the model's weights and train them to those of the epoch with the lowest validation loss.

    Args:
        model: The observer, changed in place.
        training: Rows that move the weights.
        validation: Rows that choose the epoch.
        seed: Names the initial weights.
        max_epochs: Most passes over ``training``.
        patience: Epochs without a better one after which training ends.

    Returns:
        Whether training ended because the validation loss stopped falling.

    Raises:
        ConfigError: if the loss is no longer finite.
    """
    device = training.design.device
    kept = KeepBest(patience)
    on_gpu = device.type == "cuda"
    # Nothing here draws from the global generators; should Lightning or a kernel do so, they are put back.
    with quiet_lightning(), interruptible(), torch.random.fork_rng(_gpu(device)), torch.enable_grad():
        model.initialise(torch_stream("observer weights", seed))
        trainer = pl.Trainer(
            max_epochs=max_epochs,
            accelerator="gpu" if on_gpu else "cpu",
            devices=_gpu(device) or 1,
            logger=False,
            callbacks=[kept],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(model, training, validation)
    model.load_state_dict(kept.weights)
    model.requires_grad_(False)
    return kept.ran_out


def _gpu(device: torch.device) -> list[int]:
    """The one GPU that is used, if any."""
    if device.type != "cuda":
        return []
    return [torch.cuda.current_device() if device.index is None else device.index]
