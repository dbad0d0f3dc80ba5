"""Rows that equal or nearly equal one another although chance would not make them so: no independent evidence.

In a table of few values rows repeat by themselves, and a short sentence is said twice. A repeated row is a copy where

- of numbers: more pairs of rows are equal than features that are permuted one by one give, *and* rows that differ in a
  single feature are not as frequent as equal ones. The second holds against columns that vary together, as answers to
  the questions of one form: where rows repeat by themselves, rows that nearly do so are there too;
- of sequences of token ids: it has at least `LEAST_TOKENS` of them, and no sequence differs from it in one place only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
import torch
from jaxtyping import Bool, Float, Float32, Int

from denote.observers.threads import own_threads
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
        # Features are permuted, and sorted, as rows that lie side by side in memory: that is several times faster.
        permuted = _product(draws.permuted(np.ascontiguousarray((sample - mean).T), axis=1).T, axes)
        nearest, _ = neighbours(permuted, np.arange(len(permuted)), 1)
        scaled = np.ascontiguousarray(sample.T)[live] / spread[live, None].astype(np.float32)
        return cls(mean, axes, np.sort(nearest[:, 0]), float(np.median(_least_steps(scaled)) ** 2))

    def points(self, rows: Float32[np.ndarray, "row feature"]) -> Float32[np.ndarray, "row axis"]:
        """Where rows lie."""
        return _product(rows - self.mean, self.axes)

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
    from denote.kernels.neighbour_kernels import nearest  # compiles: only what looks for copies waits for it

    squares, all_points = np.einsum("ra,ra->r", points, points), torch.from_numpy(points)
    near, which = np.empty((len(of), k), dtype=points.dtype), np.empty((len(of), k), dtype=np.int64)
    marks = np.stack(apart) if apart else np.empty((0, len(points)), dtype=np.int64)
    size = max(1, BLOCK // len(points))

    def search(start: int) -> None:
        rows = of[start : start + size]
        products = ((2 * all_points[rows]) @ all_points.T).numpy()
        nearest(products, squares, rows, marks, near[start : start + size], which[start : start + size])

    with own_threads(len(of) / size) as threads:
        for _ in threads.in_order(search, range(0, len(of), size)):
            pass
    return near.clip(min=0), which


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


def _least_steps(values: Float32[np.ndarray, "feature row"]) -> Float32[np.ndarray, " feature"]:
    """Smallest difference of two values of every feature."""
    steps = np.diff(np.sort(values, axis=1))
    return np.asarray(np.where(steps > 0, steps, np.inf).min(axis=1, initial=np.inf))


def _product(
    rows: Float32[np.ndarray, "row feature"], axes: Float32[np.ndarray, "feature axis"]
) -> Float32[np.ndarray, "row axis"]:
    """Torch's product: NumPy's threads would wait for those of everything else."""
    return np.asarray((torch.from_numpy(rows) @ torch.from_numpy(axes)).numpy())


LEAST_TOKENS = 5
"""Shorter sequences are no copies of each other, whatever is equal."""

MORE_THAN_CHANCE = 3.0
"""Equal pairs are beyond chance if so many times the expected number would give as many with `LEVEL` at most."""

LEVEL = 0.001

ALIKE = 0.5
"""Rows that differ in one feature, per equal row, from which on rows repeat by themselves."""


def beyond_chance(n_pairs: int, n_rows: int, sample: Float32[np.ndarray, "row feature"]) -> bool:
    """Whether more pairs of rows are equal than features give that are permuted one by one.

    Args:
        n_pairs: Equal pairs.
        n_rows: Rows.
        sample: Some of the rows, drawn at random.
    """
    met = 0.0
    for values in sample.T:
        counts = np.unique(values, return_counts=True)[1].astype(np.float64)
        met += float(np.log(np.square(counts / len(values)).sum()))
    expected = n_rows * (n_rows - 1) / 2 * float(np.exp(met))
    return bool(scipy.stats.poisson.sf(n_pairs - 1, MORE_THAN_CHANCE * expected) < LEVEL)


def repeat_by_themselves(
    repeated: Float32[np.ndarray, "row feature"],
    times: Int[np.ndarray, " row"],
    nearest: Float32[np.ndarray, "row neighbour feature"],
) -> bool:
    """Whether rows that differ in one feature are about as frequent as equal ones.

    Args:
        repeated: Distinct rows that come several times.
        times: How often each does.
        nearest: The nearest other distinct rows of each.
    """
    change = np.sign(nearest - repeated[:, None])
    n_changed = np.abs(change).sum(axis=-1)
    # A category is one column in the table and several inputs: one goes up and another down.
    one_away = (n_changed == 1) | ((n_changed == 2) & (change.sum(axis=-1) == 0))
    return bool(one_away.sum() >= ALIKE * (times - 1).sum())


def isolated(sequences: Sequence[Int[np.ndarray, " token"]]) -> Bool[np.ndarray, " sequence"]:
    """Which of several distinct sequences are long, and differ from every other in more than one place.

    Args:
        sequences: Token ids, each sequence once.
    """
    lengths = np.array([len(each) for each in sequences])
    alone = lengths >= LEAST_TOKENS
    for length in np.unique(lengths[alone]):
        rows = np.flatnonzero(lengths == length)
        ids = np.stack([sequences[int(row)] for row in rows]).astype(np.uint64)
        marks = _mixed(ids * np.uint64(0x9E3779B97F4A7C15) + _odd(int(length)))
        whole = marks.sum(axis=1, dtype=np.uint64)
        for place in range(length):
            # Equal without this place, and different as all are: the two differ in it alone.
            _, which, counts = np.unique(whole - marks[:, place], return_inverse=True, return_counts=True)
            alone[rows[counts[which] > 1]] = False
    return alone


def _odd(n: int) -> np.ndarray:
    return stream("exact copies", "places").integers(0, 2**63, n, dtype=np.uint64)


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread numbers over 64 bits (the finaliser of SplitMix64)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        values = (values ^ (values >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(values ^ (values >> np.uint64(31)))
