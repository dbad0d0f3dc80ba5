"""Ablate neurons and observers of one layer, and hold what it costs the network against random ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy
import torch
from jaxtyping import Bool, Float, Float32, Int, Int8, Shaped
from torch import Tensor

from denote.interventions.drops import FIRST, drop_interval, rank_p_value, sequential_p_value
from denote.interventions.edits import (
    Displace,
    Donors,
    Edit,
    Resample,
    ResampleAlong,
    SetByRow,
    SetTo,
    random_directions,
)
from denote.interventions.matching import LEAST, NEAREST, matched
from denote.interventions.passes import LayerPasses
from denote.interventions.task_scores import TaskScores
from denote.interventions.words import ALL, MEAN, OTHER_MEAN, RESAMPLE, WITH, WITHOUT, ZERO
from denote.notes import Note, note
from denote.numbers import count
from denote.streams import stream

Rows = Bool[np.ndarray, " row"]
Indices = Int[np.ndarray, " output"]

HELD = 64 << 20
"""Bytes of scores that are held at once."""

ROUNDING = 1e-6
"""Share of the largest output by which outputs move that do not depend on what was replaced."""

NARROW = 0.05
"""Probability from which on random directions lie too often half along any other to tell it from them."""

COMPARED_ROWS = 200
"""Most rows with the property on which random ones are compared: enough for a drop of .05, and fast."""


@dataclass(frozen=True)
class AblationSettings:
    """How neurons and observers are ablated.

    Attributes:
        draws: Resamplings of every denoting neuron and observer.
        directions: Random directions of equal norm where fewer than ``least`` matched neurons are there.
        nearest: Largest standardised distance of a matched neuron, in each of three features.
        least: Matched neurons below which random directions take their place.
        min_rows: Least number of test rows with the property.
        seed: Names the draws.
    """

    draws: int = 20
    directions: int = 999
    nearest: float = NEAREST
    least: int = LEAST
    min_rows: int = 25
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Ablated:
    """What is ablated together: a neuron, several, or the direction of an observer.

    Attributes:
        labels: Of its property on the samples that are run: 1, 0, or -1 where not known.
        donor_labels: The same on the donors.
        neurons: The neurons; empty for a direction.
        direction: A unit vector, or None for neurons.
        columns: Columns of its rows in the tables.
        apart: Whether it is told what each of several neurons adds.
    """

    labels: Int8[np.ndarray, " row"]
    donor_labels: Int8[np.ndarray, " donor"]
    neurons: tuple[int, ...] = ()
    direction: Float32[np.ndarray, " neuron"] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    apart: bool = False


@dataclass(frozen=True)
class Effect:
    """What one kind of intervention on one subject costs on some rows.

    Attributes:
        kind: Such as ``resample``.
        measure: ``score`` or ``loss`` of the task, or ``output``, how far outputs are from what they were.
        rows: ``with``, ``without``, ``all``, or ``class=3``.
        n_rows: Number of them.
        baseline: The mean before.
        value: The mean after.
        low: Lower bound of the change; None where it has none.
        high: Upper bound.
    """

    kind: str
    measure: str
    rows: str
    n_rows: int
    baseline: float
    value: float
    low: float | None = None
    high: float | None = None

    @property
    def effect(self) -> float:
        """The harm: the drop of a score, the rise of a loss, the change of outputs."""
        return self.baseline - self.value if self.measure == "score" else self.value - self.baseline


@dataclass(frozen=True)
class Comparison:
    """The headline of a subject beside random ones.

    Attributes:
        random: Mean effect of these.
        n_random: Number of them.
        p_value: How often one has as large an effect.
        note: What they are.
    """

    random: float
    n_random: int
    p_value: float
    note: Note | None


@dataclass(frozen=True)
class AblationResult:
    """What ablating one subject costs.

    Attributes:
        subject: The subject.
        effects: Kind by kind, on several sets of rows.
        comparison: Resample ablation on rows with the property, beside random ones; None where it cannot be made.
        note: Why there is none.
        parts: Of several neurons what each of them adds to resampling the others: without any of its own it is not
            used, whatever the others are.
    """

    subject: Ablated
    effects: Sequence[Effect]
    comparison: Comparison | None
    note: Note | None = None
    parts: Mapping[int, Effect] = field(default_factory=dict)

    @property
    def headline(self) -> Effect | None:
        """The drop of the score under resample ablation on rows with the property; None where these are too few."""
        if self.note is not None and self.comparison is None:
            return None
        wanted = (RESAMPLE, "score", WITH)
        return next((each for each in self.effects if (each.kind, each.measure, each.rows) == wanted), None)


@dataclass(frozen=True)
class _Scores:
    """Scores and losses, by edit and row, and how far outputs are from what they were: root mean square over them."""

    score: Float32[np.ndarray, "edit row"]
    loss: Float32[np.ndarray, "edit row"]
    output: Float32[np.ndarray, "edit row"]

    def repeated(self, times: int) -> _Scores:
        """Return the same scores for so many edits."""
        return _Scores(*(one.repeat(times, axis=0) for one in (self.score, self.loss, self.output)))


def is_narrow(n_neurons: int) -> bool:
    """Whether random directions of so few neurons are too much like any one direction to be compared with it.

    The square of the cosine between a random direction and another has a beta distribution. Where it is above 1/2 more
    often than `NARROW`, moving along random ones is moving along that one, and whatever it costs, they cost as much.
    """
    return n_neurons < 2 or float(scipy.stats.beta.sf(0.5, 0.5, (n_neurons - 1) / 2)) > NARROW


class LayerAblation:
    """Ablations of one layer: all neurons once, and chosen subjects in full.

    Args:
        passes: The layer and the samples that it is run on.
        donors: States of other inputs, of *fit*.
        scores: The task and the targets of these samples.
        features: Of every neuron what random ones are matched by.
        settings: How.
        groups: Rows of a group count as one draw.
        classes: Name of the class of every row, for what an ablation costs class by class; None where there are none.
    """

    def __init__(
        self,
        passes: LayerPasses,
        donors: Donors,
        scores: TaskScores,
        features: Mapping[str, Float[np.ndarray, " neuron"]],
        settings: AblationSettings,
        groups: Int[np.ndarray, " row"] | None = None,
        classes: Shaped[np.ndarray, " row"] | None = None,
    ) -> None:
        self.passes, self.donors, self.scores, self.features = passes, donors, scores, features
        self.settings, self.groups, self.classes = settings, groups, classes
        outputs = passes.baseline()
        self.reason = scores.reason(outputs)
        if self.reason is None:
            base = scores.of(outputs, slice(None))
            self.base = _Scores(base.score[None], base.loss[None], np.zeros_like(base.loss)[None])
        self.outputs = outputs
        self.drawn = [self._donor(draw) for draw in range(settings.draws)]

    @property
    def n_neurons(self) -> int:
        """Neurons of the layer."""
        return self.passes.layer.n_neurons

    def all_neurons(self, neurons: Sequence[int]) -> dict[int, list[Effect]]:
        """Set every neuron to zero and to its mean, and resample it once.

        Args:
            neurons: Which; those that are constant change nothing.

        Returns:
            What each costs over all rows.
        """
        mean = self.donors.values.mean(0)
        effects: dict[int, list[Effect]] = {neuron: [] for neuron in neurons}
        for kind in (ZERO, MEAN, RESAMPLE):
            edits: list[Edit] = [
                SetTo([j], torch.zeros(1)) if kind == ZERO
                else SetTo([j], mean[j : j + 1]) if kind == MEAN
                else Resample([j], self.donors, self.drawn[0])
                for j in neurons
            ]  # fmt: skip
            for index, scores in self._scored(edits):
                neuron = neurons[index]
                effects[neuron] += self._effects(kind, scores, {ALL: np.ones(len(self.at_rows), dtype=bool)})
        return effects

    def subject(self, subject: Ablated, references: Sequence[int]) -> AblationResult:
        """Ablate a subject in every way, and compare the headline with random ones.

        Args:
            subject: What is ablated.
            references: Neurons that may be matched with it.
        """
        known = {WITH: subject.labels == 1, WITHOUT: subject.labels == 0, ALL: np.ones(len(self.at_rows), dtype=bool)}
        effects: list[Effect] = []
        resampled = self.base
        for kind, edits in self._kinds(subject).items():
            scores = self._mean_scores(edits)
            resampled = scores if kind == RESAMPLE else resampled
            rows = known | (self._by_class() if kind == RESAMPLE else {})
            effects += self._effects(kind, scores, rows)
        n_with, n_without = int(known[WITH].sum()), int(known[WITHOUT].sum())
        if n_with < self.settings.min_rows:
            few = Note.of("few_ablation_rows", rows=n_with, without=n_without, least=self.settings.min_rows)
            return AblationResult(subject, effects, None, few)
        if not self.is_read:
            return AblationResult(subject, effects, None, Note.of("unread_layer"))
        compared = self._compared(subject, known[WITH], references)
        if isinstance(compared, Note):
            return AblationResult(subject, effects, None, compared)
        if self._is_small(resampled.output):
            compared = replace(compared, note=note(compared.note, Note.of("moves_no_output")))
        parts = self._parts(subject, known[WITH], resampled) if subject.apart else {}
        return AblationResult(subject, effects, compared, parts=parts)

    def _parts(self, subject: Ablated, chosen: Rows, together: _Scores) -> dict[int, Effect]:
        """What each neuron adds: the score without it resampled, less that with all of them resampled."""
        parts: dict[int, Effect] = {}
        for neuron in subject.neurons:
            others = [other for other in subject.neurons if other != neuron]
            rest = self._mean_scores([Resample(others, self.donors, donor) for donor in self.drawn])
            (parts[neuron], *_) = self._effects(RESAMPLE, together, {WITH: chosen}, rest)
        return parts

    @cached_property
    def is_read(self) -> bool:
        """Whether any output moves when all neurons of the layer get the state of another input."""
        whole = Resample(range(self.n_neurons), self.donors, self.drawn[0])
        ((_, scores),) = self._scored([whole])
        return not self._is_small(scores.output)

    def _is_small(self, moved: Float32[np.ndarray, "edit row"]) -> bool:
        """Whether outputs move by no more than rounding."""
        largest = float(self.outputs.abs().max()) if self.outputs.numel() else 0.0
        return bool((moved <= ROUNDING * largest).all())

    @property
    def at_rows(self) -> Int[np.ndarray, " row"]:
        """Row ids of the samples."""
        return self.passes.rows

    @cached_property
    def directions(self) -> Float[Tensor, "direction neuron"]:
        """Random directions, the same for all subjects of the layer."""
        return random_directions(self.settings.directions, self.n_neurons, self.settings.seed, self.passes.layer.name)

    def _donor(self, draw: int) -> Int[Tensor, " row"]:
        return self.donors.drawn(len(self.at_rows), "resample", self.settings.seed, draw)

    def _kinds(self, subject: Ablated) -> dict[str, list[Edit]]:
        """The edits of every kind of ablation; a direction can be resampled only, as it has no zero of its own."""
        if subject.direction is not None:
            basis = torch.from_numpy(subject.direction).float()[:, None]
            return {RESAMPLE: [ResampleAlong(basis, self.donors, donor) for donor in self.drawn]}
        neurons = list(subject.neurons)
        kinds: dict[str, list[Edit]] = {
            ZERO: [SetTo(neurons, torch.zeros(len(neurons)))],
            MEAN: [SetTo(neurons, self.donors.values[:, neurons].mean(0))],
            RESAMPLE: [Resample(neurons, self.donors, donor) for donor in self.drawn],
        }
        other = self._other_means(subject)
        return kinds if other is None else {**kinds, OTHER_MEAN: [SetByRow(neurons, other)]}

    def _other_means(self, subject: Ablated) -> Float[Tensor, "row neuron"] | None:
        """For every row the mean over donors with the other value of the property; None where there are none."""
        neurons, donor = list(subject.neurons), subject.donor_labels
        site = torch.from_numpy(donor[np.repeat(np.arange(len(donor)), self.donors.count.numpy())])
        if not ((site == 0).any() and (site == 1).any()):
            return None
        means = [self.donors.values[site == label][:, neurons].mean(0) for label in (1, 0)]
        whole = self.donors.values[:, neurons].mean(0)
        # In the place of label -1, which is not known, the mean over all donors.
        return torch.stack([*means, whole])[torch.from_numpy(subject.labels.astype(np.int64))]

    def _by_class(self) -> dict[str, Rows]:
        if self.classes is None:
            return {}
        return {f"class={name}": self.classes == name for name in np.unique(self.classes)}

    def _scored(self, edits: Sequence[Edit]) -> Iterator[tuple[int, _Scores]]:
        """Run edits and give the scores of each; as many are held at once as `HELD` allows."""
        n_rows = len(self.at_rows)
        step = max(1, HELD // (12 * max(1, n_rows)))
        for start in range(0, len(edits), step):
            part = edits[start : start + step]
            held = self.base.repeated(len(part))

            def keep(edit: Indices, row: Indices, outputs: Tensor, held: _Scores = held) -> None:
                scored = self.scores.of(outputs, row)
                held.score[edit, row], held.loss[edit, row] = scored.score, scored.loss
                apart = (outputs - self.outputs[row]).reshape(len(outputs), -1)
                held.output[edit, row] = apart.square_().mean(1).sqrt_().numpy()

            self.passes.run(part, keep)
            for index in range(len(part)):
                one = slice(index, index + 1)
                yield start + index, _Scores(held.score[one], held.loss[one], held.output[one])

    def _mean_scores(self, edits: Sequence[Edit]) -> _Scores:
        """Mean scores of every row over draws."""
        total = np.zeros((3, 1, len(self.at_rows)))
        for _, scores in self._scored(edits):
            total += [scores.score, scores.loss, scores.output]
        return _Scores(*(total / len(edits)).astype(np.float32))

    def _effects(
        self, kind: str, scores: _Scores, rows: Mapping[str, Rows], baseline: _Scores | None = None
    ) -> list[Effect]:
        """Effects on sets of rows, the score before the loss; None as baseline: the network as it is."""
        baseline = self.base if baseline is None else baseline
        effects: list[Effect] = []
        for name, chosen in rows.items():
            n = int(chosen.sum())
            if n == 0:
                continue
            groups = None if self.groups is None else self.groups[chosen]
            for measure, sign in (("score", 1), ("loss", -1), ("output", -1)):
                before, after = (getattr(one, measure)[0][chosen].astype(np.float64) for one in (baseline, scores))
                bounded = measure == "score" and self.scores.is_share
                interval = drop_interval(sign * (before - after), groups, bounded)
                low, high = (None if np.isnan(bound) else bound for bound in (interval.low, interval.high))
                effects.append(Effect(kind, measure, name, n, float(before.mean()), float(after.mean()), low, high))
        return effects

    def _compared(self, subject: Ablated, chosen: Rows, references: Sequence[int]) -> Comparison | Note:
        """Compare one resampling of the subject with what moving every row as far along random directions costs.

        These are the axes of matched neurons, or directions that are drawn. Resampling a matched neuron instead would
        move it less: the rows are those where the subject is on, and not where the other is.

        Returns:
            The comparison, or why none can be made.
        """
        settings, found = self.settings, self._matched(subject, references)
        few = found is not None and len(found) < settings.least
        along = found is None or few
        if along and is_narrow(self.n_neurons):
            return Note.of("narrow_layer", neurons=count(self.n_neurons, "neuron"))
        directions = self.directions if along else torch.eye(self.n_neurons)[torch.from_numpy(found)]
        some = self._compared_rows(chosen)
        moved = torch.from_numpy(some)
        (like, *_) = self._kinds(subject)[RESAMPLE]
        assert isinstance(like, Resample | ResampleAlong)  # noqa: S101

        def draw(part: slice) -> Float[np.ndarray, " draw"]:
            edits = [Displace(direction, like, moved) for direction in directions[part]]
            return np.array([self._drop(scores.score[0], some) for _, scores in self._scored(edits)])

        ((_, once),) = self._scored([like])
        observed = self._drop(once.score[0], some)
        if not along:
            random = draw(slice(None))
            note = Note.of("matched_neurons", number=len(random), floor=f"1/{len(random) + 1}")
            return Comparison(float(random.mean()), len(random), rank_p_value(observed, random), note)
        p_value, random = sequential_p_value(observed, draw, settings.directions)
        note = Note.of("random_directions")
        if found is not None:
            note = Note.of("few_matched_neurons", number=len(found), least=settings.least)
        return Comparison(float(random[:FIRST].mean()), len(random), p_value, note)

    def _matched(self, subject: Ablated, references: Sequence[int]) -> Int[np.ndarray, " match"] | None:
        """Neurons like the one that is ablated; None where it is not one."""
        if len(subject.neurons) != 1:
            return None
        allowed = np.zeros(self.n_neurons, dtype=bool)
        allowed[list(references)] = True
        return matched(self.features, subject.neurons[0], allowed, self.settings.nearest)

    def _compared_rows(self, chosen: Rows) -> Rows:
        """Some of the rows, drawn where they are many."""
        rows = np.flatnonzero(chosen)
        if len(rows) <= COMPARED_ROWS:
            return chosen
        some = np.zeros(len(chosen), dtype=bool)
        drawn = stream("compared rows", self.settings.seed, self.passes.layer.name)
        some[drawn.choice(rows, COMPARED_ROWS, replace=False)] = True
        return some

    def _drop(self, score: Float32[np.ndarray, " row"], chosen: Rows) -> float:
        return float((self.base.score[0][chosen].astype(np.float64) - score[chosen]).mean())
