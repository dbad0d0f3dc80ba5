"""Tell whether a shorter way through a network gives the same, by differences beside the spread over samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

SHARE = 1e-3
"""Of the spread of a number over samples: more than float32 rounds, less than a score or a verdict shows."""

ROUNDING = 4 * torch.finfo(torch.float32).eps
"""Of the largest value of a number: units in the last place that another order of sums may change."""

MOST_ROUNDING = 0.01
"""Of the spread: numbers that float32 holds no better than this have to be equal."""

CONSTANT = 1e-5
"""Of the value of a number that is the same for all samples."""


class Differences:
    """Differences between two ways to the same numbers of samples, gathered block by block.

    Every number is held against its own spread over samples: a constant that is added to it, as a bias that stands for
    a year, would hide what is left out if differences were held against its size.

    Args:
        decides: The largest number decides, as among logits, and has to be the same one.

    Attributes:
        refused: Whether it is known already that they differ.
    """

    def __init__(self, *, decides: bool = False) -> None:
        self.decides = decides
        self.refused = False
        self._gathered: dict[tuple[int, ...], _Gathered] = {}

    def refuse(self) -> None:
        """Say that they differ, as where the other way fails."""
        self.refused = True

    def add(self, one: Float[Tensor, " sample *number"], other: Float[Tensor, " sample *number"]) -> None:
        """Compare some samples.

        Args:
            one: What they give.
            other: What they give the other way; of another shape it differs.
        """
        if one.shape != other.shape:
            self.refuse()
        if self.refused or not one.numel():
            return
        shape, one, other = tuple(one.shape[1:]), *(each.float().reshape(len(each), -1) for each in (one, other))
        if self.decides and one.shape[1] > 1 and not torch.equal(one.argmax(1), other.argmax(1)):
            self.refuse()
            return
        self._gathered.setdefault(shape, _Gathered.of(one[0])).add(one, other)

    @property
    def are_none(self) -> bool:
        """Whether all samples give the same but for what rounds."""
        return not self.refused and all(each.is_same for each in self._gathered.values())


@dataclass
class _Gathered:
    """What is known of numbers of one shape so far.

    Attributes:
        first: The first sample; moments are taken about it, lest a large constant drown them.
        n: Samples.
        sums: Sum of the distances from the first.
        squares: Sum of their squares.
        size: Largest absolute value.
        lowest: Least distance from the first.
        highest: Largest distance from the first.
        difference: Largest difference.
    """

    first: Tensor
    n: int
    sums: Tensor
    squares: Tensor
    size: Tensor
    lowest: Tensor
    highest: Tensor
    difference: Tensor

    @classmethod
    def of(cls, first: Tensor) -> _Gathered:
        """Nothing yet of numbers like those of a sample."""
        first = _finite(first)
        none = torch.zeros_like(first)
        return cls(first, 0, none.double(), none.double(), none, none, none, none)

    def add(self, one: Float[Tensor, "sample number"], other: Float[Tensor, "sample number"]) -> None:
        """Take some samples in."""
        equal = (one == other) | (one.isnan() & other.isnan())
        difference = torch.where(equal, 0, (one - other).abs()).nan_to_num(nan=torch.inf, posinf=torch.inf)
        finite = _finite(one)
        far = finite - self.first
        self.n += len(one)
        self.sums = self.sums + far.sum(0, dtype=torch.float64)
        self.squares = self.squares + far.double().square().sum(0)
        self.size = self.size.maximum(finite.abs().amax(0))
        self.lowest, self.highest = self.lowest.minimum(far.amin(0)), self.highest.maximum(far.amax(0))
        self.difference = self.difference.maximum(difference.amax(0))

    @property
    def is_same(self) -> bool:
        """Whether every number differs by less than rounding and a share of its spread."""
        mean = self.sums / self.n
        spread = (self.squares / self.n - mean.square()).clamp_min(0).sqrt()
        rounded = ROUNDING * self.size
        allowed = SHARE * spread + rounded.minimum(MOST_ROUNDING * spread)
        constant = self.highest - self.lowest <= rounded
        return bool((self.difference <= torch.where(constant, CONSTANT * self.size, allowed)).all())


def _finite(values: Tensor) -> Tensor:
    return values.nan_to_num(nan=0, posinf=0, neginf=0)
