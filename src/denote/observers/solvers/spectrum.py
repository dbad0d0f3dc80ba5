"""Eigenvalues and eigenvectors of a state's Gram matrix: the solver's first guess of every column's Hessian."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float32, Float64
from torch import Tensor

LEADING = 32
"""Leading directions along which slow columns get a Hessian of their own; on layers of trained networks it saves a
fifth to a third of all steps. With 64 it saves hardly more and costs four times as much."""


@dataclass(frozen=True)
class Spectrum:
    """Of the state's Gram matrix; all that lies outside the vectors counts as eigenvalue 0.

    Attributes:
        values: Eigenvalues, ascending, at least 0.
        vectors: Orthonormal.
    """

    values: Float64[Tensor, " rank"]
    vectors: Float32[Tensor, "neuron rank"]

    @classmethod
    def of_gram(cls, matrix: Float32[Tensor, "neuron neuron"]) -> Spectrum:
        """Decompose a Gram matrix, in float32: a first guess may be rough."""
        values, vectors = _eigenvectors(matrix)
        return cls(values.clamp_min(0).double(), vectors)

    @classmethod
    def of_rows(cls, rows: Float32[Tensor, "row neuron"]) -> Spectrum:
        """Decompose the Gram matrix of rows that are fewer than the neurons."""
        values, sides = _eigenvectors(rows @ rows.T / len(rows))
        clear = values > 1e-4 * values[-1]  # below it float32 cannot tell the vectors from noise
        values, sides = values[clear], sides[:, clear]
        return cls(values.double(), rows.T @ sides / (values * len(rows)).sqrt())

    @property
    def leading(self) -> Float32[Tensor, "neuron leading"]:
        """The leading directions."""
        return self.vectors[:, max(0, len(self.values) - LEADING) :]


def _eigenvectors(matrix: Float32[Tensor, "d d"]) -> tuple[Float32[Tensor, " d"], Float32[Tensor, "d d"]]:
    """Of a symmetric matrix, ascending."""
    try:
        return tuple(torch.linalg.eigh(matrix))
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]  # float32 now and then fails where the rank is low
        values, vectors = torch.linalg.eigh(matrix.double())
        return values.float(), vectors.float()
