"""Make neurons: one number each of maps, sequences and attention, and the raw input as a state."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor

from denote.data.batch import Batch, Words, at_words, mask_of, words_of
from denote.data.parts import Halves, Parts
from denote.data.samples import Inputs, Samples
from denote.errors import LayerError, one_of
from denote.states.axes import CHANNEL, HEAD, KEY, POSITION, QUERY, SAMPLE
from denote.states.layers import HEADS, MAP, SEQUENCE, UNITS, Layer
from denote.states.state import StoredState

ANY = -1
"""In the shape of a sequence: any number of positions."""

OF_KIND = {
    UNITS: ("none",),
    MAP: ("mean", "max", "flatten", "centre"),
    SEQUENCE: ("mean", "max", "first", "last"),
    HEADS: ("max",),
}
"""Poolings of every kind, its default first."""
SAME = {"cls": "first"}
POOLINGS = ("mean", "max", "flatten", "centre", "first", "last", "cls")
TOKEN = "token"  # noqa: S105  (no password)
"""Pooling of sequences whose samples are single positions."""


def pooling_of(kind: str, pooling: str, name: str, words: Words | None = None) -> str:
    """The pooling of a layer of a kind: the one asked for, or its default where that means nothing there.

    Args:
        kind: Of the layer.
        pooling: What is asked for.
        name: Of the layer.
        words: Where samples are words: then it is over the positions of a word, `TOKEN` where each has one only.

    Raises:
        LayerError: if no pooling is called so, or it is none of words.
    """
    if pooling not in POOLINGS:
        raise LayerError(f"layer.pooling of {name}", f"no pooling is called {pooling!r}", one_of(pooling, POOLINGS))
    if kind == SEQUENCE and words is not None:
        if pooling == "cls":
            problem = "cls is the first position of a whole sequence, and samples are words"
            raise LayerError(f"layer.pooling of {name}", problem, f"allowed: {', '.join(OF_KIND[SEQUENCE])}")
        pooling = pooling if pooling in OF_KIND[SEQUENCE] else OF_KIND[SEQUENCE][0]
        return TOKEN if words.end is None else pooling
    pooling = SAME.get(pooling, pooling)
    return pooling if pooling in OF_KIND[kind] else OF_KIND[kind][0]


def grid_after(kind: str, shape: tuple[int, ...], pooling: str) -> tuple[int, ...]:
    """Shape of the neuron axis after pooling, of a sample's output with its channels first."""
    if kind == SEQUENCE:
        return shape[1:]
    return shape if pooling in ("none", "flatten") else shape[:1]


def arranged(output: Float[Tensor, "*axes"], layer: Layer) -> Float[Tensor, " row *shape"]:
    """Put the axes of what a layer gave in the order of its shape: samples, then channels and positions.

    Positions come first in a sequence. Several axes of channels, such as heads and their units, become one.
    """
    if not layer.axes:
        return output
    channels, positions = (
        [place for place, name in enumerate(layer.axes) if name in names]
        for names in ((CHANNEL, HEAD), (POSITION, QUERY, KEY))
    )
    ordered = output.permute(layer.axes.index(SAMPLE), *channels, *positions)
    ordered = ordered.flatten(1, len(channels)) if len(channels) > 1 else ordered
    return ordered.movedim(1, -1) if layer.kind == SEQUENCE else ordered


def pool(output: Float[Tensor, " row *shape"], layer: Layer, batch: Batch) -> Float[Tensor, "sample neuron"]:
    """One number per neuron; a map's positions in the order channel, y, x when flattened.

    Args:
        output: What the layer gave for ``batch``, `arranged`.
        layer: The layer.
        batch: Whose mask says what is padding, which never enters, and whose words are the samples where it has any.
    """
    if layer.kind == SEQUENCE:
        return _pool_sequence(output, layer, batch)
    if layer.kind == HEADS:
        return _pool_heads(output, batch)
    if layer.pooling == "mean":
        return output.flatten(2).mean(dim=2)
    if layer.pooling == "max":
        return output.flatten(2).amax(dim=2)
    if layer.pooling == "centre":
        for size in output.shape[2:]:
            output = output[:, :, size // 2]
        return output
    return output.flatten(1)


def _pool_sequence(
    output: Float[Tensor, "row position neuron"], layer: Layer, batch: Batch
) -> Float[Tensor, "sample neuron"]:
    words, mask = words_of(batch), mask_of(batch)
    if words is not None:
        return at_words(output, words, layer.pooling)
    if mask is None:
        mask = torch.ones(output.shape[:2], dtype=torch.bool, device=output.device)
    elif mask.shape != output.shape[:2]:
        problem = (
            f"gives {output.shape[1]} positions where the mask has {mask.shape[1]}: which are padding is not known"
        )
        raise LayerError(f"layer {layer.name}", problem, "inputs of equal length without a mask")
    if layer.pooling == "mean":
        # Not a product: what stands in the padding may be NaN.
        # In float32: the sum of a long sequence is beyond half precision.
        total = output.masked_fill(~mask[..., None], 0.0).sum(1, dtype=torch.promote_types(output.dtype, torch.float32))
        return total / mask.sum(1, keepdim=True)
    if layer.pooling == "max":
        return output.masked_fill(~mask[..., None], -torch.inf).amax(1)
    position = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    at = (
        position.masked_fill(~mask, mask.shape[1]).amin(1)
        if layer.pooling == "first"
        else (position.masked_fill(~mask, -1).amax(1))
    )
    return output[torch.arange(len(output), device=output.device), at]


def _pool_heads(output: Float[Tensor, "row head query key"], batch: Batch) -> Float[Tensor, "sample head"]:
    """The largest weight that a head gives to any position, from any or from those of a word; padding left out."""
    mask, words = mask_of(batch), words_of(batch)
    if mask is not None and mask.shape[1] == output.shape[2] == output.shape[3]:
        both = mask[:, None, :, None] & mask[:, None, None, :]
        output = output.masked_fill(~both, -torch.inf)
    if words is None:
        return output.flatten(2).amax(2)
    return at_words(output.amax(3).movedim(1, 2), words, "max")


MOST_IDS = 2048
"""Ids that are counted, the most frequent of *fit*: observers of more take longer than those of all layers together."""

BATCH = 1024


def raw_input(samples: Samples, parts: Parts, memory_limit: int) -> Halves[Any] | None:
    """Return the flattened inputs of *fit* and *test*; drawn or read when asked for where they would fill the memory.

    Of token ids how often each is in a sample; None where inputs are neither numbers of one shape nor ids.

    Args:
        samples: The dataset.
        parts: Its rows.
        memory_limit: Bytes that the observers may hold at once.
    """
    inputs = _numbers_of(samples.inputs, parts.fit)
    if inputs is None:
        return None
    fit, test = (StoredState(inputs, rows) for rows in (parts.fit, parts.test))
    if fit.nbytes + test.nbytes > memory_limit // 8:
        return Halves(fit, test)
    return Halves(fit[:], test[:])


@dataclass(frozen=True)
class Flattened:
    """Inputs as numbers side by side, so that observers read them like a state.

    Attributes:
        inputs: The inputs, each one tensor.
    """

    inputs: Inputs

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, and of numbers of an input."""
        return len(self.inputs), prod(self.inputs.shape)

    def __getitem__(self, key: tuple[Any, Any]) -> Float32[np.ndarray, "row number"]:
        rows, columns = key
        batch = self.inputs[np.arange(len(self.inputs))[rows]]
        if not isinstance(batch, Tensor):
            raise TypeError("inputs by name are not numbers side by side")
        values: np.ndarray = batch.flatten(1).float().numpy()[:, columns]
        return values


def _numbers_of(inputs: Inputs, fit: Int[np.ndarray, " row"]) -> Flattened | TokenCounts | None:
    """Return inputs as numbers side by side, None where they are none."""
    example = inputs[fit[:1]]
    if isinstance(example, Tensor):
        return None if example.is_complex() else Flattened(inputs)
    return TokenCounts.of(inputs, fit) if are_token_ids(example) else None


@dataclass(frozen=True)
class TokenCounts:
    """Counts of ids, in memory only for what is asked for.

    Attributes:
        inputs: The inputs, whose batches hold token ids.
        ids: Those that are counted, ascending.
    """

    inputs: Inputs
    ids: Int[np.ndarray, " id"]

    @classmethod
    def of(cls, inputs: Inputs, fit: Int[np.ndarray, " row"]) -> TokenCounts:
        """Counts of the ids that occur in *fit*."""
        batches = [ids_of(inputs[fit[start : start + BATCH]])[1] for start in range(0, len(fit), BATCH)]
        ids, counts = torch.cat(batches).unique(return_counts=True)
        often = counts.argsort(descending=True, stable=True)[:MOST_IDS]
        return cls(inputs, ids[often].sort().values.numpy())

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of samples and of ids."""
        return len(self.inputs), len(self.ids)

    def __getitem__(self, key: tuple[Any, Any]) -> Float32[np.ndarray, "row id"]:
        rows, columns = key
        wanted = np.arange(len(self.inputs))[rows]
        sample, ids = (each.numpy() for each in ids_of(self.inputs[wanted]))
        at = np.searchsorted(self.ids, ids).clip(max=len(self.ids) - 1)
        counted = self.ids[at] == ids
        counts = np.zeros((len(wanted), len(self.ids)), dtype=np.float32)
        np.add.at(counts, (sample[counted], at[counted]), 1)
        return counts[:, columns]


def are_token_ids(batch: Batch) -> bool:
    """Whether a batch holds token ids, a row of whole numbers for every sequence."""
    if isinstance(batch, Tensor):
        return False
    main = next(iter(batch.tensors.values()))
    return main.ndim == 2 and not main.is_floating_point()


def ids_of(batch: Batch) -> tuple[Int[Tensor, " token"], Int[Tensor, " token"]]:
    """Sample and id of every token of a batch, padding and other words left out.

    Raises:
        TypeError: for a batch that holds none.
    """
    if isinstance(batch, Tensor) or not are_token_ids(batch):
        raise TypeError("a batch without token ids")
    main = next(iter(batch.tensors.values()))
    if batch.words is not None:
        sample, position = batch.words.positions
        return sample, main[batch.words.sequence[sample], position]
    mask = torch.ones_like(main, dtype=torch.bool) if batch.mask is None else batch.mask
    return mask.nonzero()[:, 0], main[mask]
