"""Profiles over depth of the object models of one architecture, their parts, and the statistics of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import polars as pl
import scipy
from jaxtyping import Bool, Float, Int

from denote.denotation.depth import plan
from denote.evidence.intervals import t_interval
from denote.notes import Note
from denote.numbers import Estimate
from denote.streams import stream

MOST_ENUMERATED = 12
"""Object models up to which all sign patterns are tried."""
DRAWS = 9_999
"""Sign patterns that are drawn for more."""
AT_ONCE = 4_096
"""Sign patterns that are tried together."""
ROUNDING = 1e-9
"""Relative slack of comparisons: equal patterns give equal statistics up to the order of sums."""
NOTHING = 1e-12
"""Distance from a model's mean that is rounding: a flat profile must not look like a pattern."""


@dataclass(frozen=True)
class WeightedProfiles:
    """One number per object model and layer of an architecture, and how much each layer counts.

    Attributes:
        values: nan in a gap; every model has two numbers at least, every layer one.
        weights: Of the layers, at least 0, summing to 1.
    """

    values: Float[np.ndarray, "model layer"]
    weights: Float[np.ndarray, " layer"]

    @property
    def n_models(self) -> int:
        """Number of object models."""
        return len(self.values)

    def centred(self) -> Float[np.ndarray, "model layer"]:
        """Every model's profile minus its weighted mean over the layers where it has a number; 0 in a gap."""
        defined = np.isfinite(self.values)
        weights = np.where(defined, self.weights, 0.0)
        filled = np.where(defined, self.values, 0.0)
        means = (filled * weights).sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True)
        distance = np.where(defined, filled - means, 0.0)
        return np.where(np.abs(distance) > NOTHING, distance, 0.0)

    def rises(self, depth: Float[np.ndarray, " layer"]) -> Float[np.ndarray, " model"]:
        """Return how far every model's weighted least-squares line rises from the first to the last layer.

        Args:
            depth: Of the layers, ascending.
        """
        weights = np.where(np.isfinite(self.values), self.weights, 0.0)
        distance = depth - (weights @ depth / weights.sum(axis=1))[:, None]
        slope = (weights * distance * self.centred()).sum(axis=1) / (weights * distance**2).sum(axis=1)
        return np.asarray(slope * (depth[-1] - depth[0]))

    def statistic(self, signs: Float[np.ndarray, "pattern model"]) -> Float[np.ndarray, " pattern"]:
        """Weighted mean over layers of the squared mean over models, under every pattern of signs."""
        n_known = np.isfinite(self.values).sum(axis=0)
        return np.asarray(((signs @ self.centred() / n_known) ** 2) @ self.weights)


def sign_flip_test(profiles: Sequence[WeightedProfiles], *key: int | str) -> tuple[float, float]:
    """Test whether the mean profile is flat, each object model being one observation (METHOD section 6).

    T = sum over architectures of (its models / all models) x weighted mean over layers of (mean over its models of the
    centred profile)^2. If no layer differs from another, and what a single model has by itself is as likely one way as
    the other, a model's centred profile may as well have the other sign. So T is compared with T under sign patterns
    over models: all of them up to ``MOST_ENUMERATED`` models, else ``DRAWS`` random ones and the observed one.

    Args:
        profiles: Of each architecture.
        key: Names the draw of sign patterns, where they are drawn.

    Returns:
        T, in squared units of the profiles, and p in (0, 1].
    """
    n_models = sum(curve.n_models for curve in profiles)
    observed = float(_statistics(profiles, np.ones((1, n_models)))[0])
    line = observed * (1 - ROUNDING)
    reached = sum(int((_statistics(profiles, signs) >= line).sum()) for signs in _patterns(n_models, *key))
    if n_models <= MOST_ENUMERATED:
        return observed, reached / 2**n_models
    return observed, (1 + reached) / (1 + DRAWS)


def smallest_p(models: Sequence[int]) -> float:
    """Return the smallest p-value that the test can give.

    T stays the same if all models of an architecture change their sign. So with one architecture two patterns reach the
    observed T at least, with two four: 2^a / 2^M, or one in all patterns drawn.

    Args:
        models: Number of object models of each architecture.
    """
    enumerated = float(2.0 ** (len(models) - sum(models)))
    return enumerated if sum(models) <= MOST_ENUMERATED else max(enumerated, 1 / (1 + DRAWS))


def _statistics(
    profiles: Sequence[WeightedProfiles], signs: Float[np.ndarray, "pattern model"]
) -> Float[np.ndarray, " pattern"]:
    """T under every pattern; columns of ``signs`` are the models of all architectures, one after another."""
    total, start = np.zeros(len(signs)), 0
    for curve in profiles:
        total += curve.n_models / signs.shape[1] * curve.statistic(signs[:, start : start + curve.n_models])
        start += curve.n_models
    return total


def _patterns(n_models: int, *key: int | str) -> Iterator[Float[np.ndarray, "pattern model"]]:
    if n_models <= MOST_ENUMERATED:
        yield np.array(list(product((1.0, -1.0), repeat=n_models)))
        return
    draws = stream("sign flips", *key)
    for start in range(0, DRAWS, AT_ONCE):
        yield draws.choice([-1.0, 1.0], (min(AT_ONCE, DRAWS - start), n_models))


@dataclass(frozen=True)
class LayerPairs:
    """The difference between every two layers, one observation per object model that has both.

    Attributes:
        mean: Mean difference; nan where no model has both.
        error: Standard error; nan below two models.
        n_models: Models that have both.
    """

    mean: Float[np.ndarray, " pair"]
    error: Float[np.ndarray, " pair"]
    n_models: Float[np.ndarray, " pair"]

    @classmethod
    def of(cls, profiles: Sequence[Float[np.ndarray, "model layer"]]) -> LayerPairs:
        """Compare the layers of each architecture among themselves.

        Args:
            profiles: Of each architecture, nan in a gap.
        """
        differences = [
            values[:, second] - values[:, first]
            for values in profiles
            for first, second in combinations(range(values.shape[1]), 2)
        ]
        defined = [pair[np.isfinite(pair)] for pair in differences]
        return cls(
            np.array([pair.mean() if len(pair) else np.nan for pair in defined]),
            np.array([pair.std(ddof=1) / np.sqrt(len(pair)) if len(pair) > 1 else np.nan for pair in defined]),
            np.array([float(len(pair)) for pair in defined]),
        )

    def farthest_end(self, least_models: int, confidence: float) -> float:
        """Return the end farthest from 0 of the pairs' t-intervals.

        Two one-sided tests of every pair: where it lies within a margin no two layers differ by more, each pair at
        level (1 - confidence) / 2. All pairs must pass, so nothing has to be corrected (intersection-union).

        Args:
            least_models: Models that every pair must have.
            confidence: Of each two-sided interval, in (0, 1).

        Returns:
            At least 0; nan where a pair has too few models, or there is no pair.
        """
        if not len(self.mean) or (self.n_models < max(least_models, 2)).any():
            return float("nan")
        return float((np.abs(self.mean) + self._quantile((1 + confidence) / 2) * self.error).max())

    def largest(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return an interval of the largest difference between two layers.

        The largest of noisy differences is never 0, so it is given by its interval alone. Its lower end is corrected
        for the number of pairs (Bonferroni), its upper end need not be.

        Returns:
            Lower end, at least 0, and upper end; nan where no pair has two models.
        """
        if not np.isfinite(self.error).any():
            return float("nan"), float("nan")
        size, miss = np.abs(self.mean), (1 - confidence) / 2
        low = np.nanmax(size - self._quantile(1 - miss / (2 * len(size))) * self.error)
        high = np.nanmax(size + self._quantile(1 - miss) * self.error)
        return max(float(low), 0.0), float(high)

    def _quantile(self, level: float) -> Float[np.ndarray, " pair"]:
        return np.asarray(scipy.stats.t.ppf(level, np.maximum(self.n_models - 1, 1)))


QUANTITIES = {
    plan.FOLDED: pl.col("folded"),
    plan.UNFOLDED: pl.col("label_proportion"),
    plan.ROTATED_FOLDED: pl.col("rotated_folded"),
    plan.BEYOND: pl.col("folded") - pl.col("rotated_folded"),
    plan.SHARE: pl.col("share_denoting") - pl.col("rotated_share_denoting"),
}
"""Numbers of a model and layer, from columns by model."""

_NEURONS, _DIRECTIONS = pl.col("n_denoting"), pl.col("rotated_n_denoting")
PRECISION = {
    plan.FOLDED: _NEURONS,
    plan.UNFOLDED: _NEURONS,
    plan.ROTATED_FOLDED: _DIRECTIONS,
    plan.BEYOND: 1 / (1 / _NEURONS + 1 / _DIRECTIONS),
    plan.SHARE: pl.lit(1.0),
}
"""How much each number counts: the inverse of what its variance is proportional to, as means of n have 1 / n."""

Grid = Float[np.ndarray, "model layer"]


@dataclass(frozen=True)
class Profiles:
    """Profiles over depth of the object models of one architecture, without its logits.

    Attributes:
        architecture: Its readable id.
        layers: Names, in order of depth.
        depth: Depth of each layer.
        asked: Whether the analysis names the layer.
        identified: Whether the sign of the layer's neurons means something in every model; false where not known.
        numbers: By quantity a number per model and layer, nan in a gap.
        precision: By quantity how much each of these numbers counts, nan in a gap.
    """

    architecture: str
    layers: tuple[str, ...]
    depth: Int[np.ndarray, " layer"]
    asked: Bool[np.ndarray, " layer"]
    identified: Bool[np.ndarray, " layer"]
    numbers: Mapping[str, Grid]
    precision: Mapping[str, Grid]

    @property
    def n_models(self) -> int:
        """Number of object models."""
        return len(self.numbers[plan.FOLDED])

    @property
    def decides(self) -> bool:
        """Tell if there are enough object models for a verdict."""
        return self.n_models >= plan.LEAST_MODELS

    @property
    def compared(self) -> Bool[np.ndarray, " layer"]:
        """Layers where enough models have a value, after rotation too unless that leaves too few layers."""
        strict = self.known_layers(plan.BEYOND)
        return strict if strict.sum() >= plan.LEAST_LAYERS else self.known_layers(plan.FOLDED)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Layers that were asked for and are not compared."""
        return tuple(np.array(self.layers)[self.asked & ~self.compared])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the layers that are compared."""
        return tuple(np.array(self.layers)[self.compared])

    @property
    def sign_identified(self) -> bool:
        """Tell if the sign means something in all layers that are compared."""
        return bool(self.identified[self.compared].all())

    def known_layers(self, quantity: str) -> Bool[np.ndarray, " layer"]:
        """Return at which layers enough models have a number."""
        n_known = np.isfinite(self.numbers[quantity]).sum(axis=0)
        return np.asarray(self.asked & (n_known >= max(plan.models_needed(self.n_models), 1)))

    def of(self, quantity: str) -> WeightedProfiles | None:
        """Return a quantity at the layers compared, in the models that have two of these layers or more.

        Returns:
            None where fewer than ``LEAST_LAYERS`` layers can be compared, or too few models know the quantity at one.
        """
        if not self.known_layers(quantity)[self.compared].all():
            return None
        values, precision = (grid[quantity][:, self.compared] for grid in (self.numbers, self.precision))
        known = np.isfinite(values)
        kept = known.sum(axis=1) >= 2
        if values.shape[1] < plan.LEAST_LAYERS or not (known & kept[:, None]).any(axis=0).all():
            return None
        weights = np.nanmean(np.where(known, precision, np.nan)[kept], axis=0)
        return WeightedProfiles(values[kept], weights / weights.sum())


def profiles(models: pl.DataFrame, analysis: plan.Analysis) -> Iterator[Profiles]:
    """Make the profiles of every architecture.

    Args:
        models: One row per object model and layer, with the columns behind ``QUANTITIES`` and ``PRECISION``, ``depth``,
            ``sign_identified`` and ``is_head``.
        analysis: Which layers are asked for.
    """
    hidden = models.filter(pl.col("depth").is_not_null(), ~pl.col("is_head"))
    for (architecture,), own in hidden.group_by(["architecture"], maintain_order=True):
        order = (
            own.group_by("depth", "layer").agg(pl.col("sign_identified").all(ignore_nulls=False)).sort("depth", "layer")
        )
        row = own["object_model"].rank("dense").to_numpy() - 1
        index = {layer: number for number, layer in enumerate(order["layer"])}
        column = own["layer"].replace_strict(index, return_dtype=pl.Int64).to_numpy()

        def grid(
            expression: pl.Expr, own: pl.DataFrame = own, row: np.ndarray = row, column: np.ndarray = column
        ) -> Grid:
            values = np.full((own["object_model"].n_unique(), column.max() + 1), np.nan)
            values[row, column] = own.select(expression.cast(pl.Float64).alias("value"))["value"].fill_null(np.nan)
            return values

        depth = order["depth"].to_numpy()
        asked = np.isin(depth, analysis.layers) if analysis.layers is not None else np.ones(len(depth), dtype=bool)
        numbers = {name: grid(expression) for name, expression in QUANTITIES.items()}
        precision = {
            name: np.where(np.isfinite(numbers[name]), grid(expression), np.nan)
            for name, expression in PRECISION.items()
        }
        identified = order["sign_identified"].fill_null(value=False).to_numpy()
        yield Profiles(str(architecture), tuple(order["layer"]), depth, asked, identified, numbers, precision)


PARTS = (plan.POLARITY, plan.ANY_BASIS, plan.OWN)
"""They add up to ``RAW``."""


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
        return len(self.values[plan.RAW])

    def estimates(self) -> Iterator[tuple[str, str, Estimate[float]]]:
        """Yield part, shape and its mean over models with a 95 % t-interval."""
        contrasts = {plan.CHANGE: change(self.depth), plan.BOW: bow(len(self.depth))}
        for part, values in self.values.items():
            for shape, contrast in contrasts.items():
                yield part, shape, t_interval(values @ contrast)

    def levels(self) -> Iterator[tuple[str, str, int, Estimate[float]]]:
        """Yield part, layer, its depth and the part's mean over models there with a 95 % t-interval."""
        for part, values in self.values.items():
            for layer, depth, column in zip(self.layers, self.depth, values.T, strict=True):
                yield part, layer, int(depth), t_interval(column)


def parts_of(profiles: Profiles) -> Parts | Note:
    """Split the raw label proportion of an architecture's networks at the layers compared.

    Only networks with all these layers enter. While too few have all, the layer that fewest have is left out.

    Returns:
        The parts, or why there are none.
    """
    if profiles.n_models < plan.LEAST_DESCRIBED:
        return Note.of("few_networks_described", least=plan.LEAST_DESCRIBED)
    if np.isnan(profiles.numbers[plan.ROTATED_FOLDED]).all():
        return Note.of("no_directions")
    compared = np.flatnonzero(profiles.compared)
    grids = {name: profiles.numbers[name][:, compared] for name in (plan.UNFOLDED, plan.FOLDED, plan.ROTATED_FOLDED)}
    known = np.logical_and.reduce([np.isfinite(grid) for grid in grids.values()])
    needed = plan.models_needed(profiles.n_models)
    kept = _layers(known, needed)
    if kept is None:
        return Note.of("few_layers", layers=plan.LEAST_LAYERS, networks=needed)
    complete = known[:, kept].all(axis=1)
    raw, folded, rotated = (grid[complete][:, kept] for grid in grids.values())
    values: dict[str, Grid] = {
        plan.RAW: raw,
        plan.POLARITY: raw - folded,
        plan.ANY_BASIS: rotated,
        plan.OWN: folded - rotated,
    }
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
    while kept.sum() >= plan.LEAST_LAYERS:
        if known[:, kept].all(axis=1).sum() >= needed:
            return kept
        n_known = np.where(kept, known.sum(axis=0), known.shape[0] + 1)
        kept[int(n_known.argmin())] = False
    return None
