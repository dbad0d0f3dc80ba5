"""Parts that architectures share: activations and normalisations by name, attention, checks of sizes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from denote.errors import ConfigError

T = TypeVar("T")

MOST_OF_A_KIND = 10**9
"""Units, layers, channels: what a network of that many takes is refused while it is made."""

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "silu": nn.SiLU,
    "linear": nn.Identity,
}

UNIT_NORMALISATIONS: dict[str, Callable[[int], nn.Module | None]] = {
    "none": lambda width: None,
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
}

CHANNEL_NORMALISATIONS: dict[str, Callable[[int], nn.Module | None]] = {
    "none": lambda channels: None,
    "batch": nn.BatchNorm2d,
    "layer": lambda channels: nn.GroupNorm(1, channels),  # over channels and positions of one sample
}


class RandomSigns(nn.Module):
    """Multiplies every unit by +1 or -1, drawn once at construction and never learned.

    After an odd activation this changes nothing that a network can do, only which side of a unit is called *on*. What
    is said of that side alone is arbitrary by construction.

    Args:
        width: Number of units.
    """

    signs_are_arbitrary = True
    """Read where it is decided whether the sign of a layer's neurons is identified."""
    signs: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("signs", 2.0 * torch.randint(2, (width,)) - 1.0)

    def forward(self, units: Float[Tensor, "*sample unit"]) -> Float[Tensor, "*sample unit"]:
        """Return the units under their signs."""
        return units * self.signs


def named(table: Mapping[str, T], name: str, key: str) -> T:
    """Return the entry called ``name``.

    Args:
        table: Entries by name.
        name: Of the entry.
        key: Of ``architecture``, for an error.

    Raises:
        ConfigError: naming ``architecture.<key>`` and what is allowed, if there is none.
    """
    ConfigError.refuse_unknown(name, table, f"architecture.{key}", f"no {key} is called {{!r}}")
    return table[name]


def image_shape(input_shape: Sequence[int], name: str) -> tuple[int, int, int]:
    """Return channels, height and width of images.

    Args:
        input_shape: Shape of one sample.
        name: Of the architecture that reads them.

    Raises:
        ConfigError: if they are no images.
    """
    if len(input_shape) == 2:
        return 1, input_shape[0], input_shape[1]
    if len(input_shape) == 3:
        return input_shape[0], input_shape[1], input_shape[2]
    problem = f"a {name} reads images, one input of this dataset has shape {tuple(input_shape)}"
    raise ConfigError("architecture", problem, "inputs of shape (channel, y, x) or (y, x), or architecture=mlp")


def check_counts(**counts: int | Sequence[int]) -> None:
    """Refuse what is no whole number of 1 or more.

    Args:
        counts: Numbers, or lists of them, by key of ``architecture``.

    Raises:
        ConfigError: naming the key.
    """
    for key, given in counts.items():
        for number in given if isinstance(given, list | tuple) else [given]:
            if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MOST_OF_A_KIND:
                allowed = f"a whole number from 1 to {MOST_OF_A_KIND}"
                raise ConfigError(f"architecture.{key}", f"{number!r} cannot be used", allowed)


def in_turn(**modules: nn.Module | None) -> nn.Sequential:
    """Return modules one after the other, under their names; None stands for one that is left out."""
    return nn.Sequential(OrderedDict({name: module for name, module in modules.items() if module is not None}))


def unit_block(
    n_in: int, n_out: int, activation: str, normalisation: str, *, random_signs: bool = False
) -> nn.Sequential:
    """Return linear, normalisation, activation, and random signs where asked for: one observed place.

    Args:
        n_in: Units that come in.
        n_out: Units that go out.
        activation: A name in `ACTIVATIONS`.
        normalisation: A name in `UNIT_NORMALISATIONS`.
        random_signs: Whether every unit gets a sign of its own.
    """
    return in_turn(
        linear=nn.Linear(n_in, n_out),
        norm=named(UNIT_NORMALISATIONS, normalisation, "normalisation")(n_out),
        activation=named(ACTIVATIONS, activation, "activation")(),
        signs=RandomSigns(n_out) if random_signs else None,
    )


def channel_block(n_in: int, n_out: int, kernel: int, pool: int, activation: str, normalisation: str) -> nn.Sequential:
    """Return convolution, normalisation, activation, and max-pooling where asked for: one observed place.

    Args:
        n_in: Channels that come in.
        n_out: Channels that go out.
        kernel: Side of the kernels; the size of the map is kept.
        pool: Side and step of the pooling; 1 for none.
        activation: A name in `ACTIVATIONS`.
        normalisation: A name in `CHANNEL_NORMALISATIONS`.
    """
    return in_turn(
        conv=nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2),
        norm=named(CHANNEL_NORMALISATIONS, normalisation, "normalisation")(n_out),
        activation=named(ACTIVATIONS, activation, "activation")(),
        pool=nn.MaxPool2d(pool) if pool > 1 else None,
    )


BLOCK, HIDDEN = "block", "hidden"
OBSERVED = (BLOCK, HIDDEN)
"""What is observed of a block: what it hands on to the next, or its hidden units after their activation."""


class Attention(nn.Module):
    """Self-attention of several heads.

    Args:
        width: Numbers per position, a multiple of ``heads``.
        heads: Number of heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self, inputs: Float[Tensor, "row position width"], mask: Bool[Tensor, "row position"] | None = None
    ) -> Float[Tensor, "row position width"]:
        """Return what every position gathers from those that are no padding."""
        query, key, value = self.query_key_value(inputs).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        visible = None if mask is None else mask[:, None, None, :]
        gathered = scaled_dot_product_attention(query, key, value, attn_mask=visible)
        out: Tensor = self.out(gathered.transpose(1, 2).flatten(2))
        return out


class AttentionBlock(nn.Module):
    """Attention and hidden units, each after a layer normalisation and added to what came in.

    Args:
        width: Numbers per position.
        heads: Heads of attention.
        hidden: Hidden units per position, with GELU.
        dropout: Share of what is added that training leaves out, in [0, 1).
    """

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.hidden = in_turn(linear=nn.Linear(width, hidden), activation=nn.GELU())
        self.out = nn.Linear(hidden, width)
        self.drop = nn.Dropout(dropout)

    def forward(
        self, inputs: Float[Tensor, "row position width"], mask: Bool[Tensor, "row position"] | None = None
    ) -> Float[Tensor, "row position width"]:
        """Return the positions for the next block."""
        met = inputs + self.drop(self.attention(self.norm_1(inputs), mask))
        out: Tensor = met + self.drop(self.out(self.hidden(self.norm_2(met))))
        return out


def observed_of(blocks: int, observed: str) -> list[str]:
    """Return the names of what is observed of ``block_1`` to ``block_n``.

    Args:
        blocks: Number of blocks.
        observed: One of `OBSERVED`.

    Raises:
        ConfigError: if ``observed`` is none of `OBSERVED`.
    """
    ConfigError.refuse_unknown(observed, OBSERVED, "architecture.observed")
    return [f"block_{i}" + (".hidden" if observed == HIDDEN else "") for i in range(1, blocks + 1)]


def check_sizes(blocks: int, width: int, heads: int, hidden: int, dropout: float) -> None:
    """Refuse sizes that no block has.

    Args:
        blocks: Number of blocks.
        width: Numbers per position.
        heads: Heads of attention.
        hidden: Hidden units per position.
        dropout: Share left out in training.

    Raises:
        ConfigError: by the key.
    """
    check_counts(layers=blocks, width=width, heads=heads, hidden=hidden)
    if width % heads:
        problem = f"{width} is no multiple of {heads} heads"
        raise ConfigError("architecture.width", problem, "allowed: n x architecture.heads")
    if not 0 <= dropout < 1:
        raise ConfigError("architecture.dropout", f"{dropout!r} cannot be used", "allowed: a number in [0, 1)")
