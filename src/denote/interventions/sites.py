"""Find the numbers of a layer's tensor that an intervention on its neurons replaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from denote.data.batch import Batch, Words, mask_of, words_of
from denote.errors import LayerError
from denote.states.layers import HEADS, MAP, SEQUENCE, Layer
from denote.states.pooling import arranged


@dataclass(frozen=True)
class SiteRows:
    """Whose the sites of a block are.

    Attributes:
        row: Index of every site's sample among all the samples that are run.
        position: Which of its sample's sites it is, from 0.
    """

    row: Int[Tensor, " site"]
    position: Int[Tensor, " site"]


@dataclass(frozen=True)
class Sites:
    """Where the neurons of a layer are in what it gave for a batch, ordered by sample.

    A unit has one site per sample. A channel has one per position, so that it is replaced as a whole map; a unit of a
    sequence has one per position that is no padding, or per position of its word.

    Attributes:
        at: Place of every neuron at every site in the flattened tensor.
        sample: Sample of every site, in the batch.
        position: Which of its sample's sites it is, from 0.
        numbers: How many the tensor has.
    """

    at: Int[Tensor, "site neuron"]
    sample: Int[Tensor, " site"]
    position: Int[Tensor, " site"]
    numbers: int

    @classmethod
    def of(cls, shape: Sequence[int], layer: Layer, batch: Batch) -> Sites:
        """Find the sites.

        Args:
            shape: Of the tensor that the layer gave.
            layer: The layer.
            batch: What the network was called with.

        Raises:
            LayerError: for attention, whose neurons are maxima over positions that nothing can set.
        """
        numbers = prod(shape)
        places = arranged(torch.arange(numbers).view(tuple(shape)), layer)
        if layer.kind == HEADS:
            raise LayerError(f"layer {layer.name}", "the weights of attention cannot be set one head at a time")
        if layer.kind == SEQUENCE:
            return cls._of_sequence(places.flatten(2), numbers, layer, batch)
        if layer.kind == MAP and layer.pooling in ("mean", "max"):
            return cls._of_samples(places.flatten(2).movedim(1, 2), numbers)
        if layer.kind == MAP and layer.pooling == "centre":
            for size in places.shape[2:]:
                places = places[:, :, size // 2]
        return cls._of_samples(places.flatten(1)[:, None], numbers)

    @classmethod
    def _of_samples(cls, places: Int[Tensor, "sample position neuron"], numbers: int) -> Sites:
        n, positions = places.shape[:2]
        sample = torch.arange(n).repeat_interleave(positions)
        return cls(places.flatten(0, 1), sample, torch.arange(positions).repeat(n), numbers)

    @classmethod
    def _of_sequence(
        cls, places: Int[Tensor, "row position neuron"], numbers: int, layer: Layer, batch: Batch
    ) -> Sites:
        words = words_of(batch)
        if words is not None:
            sample, row, position = _of_words(words, layer.pooling)
        else:
            row, position = _unpadded(places, layer.pooling, mask_of(batch))
            sample = row
        return cls(places[row, position], sample, _counted(sample), numbers)

    @cached_property
    def is_matrix(self) -> bool:
        """Whether the sites, one after the other, are the tensor, so that no places need be looked up."""
        return torch.equal(self.at.flatten(), torch.arange(self.numbers))


def _of_words(words: Words, pooling: str) -> tuple[Tensor, Tensor, Tensor]:
    """Sample, row and position of every site where samples are words."""
    sample, position = words.positions
    if words.end is not None and pooling in ("first", "last"):
        sample = torch.arange(len(words.start))
        position = words.start if pooling == "first" else words.end - 1
    return sample, words.sequence[sample], position


def _unpadded(places: Shaped[Tensor, "row position *rest"], pooling: str, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Row and position of every site of whole sequences."""
    mask = torch.ones(places.shape[:2], dtype=torch.bool) if mask is None else mask.cpu()
    row, position = mask.nonzero(as_tuple=True)
    if pooling in ("first", "last"):
        order = torch.ones_like(row, dtype=torch.bool)
        order[1:] = row[1:] != row[:-1]
        if pooling == "last":
            order = torch.cat([order[1:], order[:1]])
        return row[order], position[order]
    return row, position


def _counted(sample: Int[Tensor, " site"]) -> Int[Tensor, " site"]:
    """Number the sites of every sample from 0; those of a sample lie together."""
    starts = torch.ones_like(sample, dtype=torch.bool)
    starts[1:] = sample[1:] != sample[:-1]
    first = starts.nonzero()[:, 0]
    return torch.arange(len(sample)) - first[starts.cumsum(0) - 1]
