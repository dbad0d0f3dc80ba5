"""Match a neuron with random ones that are as active and as strongly connected."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from denote.data.batch import Batch
from denote.states.hooks import Place, run_watched
from denote.states.layers import Layer, leaves_of

NEAREST = 0.5
"""Largest standardised distance in each of variance, on-proportion and outgoing norm (METHOD section 7)."""

LEAST = 19
"""Matched neurons below which no p-value of .05 can be had."""


def matched(
    features: Mapping[str, Float[np.ndarray, " neuron"]],
    neuron: int,
    allowed: Bool[np.ndarray, " neuron"],
    nearest: float = NEAREST,
) -> Int[np.ndarray, " match"]:
    """Return the neurons that are like one, the nearest first.

    Args:
        features: Of all neurons of the layer, each standardised here over those that are allowed.
        neuron: The one.
        allowed: Which neurons may be a match; the one itself never is.
        nearest: Largest distance in each feature, in standard deviations.
    """
    distance = np.zeros(len(allowed))
    for values in features.values():
        spread = values[allowed].std() if allowed.any() else 0.0
        apart = np.abs(values - values[neuron])
        distance = np.maximum(
            distance, np.divide(apart, spread, out=np.where(apart > 0, np.inf, 0.0), where=spread > 0)
        )
    near = allowed & (distance <= nearest)
    near[neuron] = False
    found = np.flatnonzero(near)
    return found[np.argsort(distance[found], kind="stable")]


def outgoing_norm(network: nn.Module, layer: Layer, batch: Batch) -> Float[np.ndarray, " neuron"] | None:
    """Return the norm of the weights that read every neuron.

    They are those of the first module with weights that runs after the layer, if it takes as many numbers or channels
    as the layer gives; None where it does not, so that nothing tells which weights read which neuron.

    Args:
        network: Any module.
        layer: The layer.
        batch: A few samples.
    """
    place, leaves = Place.of(layer.name), leaves_of(network)
    after: list[str] = []
    reached = False

    def left(at: Place, value: object) -> None:
        nonlocal reached
        if at.module in leaves and reached:
            after.append(at.module)

    def at_layer(at: Place, value: object) -> None:
        nonlocal reached
        reached = reached or at.at == place.at
        left(at, value)

    watched = {**leaves, place.module: network.get_submodule(place.module)}
    run_watched(network, batch, watched, lambda at, value: at_layer(at, value) if not reached else left(at, value))
    for name in after:
        weight = getattr(leaves[name], "weight", None)
        if not isinstance(weight, Tensor) or weight.ndim < 2:
            continue
        return _read(weight.detach().float().cpu(), layer)
    return None


def _read(weight: Tensor, layer: Layer) -> Float[np.ndarray, " neuron"] | None:
    """Norm of the weights by neuron, of a matrix or kernel ``output x input x ...``."""
    n, given = layer.n_neurons, weight.shape[1]
    if given % n or (given != n and layer.kind != "map"):
        return None  # a flattened map has its positions behind its channels
    by_neuron = weight.transpose(0, 1).reshape(n, -1)
    norm: np.ndarray = torch.linalg.vector_norm(by_neuron, dim=1).double().numpy()
    return norm
