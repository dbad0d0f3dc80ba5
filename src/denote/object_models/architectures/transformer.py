"""A small encoder over token ids: embeddings with learned positions, blocks of attention, logits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from denote.errors import ConfigError
from denote.object_models.architectures import building_blocks

SPREAD = 0.02
"""Standard deviation of the embeddings at initialisation, that of BERT and GPT-2."""


class Embedding(nn.Module):
    """A vector for every token, and one for its place.

    Args:
        n_tokens: Number of token ids.
        positions: Most positions of a sequence.
        width: Numbers per position.
        dropout: Share that training leaves out, in [0, 1).
    """

    def __init__(self, n_tokens: int, positions: int, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(n_tokens, width), nn.Embedding(positions, width)
        self.drop = nn.Dropout(dropout)
        for table in (self.token, self.position):
            # With torch's spread of 1 a rare token stays where it was drawn, whatever its few steps teach.
            nn.init.normal_(table.weight, std=SPREAD)

    def forward(self, tokens: Int[Tensor, "row position"]) -> Float[Tensor, "row position width"]:
        """Return the sum of both.

        Raises:
            ConfigError: for a sequence that is too long.
        """
        length, most = tokens.shape[1], self.position.num_embeddings
        if length > most:
            raise ConfigError("architecture.positions", f"{most}, and a sequence has {length} tokens", f">= {length}")
        vectors: Tensor = self.drop(self.token(tokens) + self.position(torch.arange(length, device=tokens.device)))
        return vectors


class Transformer(nn.Module):
    """An embedding, ``layers`` blocks and the logits: ``layers + 2`` observed places.

    Args:
        input_shape: Shape of one sample; not asked.
        n_classes: Number of logits.
        n_tokens: Number of token ids, which a dataset of tokens says.
        per_position: Whether logits are those of every position, as a tagger's are, and not of whole sequences.
        layers: Number of blocks, at least 1.
        width: Numbers per position, a multiple of ``heads``.
        heads: Heads of attention, at least 1.
        hidden: Hidden units of each block, at least 1.
        positions: Most tokens of a sequence, at least 1.
        dropout: Share of embeddings, and of what blocks add, that training leaves out, in [0, 1).
        observed: ``block``: what blocks hand on; ``hidden``: their hidden units after GELU.

    Raises:
        ConfigError: for a setting that cannot be, by its key, or inputs that are no token ids.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        n_classes: int,
        n_tokens: int | None = None,
        per_position: bool = False,
        layers: int = 4,
        width: int = 64,
        heads: int = 4,
        hidden: int = 256,
        positions: int = 512,
        dropout: float = 0.1,
        observed: str = building_blocks.BLOCK,
    ) -> None:
        super().__init__()
        if n_tokens is None:
            problem = f"a transformer reads token ids, one input of this dataset has shape {tuple(input_shape)}"
            raise ConfigError("architecture", problem, "architecture=mlp, or vit for images")
        building_blocks.check_sizes(layers, width, heads, hidden, dropout)
        building_blocks.check_counts(positions=positions)
        self.per_position = per_position
        self.readable_id = f"transformer-{layers}x{width}-{heads}heads-{hidden}" + (
            "" if observed == building_blocks.BLOCK else f"-{observed}"
        )
        self.embedding = Embedding(n_tokens, positions, width, dropout)
        self.blocks = [f"block_{i}" for i in range(1, layers + 1)]
        for name in self.blocks:
            self.add_module(name, building_blocks.AttentionBlock(width, heads, hidden, dropout))
        self.norm = nn.LayerNorm(width)
        self.logits = nn.Linear(width, n_classes)
        self.observed_layers = ("embedding", *building_blocks.observed_of(layers, observed), "logits")

    def forward(
        self, input_ids: Int[Tensor, "row position"], attention_mask: Shaped[Tensor, "row position"] | None = None
    ) -> Float[Tensor, "row *position class"]:
        """Return logits, of positions or of the mean over those that are no padding; arguments as tokenizers name
        them.
        """
        mask = None if attention_mask is None else attention_mask.bool()
        state = self.embedding(input_ids)
        for name in self.blocks:
            state = self.get_submodule(name)(state, mask)
        state = self.norm(state)
        if not self.per_position:
            seen = torch.ones_like(input_ids, dtype=torch.bool) if mask is None else mask
            state = state.masked_fill(~seen[..., None], 0.0).sum(1) / seen.sum(1, keepdim=True)
        logits: Tensor = self.logits(state)
        return logits
