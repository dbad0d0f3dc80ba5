"""Layers of a network: what is observed, where it lies in depth, and how its neurons are arranged."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class Layer:
    """A place in the object model whose output is observed.

    Attributes:
        name: Import-like path of the module inside the network, or ``state`` for all layers side by side.
        depth: Place in execution order, 0 first; None for ``state``.
        relative_depth: depth / (number of layers - 1) over all layers; None for ``state`` or a single layer.
        shape: Shape of one sample's output before pooling.
        pooling: ``none``, or for feature maps ``mean``, ``max`` or ``flatten``.
        grid: Shape of the neuron axis after pooling: ``(128,)`` units, ``(16,)`` channels, ``(16, 8, 8)`` flattened.
        is_head: True for the network's last layer (the logits) where its output, or a function of it with as many
            numbers, is the network's: drawn, never tested for a depth trend.
        sign_identified: Whether the sign of its neurons means something (:mod:`denote.states.sign`); None for ``state``
            and where nobody looked.
    """

    name: str
    depth: int | None
    relative_depth: float | None
    shape: tuple[int, ...]
    pooling: str
    grid: tuple[int, ...]
    is_head: bool = False
    sign_identified: bool | None = None

    @property
    def n_neurons(self) -> int:
        """Number of scalars in this layer's state."""
        return prod(self.grid)
