"""Decide which neurons denote, for a whole sweep at once, and what the rule can detect (METHOD sections 3, 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
import polars as pl
import scipy
from jaxtyping import Bool, Float64, Int

from denote.evidence.controls.rotated import Rotated
from denote.evidence.corrections import benjamini_hochberg, realised_threshold
from denote.evidence.intervals import balanced_accuracies_rejected
from denote.evidence.power import ERROR, POWER, smallest_proportion
from denote.evidence.rule import Rule
from denote.notes import Note
from denote.numbers import ROUNDING, reaches, within
from denote.tables import INTEGER, NEURONS_KEY, NUMBER, joined_notes, remark, says, without

PRECISION = 1e-5
"""Of the smallest detectable balanced accuracy."""

LEAST_WEIGHT = 1e-18
"""Counts that are less probable add nothing."""


@dataclass(frozen=True)
class Passing:
    """Which counts pass the full rule.

    Attributes:
        n_positive: Test rows with the property.
        n_negative: Test rows without.
        tp: True positives, from the fewest that can pass.
        least: For each of them the fewest ...
        most: ... and the most true negatives that pass with them; none pass where ``most`` is smaller.
    """

    n_positive: int
    n_negative: int
    tp: Int[np.ndarray, " count"]
    least: Int[np.ndarray, " count"]
    most: Int[np.ndarray, " count"]

    @classmethod
    def of(cls, n_positive: int, n_negative: int, cutoff: float, rule: Rule) -> Passing:
        """The counts that pass with p-values up to ``cutoff``.

        With more true negatives balanced accuracy and its lower bound rise, so those that pass are an interval, which
        the two ends of the tolerance of ``on_proportion`` cut.
        """
        n = n_positive + n_negative
        p = n_positive / n
        tolerated = n * (rule.on_tolerance * min(p, 1 - p) + ROUNDING)
        tp = np.arange(int(np.floor(n_positive * (2 * rule.decisive - 1))), n_positive + 1)

        rejected = balanced_accuracies_rejected(n_positive, n_negative, cutoff, rule.null)

        def good(tn: Int[np.ndarray, " count"]) -> Bool[np.ndarray, " count"]:
            balanced = (tp / n_positive + tn / n_negative) / 2
            return np.asarray(reaches(balanced, rule.decisive) & rejected(tp, tn))

        # The neuron is on in tp + n_negative - tn rows and should be in n_positive.
        balance = tp + n_negative - n_positive
        least = np.maximum(_first(good, len(tp), n_negative), np.ceil(balance - tolerated).astype(int))
        most = np.minimum(n_negative, np.floor(balance + tolerated).astype(int))
        return cls(n_positive, n_negative, tp, least, most)

    def probability(self, error: float) -> float:
        """Chance that a neuron with TPR = 1 - error (1 - p) and TNR = 1 - error p passes, p being the label proportion.

        Exact, from the binomial distributions: at 25 positives a normal approximation is off by more than the step
        between neighbouring counts.
        """
        p = self.n_positive / (self.n_positive + self.n_negative)
        weights = _binomial(self.tp, self.n_positive, 1 - error * (1 - p))
        matter = (weights > LEAST_WEIGHT) & (self.most >= self.least)
        most, fewer, rate = self.most[matter], self.least[matter] - 1, 1 - error * p
        inside = scipy.special.bdtr(most, self.n_negative, rate)
        inside -= np.where(fewer >= 0, scipy.special.bdtr(np.maximum(fewer, 0), self.n_negative, rate), 0.0)
        return float(weights[matter] @ inside)


def _binomial(counts: Int[np.ndarray, " count"], n: int, rate: float) -> Float64[np.ndarray, " count"]:
    """Binomial probabilities; `scipy.stats` takes ten times as long to look at its arguments."""
    ways = scipy.special.gammaln(n + 1) - scipy.special.gammaln(counts + 1) - scipy.special.gammaln(n - counts + 1)
    odds = scipy.special.xlogy(counts, rate) + scipy.special.xlog1py(n - counts, -rate)
    return np.asarray(np.exp(ways + odds))


def rule_power(n_positive: int, n_negative: int, cutoff: float, rule: Rule) -> float:
    """Probability that the neuron described at ``ERROR`` passes the full rule.

    Args:
        n_positive: Test rows with the property.
        n_negative: Test rows without.
        cutoff: Largest p-value that may pass.
        rule: Thresholds of the rule.
    """
    return Passing.of(n_positive, n_negative, cutoff, rule).probability(ERROR)


@lru_cache(maxsize=256)
def smallest_detectable_proportion(n_fit: int, n_test: int, cutoff: float, rule: Rule) -> float | None:
    """Smallest label proportion at which the full rule passes with probability ``POWER``.

    Args:
        n_fit: Rows of *fit* with labels; they only have to hold ``rule.min_rows`` of both kinds.
        n_test: Rows of *test* with labels.
        cutoff: Largest p-value that may pass (:func:`denote.denotation.judging.decisions.realised_cutoff`).
        rule: Thresholds of the rule.

    Returns:
        In (0, .5]; None where no label proportion can be seen, or there is no cutoff.
    """
    if not 0 < cutoff < 0.5:
        return None
    return smallest_proportion(n_fit, n_test, rule.min_rows, lambda yes, no: rule_power(yes, no, cutoff, rule))


def detectable_balanced_accuracy(n_positive: int, n_negative: int, cutoff: float, rule: Rule) -> float | None:
    """Smallest true balanced accuracy at which the full rule passes with probability ``POWER``.

    Errors are split so that the neuron is on in a share of the rows that equals the label proportion, as at ``ERROR``.
    Rows count as independent; with groups more is needed.

    Args:
        n_positive: Test rows with the property.
        n_negative: Test rows without.
        cutoff: Largest p-value that may pass (:func:`denote.denotation.judging.decisions.realised_cutoff`).
        rule: Thresholds of the rule.

    Returns:
        In (null, 1], to ``PRECISION``; None where not even a perfect neuron passes, or there is no cutoff.
    """
    few, many = sorted((n_positive, n_negative))  # the rule treats a property and its complement alike
    return _detectable(few, many, cutoff, rule) if few > 0 and 0 < cutoff < 0.5 else None


@lru_cache(maxsize=1 << 14)
def _detectable(few: int, many: int, cutoff: float, rule: Rule) -> float | None:
    passing = Passing.of(few, many, cutoff, rule)
    if few < rule.min_rows or passing.probability(0.0) < POWER:
        return None
    at_null = 2 * (1 - rule.null)
    error = scipy.optimize.brentq(lambda each: passing.probability(each) - POWER, 0.0, at_null, xtol=PRECISION)
    return float(1 - error / 2)


def _first(good: Callable[[np.ndarray], np.ndarray], n: int, largest: int) -> Int[np.ndarray, " count"]:
    """For each of n places the first number up to ``largest`` that is good, by bisection; one more where none is."""
    low, high = np.zeros(n, dtype=int), np.full(n, largest + 1)
    while (low < high).any():
        middle = (low + high) // 2
        found = good(np.minimum(middle, largest)) & (middle <= largest)
        low, high = np.where(found, low, np.minimum(middle + 1, high)), np.where(found, middle, high)
    return high


BESIDE = ("object_model", "layer", "pooling", "family", "probe_seed")
"""Columns in which a rotated neuron equals those of its layer."""


def decide(neurons: pl.DataFrame, controls: pl.DataFrame, rule: Rule) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Correct, apply the rule, and fill in what is known only once all tests of the family are.

    Deciding twice is deciding once, so that a merge can start from the tables of jobs.

    Args:
        neurons: Columns of ``tables.NEURONS``, one row per ``tables.NEURONS_KEY``.
        controls: Columns of ``tables.CONTROLS``; rows that are no neurons are left as they are.
        rule: Thresholds of the rule.

    Returns:
        Neurons with ``q_value``, ``n_tests``, ``denotes``, ``detectable_balanced_accuracy`` and ``rotated_share``;
        controls with ``denotes``.
    """
    neurons = decide_neurons(neurons, rule)
    cutoffs = realised_cutoffs(neurons, rule)
    controls = decide_replicates(controls, cutoffs, rule)
    return with_rotated_share(with_detectable(neurons, cutoffs, rule), controls), controls


def with_detectable(neurons: pl.DataFrame, cutoffs: Mapping[str, float], rule: Rule) -> pl.DataFrame:
    """Fill ``detectable_balanced_accuracy`` of the neurons that were tested.

    Args:
        neurons: Columns of ``tables.NEURONS``.
        cutoffs: Largest p-value that may pass, by family.
        rule: Thresholds of the rule.
    """
    rows = ["family", "n_positive_test", "n_test"]
    asked = neurons.filter(pl.col("p_value").is_not_null()).select(rows).unique(maintain_order=True)
    found = [
        detectable_balanced_accuracy(positive, n - positive, cutoffs[family], rule)
        for family, positive, n in asked.rows()
    ]
    name = "detectable_balanced_accuracy"
    known = asked.with_columns(pl.Series(name, found, dtype=NUMBER))
    tested = pl.col("p_value").is_not_null()
    filled = neurons.drop(name).join(known, on=rows, how="left", maintain_order="left")
    filled = filled.with_columns(pl.when(tested).then(name))
    return _remarked(filled, "not_detectable", tested & pl.col(name).is_null()).select(neurons.columns)


def with_rotated_share(neurons: pl.DataFrame, controls: pl.DataFrame) -> pl.DataFrame:
    """Fill ``rotated_share``: of the live rotated directions beside a neuron, in all draws, the share that denote.

    Args:
        neurons: Columns of ``tables.NEURONS``.
        controls: Columns of ``tables.CONTROLS``, decided.
    """
    beside = controls.filter(pl.col("control") == Rotated.name, pl.col("neuron").is_not_null(), pl.col("live"))
    shares = beside.group_by(BESIDE).agg(rotated_share=pl.col("denotes").mean())
    filled = neurons.drop("rotated_share").join(shares, on=BESIDE, how="left", nulls_equal=True, maintain_order="left")
    filled = filled.with_columns(pl.when("live").then("rotated_share"))
    missing = pl.col("live") & pl.col("rotated_share").is_null() & ~says("left_out_by_level")
    return _remarked(filled, "rotated_not_run", missing).select(neurons.columns)


def _remarked(frame: pl.DataFrame, code: str, where: pl.Expr) -> pl.DataFrame:
    """The frame with a remark in the notes of some rows and of no others, whatever it was before."""
    return frame.with_columns(**joined_notes(without([code]), remark(Note.of(code), where)))


def best_per_key(frame: pl.DataFrame) -> pl.DataFrame:
    """Keep of each neuron and family the property with the best score on *fit*; test rows have no say.

    Args:
        frame: Columns of ``tables.NEURONS``, from one or many jobs.

    Returns:
        One row per ``tables.NEURONS_KEY``, in the order of the frame. Of equal scores the first name is kept.
    """
    place = "row of the frame"
    return (
        frame.with_row_index(place)
        .sort("fit_balanced_accuracy", "property", descending=[True, False], nulls_last=True)
        .unique(NEURONS_KEY, keep="first", maintain_order=True)
        .sort(place)
        .drop(place)
    )


def decide_neurons(frame: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Correct the p-values and apply the rule.

    Args:
        frame: All neurons of the sweep, one row per ``tables.NEURONS_KEY``: all layers and object models together are
            one family of tests for each attribute family.
        rule: Thresholds of the rule.

    Returns:
        The frame with ``q_value`` and ``n_tests`` (null where there was no test) and ``denotes`` (null for dead
        neurons, false where a live one has no property or too few rows: it abstains).
    """
    tested = pl.col("p_value").is_not_null()
    return frame.with_columns(
        q_value=pl.col("p_value").map_batches(_corrected, return_dtype=NUMBER).over("family"),
        n_tests=pl.when(tested).then(tested.sum().over("family")).cast(INTEGER),
    ).with_columns(denotes=pl.when("live").then(_passes(rule) & (pl.col("q_value").fill_null(1.0) <= rule.q)))


def realised_cutoff(frame: pl.DataFrame, family: str, rule: Rule) -> float:
    """The p-value up to which a neuron outside the family counts as one of its rejections (METHOD sections 5 and 6).

    It is the threshold q k / m at which Benjamini and Hochberg stopped, with k rejections of m tests, and q / m with
    none. The largest rejected p-value lies far below it where neurons are very good: of controls of true balanced
    accuracy .955 beside 40 near-perfect of 500 neurons (200 of 2,000 rows) it lets none pass, this threshold .715, and
    putting each into the family and correcting again .715, too (``scripts/simulations/cutoff.py``).

    Args:
        frame: Neurons decided by :func:`decide_neurons`.
        family: Attribute family.
        rule: Thresholds of the rule.

    Returns:
        In (0, 1); nan where the family has no test.
    """
    q_values = frame.filter(pl.col("family") == family).get_column("q_value").fill_null(float("nan"))
    return realised_threshold(q_values.to_numpy(), rule.q)


def realised_cutoffs(frame: pl.DataFrame, rule: Rule) -> dict[str, float]:
    """:func:`realised_cutoff` of every family of a frame."""
    return {family: realised_cutoff(frame, family, rule) for family in frame.get_column("family").unique().sort()}


def decide_replicates(controls: pl.DataFrame, cutoffs: Mapping[str, float], rule: Rule) -> pl.DataFrame:
    """Apply the rule to the neurons of controls, with the p-value cutoff that the sweep's real neurons realised.

    Args:
        controls: Columns of ``tables.CONTROLS``; rows that are no neurons are left as they are.
        cutoffs: By family; nan where the family has no test, and then none of its controls denotes.
        rule: Thresholds of the rule.

    Returns:
        The frame with ``denotes``; their ``q_value`` stays null, since they are no part of the family of tests.
    """
    # polars ranks NaN above every number: the cutoff of a family without tests would let all p-values pass.
    cutoff = pl.col("family").replace_strict(dict(cutoffs) or {"": 0.0}, default=None, return_dtype=NUMBER)
    cutoff = cutoff.fill_nan(None)
    passes = _passes(rule) & (pl.col("p_value") <= cutoff).fill_null(False)
    return controls.with_columns(
        denotes=pl.when(pl.col("neuron").is_null()).then("denotes").otherwise(pl.when("live").then(passes))
    )


SENSITIVITY = {
    "decisive": (0.90, 0.95, 0.98),
    "q": (0.01, 0.05, 0.10),
    "min_rows": (25, 50, 100),
    "on_tolerance": (0.10, 0.25, 0.50),
}
"""The rules that the sensitivity table tries; ``null`` stays, since the p-values are computed against it."""


def sensitivity_table(neurons: pl.DataFrame, grid: Mapping[str, tuple[float, ...]] | None = None) -> pl.DataFrame:
    """Count denoting neurons over a grid of rules.

    Args:
        neurons: Decided by :func:`decide_neurons`.
        grid: Values of fields of ``Rule``.

    Returns:
        One row per family and rule: the rule's values, ``n_live``, ``n_denoting`` and ``share_denoting``.
    """
    grid = grid or SENSITIVITY
    live = neurons.filter("live")
    counts = []
    for values in product(*grid.values()):
        setting = dict(zip(grid, values, strict=True))
        rule = Rule(**setting)  # type: ignore[arg-type]  # min_rows is a whole number in the grid
        passes = _passes(rule) & (pl.col("q_value").fill_null(1.0) <= rule.q)
        counts.append(
            live.group_by("family", maintain_order=True)
            .agg(n_live=pl.len().cast(INTEGER), n_denoting=passes.sum().cast(INTEGER))
            .with_columns(*(pl.lit(value).alias(name) for name, value in setting.items()))
        )
    return (
        pl.concat(counts)
        .select("family", *grid, "n_live", "n_denoting", share_denoting=pl.col("n_denoting") / pl.col("n_live"))
        .sort("family", *grid)
    )


def _corrected(p: pl.Series) -> pl.Series:
    q = benjamini_hochberg(p.cast(NUMBER).fill_null(float("nan")).to_numpy())
    return pl.Series(q).fill_nan(None)


def _passes(rule: Rule) -> pl.Expr:
    """Every condition of the rule but the corrected p-value; false where a number is missing."""
    p = pl.col("label_proportion")
    distance = (pl.col("on_proportion") - p).abs()
    rows = [
        count >= rule.min_rows
        for part in ("fit", "test")
        for count in (pl.col(f"n_positive_{part}"), pl.col(f"n_{part}") - pl.col(f"n_positive_{part}"))
    ]
    return pl.all_horizontal(
        reaches(pl.col("balanced_accuracy"), rule.decisive).fill_null(False),
        within(distance, rule.on_tolerance * pl.min_horizontal(p, 1 - p)).fill_null(False),
        *(row.fill_null(False) for row in rows),
    )
