"""Networks that use some neurons and not others, by construction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

N_NEURONS = 64


class Reads(nn.Module):
    """Two layers: the first copies the input, the second adds up some of it and cuts it at what one neuron gives.

    Attributes:
        copy: The layer whose neurons are intervened on.
        head: Two outputs, the second above the first where the sum is above half.
    """

    def __init__(self, weights: Mapping[int, float], n: int = N_NEURONS) -> None:
        super().__init__()
        self.copy, self.head = nn.Linear(n, n), nn.Linear(n, 2)
        with torch.no_grad():
            self.copy.weight.copy_(torch.eye(n))
            self.copy.bias.zero_()
            self.head.weight.zero_()
            for neuron, weight in weights.items():
                self.head.weight[1, neuron] = weight
            self.head.bias.copy_(torch.tensor([0.0, -0.5]))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.copy(inputs))


CAUSAL = {0: 1.0}
"""Neuron 0 alone is read; neuron 1 says the same and is read by nothing."""
REDUNDANT = {2: 1.0, 3: 1.0}
"""Neurons 2 and 3 are read, and either is enough: the other takes over."""


def planted(seed: int, rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs, of which the first four numbers tell the label, and labels that hold for one row in two."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, rows)
    inputs = rng.normal(size=(rows, N_NEURONS)).astype(np.float32)
    inputs[:, :4] = (labels[:, None] + 0.05 * rng.normal(size=(rows, 4))).astype(np.float32)
    return inputs, labels
