"""Intervals of the AUROC and its selectivity by resampling test rows, or groups of them (METHOD sections 4, 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

import numpy as np
import scipy
import torch
from jaxtyping import Bool, Float, Float32, Float64, Int, Int16, Shaped

from denote.evidence.intervals import auroc_interval, hanley_mcneil_variance
from denote.evidence.scores import PerAttribute, Ranking, Reasons
from denote.notes import Note
from denote.numbers import Estimate, ratio
from denote.observers.reading import Groups
from denote.streams import stream

DRAWS = 500
"""Bootstrap draws: the standard deviation of 500 is known to 3 %."""

BLOCK = 1 << 25
"""Counts (unit x draw) that are held at once."""

Counts: TypeAlias = Int16[np.ndarray, "unit draw"]


@dataclass(frozen=True)
class Resampling:
    """As many units as there are, drawn with replacement, in every draw; all attributes and observers share the draws.

    A unit is a row, or where rows come in groups a group: rows of one group are not independent, so it is drawn whole.

    Attributes:
        unit: Unit of every row, from 0.
        n_units: How many there are.
        grouped: Whether units are groups.
        probe_seed: Names the draws; draw number d has a stream of its own, whatever the number of draws.
        draws: Number of draws.
    """

    unit: Int[np.ndarray, " row"]
    n_units: int
    grouped: bool
    probe_seed: int = 0
    draws: int = DRAWS

    @classmethod
    def of(cls, n_rows: int, groups: Groups | None, probe_seed: int = 0, draws: int = DRAWS) -> Resampling:
        """Of rows, or of groups where there are any.

        Args:
            n_rows: Number of test rows.
            groups: Group of every row, any integers.
            probe_seed: Names the draws.
            draws: Number of draws.
        """
        if groups is None:
            return cls(np.arange(n_rows), n_rows, False, probe_seed, draws)
        members, unit = np.unique(groups, return_inverse=True)
        return cls(unit, len(members), True, probe_seed, draws)

    def blocks(self) -> Iterator[tuple[slice, Counts]]:
        """How often every draw holds every unit, as many draws at a time as fit into memory."""
        width = max(1, BLOCK // max(1, self.n_units))
        if width >= self.draws:
            yield slice(0, self.draws), self._all
            return
        for start in range(0, self.draws, width):
            block = slice(start, min(start + width, self.draws))
            yield block, self._counts(block)

    def summed(self, values: Shaped[np.ndarray, "row attribute"]) -> Shaped[np.ndarray, "unit attribute"]:
        """Sums over the rows of every unit."""
        if not self.grouped:
            return values
        sums: np.ndarray = np.add.reduceat(values[self._by_unit], self._starts, axis=0)
        return sums

    def holding(self, rows: Bool[np.ndarray, "row attribute"]) -> Int[np.ndarray, " attribute"]:
        """In how many units there is such a row."""
        return np.asarray(np.count_nonzero(self.summed(rows.astype(np.int64)), axis=0))

    @property
    def _all(self) -> Counts:
        return _counts_of_all(self.n_units, self.probe_seed, self.draws)

    def _counts(self, block: slice) -> Counts:
        return _counts(self.n_units, self.probe_seed, block)

    @cached_property
    def _by_unit(self) -> Int[np.ndarray, " row"]:
        return np.argsort(self.unit, kind="stable")

    @cached_property
    def _starts(self) -> Int[np.ndarray, " unit"]:
        starts: np.ndarray = np.searchsorted(self.unit[self._by_unit], np.arange(self.n_units))
        return starts


@lru_cache(maxsize=1)
def _counts_of_all(n_units: int, probe_seed: int, draws: int) -> Counts:
    """All draws of one test part, which the layers of a network and their probes share."""
    return _counts(n_units, probe_seed, slice(0, draws))


def _counts(n_units: int, probe_seed: int, block: slice) -> Counts:
    counts = np.empty((block.stop - block.start, n_units), dtype=np.int16)
    for place, draw in enumerate(range(block.start, block.stop)):
        drawn = stream("bootstrap", probe_seed, draw).integers(n_units, size=n_units)
        counts[place] = np.bincount(drawn, minlength=n_units)
    return np.ascontiguousarray(counts.T)


LEAST_UNITS = 10
"""Groups (or rows, where there are none) that must hold a class for an interval, as for a p-value (METHOD section 3).

With ten, one draw in 20,000 lacks a class; such draws are left out.
"""


class AurocBootstrap:
    """One observer per attribute and its shuffled control, under the same draws of test rows.

    Rankings are heard one after the other, since the scores of all of them would not fit into memory: those of the
    observers with `hear`, those of every shuffled refit with `hear_shuffled`.

    Args:
        resampling: The draws.
        n_attributes: Number of attributes.

    Attributes:
        areas: AUROC of every attribute in every draw, NaN where none was heard.
    """

    def __init__(self, resampling: Resampling, n_attributes: int) -> None:
        self.resampling = resampling
        self.areas = np.full((n_attributes, resampling.draws), np.nan)
        self._rows, self._holding = np.zeros((2, n_attributes)), np.zeros((2, n_attributes))
        self._influence = np.zeros((n_attributes, resampling.n_units), dtype=np.float32)

    @property
    def nbytes(self) -> int:
        """Memory that is held from one ranking to the next."""
        return self.areas.nbytes + self._influence.nbytes

    def hear(self, part: slice, ranking: Ranking) -> None:
        """Take up the ranking of some attributes' test rows by the observers themselves."""
        self.areas[part] = resampled_areas(ranking, self.resampling)
        self._rows[:, part] = ranking.n_positive, ranking.n_negative
        self._holding[:, part] = [self.resampling.holding(ranking.labels == label) for label in (1, 0)]

    def hear_shuffled(self, part: slice, ranking: Ranking) -> None:
        """Take up the ranking by a refit with shuffled labels, against those labels."""
        _add_influences(ranking, self.resampling, self._influence[part])

    def interval(self, auroc: PerAttribute, confidence: float = 0.95) -> tuple[Estimate[PerAttribute], Reasons]:
        """Score interval of the AUROC with effective numbers of rows.

        The design effect is the variance under the draws over that of independent rows (Hanley and McNeil), at least 1;
        where no draw differs, rows per group that holds the class.

        Args:
            auroc: Of the rankings that were heard.
            confidence: Of the two-sided interval.

        Returns:
            ``auroc`` with its bounds, and why bounds are NaN where a class is held by fewer than `LEAST_UNITS` units.
        """
        variance = _variance(self.areas)
        with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0: no draw differs
            effect = np.maximum(1, variance / hanley_mcneil_variance(auroc, self._rows[0], self._rows[1]))
            effective = np.where(variance > 0, self._rows / effect, self._holding)
        return self._where_enough(auroc_interval(auroc, effective[0], effective[1], confidence), "auroc")

    def selectivity(
        self,
        auroc: Estimate[PerAttribute],
        shuffled: Float64[np.ndarray, "shuffle attribute"],
        confidence: float = 0.95,
    ) -> tuple[Estimate[PerAttribute], Reasons]:
        """AUROC minus the mean AUROC of the shuffled refits.

        The variance is that of the difference under the same draws of rows, plus that between refits / their number.
        Where the observer's own interval is wider than its draws, as near the ceiling, the rest is added in squares, on
        each side by itself.

        Args:
            auroc: Of the observers, with its interval.
            shuffled: AUROC of every refit that was heard, in [0, 1]; NaN where it is undefined.
            confidence: Of the two-sided interval, and of the one that comes.

        Returns:
            In [-1, 1], its bounds, and why these are NaN.
        """
        n = (~np.isnan(shuffled)).sum(axis=0)
        mean = ratio(np.nansum(shuffled, axis=0), n)
        between = ratio(np.nansum((shuffled - mean) ** 2, axis=0), n - 1)
        difference = self.areas - self._shuffled_change() / np.maximum(n, 1)[:, None]
        z = scipy.stats.norm.ppf((1 + confidence) / 2)
        wider = _beyond_draws(auroc, self.areas, z)
        down, up = np.sqrt(z**2 * (_variance(difference) + ratio(between, n)) + wider)
        value = auroc.value - mean
        found, reasons = self._where_enough(Estimate(value, value - down, value + up), "selectivity")
        return found, tuple(
            reason or (Note.of("one_refit") if count == 1 else None) for count, reason in zip(n, reasons, strict=True)
        )

    def gain(
        self,
        auroc: Estimate[PerAttribute],
        other: Estimate[PerAttribute],
        areas: Float64[np.ndarray, "attribute draw"],
    ) -> tuple[Estimate[PerAttribute], Reasons]:
        """AUROC minus that of other observers on the same test rows.

        From the two intervals and how the areas go together under the same draws, so that rows that are hard for both
        count once (Zou 2007, doi:10.1037/1082-989X.12.4.399). On 300 rows it covers .93 to 1 of differences between
        AUROCs of .76 to .99, where half-widths in squares cover .97 to 1 and are up to a third wider.

        Args:
            auroc: Of the observers, with its interval.
            other: Of the others.
            areas: Theirs under the same draws.

        Returns:
            In [-1, 1] with bounds at the confidence of those that came, and why these are NaN.
        """
        below, above = auroc.value - auroc.low, auroc.high - auroc.value
        other_below, other_above = other.value - other.low, other.high - other.value
        twice = 2 * _correlation(self.areas, areas)
        down = np.sqrt(np.maximum(below**2 + other_above**2 - twice * below * other_above, 0))
        up = np.sqrt(np.maximum(above**2 + other_below**2 - twice * above * other_below, 0))
        value = auroc.value - other.value
        return self._where_enough(Estimate(value, value - down, value + up), "input_gain")

    def _shuffled_change(self) -> Float[np.ndarray, "attribute draw"]:
        """By how much each draw changes the sum of the shuffled AUROCs, to first order.

        The exact areas of every refit would cost as much again per refit; linear ones cost one product for all. They
        are exact enough: near .5 the second-order term has about 1 / (rows of a class) of the first one's variance. An
        influence sums to 0, so the counts need not be centred.
        """
        change = np.empty(self.areas.shape)
        for block, counts in self.resampling.blocks():
            # Torch's product: NumPy's threads and torch's wait for each other where both are used in turn.
            held = torch.from_numpy(self._influence) @ torch.from_numpy(counts.astype(np.float32))
            change[:, block] = held.numpy()
        return change

    def _where_enough(self, found: Estimate[PerAttribute], name: str) -> tuple[Estimate[PerAttribute], Reasons]:
        """Without bounds where a class is held by too few units to be drawn again."""
        least = self._holding.min(axis=0)
        few = least < LEAST_UNITS
        what = "groups" if self.resampling.grouped else "rows"
        reasons = tuple(
            Note.of("few_units", name=name, held=count, units=what, needed=LEAST_UNITS)
            if unsure and not np.isnan(value)
            else None
            for count, unsure, value in zip(least, few, found.value, strict=True)
        )
        return Estimate(found.value, np.where(few, np.nan, found.low), np.where(few, np.nan, found.high)), reasons


def resampled_areas(ranking: Ranking, resampling: Resampling) -> Float64[np.ndarray, "attribute draw"]:
    """AUROC of every attribute in every draw, ties counted half; NaN where it is undefined or a draw lacks a class."""
    from denote.kernels.area_kernels import weighted_areas  # here, as numba takes a second to import

    areas = np.empty((len(ranking.order), resampling.draws))
    for block, counts in resampling.blocks():
        part = np.empty((len(areas), counts.shape[1]))
        weighted_areas(
            ranking.order,
            ranking.last,
            ranking.positive,
            _counted(ranking, ranking.n_positive + ranking.n_negative),
            resampling.unit,
            counts,
            part,
        )
        areas[:, block] = part
    return areas


def influence(ranking: Ranking, resampling: Resampling) -> Float32[np.ndarray, "unit attribute"]:
    """First derivative of every AUROC by how often a unit is held; 0 where the AUROC is undefined.

    That of a row is (V - AUROC) / (rows of its class), V the share of the other class it is ranked right against
    (DeLong, DeLong and Clarke-Pearson 1988, doi:10.2307/2531595).
    """
    influences = np.zeros((len(ranking.order), resampling.n_units), dtype=np.float32)
    _add_influences(ranking, resampling, influences)
    return influences.T


def _add_influences(
    ranking: Ranking, resampling: Resampling, influences: Float32[np.ndarray, "attribute unit"]
) -> None:
    from denote.kernels.area_kernels import add_influences  # here, as numba takes a second to import

    positives, negatives = _counted(ranking, ranking.n_positive), _counted(ranking, ranking.n_negative)
    add_influences(ranking.ranked, ranking.order, positives, negatives, resampling.unit, influences)


def _counted(ranking: Ranking, rows: PerAttribute) -> Int[np.ndarray, " attribute"]:
    """Numbers of rows as integers, 0 where the AUROC is undefined."""
    return np.where(ranking.defined, rows, 0).astype(np.int64)


def _beyond_draws(
    auroc: Estimate[PerAttribute], areas: Float64[np.ndarray, "attribute draw"], z: float
) -> Float64[np.ndarray, "2 attribute"]:
    """Square of how far an interval reaches beyond what its draws show, below and above."""
    own = np.stack([auroc.value - auroc.low, auroc.high - auroc.value])
    beyond: Float64[np.ndarray, "2 attribute"] = np.maximum(own**2 - z**2 * _variance(areas), 0)
    return beyond


def _variance(values: Float64[np.ndarray, "attribute draw"]) -> PerAttribute:
    """Over the draws that are defined; NaN below two."""
    n = (~np.isnan(values)).sum(axis=1)
    mean = ratio(np.nansum(values, axis=1), n)
    return ratio(np.nansum((values - mean[:, None]) ** 2, axis=1), n - 1)


def _correlation(
    first: Float64[np.ndarray, "attribute draw"], second: Float64[np.ndarray, "attribute draw"]
) -> PerAttribute:
    """Over the draws; 0 where one of them does not vary."""
    own, other = _variance(first), _variance(second)
    found = ratio((own + other - _variance(first - second)) / 2, np.sqrt(own * other))
    together: PerAttribute = np.clip(np.nan_to_num(found), -1, 1)
    return together
