"""What the raw label proportion's course over depth is made of: polarity, what any basis shows, the neurons' own.

Raw = (raw - folded) + rotated folded + (folded - rotated folded). Each part is described by two contrasts over layers,
which are linear, so that the parts of each add up exactly, network by network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from denote.denotation.analysis import LEAST_DESCRIBED, LEAST_LAYERS, models_needed
from denote.denotation.depth_words import ANY_BASIS, BOW, CHANGE, FOLDED, OWN, POLARITY, RAW, ROTATED_FOLDED, UNFOLDED
from denote.denotation.profiles import Grid, Profiles
from denote.estimate import Estimate
from denote.evidence.intervals import t_interval


@dataclass(frozen=True)
class Parts:
    """The parts of an architecture's raw label proportion.

    Attributes:
        layers: Names of the layers that all models have, in order of depth.
        depth: Their depths.
        left_out: Layers that are compared and that too few models have beside the others.
        values: By part a number for every model that has all layers, and layer; the parts after the first add up to it.
    """

    layers: tuple[str, ...]
    depth: Int[np.ndarray, " layer"]
    left_out: tuple[str, ...]
    values: dict[str, Float[np.ndarray, "model layer"]]

    @property
    def n_models(self) -> int:
        """Models that have all layers."""
        return len(self.values[RAW])

    def estimates(self) -> Iterator[tuple[str, str, Estimate[float]]]:
        """Yield part, shape and its mean over models with a 95 % t-interval."""
        contrasts = {CHANGE: change(self.depth), BOW: bow(len(self.depth))}
        for part, values in self.values.items():
            for shape, contrast in contrasts.items():
                yield part, shape, t_interval(values @ contrast)

    def levels(self) -> Iterator[tuple[str, str, int, Estimate[float]]]:
        """Yield part, layer, its depth and the part's mean over models there with a 95 % t-interval."""
        for part, values in self.values.items():
            for layer, depth, column in zip(self.layers, self.depth, values.T, strict=True):
                yield part, layer, int(depth), t_interval(column)


def parts_of(profiles: Profiles) -> Parts | str:
    """Split the raw label proportion of an architecture's networks at the layers compared.

    Only networks with all these layers enter. While too few have all, the layer that fewest have is left out.

    Returns:
        The parts, or why there are none.
    """
    if profiles.n_models < LEAST_DESCRIBED:
        return f"fewer than {LEAST_DESCRIBED} networks"
    if np.isnan(profiles.numbers[ROTATED_FOLDED]).all():
        return "without random directions that denote (control=rotated) to compare with"
    compared = np.flatnonzero(profiles.compared)
    grids = {name: profiles.numbers[name][:, compared] for name in (UNFOLDED, FOLDED, ROTATED_FOLDED)}
    known = np.logical_and.reduce([np.isfinite(grid) for grid in grids.values()])
    needed = models_needed(profiles.n_models)
    kept = _layers(known, needed)
    if kept is None:
        return f"fewer than {LEAST_LAYERS} layers at which the same {needed} networks have a value"
    complete = known[:, kept].all(axis=1)
    raw, folded, rotated = (grid[complete][:, kept] for grid in grids.values())
    values: dict[str, Grid] = {RAW: raw, POLARITY: raw - folded, ANY_BASIS: rotated, OWN: folded - rotated}
    names = np.array(profiles.layers)[compared]
    return Parts(tuple(names[kept]), profiles.depth[compared][kept], tuple(names[~kept]), values)


def change(depth: Int[np.ndarray, " layer"]) -> Float[np.ndarray, " layer"]:
    """Return the contrast that gives the rise of the least-squares line from the first to the last layer."""
    distance = depth - depth.mean()
    return np.asarray(distance / (distance**2).sum() * (depth[-1] - depth[0]))


def bow(n_layers: int) -> Float[np.ndarray, " layer"]:
    """Return the contrast that gives the mean of the middle third of the layers minus that of the others."""
    position = (np.arange(n_layers) + 0.5) / n_layers
    middle = np.abs(position - 0.5) < 1 / 6 + 1e-9
    return np.asarray(np.where(middle, 1 / middle.sum(), -1 / (~middle).sum()))


def _layers(known: Bool[np.ndarray, "model layer"], needed: int) -> Bool[np.ndarray, " layer"] | None:
    """Choose the layers that enough models have all of; None where that leaves too few layers."""
    kept = np.ones(known.shape[1], dtype=bool)
    while kept.sum() >= LEAST_LAYERS:
        if known[:, kept].all(axis=1).sum() >= needed:
            return kept
        n_known = np.where(kept, known.sum(axis=0), known.shape[0] + 1)
        kept[int(n_known.argmin())] = False
    return None
