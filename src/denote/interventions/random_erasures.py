"""Erasures of random directions, to hold that of an attribute against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from denote.interventions.erasure_by_position import ByPosition
from denote.interventions.leace import Erasure, InTurn, Projection


@dataclass(frozen=True)
class RandomErasure:
    """An erasure of random directions, the same at every position.

    Attributes:
        erasure: The erasure.
        direction: The first of its directions, with a random sign.
    """

    erasure: Erasure
    direction: Float64[Tensor, " neuron"]


def random_erasure(
    rank: int, live: Bool[Tensor, " neuron"], mean: Float64[Tensor, "*position neuron"], drawn: np.random.Generator
) -> RandomErasure:
    """Draw an erasure of random directions: an orthogonal projection.

    Args:
        rank: Number of directions; of fewer live neurons, as many as these.
        live: Neurons that they are made of.
        mean: What stays as it is, of every position where these differ.
        drawn: Where random numbers come from.
    """
    n = int(live.sum())
    basis = torch.zeros(len(live), min(max(rank, 1), n), dtype=torch.float64)
    basis[live] = torch.linalg.qr(torch.from_numpy(drawn.standard_normal((n, basis.shape[1])))).Q
    # The decomposition has a sign of its own.
    direction = basis[:, 0] * float(drawn.choice([-1.0, 1.0]))
    lost = basis[:, :rank]
    if mean.ndim == 1:
        return RandomErasure(Projection(lost, lost, mean), direction)
    along = [each.expand_as(mean) for each in lost.T]
    return RandomErasure(InTurn([ByPosition(each, each, mean) for each in along]), direction)
