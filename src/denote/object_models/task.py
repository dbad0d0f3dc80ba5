"""What an object model is trained for: loss and metric, how well it does it on other rows, and whether by chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch.nn import functional

from denote.data.batch import Batch, call, words_of
from denote.data.batch import at_words as mean_at_words
from denote.data.samples import CLASSES, LABELS, NUMERIC, Rows
from denote.errors import ConfigError, type_in_words
from denote.notes import Note
from denote.numbers import proportion
from denote.object_models.unwritten_weights import weights_kept

if TYPE_CHECKING:
    from torchmetrics import Metric

    from denote.data.module import SamplesModule


@dataclass(frozen=True)
class Task:
    """A loss of outputs and targets, and the metric that goes with it.

    Attributes:
        loss: From outputs ``[sample, output]`` and targets, the mean over samples.
        predict: From outputs to what the metric is given; raw scores are never given to torchmetrics, which would put
            those outside [0, 1] through a sigmoid.
        metric: A fresh metric for a number of outputs.
        measure: Name of the metric in the training's history.
        words: The same in prose.
    """

    loss: Callable[[Tensor, Tensor], Tensor]
    predict: Callable[[Tensor], Tensor]
    metric: Callable[[int], Metric]
    measure: str
    words: str


# Seconds to import, which a job that trains nothing need not wait for.
def _accuracy(n: int) -> Metric:
    from torchmetrics.classification import MulticlassAccuracy

    return MulticlassAccuracy(max(n, 2), average="micro")  # one class stands for no target, and nothing is learned


def _r_squared(n: int) -> Metric:
    from torchmetrics.regression import R2Score

    return R2Score()


def _mean_accuracy(n: int) -> Metric:
    from torchmetrics.classification import MultilabelAccuracy

    return MultilabelAccuracy(n, average="macro")


def _squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.mse_loss(outputs.squeeze(1), targets)


def _label_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(outputs, targets.to(outputs))


def _most_likely(outputs: Tensor) -> Tensor:
    return outputs.argmax(dim=1)


def _number(outputs: Tensor) -> Tensor:
    return outputs.squeeze(1)


def _likely(outputs: Tensor) -> Tensor:
    return (outputs > 0).int()


TASKS: Mapping[str, Task] = {
    CLASSES: Task(functional.cross_entropy, _most_likely, _accuracy, "accuracy", "accuracy"),
    NUMERIC: Task(_squared_error, _number, _r_squared, "r_squared", "R squared"),
    LABELS: Task(_label_loss, _likely, _mean_accuracy, "accuracy", "mean accuracy over labels"),
}
"""By `denote.data.samples.TASKS`."""


def outputs_of(network: nn.Module, batch: Batch) -> Float[Tensor, "sample output"]:
    """Return what a network gives for the samples of a batch, at the positions of the words where samples are words.

    Args:
        network: The object model.
        batch: Its samples.

    Raises:
        ConfigError: if it gives nothing like a tensor.
    """
    outputs, words = tensor_of(call(network, batch)), words_of(batch)
    return outputs if words is None else mean_at_words(outputs, words)


def tensor_of(result: Any) -> Tensor:
    """Return the tensor in what a network returns: itself, what is called ``logits``, or else the first.

    Raises:
        ConfigError: if there is none.
    """
    if isinstance(result, Tensor):
        return result
    held: list[Any] = list(result) if isinstance(result, tuple | list) else []
    if isinstance(result, Mapping):
        held = [result.get("logits"), *result.values()]
    for value in held:
        if isinstance(value, Tensor):
            return value
    allowed = "allowed: a tensor, or some in a tuple or a mapping"
    raise ConfigError("architecture", f"the network returns {type_in_words(result)}, no tensor", allowed)


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
            return Note.of("no_model_score", measure=self.measure, why=self.reason)
        return Note.of("model_score", measure=self.measure, value=proportion(self.value, 3), rows=self.n)


def held_out_score(network: nn.Module, data_module: SamplesModule, rows: Rows, batch_size: int = 1024) -> Score:
    """Return the metric of the task on ``rows``; the network's mode is left as it was.

    A network that was trained elsewhere may give something else than the dataset's targets: it then has no score.

    Args:
        network: The object model.
        data_module: Where inputs and learned targets come from.
        rows: Row ids, one at least.
        batch_size: Rows per forward pass.

    Raises:
        ValueError: if there are no rows.
    """
    learned = data_module.learned
    measure, true = TASKS[learned.task].words, learned.targets[rows]
    outputs = _outputs(network, data_module, rows, batch_size)
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
    network: nn.Module, data_module: SamplesModule, rows: Rows, batch_size: int
) -> Float32[np.ndarray, "row output"] | tuple[int, ...]:
    """Return what the network gives for rows; as soon as that is no output of the task, its shape alone."""
    if len(rows) == 0:
        raise ValueError("accuracy of no rows")
    parts: list[Tensor] = []
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    was_training = network.training
    network.eval()
    try:
        with weights_kept(network), torch.inference_mode():
            for inputs, batch in data_module.batches(rows, batch_size):
                part = outputs_of(network, inputs.to(device))
                if part.shape != (len(batch), data_module.learned.n_classes):
                    return tuple(part.shape[1:])
                parts.append(part.float().cpu())
    finally:
        network.train(was_training)
    return torch.cat(parts).numpy()


def accuracy_note(accuracy: float, n: int, majority_share: float) -> str | None:
    """Say so if a model is at chance: an exact binomial test does not put it above the most frequent class.

    Args:
        accuracy: Its held-out accuracy, in [0, 1].
        n: Number of held-out rows behind it.
        majority_share: Share of the most frequent class among them, in (0, 1].
    """
    from scipy.stats import binomtest  # half a second, for one number

    p_value = binomtest(round(accuracy * n), n, majority_share, alternative="greater").pvalue
    if p_value <= CHANCE_LEVEL:
        return None
    ours, theirs = proportion(accuracy, 3), proportion(majority_share, 3)
    return Note.of("at_chance", accuracy=ours, rows=n, chance=theirs)


def shuffled_note(n: int, majority_share: float) -> str:
    """Return what the accuracy of a model that was taught shuffled targets means: it can only be at chance on other
    rows.

    Args:
        n: Number of held-out rows behind it.
        majority_share: Share of the most frequent class among them, in (0, 1].
    """
    return Note.of("shuffled_targets", rows=n, chance=proportion(majority_share, 3))
