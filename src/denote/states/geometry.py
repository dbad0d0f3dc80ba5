"""What a sample's output is, from its axes and the module that gave it: units, a map, a sequence, attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from denote.errors import LayerError, one_of
from denote.notes import Note
from denote.states.axes import CHANNEL, HEAD, KEY, POSITION, QUERY, SAMPLE, Roles, likely
from denote.states.first_pass import ROWS, Output
from denote.states.hooks import Place
from denote.states.layers import HEADS, MAP, SEQUENCE, UNITS, axes_text
from denote.states.pooling import ANY

CHANNELS_FIRST, CHANNELS_LAST, TIME_FIRST = "channels_first", "channels_last", "time_first"
KINDS = (CHANNELS_FIRST, CHANNELS_LAST, SEQUENCE, TIME_FIRST, HEADS)
"""How a user may say that the axes of a layer lie: sample x channel x positions, sample x positions x channel (of one
axis of positions also called sequence), position x sample x channel, sample x head x query x key."""

Kinds = str | Mapping[str, str] | None
"""One of `KINDS` for every layer whose axes are a guess, or by name or glob, whatever is read there."""

SHARES = 0.01
"""How far from 1 weights of attention may add up to: more than half precision rounds."""

_ON_LAST_AXIS = (nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.Embedding)
_ALONG_ONE = (
    nn.Conv1d,
    nn.ConvTranspose1d,
    nn.BatchNorm1d,
    nn.InstanceNorm1d,
    nn.MaxPool1d,
    nn.AvgPool1d,
    nn.LPPool1d,
    nn.AdaptiveMaxPool1d,
    nn.AdaptiveAvgPool1d,
)


@dataclass(frozen=True)
class Geometry:
    """How a sample's output is arranged.

    Attributes:
        kind: ``units``, ``map``, ``sequence`` or ``heads``.
        shape: Of one sample, its channels first.
        axes: What each axis of the tensor is.
        is_guess: Whether nothing tells which of them are channels.
    """

    kind: str
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    is_guess: bool = False

    @property
    def channels_last(self) -> bool:
        """Whether the channels of a map come last in the tensor."""
        return self.kind == MAP and self.axes[-1] == CHANNEL

    @property
    def note(self) -> str | None:
        """What to say of a guess."""
        if not self.is_guess:
            return None
        return Note.of("guessed_axes", axes=axes_text(self.axes))


@dataclass
class Geometries:
    """How the tensors of a forward pass are arranged.

    Attributes:
        n_positions: Number of positions in the mask of the batch, padding included; None without a mask.
        kinds: What a user says of the axes.
        used: The names and globs of those that a layer has.
    """

    n_positions: int | None = None
    kinds: Kinds = None
    used: set[str] = field(default_factory=set)

    def of(self, place: Place, output: Output, roles: Roles | None) -> Geometry | str:
        """Return the arrangement of a tensor, or why it cannot be observed.

        Args:
            place: Where it was seen.
            output: The tensor, and the module that gave it.
            roles: What a trace tells of its axes.

        Raises:
            LayerError: if a user says of its axes what cannot be.
        """
        value = output.value
        if value is None:
            return "is called inside torch.vmap, which hides the axis of samples: a module around it shows them"
        if not value.is_floating_point():
            return f"gives {str(value.dtype).removeprefix('torch.')}, not real numbers"
        if value.ndim < 2 or value.ndim > 5:
            return f"gives {value.ndim} axes {tuple(value.shape)} for {ROWS} inputs"
        if 0 in value.shape:
            return f"gives nothing: {tuple(value.shape)}"
        axes, is_guess = self._axes(output.module, place, value, roles)
        if value.shape[axes.index(SAMPLE)] != ROWS:
            return f"gives {tuple(value.shape)} for {ROWS} inputs: samples are not first"
        if CHANNEL not in axes and HEAD not in axes:
            return f"gives {axes_text(axes)}, no neurons: attention that is a mean over its heads has none"
        geometry = self._arranged(axes, tuple(value.shape), is_guess=is_guess)
        is_known = output.is_packed or self._knows_padding(geometry, value, axes)
        return geometry if is_known else self._unmasked(value, axes)

    def _axes(
        self, module: nn.Module, place: Place, output: Tensor, roles: Roles | None
    ) -> tuple[tuple[str, ...], bool]:
        """What the axes are, and whether that is a guess."""
        said = self._said(place)
        if said is not None:
            return _axes_of(said, place, output.ndim), False
        shape = tuple(output.shape[1:])
        is_square = len(shape) == 3 and shape[1] == shape[2]
        if is_square and (_is_attention(module, place) or _are_shares(output) or shape[1] == self.n_positions):
            return (SAMPLE, HEAD, QUERY, KEY), False
        certain = _certain(module, place, output.ndim)
        if roles is not None and not roles.is_guess:
            # Where the samples are is known of the pass alone; which axis a module made, of the module itself.
            moved = certain is not None and roles.names[0] == SAMPLE
            return (certain if moved and certain is not None else roles.names), False
        if certain is not None:
            return certain, False
        axes = likely(output.ndim) if roles is None else roles.names
        if isinstance(self.kinds, str) and output.ndim > 2:
            return _axes_of(self.kinds, place, output.ndim), False
        return axes, output.ndim > 2

    def _said(self, place: Place) -> str | None:
        """What a user says of the axes at a place by name."""
        if not isinstance(self.kinds, Mapping):
            return None
        for name in sorted(self.kinds, key=lambda name: name != str(place)):
            if name == str(place) or fnmatchcase(str(place), name):
                self.used.add(name)
                return self.kinds[name]
        return None

    def _arranged(self, axes: tuple[str, ...], sizes: tuple[int, ...], *, is_guess: bool) -> Geometry:
        positions = tuple(size for size, axis in zip(sizes, axes, strict=True) if axis in (POSITION, QUERY, KEY))
        channels = [size for size, axis in zip(sizes, axes, strict=True) if axis in (CHANNEL, HEAD)]
        width = int(torch.Size(channels).numel())
        if HEAD in axes:
            return Geometry(HEADS, (width, *positions), axes, is_guess)
        if not positions:
            return Geometry(UNITS, (width,), axes, is_guess)
        is_masked = self.n_positions is not None and positions == (self.n_positions,)
        if len(positions) == 1 and (axes[-1] == CHANNEL or is_masked):
            return Geometry(SEQUENCE, (ANY, width), axes, is_guess)
        return Geometry(MAP, (width, *positions), axes, is_guess)

    def _knows_padding(self, geometry: Geometry, output: Tensor, axes: tuple[str, ...]) -> bool:
        """Whether the mask says which positions of a tensor are padding, if there is a mask."""
        if self.n_positions is None or geometry.kind == UNITS:
            return True
        if geometry.kind == HEADS:
            return geometry.shape[1:] == (self.n_positions, self.n_positions)
        return geometry.kind == SEQUENCE and output.shape[axes.index(POSITION)] == self.n_positions

    def _unmasked(self, output: Tensor, axes: tuple[str, ...]) -> str:
        shape = tuple(size for size, axis in zip(output.shape, axes, strict=True) if axis != SAMPLE)
        return f"gives {shape} for a sample whose mask has {self.n_positions} positions: which are padding is not known"


def checked(kinds: Kinds) -> Kinds:
    """Return what a user says of axes, names as texts.

    Raises:
        LayerError: naming ``layer.kind``, for what `KINDS` has no name for.
    """
    said = list(kinds.values()) if isinstance(kinds, Mapping) else [] if kinds is None else [kinds]
    for kind in said:
        if kind not in KINDS:
            raise LayerError("layer.kind", f"{kind!r} came", one_of(str(kind), KINDS))
    return {str(name): kind for name, kind in kinds.items()} if isinstance(kinds, Mapping) else kinds


def _axes_of(kind: str, place: Place, n: int) -> tuple[str, ...]:
    """The axes of a tensor of ``n`` axes by what a user says of it."""
    some = [POSITION] * (n - 2)
    axes = {
        CHANNELS_FIRST: (SAMPLE, CHANNEL, *some),
        CHANNELS_LAST: (SAMPLE, *some, CHANNEL),
        SEQUENCE: (SAMPLE, POSITION, CHANNEL),
        TIME_FIRST: (POSITION, SAMPLE, CHANNEL),
        HEADS: (SAMPLE, HEAD, QUERY, KEY),
    }[kind]
    if len(axes) != n:
        raise LayerError("layer.kind", f"{kind} has {len(axes)} axes, but {place} gives {n}", "another kind")
    return axes


def _certain(module: nn.Module, place: Place, n: int) -> tuple[str, ...] | None:
    """The axes, where the module leaves no doubt."""
    if n == 2:
        return (SAMPLE, CHANNEL)
    if place.is_input or place.part:
        return None
    if isinstance(module, _ALONG_ONE) and n == 3:
        return (SAMPLE, CHANNEL, POSITION)
    if isinstance(module, _ON_LAST_AXIS):
        return (SAMPLE, *[POSITION] * (n - 2), CHANNEL)
    return None


def _are_shares(output: Tensor) -> bool:
    """Whether every last axis adds up to 1, as weights of attention do: their mean is the same for all samples."""
    return bool((output >= 0).all() and ((output.sum(-1, dtype=torch.float32) - 1).abs() < SHARES).all())


def _is_attention(module: nn.Module, place: Place) -> bool:
    """Whether weights from position to position come out, beside or instead of a state."""
    return "attention" in place.part or (bool(place.part) and "attention" in type(module).__name__.lower())
