"""Erase an attribute from maps and sequences at every position, each with its own means.

Nothing linear is left of labels once rows with and without have the same mean (Belrose et al. 2023, theorem 3.1). Where
they have it at every position, no linear function of all positions together tells the label, nor does their mean, as
long as all samples have the same positions. The covariance only says which of these maps moves the state least: one for
all positions will do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int, Int8
from torch import Tensor

from denote.interventions.edited_runs import NetworkRows, look_at
from denote.interventions.leace import BLOCK, LEAST_CORRELATION, Basis, Erasure
from denote.interventions.sites import SiteRows
from denote.notes import Note
from denote.states.layers import Layer


@dataclass(frozen=True, eq=False)
class ByPosition(Erasure):
    """Take one component out of the state at every position: x - left (right . (x - mean)).

    Attributes:
        left: What is taken out; the last position also stands for those behind it.
        right: What it is measured with.
        mean: What stays as it is.
    """

    left: Float64[Tensor, "position neuron"]
    right: Float64[Tensor, "position neuron"]
    mean: Float64[Tensor, "position neuron"]

    @property
    def rank(self) -> int:
        """See `Erasure`."""
        return int(self.left.any())

    def new(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site neuron"]:
        """See `Edit`."""
        new = torch.empty_like(values)
        for part, place in self._parts(values, at):
            state = values[part].double()
            new[part] = state - self._taken(state, place)[:, None] * self.left[place]
        return new

    def component(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float64[Tensor, " site"]:
        """See `Erasure`."""
        return torch.cat([self._taken(values[part].double(), place) for part, place in self._parts(values, at)])

    def _taken(self, state: Float64[Tensor, "site neuron"], place: Int[Tensor, " site"]) -> Float64[Tensor, " site"]:
        return ((state - self.mean[place]) * self.right[place]).sum(1)

    def _parts(
        self, values: Float[Tensor, "site neuron"], at: SiteRows
    ) -> Iterator[tuple[slice, Int[Tensor, " site"]]]:
        """Cut sites into parts that are held in float64 at once, with the place of each."""
        place = at.position.clamp(max=len(self.mean) - 1)
        step = max(1, BLOCK // max(1, values.shape[1]))
        for start in range(0, max(1, len(values)), step):
            part = slice(start, start + step)
            yield part, place[part]


@dataclass(frozen=True, eq=False)
class PositionFit:
    """An erasure, and what is known of the states that it was fitted to.

    Attributes:
        erasure: The erasure.
        live: Neurons that are not constant at every position.
        same: Whether all samples have the same positions, each with a fit of its own.
        note: Which positions share a fit.
    """

    erasure: ByPosition
    live: Bool[Tensor, " neuron"]
    same: bool
    note: Note | None = None


def erasure_by_position(
    data: NetworkRows, layer: Layer, labels: Int8[np.ndarray, " row"], min_rows: int
) -> PositionFit:
    """Fit the erasure of labels at every position of a layer; two passes over *fit*, of which no state is kept.

    Args:
        data: The network and its samples.
        layer: The layer, pooled over all its positions.
        labels: 1, 0, or -1 where it is not known, of the rows of *fit*.
        min_rows: Rows of either label below which a position has no fit of its own; those behind it share one.

    Raises:
        LayerError: if nothing can be put in the layer's place, or its state varies in no more dimensions than one.
    """
    known = data.rows.fit[labels >= 0]
    sums = _Sums(torch.from_numpy(labels[labels >= 0].astype(np.int64)), layer.n_neurons)
    look_at(data, layer, known, sums.see)
    alone = int((sums.n.amin(0) >= min_rows).sum())  # fewer and fewer samples have the later positions
    n, total = _joined(sums.n[..., None], alone), _joined(sums.total, alone)
    mean = total.sum(0) / n.sum(0)
    products = _Products(mean)
    look_at(data, layer, known, products.see)
    covariance = products.total / n.sum()
    basis = Basis.of_covariance(mean.mean(0), covariance, sums.largest)
    basis.check_is_wide(layer.name)
    both = (n > 0).all(0)
    apart = torch.where(both, total[1] / n[1].clamp(min=1) - total[0] / n[0].clamp(min=1), 0.0)
    erasure = _least_moving(apart, basis, covariance, (n[0] * n[1] / n.sum(0) ** 2)[:, 0], mean)
    if alone < sums.n.shape[1]:
        return PositionFit(erasure, basis.live, False, Note.of("late_positions", position=alone + 1, least=min_rows))
    return PositionFit(erasure, basis.live, bool((sums.n[:, 0] == sums.n[:, -1]).all()))


def _least_moving(
    apart: Float64[Tensor, "position neuron"],
    basis: Basis,
    covariance: Float64[Tensor, "neuron neuron"],
    spread: Float64[Tensor, " position"],
    mean: Float64[Tensor, "position neuron"],
) -> ByPosition:
    """Of the maps that take out ``apart``, the difference of means, that which moves states least."""
    coordinates = apart @ basis.from_state
    whitened = coordinates / (basis.from_state * (covariance @ basis.from_state)).sum(0)
    length = (coordinates * whitened).sum(1)
    told = length * spread > LEAST_CORRELATION**2  # the multiple correlation with the labels, squared
    right = torch.where(told[:, None], whitened / length.clamp(min=torch.finfo(torch.float64).tiny)[:, None], 0.0)
    left = torch.where(told[:, None], coordinates @ basis.to_state.T, 0.0)
    return ByPosition(left, right @ basis.from_state.T, mean)


def _joined(sums: Float64[Tensor, "label position *neuron"], alone: int) -> Float64[Tensor, "label place *neuron"]:
    """Sums of positions, those without a fit of their own added up."""
    return sums if alone == sums.shape[1] else torch.cat([sums[:, :alone], sums[:, alone:].sum(1, keepdim=True)], 1)


class _Sums:
    """Sums of states by label and position.

    Attributes:
        n: Number of sites.
        total: Sums over them.
        largest: Largest absolute activation of every neuron.
    """

    def __init__(self, labels: Int[Tensor, " row"], n_neurons: int) -> None:
        self.labels = labels
        self.n: Float64[Tensor, "label position"] = torch.zeros(2, 0, dtype=torch.float64)
        self.total: Float64[Tensor, "label position neuron"] = torch.zeros(2, 0, n_neurons, dtype=torch.float64)
        self.largest = torch.zeros(n_neurons, dtype=torch.float64)

    def see(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> None:
        """Add the state of some samples."""
        more = int(at.position.max()) + 1 - self.n.shape[1]
        if more > 0:
            self.n, self.total = (
                torch.cat([each, torch.zeros(2, more, *each.shape[2:])], 1) for each in (self.n, self.total)
            )
        label, state = self.labels[at.row], values.double()
        self.n.index_put_((label, at.position), torch.ones(len(label), dtype=torch.float64), accumulate=True)
        for one in (0, 1):
            self.total[one].index_add_(0, at.position[label == one], state[label == one])
        self.largest = torch.maximum(self.largest, state.abs().amax(0))


class _Products:
    """Sum of products of neurons, around the mean of their position."""

    def __init__(self, mean: Float64[Tensor, "place neuron"]) -> None:
        self.mean = mean
        self.total = torch.zeros(mean.shape[1], mean.shape[1], dtype=torch.float64)

    def see(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> None:
        """Add the state of some samples."""
        apart = values.double() - self.mean[at.position.clamp(max=len(self.mean) - 1)]
        self.total += apart.T @ apart
