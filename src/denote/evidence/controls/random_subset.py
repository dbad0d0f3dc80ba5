"""The random-subset control: is a set of classes special among random sets of equally many classes?

After training every set of classes can be read, so that selectivity is about 0 although all of them are decisive. What
is left to ask is whether this set is read better than another of its size would be (METHOD section 5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from jaxtyping import Float64, Int, Int8

from denote.attributes.labels import NULL, Labels, class_set_name
from denote.config.settings import Count
from denote.data.parts import Halves
from denote.evidence.control import ControlSamples, LabelControl
from denote.evidence.label_controls import Draw, LabelDraws, labels_held
from denote.notes import Note
from denote.observers.rough import Rough
from denote.streams import stream

if TYPE_CHECKING:
    from denote.evidence.measuring import Columns

DRAWS = 21
"""Random subsets of each size: at least 20 of them are not the attribute itself."""

Codes: TypeAlias = Int[np.ndarray, " sample"]
Subset: TypeAlias = frozenset[int]
"""Classes by their place among those that occur: the smaller half, of equal halves that with the first class."""


@dataclass(frozen=True)
class RandomSubset(LabelControl):
    """Random sets of as many classes as an attribute is a set of.

    Attributes:
        subsets: Most sets of each size.
    """

    subsets: Count = DRAWS

    name = "random_subset"
    columns = ("random_subset_percentile",)
    order = 20

    def prepare(self, samples: ControlSamples) -> LabelDraws | str:
        """See `LabelControl`."""
        if samples.classes is None:
            return Note.of("no_classes").about("random_subset_percentile")
        return SubsetDraws(samples, samples.classes, self.subsets)


@dataclass(frozen=True)
class SubsetDraws(LabelDraws):
    """Attributes that are sets of classes, against random sets of the same size.

    A set and its complement are one question, so that sizes and sets are those of the smaller half. Classes that occur
    in neither part do not count. Drawn sets in which a label has too few rows are left out.

    Attributes:
        samples: The attributes.
        classes: Class of every row of both parts, -1 where it is not known.
        n_draws: Most sets of each size.
    """

    samples: ControlSamples
    classes: Halves[Codes]
    n_draws: int = DRAWS

    name = RandomSubset.name

    def draws(self) -> Iterator[Draw]:
        """See `LabelDraws`: in each draw, one set of every size that an attribute has."""
        for number in range(self.n_draws):
            sets = [subset for subset in self._of_draw(number) if subset in self._enough]
            if sets:
                both = Halves(*(self._labels(sets, side) for side in self._places))
                yield Draw(self.name, number, both, rough=Rough.SCORES)

    def answer(self, real: Columns, drawn: Sequence[Columns]) -> Columns:
        """``random_subset_percentile``: share of the other sets that are read less well, ties half, in [0, 1]."""
        aurocs = {
            name: score for columns in drawn for name, score in zip(columns["attribute"], columns["auroc"], strict=True)
        }
        found = [self._place_among(*each, aurocs) for each in zip(self._own, real["auroc"], strict=True)]
        return {
            "random_subset_percentile": np.array([place for place, _ in found], dtype=np.float64),
            "note": [reason and reason.about("random_subset_percentile") for _, reason in found],
        }

    def _place_among(self, own: Subset | None, score: float, aurocs: dict[str, float]) -> tuple[float, Note | None]:
        """The percentile of one attribute, and what there is to say of it."""
        if own is None:
            return np.nan, Note.of("not_classes")
        others = [subset for subset in self._sets[len(own)] if subset != own]
        kept = [subset for subset in others if subset in self._enough]
        scores = np.array([aurocs[self._named(subset)] for subset in kept])
        scores = scores[~np.isnan(scores)]
        if not len(scores):
            return np.nan, Note.of("no_other_set")
        few, left_out = None, len(others) - len(scores)
        if len(scores) < DRAWS - 1:
            few = Note.of("few_sets_left" if left_out else "few_sets", sets=len(scores), left_out=left_out)
        return (np.nan if np.isnan(score) else _mean_rank(score, scores)), few

    @cached_property
    def _present(self) -> Codes:
        """Classes that occur."""
        known = np.unique(np.concatenate([self.classes.fit, self.classes.test]))
        return np.asarray(known[known >= 0])

    @cached_property
    def _places(self) -> tuple[Codes, Codes]:
        """Place of every row's class among those that occur, -1 where it is not known; *fit*, then *test*."""
        fit, test = (
            np.where(codes < 0, -1, np.searchsorted(self._present, codes))
            for codes in (self.classes.fit, self.classes.test)
        )
        return fit, test

    @cached_property
    def _own(self) -> list[Subset | None]:
        """The set that each attribute is, None for those that are none."""
        values = np.concatenate([self.samples.labels.fit.values, self.samples.labels.test.values])
        places = np.concatenate(self._places)
        yes, no = labels_held(values[places >= 0], places[places >= 0])
        is_set = (yes ^ no).all(0) & yes.any(0) & no.any(0)
        return [
            _smaller_half(frozenset(np.flatnonzero(inside).tolist()), len(yes)) if there else None
            for inside, there in zip(yes.T, is_set, strict=True)
        ]

    @cached_property
    def _sets(self) -> dict[int, list[Subset]]:
        """The drawn sets of every size that an attribute has."""
        sizes = sorted({len(own) for own in self._own if own is not None})
        return {size: random_subsets(len(self._present), size, self.n_draws, self.samples.probe_seed) for size in sizes}

    @cached_property
    def _enough(self) -> set[Subset]:
        """The drawn sets in which both labels have enough rows in both parts."""
        rows = np.stack([np.bincount(at[at >= 0], minlength=len(self._present)) for at in self._places])
        sets = [subset for of_size in self._sets.values() for subset in of_size]
        positive = [rows[:, list(subset)].sum(1) for subset in sets]
        return {
            subset
            for subset, yes in zip(sets, positive, strict=True)
            if min(yes.min(), (rows.sum(1) - yes).min()) >= self.samples.min_rows
        }

    def _of_draw(self, number: int) -> list[Subset]:
        return [sets[number] for sets in self._sets.values() if number < len(sets)]

    def _labels(self, sets: Sequence[Subset], places: Codes) -> Labels:
        member = np.zeros((len(self._present), len(sets)), dtype=np.int8)
        for column, subset in enumerate(sets):
            member[list(subset), column] = 1
        values: Int8[np.ndarray, "sample subset"] = np.where(places[:, None] < 0, np.int8(NULL), member[places])
        return Labels(tuple(map(self._named, sets)), ("subsets",) * len(sets), values)

    def _named(self, subset: Subset) -> str:
        return class_set_name(
            [self.samples.class_names[self._present[place]] for place in sorted(subset)], self.samples.target
        )


def random_subsets(n_classes: int, size: int, draws: int, probe_seed: int) -> list[Subset]:
    """Different random sets of classes of one size with equal chance, all there are if there are fewer.

    Each is drawn until it is none of those before it, by a stream of its own, so that the first ones stay the same
    however many are drawn.

    Args:
        n_classes: Number of classes.
        size: Classes in a set, at most half of them.
        draws: Most sets.
        probe_seed: Names the draws.
    """
    there = comb(n_classes, size) // (2 if 2 * size == n_classes else 1)
    found: list[Subset] = []
    while len(found) < min(draws, there):
        rng = stream("random_subset", probe_seed, n_classes, size, len(found))
        subset: Subset | None = None
        while subset is None or subset in found:
            subset = _smaller_half(frozenset(rng.choice(n_classes, size, replace=False).tolist()), n_classes)
        found.append(subset)
    return found


def _smaller_half(subset: Subset, n_classes: int) -> Subset:
    """The set or its complement: the smaller, of equal ones that with the first class."""
    twice = 2 * len(subset)
    if twice < n_classes or (twice == n_classes and 0 in subset):
        return subset
    return frozenset(range(n_classes)) - subset


def _mean_rank(score: float, others: Float64[np.ndarray, " subset"]) -> float:
    """Share of the others that are below, ties half."""
    return float((np.mean(others < score) + np.mean(others <= score)) / 2)
