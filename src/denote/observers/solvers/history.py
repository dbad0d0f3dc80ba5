"""What L-BFGS remembers of its last steps, many columns side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float32, Float64
from torch import Tensor
from torch.linalg import solve_triangular

HISTORY = 30
"""Curvature pairs per column: about as many as a column takes steps; with 20 some take a tenth more."""

SOUND = 1e-9
"""Cosine between a step and the change of the gradient below which rounding has spoiled the pair."""


@dataclass
class History:
    """The newest curvature pairs of every column, the oldest overwritten first.

    Attributes:
        steps: Differences of the last points, 0 for a pair that rounding has spoiled.
        changes: Of the gradients, likewise.
        products: Step times change of all pairs; on the diagonal 1 for a spoiled pair.
        count: How many pairs there have been.
    """

    steps: Float32[Tensor, "column pair neuron+1"]
    changes: Float32[Tensor, "column pair neuron+1"]
    products: Float64[Tensor, "column pair pair"]
    count: int = 0

    @classmethod
    def empty(cls, columns: int, size: int, device: torch.device) -> History:
        """Nothing yet."""
        pairs = torch.empty((columns, HISTORY, size), device=device)  # of which no number is read before it is written
        products = torch.zeros((columns, HISTORY, HISTORY), dtype=torch.float64, device=device)
        return cls(pairs, torch.empty_like(pairs), products)

    def remember(self, step: Float64[Tensor, "column size"], change: Float64[Tensor, "column size"]) -> None:
        """Keep a pair; one that rounding has spoiled gets no say in its column."""
        product = (step * change).sum(1)
        sound = product > SOUND * step.norm(dim=1) * change.norm(dim=1)
        slot = self.count % HISTORY
        self.steps[:, slot] = torch.where(sound[:, None], step, 0.0)
        self.changes[:, slot] = torch.where(sound[:, None], change, 0.0)
        self.count += 1
        kept = min(self.count, HISTORY)
        self.products[:, :kept, slot] = torch.bmm(self.steps[:, :kept], self.changes[:, slot, :, None])[:, :, 0]
        self.products[:, slot, slot] = torch.where(sound, product, 1.0)

    def direction(
        self,
        gradient: Float32[Tensor, "column size"],
        part: slice,
        solve: Callable[[Float32[Tensor, "column size"]], Float32[Tensor, "column size"]],
    ) -> Float32[Tensor, "column size"]:
        """Direction of some columns (Nocedal and Wright, algorithm 7.4, its two loops written as triangular systems).

        Args:
            gradient: Of those columns.
            part: Which columns.
            solve: Divides by the first guess of their Hessians.
        """
        if not self.count:
            return -solve(gradient)
        kept = min(self.count, HISTORY)
        oldest_first = [(self.count - kept + i) % HISTORY for i in range(kept)]
        steps, changes = self.steps[part, :kept], self.changes[part, :kept]
        upper = self.products[part][:, oldest_first][:, :, oldest_first]
        place = torch.tensor(oldest_first, device=gradient.device)
        along = torch.bmm(steps, gradient[:, :, None])[:, place].double()
        shares = solve_triangular(upper, along, upper=True)
        z = solve(torch.baddbmm(gradient[:, :, None], changes.mT, _back(shares, place), alpha=-1)[:, :, 0])
        of_changes = torch.bmm(changes, z[:, :, None])[:, place].double()
        own = upper.diagonal(dim1=1, dim2=2)[:, :, None] * shares
        rest = solve_triangular(upper.mT, own - of_changes, upper=False)
        return torch.baddbmm(z[:, :, None], steps.mT, _back(rest, place))[:, :, 0].neg_()

    def move(self, holes: Tensor, movers: Tensor, left: int) -> None:
        """Put columns into the places of others, and drop all from the ``left``-th on."""
        kept = min(self.count, HISTORY)
        for name in ("steps", "changes", "products"):
            values = getattr(self, name)
            values[holes, :kept] = values[movers, :kept]
            setattr(self, name, values[:left])


def _back(values: Float64[Tensor, "column pair 1"], place: Tensor) -> Float32[Tensor, "column pair 1"]:
    """Values of pairs, oldest first, in the places where the pairs lie."""
    return torch.empty_like(values).index_copy_(1, place, values).float()
