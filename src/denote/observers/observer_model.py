"""The Lightning face of an observer and its training. Only this module imports Lightning here."""

from __future__ import annotations

import os
from math import inf, isfinite, sqrt
from typing import Any

import pytorch_lightning as pl
import torch
from jaxtyping import Float
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, relu

from denote.errors import ConfigError
from denote.object_models.lightning_session import alone_on, gpu_indices, lightning_session
from denote.observers.observer import Observer
from denote.observers.solvers.batches import Batches
from denote.streams import torch_stream

Batch = tuple[Float[Tensor, "sample neuron"], Float[Tensor, "sample attribute"], Float[Tensor, "sample attribute"]]
"""State, labels 0 and 1, and what each label weighs; labels that weigh 0 have any value."""


class ObserverModel(LightningModule):
    """A map from a layer's state to one score per attribute, above 0 for the attribute: linear, or by a hidden layer.

    A checkpoint holds the probe's kind and the coefficients, float32. A new model's coefficients are 0 and do not
    learn; ``initialise`` draws them and lets them.

    Args:
        n_neurons: Numbers in one sample's state.
        n_attributes: Number of scores.
        probe: Kind of probe that filled it.
        width: Rectified units of the hidden layer that all scores share; None for a linear map.
        lr: Learning rate of AdamW, > 0.
        weight_decay: AdamW's: in every step weights shrink by ``lr * weight_decay`` of themselves; biases do not.
    """

    hidden: nn.Parameter | None
    hidden_bias: nn.Parameter | None

    def __init__(
        self,
        n_neurons: int,
        n_attributes: int,
        probe: str,
        width: int | None = None,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.hidden = None if width is None else _zeros(n_neurons, width)
        self.hidden_bias = None if width is None else _zeros(width)
        self.weights = _zeros(n_neurons if width is None else width, n_attributes)
        self.bias = _zeros(n_attributes)

    @classmethod
    def from_observer(cls, observer: Observer) -> ObserverModel:
        """The observer's coefficients in a module; columns without fit give NaN scores."""
        width = None if observer.hidden is None else observer.hidden.shape[1]
        model = cls(observer.n_neurons, len(observer.bias), observer.probe, width)
        for name, parameter in model.named_parameters():
            parameter.data.copy_(torch.from_numpy(getattr(observer, name)))
        return model

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights, uniform as ``nn.Linear`` draws them, with biases at 0, and let all of them learn."""
        for parameter in self.parameters():
            if parameter.ndim == 2:
                bound = 1 / sqrt(max(1, len(parameter)))
                parameter.data.uniform_(-bound, bound, generator=generator)
            else:
                parameter.data.zero_()
            parameter.requires_grad_(True)

    def forward(self, state: Float[Tensor, "sample neuron"]) -> Float[Tensor, "sample attribute"]:
        """Decision scores."""
        if self.hidden is not None and self.hidden_bias is not None:
            state = relu(torch.addmm(self.hidden_bias, state, self.hidden))
        return torch.addmm(self.bias, state, self.weights)

    def predict_step(self, batch: Any, batch_idx: int) -> Float[Tensor, "sample attribute"]:
        """Scores of a batch, which is a state or a sequence that starts with one."""
        state = batch[0] if isinstance(batch, (tuple, list)) else batch
        scores: Tensor = self(state)
        return scores

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Weighted sum of the logistic losses of a batch."""
        return self._loss(batch)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log the same of held-out rows as ``val_loss``, summed over their batches."""
        self.log("val_loss", self._loss(batch), on_epoch=True, reduce_fx="sum", batch_size=len(batch[0]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; weight decay pulls at weights, not at biases."""
        hparams: Any = self.hparams
        matrices = [p for p in self.parameters() if p.ndim == 2]
        vectors = [p for p in self.parameters() if p.ndim == 1]
        groups: list[dict[str, Any]] = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=hparams.lr, weight_decay=hparams.weight_decay)

    def _loss(self, batch: Batch) -> Tensor:
        state, labels, weights = batch
        return binary_cross_entropy_with_logits(self(state), labels, weights, reduction="sum")


def _zeros(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(shape), requires_grad=False)


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
    # Nothing here draws from the global generators; should Lightning or a kernel do so, they are put back.
    with lightning_session(), torch.random.fork_rng(gpu_indices(device)), torch.enable_grad():
        model.initialise(torch_stream("observer weights", seed))
        trainer = pl.Trainer(
            max_epochs=max_epochs,
            **alone_on(device),
            logger=False,
            callbacks=[kept],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            default_root_dir=os.devnull,  # in a SLURM job, Lightning loads a checkpoint that it finds in this folder
        )
        trainer.fit(model, training, validation)
    model.load_state_dict(kept.weights)
    model.requires_grad_(False)
    return kept.ran_out
