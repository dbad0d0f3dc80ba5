"""The block of transformers: positions look at each other, then every position goes through hidden units of its own."""

from __future__ import annotations

from collections import OrderedDict

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from denote.errors import ConfigError, one_of
from denote.object_models.architectures.activations import at_least

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
        """What every position gathers from those that are no padding."""
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
        self.hidden = nn.Sequential(OrderedDict(linear=nn.Linear(width, hidden), activation=nn.GELU()))
        self.out = nn.Linear(hidden, width)
        self.drop = nn.Dropout(dropout)

    def forward(
        self, inputs: Float[Tensor, "row position width"], mask: Bool[Tensor, "row position"] | None = None
    ) -> Float[Tensor, "row position width"]:
        """The positions for the next block."""
        met = inputs + self.drop(self.attention(self.norm_1(inputs), mask))
        out: Tensor = met + self.drop(self.out(self.hidden(self.norm_2(met))))
        return out


def observed_of(blocks: int, observed: str) -> list[str]:
    """Names of what is observed of ``block_1`` to ``block_n``.

    Raises:
        ConfigError: if ``observed`` is none of `OBSERVED`.
    """
    if observed not in OBSERVED:
        raise ConfigError("architecture.observed", f"{observed!r} is unknown", one_of(observed, OBSERVED))
    return [f"block_{i}" + (".hidden" if observed == HIDDEN else "") for i in range(1, blocks + 1)]


def check_sizes(blocks: int, width: int, heads: int, hidden: int, dropout: float) -> None:
    """Refuse sizes that no block has.

    Raises:
        ConfigError: by the key.
    """
    for value, name in ((blocks, "layers"), (width, "width"), (heads, "heads"), (hidden, "hidden")):
        at_least(value, 1, name)
    if width % heads:
        raise ConfigError(
            "architecture.width", f"{width} is no multiple of {heads} heads", "allowed: n x architecture.heads"
        )
    if not 0 <= dropout < 1:
        raise ConfigError("architecture.dropout", f"{dropout!r} cannot be used", "allowed: a number in [0, 1)")
