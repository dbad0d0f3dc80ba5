"""Pooling, number by number: padding never enters, whichever side it is on and whatever it holds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from denote.data.batch import Named
from denote.states.layers import HEADS, MAP, SEQUENCE, Layer
from denote.states.pooling import pool

POSITIONS = {"left": [(2, 5), (4, 5), (0, 5), (1, 5)], "right": [(0, 3), (0, 1), (0, 5), (0, 4)], "both": [(1, 4)] * 4}
"""First position and end of every sequence, by where its padding is."""


def layer(kind: str, pooling: str, *shape: int) -> Layer:
    return Layer("a", 0, 0.0, shape, pooling, shape[-1:] if kind == SEQUENCE else shape[:1], kind=kind)


def padded(spans: list[tuple[int, int]], filler: float) -> tuple[Tensor, Named]:
    """Sequences of three neurons, negative so that no maximum is 0, with something else in the padding."""
    output = -1 - torch.rand(len(spans), 5, 3, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(len(spans), 5, dtype=torch.bool)
    for row, (start, end) in enumerate(spans):
        mask[row, start:end] = True
    output[~mask] = filler
    return output, Named({"ids": torch.zeros(len(spans), 5, dtype=torch.int64)}, mask)


@pytest.mark.parametrize("filler", [100.0, -100.0, float("nan"), float("inf")])
@pytest.mark.parametrize("side", list(POSITIONS))
def test_a_sequence_is_pooled_over_its_own_positions_only(side: str, filler: float) -> None:
    spans = POSITIONS[side]
    output, batch = padded(spans, filler)
    sequences = [output[row, start:end].numpy() for row, (start, end) in enumerate(spans)]
    expected = {
        "mean": [own.mean(0) for own in sequences],
        "max": [own.max(0) for own in sequences],
        "first": [own[0] for own in sequences],
        "last": [own[-1] for own in sequences],
    }
    for pooling, rows in expected.items():
        pooled = pool(output, layer(SEQUENCE, pooling, -1, 3), batch)
        np.testing.assert_allclose(pooled.numpy(), np.stack(rows), rtol=1e-6, err_msg=pooling)


def test_without_a_mask_every_position_counts() -> None:
    output, batch = padded([(0, 5)] * 4, 0.0)
    expected = {"mean": output.mean(1), "max": output.amax(1), "first": output[:, 0], "last": output[:, -1]}
    for pooling, pooled in expected.items():
        got = pool(output, layer(SEQUENCE, pooling, -1, 3), Named(batch.tensors))
        torch.testing.assert_close(got, pooled, msg=pooling)


def test_padding_takes_no_attention() -> None:
    weights = torch.rand(2, 4, 5, 5, generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[1, 1, 1, 0, 0], [0, 1, 1, 1, 1]], dtype=torch.bool)
    weights[~(mask[:, None, :, None] & mask[:, None, None, :]).expand_as(weights)] = 2.0
    pooled = pool(weights, layer(HEADS, "max", 4, 5, 5), Named({"ids": torch.zeros(2, 5)}, mask))
    expected = np.stack([weights[0, :, :3, :3].numpy().max((1, 2)), weights[1, :, 1:, 1:].numpy().max((1, 2))])
    np.testing.assert_array_equal(pooled.numpy(), expected)


@pytest.mark.parametrize(
    ("shape", "centre"),
    [((5,), (2,)), ((4,), (2,)), ((1,), (0,)), ((3, 5), (1, 2)), ((4, 6), (2, 3)), ((3, 4, 5), (1, 2, 2))],
)
def test_the_centre_of_a_map_is_its_middle_position_the_later_of_two(
    shape: tuple[int, ...], centre: tuple[int, ...]
) -> None:
    maps = torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(2))
    pooled = pool(maps, layer(MAP, "centre", 3, *shape), maps)
    np.testing.assert_array_equal(pooled.numpy(), maps.numpy()[(slice(None), slice(None), *centre)])
