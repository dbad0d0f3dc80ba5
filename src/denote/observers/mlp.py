"""The MLP probe: one hidden layer that all attributes share, trained by Lightning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, TypeAlias

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int
from torch import Tensor

from denote.config.settings import AtLeastOne, Positive, Switch, number
from denote.observers.observer import BuiltInProbe, FitData, Observer, class_counts, unfit_notes
from denote.observers.reading import Values, check_state, moments
from denote.observers.solvers.batches import Batches, inner_parts, with_threshold
from denote.observers.solvers.design import design_of

Rows: TypeAlias = Int[np.ndarray, " row"]

VALIDATION_ROWS = 1 << 14
"""Rows of the inner validation part that are scored at once."""


@dataclass(frozen=True)
class MlpProbe(BuiltInProbe):
    """Rectified units on the standardised state, and on them one logistic head per attribute, all trained together.

    Minimises, by AdamW, the mean over attributes of the mean logistic loss over their rows that are not null. A fifth
    of *fit* moves no weight: it says when to stop and which epoch is kept. The result is no certified optimum, so
    ``gradient_norm`` is NaN. As the heads share the hidden layer, an attribute's observer depends on which others are
    fitted beside it (``joint``), so no control may be fitted in one call with what it controls.

    Attributes:
        width: Hidden units.
        weight_decay: AdamW's, at least 0: in every step weights shrink by ``lr * weight_decay`` of themselves. It is
            no penalty that is added to the loss; biases are free.
        lr: AdamW's learning rate, > 0.
        batch_size: Most rows per step.
        max_epochs: Most passes over the rows that move weights.
        patience: Passes without a lower mean validation loss after which training ends.
        balance: Both classes weigh the same. Without it every row weighs the same, and the threshold is set to the
            best balanced accuracy on the inner validation part.
    """

    width: AtLeastOne = 64
    weight_decay: Annotated[float, number(0)] = 0.1
    lr: Positive = 3e-3
    batch_size: AtLeastOne = 256
    max_epochs: AtLeastOne = 500
    patience: AtLeastOne = 10
    balance: Switch = True

    kind = "mlp"
    capacity = 4
    joint = True

    def fit_data(self, data: FitData) -> Observer:
        """Fit all attributes (see ``Probe.fit``); equal seeds give equal bits on one device.

        ``converged`` says, for all columns alike, that the validation loss stopped falling before ``max_epochs``.

        Raises:
            StateError: if the state is not finite or has another number of rows than the labels.
            ConfigError: if the loss is no longer finite.
        """
        state, labels = data.state, data.labels
        check_state(state, labels)
        held, rest = inner_parts(len(labels), data.seed, data.groups)
        reasons = (
            unfit_notes(labels),
            unfit_notes(labels[rest], "training"),
            unfit_notes(labels[held], "validation"),
        )
        notes = tuple(next(filter(None, column), None) for column in zip(*reasons, strict=True))
        able = np.array([note is None for note in notes], dtype=bool)
        n_attributes = len(notes)
        hidden, hidden_bias = np.full((state.shape[1], self.width), np.nan), np.full(self.width, np.nan)
        weights, bias = np.full((self.width, n_attributes), np.nan), np.full(n_attributes, np.nan)
        converged = np.zeros(n_attributes, dtype=bool)
        if able.any():
            learned, converged[able] = self._train(replace(data, labels=labels[:, able]), rest, held)
            hidden, hidden_bias = learned["hidden"], learned["hidden_bias"]
            weights[:, able], bias[able] = learned["weights"], learned["bias"]
        norm = np.full(n_attributes, np.nan)
        observer = Observer(self.kind, weights, bias, converged, norm, notes, hidden=hidden, hidden_bias=hidden_bias)
        return observer if self.balance else with_threshold(observer, observer.scores(state[held]), labels[held])

    def _train(self, data: FitData, rest: Rows, held: Rows) -> tuple[dict[str, Float64[np.ndarray, "*shape"]], bool]:
        """Coefficients as an observer has them, in raw units of the state, and whether training ended by itself."""
        # Here, as Lightning takes seconds to import.
        from denote.observers.observer_model import ObserverModel, train_observer

        state, labels = data.state, data.labels
        neurons = moments(state)
        design = design_of(state, neurons.mean, neurons.scale, data.resources)
        on_device = torch.from_numpy(np.ascontiguousarray(labels)).to(design.device)
        training, validation = (
            Batches(design, rows, on_device, self._class_weights(labels[rows]).to(design.device), size, order)
            for rows, size, order in ((rest, self.batch_size, data.seed), (held, VALIDATION_ROWS, None))
        )
        model = ObserverModel(state.shape[1], labels.shape[1], self.kind, self.width, self.lr, self.weight_decay)
        ended = train_observer(model, training, validation, data.seed, self.max_epochs, self.patience)
        learned = {name: value.cpu().double() for name, value in model.state_dict().items()}
        learned["hidden"] /= neurons.scale[:, None]
        learned["hidden_bias"] -= neurons.mean @ learned["hidden"]
        return {name: value.numpy() for name, value in learned.items()}, ended

    def _class_weights(self, labels: Values) -> Float32[Tensor, "class=2 attribute"]:
        """What rows without and with an attribute weigh, so that the losses of all rows add up to the objective."""
        counts = np.stack(class_counts(labels)[::-1])
        each = 1 / (2 * counts) if self.balance else 1 / np.broadcast_to(counts.sum(0), counts.shape)
        return torch.from_numpy((each / labels.shape[1]).astype(np.float32))
