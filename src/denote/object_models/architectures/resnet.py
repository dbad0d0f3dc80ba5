"""A small residual network for images: a stem, stages of blocks that add to what came in, logits of the mean."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from denote.errors import ConfigError
from denote.object_models.architectures.activations import at_least
from denote.object_models.architectures.convnet import image_shape


class ResidualBlock(nn.Module):
    """Two normalised 3 x 3 convolutions added to what came in, then ReLU.

    Args:
        n_in: Channels that come in.
        n_out: Channels that go out.
        stride: Pixels per step; 2 halves height and width.
    """

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.first = _normalised(n_in, n_out, 3, stride)
        self.second = _normalised(n_out, n_out, 3, 1)
        changes = stride != 1 or n_in != n_out
        self.shortcut = _normalised(n_in, n_out, 1, stride) if changes else nn.Identity()

    def forward(self, inputs: Float[Tensor, "sample channel y x"]) -> Float[Tensor, "sample channel_out y_out x_out"]:
        """The map for the next block."""
        return relu(self.second(relu(self.first(inputs))) + self.shortcut(inputs))


class ResNet(nn.Module):
    """A stem, ``blocks`` blocks for each of ``channels``, and the logits; each is an observed place.

    Args:
        input_shape: ``(channel, y, x)``, or ``(y, x)`` for one channel.
        n_classes: Number of logits.
        channels: Channels of each stage; every stage but the first halves height and width.
        blocks: Blocks of each stage, at least 1.

    Raises:
        ConfigError: for a setting that cannot be, by its key, or inputs that are no images.
    """

    def __init__(
        self, input_shape: Sequence[int], n_classes: int, channels: Sequence[int] = (16, 32, 64), blocks: int = 2
    ) -> None:
        super().__init__()
        n_in, *_ = image_shape(input_shape, "resnet")
        if not channels:
            raise ConfigError("architecture.channels", "there is no stage", "one number per stage")
        for n in channels:
            at_least(n, 1, "channels")
        at_least(blocks, 1, "blocks")
        self._add_channel_axis = len(input_shape) == 2
        self.readable_id = "-".join(["resnet", *map(str, channels)]) + f"-x{blocks}"
        self.stem = _normalised(n_in, channels[0], 3, 1)
        self.stem.add_module("activation", nn.ReLU())
        names, n_in = ["stem"], channels[0]
        for stage, n_out in enumerate(channels, start=1):
            for block in range(1, blocks + 1):
                names.append(f"stage_{stage}_{block}")
                self.add_module(names[-1], ResidualBlock(n_in, n_out, 2 if stage > 1 and block == 1 else 1))
                n_in = n_out
        self.logits = nn.Linear(n_in, n_classes)
        self._maps = names
        self.observed_layers = (*names, "logits")

    def forward(self, inputs: Float[Tensor, " sample *shape"]) -> Float[Tensor, "sample class"]:
        """Logits."""
        state = inputs.unsqueeze(1) if self._add_channel_axis else inputs
        for name in self._maps:
            state = self.get_submodule(name)(state)
        logits: Tensor = self.logits(state.mean(dim=(2, 3)))
        return logits


def _normalised(n_in: int, n_out: int, kernel: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=kernel // 2, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm2d(n_out)))
