"""Score what a network gives for every sample by its own task, so that what an intervention costs it can be told."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, Shaped
from torch import Tensor
from torch.nn import functional

from denote.data.samples import CLASSES, LABELS, NUMERIC
from denote.interventions.words import OWN_OUTPUTS, OWN_PREDICTIONS
from denote.notes import Note
from denote.object_models.task import TASKS

FEW = 16
"""Classes below which a softmax along rows is several times slower in torch than along columns."""


@dataclass(frozen=True)
class RowScores:
    """What a network's outputs are worth, sample by sample.

    Attributes:
        score: Of classes 1 where right, else 0; of labels the share that is right; of numbers 1 - squared error /
            variance of the targets, both summed over the numbers of a row, whose mean is R squared.
        loss: The loss that the task is trained with.
    """

    score: Float32[np.ndarray, " row"]
    loss: Float32[np.ndarray, " row"]


@dataclass(frozen=True)
class TaskScores:
    """A task and the targets of the samples that are run.

    Attributes:
        task: ``classes``, ``number`` or ``labels`` (`denote.data.samples.TASKS`).
        targets: Of every sample.
        n_outputs: Numbers that the network gives per sample.
        shape: Of these, where they are not side by side.
    """

    task: str
    targets: Shaped[np.ndarray, " row *output"]
    n_outputs: int
    shape: tuple[int, ...] | None = None

    @property
    def measure(self) -> str:
        """Name of the score: ``accuracy``, ``R squared`` or ``mean accuracy over labels``."""
        return TASKS[self.task].words

    @property
    def is_share(self) -> bool:
        """Whether the score of a row is in [0, 1]."""
        return self.task != NUMERIC

    def reason(self, outputs: Float[Tensor, " row *output"]) -> Note | None:
        """Say why outputs cannot be scored; None where they can."""
        if outputs.shape[1:] == (self.shape if self.shape is not None else (self.n_outputs,)):
            return None
        return Note.of("no_task_outputs", given=" x ".join(map(str, outputs.shape[1:])), needed=self.n_outputs)

    def of(self, outputs: Float[Tensor, " row *output"], block: slice | Int[np.ndarray, " row"]) -> RowScores:
        """Score the outputs of some of the samples.

        Args:
            outputs: What the network gives.
            block: Which samples they are of.
        """
        outputs = outputs.float().reshape(len(outputs), self.n_outputs)
        targets = torch.from_numpy(np.ascontiguousarray(self.targets[block]))
        if self.task == CLASSES:
            targets = targets.long()
            score, loss = outputs.argmax(1) == targets, cross_entropy(outputs, targets)
        elif self.task == NUMERIC:
            targets = targets.reshape(len(outputs), self.n_outputs)
            moved = torch.where(outputs == targets, 0, outputs - targets)  # a masked output stays at -inf
            loss = (moved**2).mean(1)
            score = 1 - loss / self._variance
        else:
            assert self.task == LABELS  # noqa: S101
            loss = functional.binary_cross_entropy_with_logits(outputs, targets.to(outputs), reduction="none").mean(1)
            score = ((outputs > 0) == (targets > 0)).float().mean(1)
        return RowScores(score.float().numpy(), loss.float().numpy())

    @cached_property
    def _variance(self) -> float:
        """Variance over rows, mean over outputs; of those that are infinite somewhere none is told."""
        with np.errstate(invalid="ignore"):
            spread = self.targets.var(axis=0, dtype=np.float64)
        return float(np.nansum(spread)) / self.n_outputs or np.nan


def own_scores(outputs: Float[Tensor, " row *output"], least: int) -> tuple[TaskScores, Note]:
    """Hold a network's outputs against themselves, where no targets of them are known.

    Outputs are scores of classes only where they stand in one row and each is the largest of enough rows: the score is
    then how often the network still says what it said. A constant output that is larger than the others, of an
    embedding, say, would hide whatever happens to these. So the score is else the share of the outputs' variance that
    stays.

    Args:
        outputs: What the network gives as it is.
        least: Rows of which every output has to be the largest.

    Returns:
        The scores, and a remark that says which they are.
    """
    shape = tuple(outputs.shape[1:])
    flat = outputs.float().reshape(len(outputs), prod(shape))
    largest = flat.argmax(1)
    if len(shape) == 1 and flat.shape[1] > 1 and torch.bincount(largest, minlength=flat.shape[1]).min() >= least:
        return TaskScores(CLASSES, largest.numpy(), flat.shape[1], shape), Note.of(OWN_PREDICTIONS)
    return TaskScores(NUMERIC, flat.numpy(), flat.shape[1], shape), Note.of(OWN_OUTPUTS)


def cross_entropy(outputs: Float[Tensor, "row class"], targets: Int[Tensor, " row"]) -> Float[Tensor, " row"]:
    """Return the cross-entropy of every row, in nats.

    Args:
        outputs: Logits.
        targets: Class of every row.
    """
    if outputs.shape[1] >= FEW:
        return functional.cross_entropy(outputs, targets, reduction="none")
    by_class = outputs.T.contiguous()[None]  # the same numbers, rows as if they were positions of one sample
    return functional.cross_entropy(by_class, targets[None], reduction="none")[0]
