"""From a layer's output to its neurons: how maps, sequences and attention become one number per neuron."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from denote.data.batch import Batch, Words, at_words, mask_of, words_of
from denote.errors import LayerError, one_of
from denote.states.axes import CHANNEL, HEAD, KEY, POSITION, QUERY, SAMPLE
from denote.states.layers import HEADS, MAP, SEQUENCE, UNITS, Layer

ANY = -1
"""In the shape of a sequence: any number of positions."""

OF_KIND = {
    UNITS: ("none",), MAP: ("mean", "max", "flatten", "centre"), SEQUENCE: ("mean", "max", "first", "last"),
    HEADS: ("max",),
}  # fmt: skip
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
