"""What an object model learns: its loss, and the metric by which it is judged, for classes, numbers and labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from denote.data.batch import Batch, call, words_of
from denote.data.batch import at_words as mean_at_words
from denote.data.samples import CLASSES, LABELS, NUMERIC
from denote.errors import ConfigError

if TYPE_CHECKING:
    from torchmetrics import Metric


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


TASKS: Mapping[str, Task] = {
    CLASSES: Task(
        functional.cross_entropy, lambda outputs: outputs.argmax(dim=1),
        _accuracy, "accuracy", "accuracy",
    ),
    NUMERIC: Task(
        lambda outputs, targets: functional.mse_loss(outputs.squeeze(1), targets), lambda outputs: outputs.squeeze(1),
        _r_squared, "r_squared", "R squared",
    ),
    LABELS: Task(
        lambda outputs, targets: functional.binary_cross_entropy_with_logits(outputs, targets.to(outputs)),
        lambda outputs: (outputs > 0).int(),
        _mean_accuracy, "accuracy", "mean accuracy over labels",
    ),
}  # fmt: skip
"""By `denote.data.samples.TASKS`."""


def outputs_of(network: nn.Module, batch: Batch) -> Float[Tensor, "sample output"]:
    """What a network gives for the samples of a batch, at the positions of the words where samples are words.

    Raises:
        ConfigError: if it gives nothing like a tensor.
    """
    outputs, words = tensor_of(call(network, batch)), words_of(batch)
    return outputs if words is None else mean_at_words(outputs, words)


def tensor_of(result: Any) -> Tensor:
    """The tensor in what a network returns: itself, what is called ``logits``, or else the first.

    Raises:
        ConfigError: if there is none.
    """
    if isinstance(result, Tensor):
        return result
    held: list[Any] = list(result) if isinstance(result, tuple | list) else []
    if isinstance(result, Mapping):
        held = [result.get("logits"), *result.values()]
    for each in held:
        if isinstance(each, Tensor):
            return each
    kind = "nothing" if result is None else f"a {type(result).__name__}"
    raise ConfigError("architecture", f"the network returns {kind}, no tensor", "allowed: a tensor, or some in a tuple "
                      "or a mapping")  # fmt: skip
