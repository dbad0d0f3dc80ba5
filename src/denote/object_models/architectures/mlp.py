"""Multilayer perceptron: equal hidden blocks, each observed after its activation, then logits."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from jaxtyping import Float
from torch import Tensor, nn

from denote.errors import ConfigError
from denote.object_models.architectures.building_blocks import check_counts, unit_block


class MLP(nn.Module):
    """``layers`` hidden blocks of ``width`` units and the logits: ``layers + 1`` observed places.

    Args:
        input_shape: Shape of one sample; it is flattened.
        n_classes: Number of logits.
        layers: Number of hidden blocks, at least 1.
        width: Units in each hidden block, at least 1.
        activation: A name in ``ACTIVATIONS``.
        normalisation: ``none``, ``batch`` or ``layer``, before the activation.
        random_signs: Whether every hidden unit is multiplied by a sign of its own after the activation, +1 or -1,
            drawn at initialisation and fixed.

    Raises:
        ConfigError: for a setting that cannot be, by its key.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        n_classes: int,
        layers: int = 8,
        width: int = 128,
        activation: str = "relu",
        normalisation: str = "none",
        random_signs: bool = False,
    ) -> None:
        super().__init__()
        check_counts(layers=layers, width=width)
        if not isinstance(random_signs, bool):
            raise ConfigError("architecture.random_signs", f"{random_signs!r} came", "allowed: true, false")
        hidden = [f"hidden_{i}" for i in range(1, layers + 1)]
        self.observed_layers = (*hidden, "logits")
        n_in = prod(input_shape)
        for name in hidden:
            self.add_module(name, unit_block(n_in, width, activation, normalisation, random_signs=random_signs))
            n_in = width
        self.logits = nn.Linear(n_in, n_classes)
        more = [normalisation] * (normalisation != "none") + ["signs"] * random_signs
        self.readable_id = "-".join([f"mlp-{layers}x{width}-{activation}", *more])

    def forward(self, inputs: Float[Tensor, " sample *shape"]) -> Float[Tensor, "sample class"]:
        """Return the logits."""
        hidden = inputs.flatten(1)
        for name in self.observed_layers:
            hidden = self.get_submodule(name)(hidden)
        return hidden
