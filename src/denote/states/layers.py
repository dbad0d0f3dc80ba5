"""Layers of a network: what is observed, where it lies in depth, and how its neurons are arranged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod


def axes_text(axes: Sequence[str]) -> str:
    """Return what axes are in words, several positions side by side as one."""
    alike = [(name, len(list(same))) for name, same in groupby(axes)]
    return " x ".join(name if n == 1 or name != "position" else f"{n} positions" for name, n in alike)


@dataclass(frozen=True)
class Layer:
    """A place in the object model whose output is observed.

    Attributes:
        name: Import-like path of the module inside the network (see `denote.states.hooks.Place`), or ``state`` for all
            layers side by side.
        depth: Place in execution order, 0 first; None for ``state``. What is observed besides the listed layers (a
            block, what comes into a module) has the depth of the last of them that was made before it.
        relative_depth: depth / (number of listed layers - 1); None for ``state`` or a single layer.
        shape: Shape of one sample's output before pooling, its channels first; -1 for any number of positions.
        pooling: ``none``; of feature maps ``mean``, ``max``, ``flatten`` or ``centre``; of sequences ``mean``, ``max``,
            ``first``, ``last``, or ``token`` where samples are words; of attention ``max``.
        grid: Shape of the neuron axis after pooling: ``(128,)`` units, ``(16,)`` channels, ``(16, 8, 8)`` flattened.
        is_head: True for the network's last layer (the logits): drawn, never tested for a depth trend.
        sign_identified: Whether the sign of its neurons means something (:mod:`denote.states.sign`); None for ``state``
            and where nobody looked.
        kind: ``units``, ``map``, ``sequence`` or ``heads``: what a sample's output is.
        channels_last: Whether a map has its channels behind its positions.
        is_listed: False for what is observed only because it was asked for by name.
        axes: What every axis of the tensor is, in its order: ``sample``, ``channel``, ``position``, of attention also
            ``head``, ``query`` and ``key``; empty where its samples come first and its neurons last.
        module_class: Name of the class of the module that gives it; empty where there is none.
        note: What a reader of its results must know: axes that are a guess, another output on the same input.
    """

    name: str
    depth: int | None
    relative_depth: float | None
    shape: tuple[int, ...]
    pooling: str
    grid: tuple[int, ...]
    is_head: bool = False
    sign_identified: bool | None = None
    kind: str = "units"
    channels_last: bool = False
    is_listed: bool = True
    axes: tuple[str, ...] = ()
    module_class: str = ""
    note: str | None = None

    @property
    def n_neurons(self) -> int:
        """Number of scalars in this layer's state."""
        return prod(self.grid)

    @property
    def shape_text(self) -> str:
        """Shape of one sample's output: ``16 x 8 x 8``, ``any x 64``."""
        return " x ".join("any" if size < 0 else str(size) for size in self.shape)

    @property
    def axes_text(self) -> str:
        """What the axes of the tensor are: ``sample x channel x position`` or ``sample x channel x 2 positions``."""
        return axes_text(self.axes or ("sample", "neuron"))
