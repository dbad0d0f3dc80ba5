"""Rows that nearly equal one another, such as frames of a film or augmented pictures: no independent evidence.

A row is a near copy of its nearest rows if these are

1. *far closer than chance*: within `FAR` times the distance (its 1 % quantile) to the nearest row where features are
   permuted one by one, so that tables of few values, where permuted rows meet too, give no alarm; and
2. *far closer than the data's own neighbours*: rows of smooth images, of clusters or of columns that vary together are
   all closer than permuted ones. In a cloud of m dimensions k m log(d[k+1] / d[k]) of the distances to the k-th and the
   next neighbour is exponential with mean 1 and independent of k (the ratios of Poisson arrivals; with k = 1 Facco et
   al. 2017, TwoNN). A group of copies is a jump that this does not explain. m is estimated from the neighbours
   themselves (Levina and Bickel 2004).

Steps between the values of a feature count as the distance of equal rows, as no row of a table can be closer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from denote.streams import stream

NEIGHBOURS = 32
"""Nearest rows that are looked at, at most a tenth of all rows."""

LARGEST = 20
"""Other rows that a group of near copies may hold: more are a cluster, as classes are."""

LEAST_ROWS = 50
"""Distinct rows below which nothing can be said of near copies."""

FAR = 0.7
"""Share of the permuted rows' distance below which a distance is far below."""

QUANTILE = 0.01
"""Of the distances to the nearest permuted row."""

BEYOND_CHANCE = 3.0
"""A jump counts by itself if among all jumps looked at one as large comes by chance with probability exp(-3)."""

ADDED = 0.05
"""Share of the rows whose jump counts by itself that chance may add among rows as close, whose jump is smaller."""

LEAST_JUMP = 2.0
"""Below which no jump is evidence, wherever it is: chance .14."""

LEAST_SHARE, LEAST_FOUND = 0.004, 4
"""Rows with a jump that counts by itself below which no copies are reported."""

SAMPLE, FEATURES, AXES = 4096, 1024, 64
"""Rows whose features are permuted; features that enter; dimensions that they are projected to at random."""

WORK = 40_000_000
"""Distances that are computed: of so many rows to all others, but at least of `LEAST_EXAMINED`."""

LEAST_EXAMINED = 500
BLOCK = 4_000_000
"""Distances that are held at once."""


@dataclass(frozen=True)
class Space:
    """Where distances of rows are taken: features in units of their standard deviation, projected if they are many.

    Attributes:
        mean: Of every feature.
        axes: What a centred row is multiplied with.
        permuted: Squared distance to the nearest of other rows, of rows whose features are permuted, ascending.
        step: Squared distance of rows that differ by the least step of one feature, the median over features.
    """

    mean: Float32[np.ndarray, " feature"]
    axes: Float32[np.ndarray, "feature axis"]
    permuted: Float[np.ndarray, " row"]
    step: float

    @classmethod
    def of(cls, sample: Float32[np.ndarray, "row feature"]) -> Space | None:
        """From rows drawn at random; None where no feature varies."""
        spread = sample.std(axis=0, dtype=np.float64)
        live = np.flatnonzero(spread > 0)
        if not len(live):
            return None
        draws = stream("near copies")
        mean = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
        axes = np.zeros((sample.shape[1], min(len(live), AXES)), dtype=np.float32)
        turned = np.eye(len(live)) if len(live) <= AXES else draws.standard_normal((len(live), AXES)) / np.sqrt(AXES)
        axes[live] = turned / spread[live, None]
        scaled = sample[:, live] / spread[live].astype(np.float32)
        permuted = draws.permuted(sample - mean, axis=0) @ axes
        nearest, _ = neighbours(permuted, np.arange(len(permuted)), 1)
        return cls(mean, axes, np.sort(nearest[:, 0]), float(np.median([_least_step(each) for each in scaled.T]) ** 2))

    def points(self, rows: Float32[np.ndarray, "row feature"]) -> Float32[np.ndarray, "row axis"]:
        """Where rows lie."""
        return np.asarray((rows - self.mean) @ self.axes)

    def chance(self, n_rows: int) -> float:
        """Squared distance to the nearest of ``n_rows`` permuted rows that only `QUANTILE` of them are closer to."""
        # Of fewer rows than there are the nearest is farther: as many pairs are closer as there are fewer of them.
        level = QUANTILE * min(1.0, len(self.permuted) / n_rows)
        return float(np.quantile(self.permuted, level))


@dataclass(frozen=True)
class NearCopies:
    """What was found of the rows that were examined.

    Attributes:
        examined: Which rows.
        nearest: Their nearest rows, the nearest first.
        is_copy: Which of these are near copies of the row; none where copies are not beyond chance.
    """

    examined: Int[np.ndarray, " row"]
    nearest: Int[np.ndarray, "row neighbour"]
    is_copy: Bool[np.ndarray, "row neighbour"]


def near_copies(
    points: Float32[np.ndarray, "row axis"], space: Space, apart: tuple[Int[np.ndarray, " row"], ...] = ()
) -> NearCopies:
    """Find near copies among rows.

    Args:
        points: Where the rows lie in the space.
        space: How distances are judged.
        apart: Numbers per row; rows that share one are not looked at as neighbours (equal rows, rows of a group).

    Returns:
        For all rows, or for as many drawn at random as the work allows.
    """
    n = len(points)
    examined = np.sort(stream("near copies", "examined").permutation(n)[: max(LEAST_EXAMINED, WORK // n)])
    k = min(NEIGHBOURS, n // 10)
    if n < LEAST_ROWS:
        return NearCopies(examined[:0], np.empty((0, 1), np.int64), np.empty((0, 1), np.bool_))
    distance, nearest = neighbours(points, examined, k, apart)
    jumps = _jumps(distance, space.step)[:, :LARGEST]
    jump, members = jumps.max(axis=1), jumps.argmax(axis=1) + 1
    radius = distance[np.arange(len(examined)), members - 1]
    chance = space.chance(n)
    sure = (jump > np.log(jumps.size) + BEYOND_CHANCE) & (distance[:, 0] < FAR**2 * chance) & (radius < chance)
    is_copy = np.zeros(distance.shape, dtype=np.bool_)
    if sure.sum() >= max(LEAST_FOUND, LEAST_SHARE * len(examined)):
        is_copy[sure] = np.arange(k) < members[sure, None]
        # Where copies are there, rows as close as theirs need less evidence of their own: so much that chance adds few.
        reach, sizes = np.quantile(radius[sure], 0.95), _usual(members[sure])
        close = ~sure & (distance[:, 0] <= reach)
        enough = np.log(len(sizes) * max(1, close.sum()) / (ADDED * sure.sum()))
        also = close & (jumps[:, sizes - 1].max(axis=1) > max(enough, LEAST_JUMP))
        is_copy[also] = distance[also] <= reach
    return NearCopies(examined, nearest, is_copy)


def neighbours(
    points: Float32[np.ndarray, "row axis"],
    of: Int[np.ndarray, " query"],
    k: int,
    apart: tuple[Int[np.ndarray, " row"], ...] = (),
) -> tuple[Float[np.ndarray, "query k"], Int[np.ndarray, "query k"]]:
    """Squared distances to the k nearest other rows, ascending, and which these are."""
    squares = np.einsum("ra,ra->r", points, points)
    near, which = np.empty((len(of), k)), np.empty((len(of), k), dtype=np.int64)
    size = max(1, BLOCK // len(points))
    for start in range(0, len(of), size):
        rows = of[start : start + size]
        distance = squares[rows, None] + squares - 2 * points[rows] @ points.T
        distance[np.arange(len(rows)), rows] = np.inf
        for numbers in apart:
            distance[numbers[rows, None] == numbers] = np.inf
        index = np.argpartition(distance, k - 1, axis=1)[:, :k] if k > 1 else distance.argmin(axis=1)[:, None]
        found = np.take_along_axis(distance, index, axis=1)
        order = found.argsort(axis=1)
        near[start : start + size] = np.take_along_axis(found, order, axis=1).clip(min=0)
        which[start : start + size] = np.take_along_axis(index, order, axis=1)
    return near, which


def _jumps(distance: Float[np.ndarray, "row k"], step: float) -> Float[np.ndarray, "row place"]:
    """How much farther the next neighbour is than each but the last; by chance exponential with mean 1."""
    k, tiny = distance.shape[1], 1e-12
    places = np.arange(1, k)
    nearer, farther = distance[:, :-1], np.where(np.isinf(distance[:, 1:]), distance[:, :-1], distance[:, 1:])
    ratios = 0.5 * places * np.log((farther + tiny) / (nearer + tiny))
    # Of two shells, since one that holds a jump gives too few dimensions.
    inner, outer = (
        1 / np.maximum(each.mean(axis=1), tiny) for each in (ratios[:, k // 4 : k // 2], ratios[:, k // 2 :])
    )
    dimension = np.minimum(np.maximum(inner, outer), max(np.median(inner), np.median(outer)))
    rounding = 1e-6 * np.median(distance[:, -1])
    above = 0.5 * places * np.log(np.maximum(farther / (nearer + step + rounding), 1.0))
    return np.asarray(dimension[:, None] * above)


def _usual(members: Int[np.ndarray, " row"]) -> Int[np.ndarray, " size"]:
    """The most frequent sizes, of nine rows in ten together."""
    sizes, counts = np.unique(members, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return np.asarray(sizes[order[: 1 + int((np.cumsum(counts[order]) < 0.9 * len(members)).sum())]])


def _least_step(values: Float32[np.ndarray, " row"]) -> float:
    """Smallest difference of two values of a feature."""
    return float(np.diff(np.unique(values)).min(initial=np.inf))
