"""What a sample's output is, from the tensor and the module that gave it: units, a map, a sequence, attention."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from denote.states.hooks import Place
from denote.states.pooling import ANY, HEADS, MAP, SEQUENCE, UNITS

ROWS = 3
"""Equal inputs that a network is listed with: the first axis is that of rows only if it is 3 everywhere."""

_ON_LAST_AXIS = (nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.Embedding)
_ALONG_ONE = (
    nn.Conv1d, nn.ConvTranspose1d, nn.BatchNorm1d, nn.InstanceNorm1d, nn.MaxPool1d, nn.AvgPool1d, nn.LPPool1d,
    nn.AdaptiveMaxPool1d, nn.AdaptiveAvgPool1d,
)  # fmt: skip


@dataclass(frozen=True)
class Geometry:
    """How a sample's output is arranged.

    Attributes:
        kind: ``units``, ``map``, ``sequence`` or ``heads``.
        shape: Of one sample, its channels first.
        channels_last: Whether the channels of a map come last in the tensor.
    """

    kind: str
    shape: tuple[int, ...]
    channels_last: bool = False


@dataclass
class Geometries:
    """What is known of the tensors of a forward pass so far.

    A function such as GELU takes a sequence as well as a map, so the arrangement of its output is that of the latest
    tensor of this shape that came from a module which takes one only.

    Attributes:
        n_positions: Number of positions in the mask of the batch, padding included; None without a mask.
        known: The arrangement of every shape whose module left no doubt.
    """

    n_positions: int | None = None
    known: dict[tuple[int, ...], Geometry] = field(default_factory=dict)

    def of(self, module: nn.Module, place: Place, output: Tensor) -> Geometry | str:
        """The arrangement of a tensor, or why it cannot be observed."""
        if not output.is_floating_point():
            return f"gives {str(output.dtype).removeprefix('torch.')}, not real numbers"
        if output.ndim < 2 or output.ndim > 5:
            return f"gives {output.ndim} axes {tuple(output.shape)} for {ROWS} inputs"
        if output.shape[0] != ROWS:
            return f"gives {tuple(output.shape)} for {ROWS} inputs: samples are not first"
        if 0 in output.shape:
            return f"gives nothing: {tuple(output.shape)}"
        shape = tuple(output.shape[1:])
        if self.n_positions is not None and shape[1:] == (self.n_positions, self.n_positions):
            return Geometry(HEADS, shape)
        certain = _certain(module, place, shape)
        if certain is not None:
            self.known[shape] = certain
        geometry = certain or self.known.get(shape) or _likely(shape)
        return geometry if self._knows_padding(geometry, shape) else self._unmasked(shape)

    def _knows_padding(self, geometry: Geometry, shape: tuple[int, ...]) -> bool:
        """Whether the mask says which positions of a tensor are padding, if there is a mask."""
        if self.n_positions is None or geometry.kind == UNITS:
            return True
        return geometry.kind == SEQUENCE and shape[0] == self.n_positions

    def _unmasked(self, shape: tuple[int, ...]) -> str:
        return f"gives {shape} for a sample whose mask has {self.n_positions} positions: which are padding is not known"


def _certain(module: nn.Module, place: Place, shape: tuple[int, ...]) -> Geometry | None:
    """The arrangement, where the module leaves no doubt."""
    if len(shape) == 1:
        return Geometry(UNITS, shape)
    if len(shape) == 3 and shape[1] == shape[2] and _is_attention(module, place):
        return Geometry(HEADS, shape)
    if place.is_input or place.part:
        return None
    if isinstance(module, _ALONG_ONE) and len(shape) == 2:
        return Geometry(MAP, shape)
    if isinstance(module, _ON_LAST_AXIS):
        return _with_last(shape)
    if len(shape) > 2 and _is_spatial(module):
        return Geometry(MAP, shape)
    return None


def _with_last(shape: tuple[int, ...]) -> Geometry:
    if len(shape) == 2:
        return Geometry(SEQUENCE, (ANY, shape[1]))
    return Geometry(MAP, (shape[-1], *shape[:-1]), channels_last=True)


def _likely(shape: tuple[int, ...]) -> Geometry:
    return Geometry(SEQUENCE, (ANY, shape[1])) if len(shape) == 2 else Geometry(MAP, shape)


def _is_attention(module: nn.Module, place: Place) -> bool:
    """Whether weights from position to position come out, beside or instead of a state."""
    return "attention" in place.part or (bool(place.part) and "attention" in type(module).__name__.lower())


def _is_spatial(module: nn.Module) -> bool:
    # By name, as there are many kinds of convolution, pooling and normalisation of maps, in torch and elsewhere.
    name = type(module).__name__
    return torch.nn.Module not in type(module).__mro__[:1] and name.endswith(("1d", "2d", "3d"))
