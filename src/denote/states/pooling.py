"""From a layer's output to its neurons: how feature maps become one number per neuron."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from denote.errors import LayerError, one_of

POOLINGS = ("mean", "max", "flatten")


def pooling_of(shape: tuple[int, ...], pooling: str, name: str) -> str:
    """The pooling of a layer whose samples have ``shape``: none where there is no map to pool.

    Raises:
        LayerError: if no pooling is called so.
    """
    if pooling not in POOLINGS:
        raise LayerError(f"layer.pooling of {name}", f"no pooling is called {pooling!r}", one_of(pooling, POOLINGS))
    return pooling if len(shape) == 3 else "none"


def grid_after(shape: tuple[int, ...], pooling: str) -> tuple[int, ...]:
    """Shape of the neuron axis after pooling."""
    return shape[:1] if pooling in ("mean", "max") else shape


def pool(output: Float[Tensor, " sample *shape"], pooling: str) -> Float[Tensor, "sample neuron"]:
    """One number per neuron; a map's positions in the order channel, y, x when flattened."""
    if pooling == "mean":
        return output.mean(dim=(2, 3))
    if pooling == "max":
        return output.amax(dim=(2, 3))
    return output.flatten(1)
