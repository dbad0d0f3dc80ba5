"""A small vision transformer: patches and a class token, blocks of attention, logits of the class token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from denote.errors import ConfigError
from denote.object_models.architectures import building_blocks


class Patches(nn.Module):
    """A vector for every square of the image, with its place, behind one for the whole.

    Args:
        channels: Of the image.
        patch: Side of the squares, in pixels.
        count: Number of squares.
        width: Numbers per position.
    """

    def __init__(self, channels: int, patch: int, count: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Conv2d(channels, width, patch, stride=patch)
        self.whole = nn.Parameter(torch.randn(1, 1, width) / width**0.5)
        self.position = nn.Parameter(torch.randn(1, 1 + count, width) / width**0.5)

    def forward(self, images: Float[Tensor, "row channel y x"]) -> Float[Tensor, "row position width"]:
        """Return the class token first, then the squares row by row."""
        squares = self.linear(images).flatten(2).transpose(1, 2)
        return torch.cat([self.whole.expand(len(images), -1, -1), squares], 1) + self.position


class ViT(nn.Module):
    """Patches, ``layers`` blocks and the logits: ``layers + 2`` observed places.

    Args:
        input_shape: ``(channel, y, x)``, or ``(y, x)`` for one channel.
        n_classes: Number of logits.
        patch: Side of the patches in pixels; height and width are multiples of it.
        layers: Number of blocks, at least 1.
        width: Numbers per position, a multiple of ``heads``.
        heads: Heads of attention, at least 1.
        hidden: Hidden units of each block, at least 1.
        dropout: Share of what is added that training leaves out, in [0, 1).
        observed: ``block``: what blocks hand on; ``hidden``: their hidden units after GELU.

    Raises:
        ConfigError: for a setting that cannot be, by its key, or inputs that are no images.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        n_classes: int,
        patch: int = 4,
        layers: int = 4,
        width: int = 64,
        heads: int = 4,
        hidden: int = 128,
        dropout: float = 0.0,
        observed: str = building_blocks.BLOCK,
    ) -> None:
        super().__init__()
        channels, height, across = building_blocks.image_shape(input_shape, "vit")
        building_blocks.check_sizes(layers, width, heads, hidden, dropout)
        if patch < 1 or height % patch or across % patch:
            problem = f"inputs are {height} x {across} pixels, no multiple of patches of {patch}"
            raise ConfigError("architecture.patch", problem, "allowed: a divisor of both")
        self._add_channel_axis = len(input_shape) == 2
        self.readable_id = f"vit-{layers}x{width}-{heads}heads-{hidden}-patch{patch}" + (
            "" if observed == building_blocks.BLOCK else f"-{observed}"
        )
        self.patches = Patches(channels, patch, (height // patch) * (across // patch), width)
        self.blocks = [f"block_{i}" for i in range(1, layers + 1)]
        for name in self.blocks:
            self.add_module(name, building_blocks.AttentionBlock(width, heads, hidden, dropout))
        self.norm = nn.LayerNorm(width)
        self.logits = nn.Linear(width, n_classes)
        self.observed_layers = ("patches", *building_blocks.observed_of(layers, observed), "logits")

    def forward(self, inputs: Float[Tensor, " row *shape"]) -> Float[Tensor, "row class"]:
        """Return the logits."""
        state = self.patches(inputs.unsqueeze(1) if self._add_channel_axis else inputs)
        for name in self.blocks:
            state = self.get_submodule(name)(state)
        logits: Tensor = self.logits(self.norm(state[:, 0]))
        return logits
