"""How well an object model does its own task on rows it was not trained on, and whether that is more than chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float32, Int
from scipy.stats import binomtest
from torch import Tensor, nn

from denote.data.samples import CLASSES, NUMERIC
from denote.numbers import proportion
from denote.object_models.task import TASKS, tensor_of

if TYPE_CHECKING:
    from denote.data.module import SamplesModule

CHANCE_LEVEL = 0.05
"""One-sided level at which a model must beat the most frequent class not to be flagged."""


@dataclass(frozen=True)
class Score:
    """How well an object model does its task on rows it was not trained on.

    Attributes:
        measure: ``accuracy``, ``R squared`` or ``mean accuracy over labels``.
        value: Of the measure; None where it cannot be had.
        n: Number of rows behind it.
        reason: Why there is no value.
    """

    measure: str
    value: float | None
    n: int
    reason: str | None = None

    @property
    def remark(self) -> str:
        """The score in a line of a note."""
        if self.value is None:
            return f"object model: no {self.measure}, as {self.reason}"
        return f"object model: {self.measure} {proportion(self.value, 3)} on {self.n} rows"


def held_out_score(
    model: nn.Module, data_module: SamplesModule, rows: Int[np.ndarray, " row"], batch_size: int = 1024
) -> Score:
    """The metric of the task on ``rows``; the model's mode is left as it was.

    A network that was trained elsewhere may give something else than the dataset's targets: it then has no score.

    Raises:
        ValueError: if there are no rows.
    """
    learned = data_module.learned
    measure, true = TASKS[learned.task].words, learned.targets[rows]
    outputs = _outputs(model, data_module, rows, batch_size)
    if not isinstance(outputs, np.ndarray):
        problem = f"the network gives {outputs} per input and the task has {learned.n_classes} outputs"
        return Score(measure, None, len(rows), problem)
    if learned.task == NUMERIC:
        spread = float(((true - true.mean(dtype=np.float64)) ** 2).sum())
        error = float(((true - outputs[:, 0]).astype(np.float64) ** 2).sum())
        if spread == 0:
            return Score(measure, None, len(rows), "the target is constant there")
        return Score(measure, 1 - error / spread, len(rows))
    predicted = outputs.argmax(axis=1) if learned.task == CLASSES else outputs > 0
    return Score(measure, float((predicted == true).mean()), len(rows))


def _outputs(
    model: nn.Module, data_module: SamplesModule, rows: Int[np.ndarray, " row"], batch_size: int
) -> Float32[np.ndarray, "row output"] | tuple[int, ...]:
    """What the model gives for rows; as soon as that is no output of the task, its shape alone."""
    if len(rows) == 0:
        raise ValueError("accuracy of no rows")
    parts: list[Tensor] = []
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for inputs, batch in data_module.batches(rows, batch_size):
                part = tensor_of(model(inputs.to(device)))
                if part.shape != (len(batch), data_module.learned.n_classes):
                    return tuple(part.shape[1:])
                parts.append(part.float().cpu())
    finally:
        model.train(was_training)
    return torch.cat(parts).numpy()


def accuracy_note(accuracy: float, n: int, majority_share: float) -> str | None:
    """Say so if a model is at chance: an exact binomial test does not put it above the most frequent class.

    Args:
        accuracy: Its held-out accuracy, in [0, 1].
        n: Number of held-out rows behind it.
        majority_share: Share of the most frequent class among them, in (0, 1].
    """
    p_value = binomtest(round(accuracy * n), n, majority_share, alternative="greater").pvalue
    if p_value <= CHANCE_LEVEL:
        return None
    ours, theirs = proportion(accuracy, 3), proportion(majority_share, 3)
    return f"object model at chance: accuracy {ours} on {n} rows, most frequent class {theirs}"


def shuffled_note(n: int, majority_share: float) -> str:
    """What the accuracy of a model that was taught shuffled targets means: it can only be at chance on other rows.

    Args:
        n: Number of held-out rows behind it.
        majority_share: Share of the most frequent class among them, in (0, 1].
    """
    chance = f"most frequent of them {proportion(majority_share, 3)}"
    return f"object model was taught shuffled targets: accuracy is against the true classes of {n} rows, {chance}"
