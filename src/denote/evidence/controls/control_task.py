"""The control task: a random label for every recurring type, which only a memory of types can read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from jaxtyping import Bool, Int, Int8

from denote.attributes.labels import NULL, Labels
from denote.config.settings import Column, Count
from denote.data.parts import Halves
from denote.evidence.control import ControlSamples, LabelControl
from denote.evidence.label_controls import Draw, LabelDraws
from denote.notes import Note, note
from denote.numbers import ratio
from denote.streams import stream

if TYPE_CHECKING:
    from denote.evidence.measuring import Columns

DRAWS = 5
"""Labellings of each attribute."""

TRIES = 100
"""Labellings that are drawn before a type of label counts as too rare."""

Codes: TypeAlias = Int[np.ndarray, " sample"]


FEW_TYPES = 50
"""With fewer types a labelling is a union of a few kinds of rows, which may be read off what they look like."""


@dataclass(frozen=True)
class ControlTask(LabelControl):
    """A random label for every recurring type: can the observer memorise?

    Attributes:
        column: Column of the attribute table with the types.
        draws: Labellings of each attribute.
    """

    column: Column = None
    draws: Count = DRAWS

    name = "control_task"
    columns = ("control_task_auroc",)
    order = 30
    bare = False

    @property
    def is_on(self) -> bool:
        """Whether there are draws: types may be known without a column."""
        return self.draws > 0

    def prepare(self, samples: ControlSamples) -> LabelDraws | str:
        """See `LabelControl`; that there are no types is said for each attribute."""
        return TaskDraws(samples, self.draws)


@dataclass(frozen=True)
class TaskDraws(LabelDraws):
    """A random label per type, such as a word form or an id (Hewitt and Liang 2019, arXiv 1909.03368).

    An observer that reads it has learned the types by heart; an attribute that it reads no better may be memory, too.
    A type recurs if it occurs in *fit* and in *test*; rows of other types are null. Every attribute has its own
    labelling, in which a type is positive with the attribute's label proportion on *fit*.

    A labelling in which a label has too few rows is drawn again. Types that are sets of classes are no control, as sets
    of classes can be read without memory.

    Attributes:
        samples: The attributes, and the types of their rows.
        n_draws: Labellings of each attribute.
    """

    samples: ControlSamples
    n_draws: int = DRAWS

    name = ControlTask.name

    def draws(self) -> Iterator[Draw]:
        """See `LabelDraws`: each draw has the attributes for which a labelling was found."""
        if self._impossible is not None:
            return
        for number in range(self.n_draws):
            drawn = ((a, self._chosen(a, number)) for a in range(len(self.samples.labels.fit)))
            found = {a: chosen for a, chosen in drawn if chosen is not None}
            if found:
                fit, test = (self._labels(found, places) for places in self._places)
                yield Draw(self.name, number, Halves(fit, test))

    def answer(self, real: Columns, drawn: Sequence[Columns]) -> Columns:
        """``control_task_auroc``: mean over draws of the AUROC on *test*, in [0, 1]."""
        scores: dict[str, list[float]] = {name: [] for name in real["attribute"]}
        for columns in drawn:
            for name, score in zip(columns["attribute"], columns["auroc"], strict=True):
                if not np.isnan(score):
                    scores[name].append(score)
        counts = np.array([len(of_one) for of_one in scores.values()])
        mean = ratio(np.array([sum(of_one) for of_one in scores.values()]), counts)
        return {"control_task_auroc": mean, "note": [self._remark(count) for count in counts]}

    def _remark(self, count: int) -> str | None:
        n_types = len(self._recurring)
        few = Note.of("few_types", types=n_types) if n_types < FEW_TYPES else None
        none = self._impossible or Note.of("no_labelling")
        reason = note(few, Note.of("few_labellings", draws=count) if count < self.n_draws else None) if count else none
        return reason and reason.about("control_task_auroc")

    @property
    def _types(self) -> Halves[Codes]:
        return self.samples.types or Halves(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))

    @cached_property
    def _recurring(self) -> Codes:
        """Types that occur in both parts."""
        both = np.intersect1d(self._types.fit, self._types.test)
        return np.asarray(both[both >= 0])

    @cached_property
    def _places(self) -> tuple[Codes, Codes]:
        """Place of every row's type among those that recur, -1 for other rows; *fit*, then *test*."""
        fit, test = (_places_among(self._recurring, codes) for codes in (self._types.fit, self._types.test))
        return fit, test

    @cached_property
    def _impossible(self) -> Note | None:
        """Why there is no control task for any attribute."""
        if self.samples.types is None:
            return Note.of("no_types")
        if not len(self._recurring):
            return Note.of("no_type_recurs")
        if self.samples.classes is not None and _determined(
            np.concatenate(self._places), np.concatenate([self.samples.classes.fit, self.samples.classes.test])
        ):
            return Note.of("types_are_classes")
        return None

    @cached_property
    def _rows_of_types(self) -> Int[np.ndarray, "part type"]:
        return np.stack([np.bincount(places[places >= 0], minlength=len(self._recurring)) for places in self._places])

    @cached_property
    def _proportions(self) -> np.ndarray:
        from denote.observers.observer import class_counts

        positive, negative = class_counts(self.samples.labels.fit.values)
        return ratio(positive, positive + negative)

    def _chosen(self, attribute: int, number: int) -> Bool[np.ndarray, " type"] | None:
        """Which types are positive, None where no labelling has enough rows."""
        rng = stream("control_task", self.samples.probe_seed, number, self.samples.labels.fit.names[attribute])
        rows = self._rows_of_types
        for _ in range(TRIES):
            chosen: Bool[np.ndarray, " type"] = rng.random(len(self._recurring)) < self._proportions[attribute]
            positive = rows @ chosen
            if min(positive.min(), (rows.sum(1) - positive).min()) >= self.samples.min_rows:
                return chosen
        return None

    def _labels(self, chosen: dict[int, Bool[np.ndarray, " type"]], places: Codes) -> Labels:
        of_types = np.stack(list(chosen.values()), axis=1).astype(np.int8)
        values: Int8[np.ndarray, "sample attribute"] = np.where(places[:, None] < 0, np.int8(NULL), of_types[places])
        own = self.samples.labels.fit
        return Labels(tuple(own.names[a] for a in chosen), tuple(own.families[a] for a in chosen), values)


def _places_among(sorted_codes: Codes, codes: Codes) -> Codes:
    """Place of every code in a sorted list of some of them, -1 for the others."""
    place = np.searchsorted(sorted_codes, codes).clip(max=len(sorted_codes) - 1)
    return np.where(sorted_codes[place] == codes, place, -1)


def _determined(types: Codes, classes: Codes) -> bool:
    """Whether all rows of a class are of one type, so that a type is a set of classes."""
    known = (types >= 0) & (classes >= 0)
    pairs = np.unique(np.stack([classes[known], types[known]]), axis=1)
    return bool(known.any()) and len(np.unique(pairs[0])) == pairs.shape[1]
