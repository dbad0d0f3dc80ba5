"""Random directions among the neurons of a layer that vary, drawn when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from denote.streams import stream

TOGETHER = 50
"""Directions that are drawn at once, by a stream of their own: of more the first are those of fewer."""

KEPT = 64 << 20
"""Bytes of directions that are kept for the next subject of a layer."""


@dataclass(frozen=True, eq=False)
class RandomDirections:
    """Unit vectors, uniform on the sphere of the neurons that vary.

    Others are left out: a move along a neuron that is always 0 costs nothing, whatever the network does, and the more
    of them a layer had, the less random directions would cost.

    Attributes:
        live: Neurons that vary.
        names: What the draws are named by.
    """

    live: Bool[np.ndarray, " neuron"]
    names: tuple[int | str, ...]
    _kept: dict[int, Tensor] = field(default_factory=dict)

    @property
    def n_live(self) -> int:
        """Number of neurons that vary."""
        return int(self.live.sum())

    def __getitem__(self, index: int) -> Float[Tensor, " neuron"]:
        """Return one direction."""
        return self._together(index // TOGETHER)[index % TOGETHER]

    def _together(self, index: int) -> Float[Tensor, "direction neuron"]:
        if index in self._kept:
            return self._kept[index]
        drawn = stream("directions", *self.names, index).standard_normal((TOGETHER, self.n_live))
        whole = np.zeros((TOGETHER, len(self.live)), dtype=np.float32)
        whole[:, self.live] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        made = torch.from_numpy(whole)
        if (len(self._kept) + 1) * made.nbytes > KEPT:
            self._kept.clear()  # the next ones are asked for next
        self._kept[index] = made
        return made


def axis(neuron: int, n_neurons: int) -> Float[Tensor, " neuron"]:
    """Return the direction of one neuron."""
    direction = torch.zeros(n_neurons)
    direction[neuron] = 1
    return direction
