"""Convolutional networks: plain stages, and stages of residual blocks."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from denote.errors import ConfigError
from denote.object_models.architectures import building_blocks

DEFAULT_HIDDEN = (64,)


class ConvNet(nn.Module):
    """One block per entry of ``channels``, one per entry of ``hidden``, then the logits; each is an observed place.

    Args:
        input_shape: ``(channel, y, x)``, or ``(y, x)`` for one channel.
        n_classes: Number of logits.
        channels: Channels of each convolutional block.
        hidden: Units of each hidden block after the convolutions; may be empty.
        kernel: Side of the square kernels, odd; the size of the map is kept.
        pool: Side and step of the max-pooling that ends each block; 1 for none.
        activation: A name in ``ACTIVATIONS``.
        normalisation: ``none``, ``batch`` or ``layer``, before the activation.

    Raises:
        ConfigError: for a setting that cannot be, by its key, or inputs that are no images.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        n_classes: int,
        channels: Sequence[int] = (16, 32, 64),
        hidden: Sequence[int] = DEFAULT_HIDDEN,
        kernel: int = 3,
        pool: int = 2,
        activation: str = "relu",
        normalisation: str = "batch",
    ) -> None:
        super().__init__()
        n_channels, height, width = building_blocks.image_shape(input_shape, "convnet")
        _check(channels, hidden, kernel, pool, (height, width))
        self._add_channel_axis = len(input_shape) == 2
        suffix = _suffix(hidden, kernel, pool, activation, normalisation)
        self.readable_id = "-".join(["convnet", *map(str, channels)]) + suffix
        names = []
        for i, n_out in enumerate(channels, start=1):
            names.append(f"conv_{i}")
            self.add_module(
                names[-1], building_blocks.channel_block(n_channels, n_out, kernel, pool, activation, normalisation)
            )
            n_channels, height, width = n_out, height // pool, width // pool
        n_in = n_channels * height * width
        self._first_units = "hidden_1" if hidden else "logits"
        for i, n_out in enumerate(hidden, start=1):
            names.append(f"hidden_{i}")
            self.add_module(names[-1], building_blocks.unit_block(n_in, n_out, activation, normalisation))
            n_in = n_out
        self.logits = nn.Linear(n_in, n_classes)
        self.observed_layers = (*names, "logits")

    def forward(self, inputs: Float[Tensor, " sample *shape"]) -> Float[Tensor, "sample class"]:
        """Return the logits."""
        hidden = inputs.unsqueeze(1) if self._add_channel_axis else inputs
        for name in self.observed_layers:
            hidden = self.get_submodule(name)(hidden.flatten(1) if name == self._first_units else hidden)
        return hidden


def _check(channels: Sequence[int], hidden: Sequence[int], kernel: int, pool: int, size: tuple[int, int]) -> None:
    if not channels:
        raise ConfigError("architecture.channels", "there is no convolutional block", "one number per block")
    building_blocks.check_counts(channels=channels, hidden=hidden, pool=pool, kernel=kernel)
    if kernel % 2 == 0:
        raise ConfigError("architecture.kernel", f"{kernel} is even, the map would shift", "an odd number: 1, 3, 5")
    if pool > 1 and pool ** len(channels) > min(size):
        n_blocks = next(n for n in range(len(channels)) if pool ** (n + 1) > min(size))
        problem = f"{len(channels)} blocks pool {pool} x {pool} each and inputs are only {size[0]} x {size[1]}"
        raise ConfigError("architecture.channels", problem, f"at most {n_blocks} blocks, or architecture.pool=1")


def _suffix(hidden: Sequence[int], kernel: int, pool: int, activation: str, normalisation: str) -> str:
    """Return what differs from the defaults, so that ids stay short and still tell networks apart."""
    differing = {
        "-".join(["hidden", *map(str, hidden)] if hidden else ["hidden", "none"]): tuple(hidden) != DEFAULT_HIDDEN,
        f"kernel{kernel}": kernel != 3,
        f"pool{pool}": pool != 2,
        activation: activation != "relu",
        f"norm-{normalisation}": normalisation != "batch",
    }
    return "".join(f"-{part}" for part, differs in differing.items() if differs)


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
        """Return the map for the next block."""
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
        n_in, *_ = building_blocks.image_shape(input_shape, "resnet")
        if not channels:
            raise ConfigError("architecture.channels", "there is no stage", "one number per stage")
        building_blocks.check_counts(channels=channels, blocks=blocks)
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
        """Return the logits."""
        state = inputs.unsqueeze(1) if self._add_channel_axis else inputs
        for name in self._maps:
            state = self.get_submodule(name)(state)
        logits: Tensor = self.logits(state.mean(dim=(2, 3)))
        return logits


def _normalised(n_in: int, n_out: int, kernel: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=kernel // 2, bias=False)
    return building_blocks.in_turn(conv=conv, norm=nn.BatchNorm2d(n_out))
