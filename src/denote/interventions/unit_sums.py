"""Sum values over rows and over groups of rows, so that a mean has its interval and no rows are held."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64, Int

from denote.interventions.drops import quantile_of_t
from denote.numbers import Estimate

Sums = Float64[np.ndarray, " measure"]


@dataclass
class UnitSums:
    """Sums of what was added; all values less the first row, so that little is lost where they hardly vary.

    Attributes:
        n: Rows.
        shift: The first row.
        total: Sum over rows.
        units: Groups that are complete.
        squares: Sum over these of the square of their sum.
        crossed: Sum over these of their sum times their size.
        sizes: Sum over these of the square of their size.
    """

    n: int = 0
    shift: Sums = field(default_factory=lambda: np.zeros(1))
    total: Sums = field(default_factory=lambda: np.zeros(1))
    units: int = 0
    squares: Sums = field(default_factory=lambda: np.zeros(1))
    crossed: Sums = field(default_factory=lambda: np.zeros(1))
    sizes: float = 0.0
    _open: tuple[int, int, Sums] | None = field(default=None, init=False)

    def add(self, values: Float64[np.ndarray, "row measure"], groups: Int[np.ndarray, " row"]) -> None:
        """Add rows.

        Args:
            values: Their values.
            groups: Their groups; rows of a group lie together, also from one call to the next.
        """
        if self.n == 0:
            self.shift = values[0].copy()
        values = values - self.shift
        self.n += len(values)
        self.total = self.total + values.sum(0)
        first = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]]))
        sums, sizes = np.add.reduceat(values, first), np.diff([*first.tolist(), len(groups)])
        if self._open is not None:
            group, size, rest = self._open
            if group == groups[0]:
                sums[0] += rest
                sizes[0] += size
            else:
                self._close(rest[None], np.array([size]))
        self._close(sums[:-1], sizes[:-1])
        self._open = int(groups[-1]), int(sizes[-1]), sums[-1]

    def estimates(self) -> list[Estimate[float]]:
        """Return the mean of every measure with its 95 % interval; no bounds where there are fewer than two groups."""
        if self._open is not None:
            self._close(self._open[2][None], np.array([self._open[1]]))
            self._open = None
        centre = self.total / self.n
        mean = self.shift + centre
        half = np.full_like(mean, np.nan)
        if self.units > 1:
            squares = np.maximum(self.squares - 2 * centre * self.crossed + centre**2 * self.sizes, 0.0)
            half = quantile_of_t(self.units) * np.sqrt(squares * self.units / (self.units - 1)) / self.n
        return [Estimate(*map(float, each)) for each in zip(mean, mean - half, mean + half, strict=True)]

    def _close(self, sums: Float64[np.ndarray, "group measure"], sizes: Int[np.ndarray, " group"]) -> None:
        """Add complete groups."""
        self.units += len(sizes)
        self.squares = self.squares + (sums**2).sum(0)
        self.crossed = self.crossed + sizes @ sums
        self.sizes += float((sizes.astype(np.float64) ** 2).sum())
