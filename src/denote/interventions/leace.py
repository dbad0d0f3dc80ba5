"""Least-squares concept erasure: the affine map after which nothing linear is left of labels, that moves states least.

Source: N. Belrose et al., LEACE: Perfect linear concept erasure in closed form (2023), arXiv 2306.03819; fitted by the
authors' package.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, Int8
from torch import Tensor

from denote.errors import LayerError
from denote.interventions.edits import Edit
from denote.interventions.sites import SiteRows
from denote.numbers import count

EPS = float(torch.finfo(torch.float32).eps)
BLOCK = 1 << 22
"""Numbers of a state that are held in float64 at once (32 MiB)."""
LEFT = 1e-6
"""Largest correlation of a neuron with the labels that counts as none, of states in float32."""
LEAST_CORRELATION = 1e-7
"""Multiple correlation of the state with the labels below which there is nothing to erase."""


class Erasure(Edit):
    """An edit that takes components out of a state."""

    @property
    @abstractmethod
    def rank(self) -> int:
        """Dimensions that are lost, at a position at most."""

    def changes(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site 1"]:
        """Return how far each site moves, with a sign that tells the two ways along one direction apart."""
        apart = torch.linalg.vector_norm(self.new(values, at) - values, dim=1)
        signed: Tensor = apart.copysign(self.component(values, at).to(values.dtype))
        return signed[:, None]

    @abstractmethod
    def component(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float64[Tensor, " site"]:
        """Return the first component of each site, that which is taken out."""


@dataclass(frozen=True, eq=False)
class Projection(Erasure):
    """Take components out of a state: x - left right^T (x - mean).

    Attributes:
        left: What is taken out, one column per component.
        right: What each component is measured with.
        mean: What stays as it is.
    """

    left: Float64[Tensor, "neuron rank"]
    right: Float64[Tensor, "neuron rank"]
    mean: Float64[Tensor, " neuron"]

    @property
    def rank(self) -> int:
        """Dimensions that are lost."""
        return self.left.shape[1]

    def new(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site neuron"]:
        """See `Edit`."""
        return self.of(values)

    def component(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float64[Tensor, " site"]:
        """See `Erasure`; 0 where nothing is taken out."""
        if self.rank == 0:
            return torch.zeros(len(values), dtype=torch.float64)
        return (values.double() - self.mean) @ self.right[:, 0]

    def of(self, values: Float[Tensor, "site neuron"]) -> Float[Tensor, "site neuron"]:
        """Return a state without these components, computed in float64 by blocks."""
        new = torch.empty_like(values)
        step = max(1, BLOCK // max(1, values.shape[1]))
        for start in range(0, len(values), step):
            part = values[start : start + step].double()
            new[start : start + step] = part - ((part - self.mean) @ self.right) @ self.left.T
        return new


@dataclass(frozen=True, eq=False)
class InTurn(Erasure):
    """Erase one after the other.

    Attributes:
        erasures: At least one.
    """

    erasures: Sequence[Erasure]

    @property
    def rank(self) -> int:
        """See `Erasure`."""
        return sum(each.rank for each in self.erasures)

    def new(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site neuron"]:
        """See `Edit`."""
        for each in self.erasures:
            values = each.new(values, at)
        return values

    def component(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float64[Tensor, " site"]:
        """See `Erasure`."""
        return self.erasures[0].component(values, at)


@dataclass(frozen=True, eq=False)
class Basis:
    """Directions in which a state varies by more than float32 rounds off, uncorrelated and of neurons of one scale.

    Constant neurons have no part in them, nor what is left of neurons that others determine: to whiten that would be
    to whiten rounding errors.

    Attributes:
        mean: Of every neuron.
        scale: Its standard deviation; 0 for constant ones.
        directions: In units of the scale, orthonormal.
        live: Neurons that are not constant.
    """

    mean: Float64[Tensor, " neuron"]
    scale: Float64[Tensor, " neuron"]
    directions: Float64[Tensor, "neuron direction"]
    live: Bool[Tensor, " neuron"]

    @classmethod
    def of(cls, state: Float32[np.ndarray, "row neuron"]) -> Basis:
        """Find the directions of a state."""
        values = torch.from_numpy(np.ascontiguousarray(state)).double()
        mean = values.mean(0)
        rounding = EPS * values.abs().amax(0)
        values -= mean
        scale = values.square().mean(0).sqrt()
        live = scale > 2 * rounding
        scale[~live] = 0
        values = values[:, live] / scale[live]
        return cls._of(mean, scale, live, _directions(values, (rounding[live] / scale[live]).square()))

    @classmethod
    def of_covariance(
        cls,
        mean: Float64[Tensor, " neuron"],
        covariance: Float64[Tensor, "neuron neuron"],
        largest: Float64[Tensor, " neuron"],
    ) -> Basis:
        """Find the directions of states that are not held.

        Args:
            mean: Of every neuron.
            covariance: Of neurons.
            largest: Largest absolute activation of every neuron.
        """
        rounding, scale = EPS * largest, covariance.diagonal().sqrt()
        live = scale > 2 * rounding
        scale[~live] = 0
        own = scale[live]
        variance, vectors = _varying(covariance[live][:, live] / own / own[:, None], len(mean))
        certain = variance > 4 * ((rounding[live] / own).square() @ vectors.square())
        return cls._of(mean, scale, live, vectors[:, certain])

    @classmethod
    def _of(cls, mean: Tensor, scale: Tensor, live: Tensor, found: Float64[Tensor, "live direction"]) -> Basis:
        directions = torch.zeros(len(mean), found.shape[1], dtype=torch.float64)
        directions[live] = found
        return cls(mean, scale, directions, live)

    @property
    def to_state(self) -> Float64[Tensor, "neuron direction"]:
        """Maps coordinates to displacements of a state."""
        return self.directions * self.scale[:, None]

    @property
    def from_state(self) -> Float64[Tensor, "neuron direction"]:
        """Maps displacements to coordinates."""
        return self.directions / torch.where(self.live, self.scale, torch.inf)[:, None]

    def check_is_wide(self, layer: str) -> None:
        """Refuse a state that varies in no more dimensions than the erasure of an attribute takes.

        Raises:
            LayerError: naming the layer.
        """
        width = self.directions.shape[1]
        if width < 2:
            problem = f"its state varies in {count(width, 'dimension')}, of which the erasure of an attribute takes 1"
            raise LayerError(f"layer {layer}", problem, "a layer of more")

    def coordinates(self, state: Float32[np.ndarray, "row neuron"]) -> Float64[Tensor, "row direction"]:
        """Return where rows lie along the directions."""
        apart = torch.from_numpy(np.ascontiguousarray(state)).double() - self.mean
        return apart @ self.from_state


def erasure_of(state: Float32[np.ndarray, "row neuron"], labels: Int8[np.ndarray, " row"], layer: str) -> Projection:
    """Fit the erasure of labels from a state.

    The covariance is shrunk, which only matters where there are few rows for the neurons: whatever takes its place, no
    neuron is correlated with the labels afterwards, as long as it is a covariance; of few dimensions the shrunk one may
    be none, and is not used. The package's bound on the trace is off: erasing one attribute never raises it. Its least
    singular value, of standardised labels, is so small that weak and rare attributes are erased too.

    Args:
        state: Pooled states of rows with a label.
        labels: 1 or 0 for each, both there.
        layer: Its name, for errors.

    Raises:
        LayerError: if the state varies in no more dimensions than are to be erased.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it scripts a function of its own, which no user can help
        from concept_erasure import LeaceFitter  # here, as only this asks for it

    basis = Basis.of(state)
    basis.check_is_wide(layer)
    x, z = basis.coordinates(state), torch.from_numpy(labels).double()[:, None]
    z = (z - z.mean()) / z.std()
    for shrinkage in (True, False):
        eraser = LeaceFitter.fit(
            x, z, shrinkage=shrinkage, constrain_cov_trace=False, svd_tol=LEAST_CORRELATION
        ).eraser  # fmt: skip
        kept = eraser.proj_left.abs().sum(0) > 0
        left, right = eraser.proj_left[:, kept], eraser.proj_right[kept].T
        erased = x - (x @ right) @ left.T
        if float((erased.T @ z).abs().amax()) / len(z) <= LEFT:
            break
    return Projection(basis.to_state @ left, basis.from_state @ right, basis.mean)


def _directions(
    values: Float64[Tensor, "row neuron"], rounding: Float64[Tensor, " neuron"]
) -> Float64[Tensor, "neuron direction"]:
    """Orthonormal directions of more variance than rounding has; of fewer rows than neurons by the rows' products."""
    n, width = values.shape
    by_rows = n < width
    variance, vectors = _varying((values @ values.T if by_rows else values.T @ values) / n, max(n, width))
    if by_rows:
        vectors = values.T @ (vectors / (n * variance).sqrt())
    directions: Tensor = vectors[:, variance > 4 * (rounding @ vectors.square())]
    return directions


def _varying(products: Float64[Tensor, "one one"], size: int) -> tuple[Float64[Tensor, " some"], Tensor]:
    """Eigenvalues and eigenvectors of products of ``size`` numbers, those that rounding makes left out."""
    variance, vectors = torch.linalg.eigh(products)
    certain = variance > variance.amax() * size * 4e-16 if len(variance) else variance > 0
    return variance[certain], vectors[:, certain]
