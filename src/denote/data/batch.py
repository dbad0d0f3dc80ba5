"""Batches: what a network is called with, and which of its positions the samples are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor, nn


@dataclass(frozen=True)
class Words:
    """Where every sample of a batch lies in one of its sequences, if samples are words and not whole sequences.

    Attributes:
        sequence: Index of the sequence in the batch.
        start: First position of the word.
        end: One behind its last position; several positions are averaged.
    """

    sequence: Int[Tensor, " sample"]
    start: Int[Tensor, " sample"]
    end: Int[Tensor, " sample"]

    def to(self, device: str | torch.device) -> Words:
        """The same on a device."""
        return Words(self.sequence.to(device), self.start.to(device), self.end.to(device))


@dataclass(frozen=True)
class Named:
    """Tensors by name, which become keyword arguments of a network.

    Attributes:
        tensors: By name of the argument, the main one first; as many rows in each.
        mask: Which positions of each sequence are no padding; None where inputs are no sequences, or all are full.
        words: Where the samples are; None where every row is a sample.
    """

    tensors: Mapping[str, Shaped[Tensor, " row *shape"]]
    mask: Bool[Tensor, "row position"] | None = None
    words: Words | None = None

    def __len__(self) -> int:
        """Number of samples."""
        return len(next(iter(self.tensors.values()))) if self.words is None else len(self.words.sequence)

    def to(self, device: str | torch.device) -> Named:
        """The same on a device."""
        return Named(
            {name: each.to(device) for name, each in self.tensors.items()},
            None if self.mask is None else self.mask.to(device), None if self.words is None else self.words.to(device),
        )  # fmt: skip


Batch = Shaped[Tensor, " row *shape"] | Named
"""One tensor, the network's only argument, or several by name."""


def call(network: nn.Module, batch: Batch) -> Any:
    """What a network gives for a batch."""
    return network(batch) if isinstance(batch, Tensor) else network(**batch.tensors)


def mask_of(batch: Batch) -> Bool[Tensor, "row position"] | None:
    """Which positions are no padding, where that is known."""
    return None if isinstance(batch, Tensor) else batch.mask


def words_of(batch: Batch) -> Words | None:
    """Where the samples are, where they are words."""
    return None if isinstance(batch, Tensor) else batch.words


def first_of(batch: Batch, times: int = 1) -> Batch:
    """The row of the first sample, so many times, each with that one sample."""
    if isinstance(batch, Tensor):
        return batch[:1].expand(times, *batch.shape[1:])
    row = 0 if batch.words is None else int(batch.words.sequence[0])

    def repeated(each: Tensor) -> Tensor:
        return each[row : row + 1].expand(times, *each.shape[1:])

    words = batch.words and Words(
        torch.arange(times, device=batch.words.sequence.device), *(
            each[:1].expand(times) for each in (batch.words.start, batch.words.end)
        ),
    )  # fmt: skip
    mask = None if batch.mask is None else repeated(batch.mask)
    return replace(batch, tensors={k: repeated(v) for k, v in batch.tensors.items()}, mask=mask, words=words)


def at_words(values: Shaped[Tensor, "row position *rest"], words: Words) -> Shaped[Tensor, " sample *rest"]:
    """What a network gives for the words of its sequences: means over their positions."""
    single = words.end - words.start == 1
    if bool(single.all()):
        return values[words.sequence, words.start]
    # Sums of all positions before each, so that a word is one difference however long it is.
    sums = torch.nn.functional.pad(values.double().cumsum(1), [0, 0] * (values.ndim - 2) + [1, 0])
    total = sums[words.sequence, words.end] - sums[words.sequence, words.start]
    length = (words.end - words.start).reshape(-1, *[1] * (values.ndim - 2))
    return (total / length).to(values.dtype)
