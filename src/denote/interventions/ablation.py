"""Ablate neurons and observers of one layer, and hold what it costs the network against random ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, Shaped
from torch import Tensor

from denote.interventions.ablated import Ablated, AblationResult, AblationSettings, Effect
from denote.interventions.comparing import Beside, Subject
from denote.interventions.drops import drop_interval
from denote.interventions.edits import (
    Donors,
    Edit,
    Resample,
    ResampleAlong,
    SetByRow,
    SetTo,
)
from denote.interventions.passes import LayerPasses
from denote.interventions.task_scores import TaskScores
from denote.interventions.words import ALL, MEAN, OTHER_MEAN, RESAMPLE, WITH, WITHOUT, ZERO
from denote.notes import Note

Rows = Bool[np.ndarray, " row"]
Indices = Int[np.ndarray, " output"]

MEASURES = ("score", "loss", "output")
"""What is measured of every row."""

HARM = np.array([1.0, -1.0, -1.0])[:, None]
"""Sign of a drop of each that is harm."""

HELD = 64 << 20
"""Bytes of scores that are held at once."""

ROUNDING = 1e-6
"""Share of the largest output by which outputs move that do not depend on what was replaced."""


@dataclass(frozen=True)
class _Scores:
    """What the network gives under edits, row by row.

    Attributes:
        values: Score, loss, and how far outputs are from what they were: root mean square over them.
    """

    values: Float32[np.ndarray, "measure edit row"]

    @property
    def score(self) -> Float32[np.ndarray, "edit row"]:
        """Scores."""
        score: np.ndarray = self.values[0]
        return score

    @property
    def output(self) -> Float32[np.ndarray, "edit row"]:
        """How far outputs are from what they were."""
        output: np.ndarray = self.values[2]
        return output


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
        live: Neurons that vary on *fit*; None: all.
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
        live: Bool[np.ndarray, " neuron"] | None = None,
    ) -> None:
        self.passes, self.donors, self.scores, self.features = passes, donors, scores, features
        self.settings, self.groups, self.classes = settings, groups, classes
        self.live = np.ones(self.n_neurons, dtype=bool) if live is None else live
        outputs = passes.baseline()
        self.reason = scores.reason(outputs)
        if self.reason is None:
            base = scores.of(outputs, slice(None))
            self.base = _Scores(np.stack([base.score, base.loss, np.zeros_like(base.loss)])[:, None])
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
                effects[neuron] += self._effects(kind, scores, {ALL: slice(None)})
        return effects

    def subject(self, subject: Ablated, references: Sequence[int]) -> AblationResult:
        """Ablate a subject in every way, and compare the headline with random ones.

        Args:
            subject: What is ablated.
            references: Neurons that may be matched with it.
        """
        known = {WITH: subject.labels == 1, WITHOUT: subject.labels == 0}
        effects: list[Effect] = []
        resampled = self.base
        kinds = self._kinds(subject)
        scored = self._scored([edit for edits in kinds.values() for edit in edits])
        for kind, edits in kinds.items():
            scores = self._mean_scores(islice(scored, len(edits)))
            resampled = scores if kind == RESAMPLE else resampled
            rows = {**known, ALL: slice(None)} | (self._by_class() if kind == RESAMPLE else {})
            effects += self._effects(kind, scores, rows)
        n_with, n_without = int(known[WITH].sum()), int(known[WITHOUT].sum())
        if n_with < self.settings.min_rows:
            few = Note.of("few_ablation_rows", rows=n_with, without=n_without, least=self.settings.min_rows)
            return AblationResult(subject, effects, None, few)
        if not self.is_read:
            return AblationResult(subject, effects, None, Note.of("unread_layer"))
        compared = self.beside.compared(self._subject(subject), references)
        if isinstance(compared, Note):
            return AblationResult(subject, effects, None, compared)
        remark = Note.of("moves_no_output") if self._is_small(resampled.output) else None
        parts = self._parts(subject, known[WITH], resampled) if subject.apart else {}
        return AblationResult(subject, effects, compared, remark, parts)

    def surer(
        self, results: Sequence[AblationResult], references: Sequence[int], n_tests: int
    ) -> Iterator[AblationResult]:
        """Draw more directions for those that no random one has cost as much, as many as a correction asks for.

        Args:
            results: Of all subjects of the layer.
            references: Neurons that may be matched with them.
            n_tests: Subjects of the network.

        Yields:
            The results, in their order.
        """
        at_floor = [each.comparison is not None and each.comparison.is_at_floor for each in results]
        needed = self.beside.needed(sum(at_floor), n_tests)
        more = needed > self.settings.directions
        for each, is_at_floor in zip(results, at_floor, strict=True):
            yield self._again(each, references, needed) if is_at_floor and more else each

    def _again(self, result: AblationResult, references: Sequence[int], directions: int) -> AblationResult:
        compared = self.beside.compared(self._subject(result.subject), references, directions)
        return result if isinstance(compared, Note) else replace(result, comparison=compared)

    @cached_property
    def beside(self) -> Beside:
        """What random ones cost."""
        of, name = self.settings, self.passes.layer.name
        return Beside(self._costs, name, self.features, self.live, of.directions, of.nearest, of.least, of.seed)

    def _costs(self, edits: Sequence[Edit], chosen: Rows) -> Float[np.ndarray, " edit"]:
        return np.array([self._drop(scores.score[0], chosen) for _, scores in self._scored(edits)])

    def _subject(self, subject: Ablated) -> Subject:
        """A subject as it is compared: by its first resampling."""
        (like, *_) = self._kinds(subject)[RESAMPLE]
        assert isinstance(like, Resample | ResampleAlong)  # noqa: S101
        return Subject(like, subject.labels == 1, subject.neurons)

    def _parts(self, subject: Ablated, chosen: Rows, together: _Scores) -> dict[int, Effect]:
        """What each neuron adds: the score without it resampled, less that with all of them resampled."""
        parts: dict[int, Effect] = {}
        for neuron in subject.neurons:
            others = [other for other in subject.neurons if other != neuron]
            rest = self._mean_scores(self._scored([Resample(others, self.donors, donor) for donor in self.drawn]))
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
            held = self.base.values.repeat(len(part), axis=1)

            def keep(edit: Indices, row: Indices, outputs: Tensor, held: np.ndarray = held) -> None:
                scored = self.scores.of(outputs, row)
                apart = (outputs - self.outputs.index_select(0, torch.from_numpy(row))).reshape(len(outputs), -1)
                moved = apart.square_().mean(1).sqrt_().numpy()
                for of_edits, of_rows in zip(held, (scored.score, scored.loss, moved), strict=True):
                    of_edits[edit, row] = of_rows

            self.passes.run(part, keep)
            for index in range(len(part)):
                yield start + index, _Scores(held[:, index : index + 1])

    def _mean_scores(self, scored: Iterable[tuple[int, _Scores]]) -> _Scores:
        """Mean scores of every row over draws."""
        total, n = np.zeros((len(MEASURES), 1, len(self.at_rows))), 0
        for _, scores in scored:
            total += scores.values
            n += 1
        return _Scores((total / n).astype(np.float32))

    def _effects(
        self, kind: str, scores: _Scores, rows: Mapping[str, Rows | slice], baseline: _Scores | None = None
    ) -> list[Effect]:
        """Effects on sets of rows, the score before the loss; None as baseline: the network as it is."""
        baseline = self.base if baseline is None else baseline
        effects: list[Effect] = []
        for name, chosen in rows.items():
            before, after = (one.values[:, 0, chosen].astype(np.float64) for one in (baseline, scores))
            n = before.shape[1]
            if n == 0:
                continue
            groups = None if self.groups is None else self.groups[chosen]
            harm = HARM * (before - after)
            means = zip(MEASURES, harm, before.mean(1).tolist(), after.mean(1).tolist(), strict=True)
            for measure, harmed, was, now in means:
                bounded = measure == "score" and self.scores.is_share
                interval = drop_interval(harmed, groups, bounded)
                low, high = (None if np.isnan(bound) else bound for bound in (interval.low, interval.high))
                effects.append(Effect(kind, measure, name, n, was, now, low, high))
        return effects

    def _drop(self, score: Float32[np.ndarray, " row"], chosen: Rows) -> float:
        return float((self.base.score[0][chosen].astype(np.float64) - score[chosen]).mean())
