"""The Lightning face of an observer. It is the only module here that imports Lightning."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from pytorch_lightning import LightningModule
from torch import Tensor

from denote.observers.observer import Observer


class ObserverModel(LightningModule):
    """A linear map from a layer's state to one score per attribute; above 0 means the attribute.

    A checkpoint holds the probe's kind and the coefficients, float32.

    Args:
        n_neurons: Numbers in one sample's state.
        n_attributes: Number of scores.
        probe: Kind of probe that filled it.
    """

    weights: Tensor
    bias: Tensor

    def __init__(self, n_neurons: int, n_attributes: int, probe: str) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.register_buffer("weights", torch.zeros(n_neurons, n_attributes))
        self.register_buffer("bias", torch.zeros(n_attributes))

    @classmethod
    def from_observer(cls, observer: Observer) -> ObserverModel:
        """The observer's coefficients in a module; columns without fit give NaN scores."""
        n_neurons, n_attributes = observer.weights.shape
        model = cls(n_neurons, n_attributes, observer.probe)
        model.weights.copy_(torch.from_numpy(observer.weights))
        model.bias.copy_(torch.from_numpy(observer.bias))
        return model

    def forward(self, state: Float[Tensor, "sample neuron"]) -> Float[Tensor, "sample attribute"]:
        """Decision scores."""
        return state @ self.weights + self.bias

    def predict_step(self, batch: Any, batch_idx: int) -> Float[Tensor, "sample attribute"]:
        """Scores of a batch, which is a state or a sequence that starts with one."""
        state = batch[0] if isinstance(batch, (tuple, list)) else batch
        scores: Tensor = self(state)
        return scores
