"""Corrections for many tests (METHOD section 3), and a null check that finds wrong ones.

The statistic of a pair of neuron and attribute is z, the difference of mean ranks between an attribute's positives and
negatives over its standard deviation when the rows of the labels are permuted. All attributes move together, so what
they share stays; so does what neurons share. One permutation serves all layers of an object model.

Labels that are shuffled row by row are exchangeable whatever the rows are, so the null check cannot see test rows that
leak into fit, nor rows that depend on each other (METHOD section 5); `near_copies` and `trained_on` are about those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import polars as pl
import scipy
import torch
from jaxtyping import Bool, Float, Float32, Float64, Int
from numpy.typing import ArrayLike
from torch import Tensor

from denote.evidence.controls.shuffled import Shuffled
from denote.notes import Note
from denote.observers.reading import UNBOUNDED, Resources, State, Values
from denote.observers.sorted_columns import (
    average_ranks,
    column_blocks,
    orders_of,
    side_by_side,
    tie_runs,
    two_sided_tail,
)
from denote.observers.threads import own_threads
from denote.streams import stream
from denote.tables import NULL_CHECK, table


def benjamini_hochberg(p: ArrayLike, n_tests: int | None = None) -> Float[np.ndarray, " test"]:
    """Benjamini and Hochberg's q-values: the smallest false discovery rate at which each test is rejected.

    Args:
        p: One p-value per test of the family, in [0, 1]; nan where there was no test, which counts for nothing.
        n_tests: Number of tests of the family where only its smallest p-values are given, all up to some level. Every
            q-value up to that level is then what it would be with all of them; others are too large at most, never
            down to that level: with m tests a p-value above it, at rank k <= m, steps to p m / k, which is above it
            too, so none of those left out could have lowered a q-value to it.

    Returns:
        q-values in the order given, in [0, 1]; nan where ``p`` is.

    Raises:
        ValueError: if ``n_tests`` is less than the number of p-values.
    """
    p = np.asarray(p, float)
    q = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    n = len(order) if n_tests is None else n_tests
    if n < len(order):
        raise ValueError(f"n_tests is {n}, but there are {len(order)} p-values")
    stepped = p[order] * n / np.arange(1, len(order) + 1)
    q[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return q


def holm(p: ArrayLike) -> Float[np.ndarray, " test"]:
    """Holm's corrected p-values: the smallest level at which each test is rejected while any false one is at most as
    likely as that level.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6
    (1979).

    Args:
        p: One p-value per test of the family, in [0, 1]; nan where there was no test, which counts for nothing.

    Returns:
        In the order given, in [0, 1]; nan where ``p`` is.
    """
    p = np.asarray(p, float)
    corrected = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    stepped = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected


def realised_threshold(q_values: ArrayLike, q: float) -> float:
    """Where Benjamini and Hochberg's procedure stopped: p = q k / m with k of m tests rejected, q / m for none.

    Args:
        q_values: Of the family, from :func:`benjamini_hochberg`; nan where there was no test.
        q: False discovery rate, in (0, 1).

    Returns:
        In (0, q]; nan for a family without tests.
    """
    q_values = np.asarray(q_values, float)
    n_tests = np.count_nonzero(~np.isnan(q_values))
    return q * max(int(np.count_nonzero(q_values <= q)), 1) / n_tests if n_tests else float("nan")


DRAWS = 200
"""Permutations of a scan; the smallest p-value is 1 / (DRAWS + 1)."""

REPLICATES = 20
"""The first permutations, whose small p-values are kept for the null check (METHOD section 5)."""

BLOCK = 1 << 23
"""Ranks of a block of neurons, and labels of a batch of permutations, that are held at once (32 MiB each)."""

MOST_BATCHES = 4
"""Batches of permutations that threads make at a time."""

SORTED = 1 << 17
"""Activations that one thread ranks at a time, so that they stay near the processor."""

ROUNDING = 1e-5
"""Relative slack in which a draw counts as large as what was observed: products are float32."""

PerAttribute: TypeAlias = Float64[np.ndarray, " attribute"]


@dataclass(frozen=True)
class Maxima:
    """What one layer's statistics reach, and what they reach when labels are permuted.

    Attributes:
        observed: Largest absolute z over live neurons; NaN for an attribute without both labels.
        drawn: Largest over live neurons and attributes, per permutation.
        small: For each of the first `REPLICATES` permutations the two-sided p-values that are at most q.
        n_tests: Pairs with a statistic.
    """

    observed: PerAttribute
    drawn: Float64[np.ndarray, " draw"]
    small: tuple[Float64[np.ndarray, " test"], ...]
    n_tests: int


@dataclass(frozen=True)
class ScanSettings:
    """A scan of the layers of an object model.

    Attributes:
        key: Names the scan: all its layers share their permutations, others have their own.
        q: False discovery rate of the correction to come; pairs with a larger p-value are counted, not kept.
        draws: Permutations behind ``max_p_value``; 0 leaves it and the null check out.
    """

    key: str = ""
    q: float = 0.05
    draws: int = DRAWS


def permuted_maxima(
    state: State,
    labels: Values,
    live: Bool[np.ndarray, " neuron"],
    settings: ScanSettings,
    resources: Resources = UNBOUNDED,
) -> Maxima:
    """Scan one layer under permuted labels.

    Where labels are null the ranks are still those among all rows. Without nulls z is the tie-corrected Mann-Whitney
    statistic without continuity correction. P-values of the draws are those of the scan: as skewed as z is.

    Args:
        state: Finite activations on *test*.
        labels: Of the same rows.
        live: Neurons that are not constant on *fit*; others are left out.
        settings: Of the scan.
        resources: What products may use; of its memory a quarter is taken.
    """
    key, draws = settings.key, settings.draws
    able = both_labels(labels)
    observed, drawn = np.full(labels.shape[1], np.nan), np.zeros(draws)
    small: list[list[np.ndarray]] = [[] for _ in range(min(draws, REPLICATES))]
    of_labels = standard_weights(labels[:, able])
    weights = torch.from_numpy(of_labels).to(resources.device)
    reached, n_varying = np.zeros(weights.shape[1]), 0
    for ranks in _rank_blocks(state, live, resources) if able.any() else ():
        n_varying += int(np.count_nonzero(ranks.any(1)))
        skewness = _skewness(ranks, of_labels)
        block = torch.from_numpy(ranks).to(resources.device)
        reached = np.maximum(reached, (block @ weights).abs().amax(0).double().cpu().numpy())
        for draw, z in _permuted(block, weights, key, draws, resources):
            drawn[draw] = max(drawn[draw], float(z.max()))
            if draw < len(small):
                small[draw].append(_small_p_values(z.cpu().numpy(), skewness, settings.q))
    observed[able] = reached if n_varying else np.nan
    p_values = tuple(np.concatenate(found or [np.empty(0)]) for found in small)
    return Maxima(observed, drawn, p_values, n_varying * int(able.sum()))


def max_p_values(observed: PerAttribute, layers: Sequence[Maxima]) -> PerAttribute:
    """Share of permutations, the observed one among them, whose largest z reaches that of an attribute.

    It holds for all neurons and attributes of these layers at once (Westfall and Young's single step): under the null
    the chance that any attribute has a p-value of at most alpha is at most alpha.

    Args:
        observed: Largest absolute z of each attribute in one layer.
        layers: The layers whose largest z counts: that one, or all of the object model, with the same permutations.

    Returns:
        In [1 / (draws + 1), 1]; NaN where ``observed`` is, or without permutations.
    """
    drawn = np.max([layer.drawn for layer in layers], axis=0)
    if not len(drawn):
        return np.full(len(observed), np.nan)
    reached = (drawn[:, None] >= observed * (1 - ROUNDING)).sum(0)
    return np.where(np.isnan(observed), np.nan, (1 + reached) / (len(drawn) + 1))


def both_labels(labels: Values) -> Bool[np.ndarray, " attribute"]:
    """Which attributes have positives and negatives."""
    able: np.ndarray = (labels == 1).any(axis=0) & (labels == 0).any(axis=0)
    return able


def standard_weights(labels: Values) -> Float32[np.ndarray, "sample attribute"]:
    """Weights that turn standard ranks into z: 1/n1 for positives, -1/n0 for negatives, over sqrt(1/n1 + 1/n0).

    Args:
        labels: Each attribute with both labels.
    """
    positive, negative = labels == 1, labels == 0
    n1, n0 = positive.sum(0), negative.sum(0)
    spread = np.sqrt(1 / n1 + 1 / n0)
    return np.asarray(positive * (1 / (n1 * spread)) - negative * (1 / (n0 * spread)), dtype=np.float32)


def standard_ranks(values: Float[np.ndarray, "neuron row"]) -> Float32[np.ndarray, "neuron row"]:
    """Ranks with mean 0 and sample variance 1, ties sharing theirs; 0 where a neuron is constant."""
    ranks = np.zeros(values.shape, dtype=np.float32)

    def rank(part: slice) -> None:
        order = orders_of(values[part])
        own = average_ranks(tie_runs(np.take_along_axis(values[part], order, axis=1)))
        own -= (own.shape[1] + 1) / 2
        spread = np.sqrt(np.square(own).sum(1, keepdims=True) / max(1, own.shape[1] - 1))
        np.divide(own, spread, out=own, where=spread > 0)
        np.put_along_axis(ranks[part], order, own.astype(np.float32), axis=1)

    step = max(1, SORTED // max(1, values.shape[1]))
    side_by_side(rank, [slice(start, start + step) for start in range(0, len(values), step)])
    return ranks


def permutation(key: str, draw: int, n: int) -> Int[np.ndarray, " row"]:
    """The order of the labels' rows in one draw of a scan."""
    return stream("pair scan", key, draw).permutation(n)


def _rank_blocks(
    state: State, live: Bool[np.ndarray, " neuron"], resources: Resources
) -> Iterator[Float32[np.ndarray, "neuron row"]]:
    """Standard ranks by blocks of neurons, 0 for those that are not live."""
    width = max(1, int(min(BLOCK, resources.memory / 32)) // max(1, len(state)))
    for start, values in column_blocks(state, width):
        ranks = standard_ranks(values)
        ranks[~live[start : start + len(ranks)]] = 0
        yield ranks


def _skewness(
    ranks: Float32[np.ndarray, "neuron row"], weights: Float32[np.ndarray, "row attribute"]
) -> Float64[np.ndarray, "neuron attribute"]:
    """Third moment of z under permutations of the rows: sum of cubes times sum of cubes times n / ((n - 1)(n - 2))."""
    n = len(weights)
    of_neurons, of_attributes = (np.einsum("ij,ij,ij->i", a, a, a, dtype=np.float64) for a in (ranks, weights.T))
    return np.outer(of_neurons, of_attributes) * (n / max(1, (n - 1) * (n - 2)))


def _small_p_values(
    z: Float32[np.ndarray, "neuron attribute"], skewness: Float64[np.ndarray, "neuron attribute"], q: float
) -> Float64[np.ndarray, " test"]:
    """Those up to q. A z below 1 has none that could be a hit, and is most of them."""
    far = z >= 1
    p = two_sided_tail(z[far].astype(np.float64), skewness[far])
    return p[p <= q]


def _permuted(
    ranks: Float32[Tensor, "neuron row"],
    weights: Float32[Tensor, "row attribute"],
    key: str,
    draws: int,
    resources: Resources,
) -> Iterator[tuple[int, Float32[Tensor, "neuron attribute"]]]:
    """The absolute z of every draw; draws stand side by side in one product, since narrow ones are slow."""
    n, attributes = weights.shape
    together = max(1, int(min(BLOCK, resources.memory / 32)) // max(1, n * attributes))

    def of_draws(some: range) -> tuple[range, Float32[Tensor, "neuron _"]]:
        orders = np.stack([permutation(key, draw, n) for draw in some], axis=1)
        # One selection of rows that come out draw beside draw is ten times faster than joining the draws' labels.
        chosen = weights.index_select(0, torch.from_numpy(orders.ravel()).to(weights.device))
        return some, (ranks @ chosen.reshape(n, -1)).abs_()

    batches = [range(start, min(start + together, draws)) for start in range(0, draws, together)]
    with own_threads(min(len(batches), MOST_BATCHES), weights.device) as threads:
        for some, z in threads.in_order(of_draws, batches):
            yield from zip(some, z.split(attributes, dim=1), strict=True)


ALARM = 0.001
"""The alarm rings where right p-values and a right correction would give as many hits more rarely than this."""


def null_check_cells(controls: pl.DataFrame, q: float = 0.05) -> pl.DataFrame:
    """Correct the cells of every shuffled replicate as a family of its own, and count replicates with a hit.

    Args:
        controls: Columns of ``tables.CONTROLS``, of one job or a whole sweep, each replicate of a cell once; all cells
            of equal ``draw`` are one replicate.
        q: False discovery rate.

    Returns:
        One row of ``tables.NULL_CHECK``.
    """
    shuffled = controls.filter(pl.col("control") == Shuffled.name, pl.col("neuron").is_null())
    draws = shuffled.drop_nulls("p_value").group_by("draw", maintain_order=True).agg("p_value")
    families = [np.asarray(p, dtype=np.float64) for p in draws["p_value"].to_list()]
    hits = [rejects(p, len(p), q) for p in families]
    return _row("cells", None, hits, max(map(len, families), default=0), q, Note.of("no_cell_tested"))


def null_check_pairs(layers: Sequence[Maxima], object_model: str, q: float = 0.05) -> pl.DataFrame:
    """Correct every permutation of an object model's pair scan, all layers together, and count those with a hit.

    Args:
        layers: What its layers gave under the same permutations.
        object_model: Its key.
        q: False discovery rate, at most that up to which p-values were kept.

    Returns:
        One row of ``tables.NULL_CHECK``.
    """
    n_tests = sum(layer.n_tests for layer in layers)
    replicates = zip(*(layer.small for layer in layers), strict=True) if n_tests else ()
    hits = [rejects(np.concatenate(small), n_tests, q) for small in replicates]
    missing = Note.of("no_permutations") if n_tests else Note.of("no_pair_tested")
    return _row("pairs", object_model, hits, n_tests, q, missing)


def rejects(p: Float[np.ndarray, " test"], n_tests: int, q: float) -> bool:
    """Whether Benjamini and Hochberg reject anything among ``n_tests`` tests, given all p-values up to q."""
    return bool((benjamini_hochberg(p, n_tests) <= q).any())


def hits_p_value(n_with_hit: int, n_replicates: int, q: float) -> float:
    """Chance of so many replicates with a hit or more if p-values are right: P(Bin(n_replicates, q) >= n_with_hit).

    Under the global null Benjamini and Hochberg's procedure rejects anything with probability q at most, if tests are
    independent or positively dependent.
    """
    return float(scipy.stats.binom.sf(n_with_hit - 1, n_replicates, q))


def _row(
    scan: str, object_model: str | None, hits: Sequence[bool], n_tests: int, q: float, missing: str
) -> pl.DataFrame:
    row: dict[str, Any] = {"scan": scan, "object_model": object_model, "n_tests": n_tests, "n_replicates": len(hits)}
    if hits:
        p_value = hits_p_value(sum(hits), len(hits), q)
        row |= {"n_with_hit": sum(hits), "expected": q * len(hits), "p_value": p_value, "alarm": p_value < ALARM}
        if hits_p_value(len(hits), len(hits), q) >= ALARM:
            row |= {"alarm": None, "note": Note.of("few_replicates", replicates=len(hits))}
    else:
        row |= {"note": missing}
    return table([row], NULL_CHECK)
