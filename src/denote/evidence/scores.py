"""Scores of observers on a part, for all attribute columns at once; nulls (-1) leave their row out of their column.

Ranks are taken in float64 on raw scores: squeezing them into probabilities first would tie large activations. What is
undefined on the rows given (one class, a ratio 0 / 0, a column without fit) is NaN, never 0 or .5.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import scipy
from jaxtyping import Bool, Float32, Float64, Int, Int8

from denote.notes import Note
from denote.numbers import ratio
from denote.observers import sorted_columns as ranks
from denote.observers.observer import class_counts

if TYPE_CHECKING:
    from denote.kernels.area_kernels import Ranked

Scores: TypeAlias = Float64[np.ndarray, "sample attribute"]
RoughScores: TypeAlias = Float32[np.ndarray, "sample attribute"]
"""Scores of refits of which only the distribution is of interest."""
Values: TypeAlias = Int8[np.ndarray, "sample attribute"]
PerAttribute: TypeAlias = Float64[np.ndarray, " attribute"]
Reasons: TypeAlias = tuple[str | None, ...]

LEAST_GROUPS = 10
"""Fewer groups that hold both labels give no p-value (METHOD section 3)."""


class Ranking:
    """How scores order the samples of every attribute.

    Args:
        scores: Any numbers; a NaN anywhere in a column makes all its results NaN.
        labels: 1, 0, or -1 for rows that are left out of that column.

    Attributes:
        labels: As they came.
        order: Rows that sort each column, ``[attribute, sample]``, nulls last.
        last: The place where the run of equal scores that each of these places belongs to ends.
        positive: Whether the row at each of these places has the attribute.
        ranked: Counts and sums over the sorted scores.
        n_positive: Rows that have it.
        n_negative: Rows that lack it.
        defined: Whether there are both, and no NaN.
    """

    def __init__(self, scores: Scores | RoughScores, labels: Values) -> None:
        from denote.kernels.area_kernels import Ranked, rank_columns  # compiles: only what ranks waits for it

        self.labels = labels
        of_column = np.ascontiguousarray(labels.T)
        values = np.ascontiguousarray(scores.T)
        has_nan = np.isnan(values.sum(1))  # a sum is NaN if a term is, or if it overflows: then all are looked at
        if has_nan.any():
            has_nan = (np.isnan(values) & (of_column >= 0)).any(1)
            values = np.where(has_nan[:, None] | (of_column < 0), values.dtype.type(0), values)
        # Null rows go last, where they cannot move the rank of any other: infinite scores lie one number below them.
        apart = values
        if of_column.size and of_column.min() < 0:
            largest = np.finfo(values.dtype).max
            apart = np.where(of_column < 0, values.dtype.type(np.inf), np.minimum(values, largest))
        columns, rows = values.shape
        self.order = np.empty((columns, rows), dtype=np.intp)
        places, ranked_right = np.empty((columns, rows), dtype=np.int64), np.empty(columns, dtype=np.int64)
        precision, ties, cubes = np.empty((3, columns))
        above = np.empty((2, columns), dtype=np.int64)
        has = np.empty((columns, rows), dtype=np.bool_)
        self.ranked = ranked = Ranked(places, has, ranked_right, precision, ties, cubes, above)

        def rank(part: slice) -> None:
            self.order[part] = ranks.orders_of(apart[part])
            rank_columns(values[part], self.order[part], of_column[part], _ranked_at(ranked, part))

        ranks.side_by_side(rank, ranks.batches(columns, rows))
        self.last, self.positive = ranked.last, ranked.positive
        positives, negatives = class_counts(labels)
        self.n_positive, self.n_negative = positives.astype(np.float64), negatives.astype(np.float64)
        self.defined = (positives > 0) & (negatives > 0) & ~has_nan

    def at(self, columns: slice) -> Ranking:
        """The rankings of some of the attributes."""
        some = copy(self)
        some.labels = self.labels[:, columns]
        for name in ("order", "last", "positive", "n_positive", "n_negative", "defined"):
            setattr(some, name, getattr(self, name)[columns])
        some.ranked = _ranked_at(self.ranked, columns)
        return some

    @property
    def auroc(self) -> PerAttribute:
        """Chance that a positive scores above a negative, ties counted half, in [0, 1]."""
        return self._where_defined(self.ranked.twice / 2, self.n_positive * self.n_negative)

    @property
    def average_precision(self) -> PerAttribute:
        """Mean, over positives, of the precision at their score, in (0, 1]."""
        return self._where_defined(self.ranked.precision, self.n_positive)

    @property
    def confusion(self) -> Confusion:
        """Counts of decisions: a score above 0 says that the row has the attribute."""
        fp, tp = self.ranked.above.astype(np.float64)
        return Confusion(tp, fp, self.n_negative - fp, self.n_positive - tp)

    @property
    def p_greater(self) -> PerAttribute:
        """One-sided Mann-Whitney p-value against AUROC .5, with continuity correction, corrected for ties.

        Ties change the spread of the statistic and, where the classes differ in size, its skewness, which matters far
        out (see `observers.ranks.upper_tail`).
        """
        ties, cubes = self.ranked.ties, self.ranked.cubes
        spread = ranks.rank_sum_deviation(self.n_positive, self.n_negative, ties)
        z = self._where_defined(self.ranked.twice / 2 - self.n_positive * self.n_negative / 2 - 0.5, spread)
        return ranks.upper_tail(z, ranks.rank_sum_skewness(self.n_positive, self.n_negative, ties, cubes))

    def _where_defined(self, numerator: PerAttribute, denominator: PerAttribute) -> PerAttribute:
        return ratio(numerator, np.where(self.defined, denominator, 0.0))


def _ranked_at(ranked: Ranked, columns: slice) -> Ranked:
    names = ("last", "positive", "twice", "precision", "ties", "cubes")
    return ranked._replace(above=ranked.above[:, columns], **{name: getattr(ranked, name)[columns] for name in names})


@dataclass(frozen=True)
class Confusion:
    """Counts of decisions against labels, one column per attribute, with the ratios made of them.

    Attributes:
        tp: True positives.
        fp: False positives.
        tn: True negatives.
        fn: False negatives.
    """

    tp: PerAttribute
    fp: PerAttribute
    tn: PerAttribute
    fn: PerAttribute

    @property
    def n_positive(self) -> PerAttribute:
        """Rows that have the attribute."""
        return np.asarray(self.tp + self.fn)

    @property
    def n_negative(self) -> PerAttribute:
        """Rows that lack it."""
        return np.asarray(self.tn + self.fp)

    @property
    def tpr(self) -> PerAttribute:
        """Share of positives that are found (recall)."""
        return ratio(self.tp, self.n_positive)

    @property
    def tnr(self) -> PerAttribute:
        """Share of negatives that are left alone."""
        return ratio(self.tn, self.n_negative)

    @property
    def balanced_accuracy(self) -> PerAttribute:
        """Mean of the two."""
        return np.asarray((self.tpr + self.tnr) / 2)

    @property
    def precision(self) -> PerAttribute:
        """Share of those found that are positive; NaN where none is found."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def accuracy(self) -> PerAttribute:
        """Share of right decisions."""
        return ratio(self.tp + self.tn, self.n_positive + self.n_negative)

    @property
    def mcc(self) -> PerAttribute:
        """Matthews' correlation; NaN where decisions or labels are constant."""
        product = (self.tp + self.fp) * self.n_positive * self.n_negative * (self.tn + self.fn)
        return ratio(self.tp * self.tn - self.fp * self.fn, np.sqrt(product))


def confusion(decided: Bool[np.ndarray, "sample attribute"], labels: Values) -> Confusion:
    """Counts of decisions (score > 0, or neuron on) against labels."""
    positive, negative = labels == 1, labels == 0
    positives, negatives = positive.sum(0, dtype=np.float64), negative.sum(0, dtype=np.float64)
    tp, fp = (positive & decided).sum(0, dtype=np.float64), (negative & decided).sum(0, dtype=np.float64)
    return Confusion(tp, fp, negatives - fp, positives - tp)


def auroc(scores: Scores, labels: Values) -> PerAttribute:
    """AUROC of every column, ties counted half; NaN where it is undefined."""
    return Ranking(scores, labels).auroc


def average_precision(scores: Scores, labels: Values) -> PerAttribute:
    """Average precision of every column; NaN where it is undefined."""
    return Ranking(scores, labels).average_precision


def mann_whitney_greater(
    scores: Scores,
    labels: Values,
    groups: Int[np.ndarray, " sample"] | None = None,
    ranking: Ranking | None = None,
) -> tuple[PerAttribute, Reasons]:
    """One-sided p-value of "the scores do not rank positives above negatives" (METHOD section 3, a cell's p-value).

    With groups: on group means for an attribute that is constant in every group; by the signed-rank test over groups
    that hold both labels for one that varies inside.

    Args:
        scores: Any finite numbers.
        labels: 1, 0, or -1 for rows that are left out of that column.
        groups: Group of every row, where rows of a group are not independent.
        ranking: Of these scores and labels, where it is there already.

    Returns:
        The p-values, and why one is NaN.
    """
    ranking = ranking or Ranking(scores, labels)
    if groups is None:
        p = ranking.p_greater
        return p, tuple(_why_undefined(ranking, p))
    members, index = np.unique(groups, return_inverse=True)
    found = [
        _grouped_p(scores[:, a], labels[:, a], index, len(members)) if ranking.defined[a] else (np.nan, None)
        for a in range(labels.shape[1])
    ]
    p = np.array([value for value, _ in found], dtype=np.float64)
    plain = _why_undefined(ranking, p)
    return p, tuple(reason or other for (_, reason), other in zip(found, plain, strict=True))


def _why_undefined(ranking: Ranking, p: PerAttribute) -> list[str | None]:
    return [
        None if not np.isnan(value) else Note.of("constant_scores") if defined else Note.of("no_test_rows")
        for value, defined in zip(p, ranking.defined, strict=True)
    ]


def _grouped_p(
    scores: Float64[np.ndarray, " sample"],
    labels: Int8[np.ndarray, " sample"],
    groups: Int[np.ndarray, " sample"],
    n_groups: int,
) -> tuple[float, str | None]:
    """p-value of one column from one number per group."""
    mean = {}
    for label in (0, 1):
        rows = labels == label
        size = np.bincount(groups[rows], minlength=n_groups)
        total = np.bincount(groups[rows], weights=scores[rows], minlength=n_groups)
        mean[label] = ratio(total, size)
    without, having = ~np.isnan(mean[0]), ~np.isnan(mean[1])
    both = without & having
    if not both.any():
        if np.ptp(scores[labels >= 0]) == 0:
            return np.nan, None
        return float(scipy.stats.mannwhitneyu(mean[1][having], mean[0][without], alternative="greater").pvalue), None
    difference = (mean[1] - mean[0])[both]
    if len(difference) < LEAST_GROUPS:
        return np.nan, Note.of("few_groups", groups=len(difference), needed=LEAST_GROUPS)
    if not difference.any():
        return np.nan, None
    return float(scipy.stats.wilcoxon(difference, alternative="greater").pvalue), None
