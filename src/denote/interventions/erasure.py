"""Erase all linear information on an attribute at a layer, and see where it comes back and what the network loses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int, Int8
from torch import Tensor

from denote.data.parts import Halves
from denote.errors import ConfigError
from denote.evidence.bootstrap import AurocBootstrap, Resampling
from denote.evidence.corrections import holm
from denote.evidence.intervals import auroc_interval
from denote.evidence.scores import Ranking, mann_whitney_greater
from denote.interventions.ablation import Effect
from denote.interventions.comparing import Comparison
from denote.interventions.drops import drop_interval, rank_p_value
from denote.interventions.edited_runs import NetworkRows, edited_states, shares
from denote.interventions.leace import EPS, Basis, Projection, erasure_of, random_projection
from denote.interventions.passes import layer_passes
from denote.interventions.task_scores import TaskScores
from denote.interventions.words import ALL, WITH, WITHOUT
from denote.notes import Note, note
from denote.numbers import Estimate
from denote.observers.linear import LinearProbe
from denote.observers.observer import FitData
from denote.states.layers import MAP, SEQUENCE, Layer
from denote.streams import stream

ERASE = "erase"
"""Kind of intervention."""

LEAST_DRAWS = 19
"""Random sets of directions below which no p-value reaches .05."""

ROUNDING = 100 * EPS
"""Spread of a neuron, as a share of its largest activation, that rounding errors of several layers make."""

States = Halves[Float32[np.ndarray, "sample neuron"]]


@dataclass(frozen=True)
class ErasureSettings:
    """How attributes are erased.

    Attributes:
        draws: Random sets of directions that are erased for comparison.
        min_rows: Least number of rows of either label, in *fit* and in *test*.
        level: Of the corrected test that an attribute is read again.
        share: Least share of what an observer read before, above chance, that must be read again.
        memory: Bytes of later layers' states that are held at once, though one layer's always are.
        seed: Names the draws, and what the probe draws.

    Raises:
        ConfigError: if there are too few draws for a p-value.
    """

    draws: int = 99
    min_rows: int = 25
    level: float = 0.05
    share: float = 0.5
    memory: float = 1 << 30
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse too few draws."""
        if self.draws < LEAST_DRAWS:
            raise ConfigError("draws of an erasure", f"{self.draws} random sets", f"{LEAST_DRAWS} at least")


@dataclass(frozen=True)
class ReadAgain:
    """How well the same probe reads an attribute at a layer before and after its erasure, on *test*.

    Attributes:
        layer: Name of the layer.
        depth: Its depth.
        before: AUROC before; NaN where it is undefined.
        after: AUROC after, with its 95 % interval.
        p_value: One-sided against .5, after; NaN where it is undefined.
        p_holm: The same, corrected over the later layers; NaN for the erased layer itself.
        is_read: Whether it is read after the erasure: significantly, and by a share of what was read before.
        moved: Whether the erasure moves the layer's state at all.
        note: What is to be said of it.
    """

    layer: str
    depth: int | None
    before: float
    after: Estimate[float]
    p_value: float
    p_holm: float
    is_read: bool
    moved: bool
    note: Note | None = None


@dataclass(frozen=True)
class Loss:
    """What an erasure costs the network on some rows, beside the erasure of random directions.

    Attributes:
        effect: The cost.
        comparison: The random ones.
    """

    effect: Effect
    comparison: Comparison


@dataclass(frozen=True)
class ErasureResult:
    """What the erasure of one attribute at one layer does.

    Attributes:
        rank: Dimensions that were taken out; 0 where nothing was erased.
        here: How the attribute is read at the erased layer itself; None where nothing was erased.
        later: The same at every later layer, by depth.
        losses: What the network loses; empty where its outputs cannot be scored.
        note: Why something is missing, or what the results do not say.
        is_whole: Whether the layer's state is all that it gives. What is pooled over positions is erased from the
            pooled state; single positions may still tell the attribute, so that its coming back says nothing.
    """

    rank: int
    here: ReadAgain | None = None
    later: tuple[ReadAgain, ...] = ()
    losses: tuple[Loss, ...] = ()
    note: Note | None = None
    is_whole: bool = True

    @property
    def back(self) -> tuple[ReadAgain, ...]:
        """The later layers at which the attribute has come back; none where it was not erased in the first place."""
        if self.here is None or self.here.is_read or not self.is_whole:
            return ()
        return tuple(each for each in self.later if each.is_read and each.moved)

    @property
    def comes_back(self) -> bool:
        """Whether it comes back at any later layer."""
        return bool(self.back)

    @property
    def first(self) -> str | None:
        """The first layer at which it has come back."""
        return self.back[0].layer if self.back else None


@dataclass(frozen=True)
class _Scored:
    """Scores and losses of the test rows.

    Attributes:
        base: Of the network as it is, measure by measure.
        edited: Of every edit.
        bypassed: Whether something goes round the layer, or it cannot be told.
    """

    base: Float32[np.ndarray, "measure row"]
    edited: Float32[np.ndarray, "edit measure row"]
    bypassed: bool


class LayerErasure:
    """Erasures at one layer; random ones, and the layer's state, serve all attributes.

    Args:
        data: The network and its samples.
        layer: Where attributes are erased: at all its positions.
        later: The layers behind it at which they are observed again, by depth.
        scores: The task, and the targets of the *test* rows; None where there is no task.
        settings: How.
        groups: Rows of a group count as one draw.
        probe: What attributes are observed with.
    """

    def __init__(
        self,
        data: NetworkRows,
        layer: Layer,
        later: Sequence[Layer],
        scores: TaskScores | None,
        settings: ErasureSettings | None = None,
        groups: Halves[Int[np.ndarray, " row"]] | None = None,
        probe: LinearProbe | None = None,
    ) -> None:
        self.data, self.layer, self.later, self.scores = data, layer, list(later), scores
        self.settings, self.groups = settings or ErasureSettings(), groups
        self.probe = probe or LinearProbe()

    def attribute(
        self, labels: Halves[Int8[np.ndarray, " row"]], before: Mapping[str, float] | None = None
    ) -> ErasureResult:
        """Erase an attribute.

        Args:
            labels: 1, 0, or -1 where it is not known, of the rows of *fit* and of *test*.
            before: AUROC of the same probe on *test* by the name of a layer, where that is there already.

        Raises:
            LayerError: if nothing can be put in the layer's place, or it has too few dimensions to lose one.
        """
        fewest = min(int((side == label).sum()) for side in (labels.fit, labels.test) for label in (0, 1))
        if fewest < self.settings.min_rows:
            return ErasureResult(0, note=Note.of("few_erasure_rows", rows=fewest, least=self.settings.min_rows))
        known = labels.fit >= 0
        projection = erasure_of(self.state.fit[known], labels.fit[known], self.layer.name)
        here, *later = self._readings(labels, projection, before or {})
        losses, remark = self._losses(labels.test, projection)
        remarks = [remark]
        if self.layer.pooling == "max":
            remarks.append(Note.of("maxima_not_erased", auroc=f"{here.after.value:.3f}"))
        elif here.is_read:
            remarks.append(Note.of("not_erased", auroc=f"{here.after.value:.3f}"))
        is_whole = self.layer.kind not in (MAP, SEQUENCE) or self.layer.pooling == "flatten"
        if not is_whole and self.layer.pooling != "max":
            remarks.append(Note.of("pooled_erasure", pooling=self.layer.pooling))
        return ErasureResult(projection.rank, here, tuple(later), losses, note(*remarks), is_whole)

    @cached_property
    def state(self) -> States:
        """State of the layer as it is."""
        return edited_states(self.data, self.layer, [self.layer], None)[self.layer]

    def _readings(
        self, labels: Halves[Int8[np.ndarray, " row"]], projection: Projection, before: Mapping[str, float]
    ) -> list[ReadAgain]:
        """Observe the attribute at the layer and behind it."""
        made: dict[str, ReadAgain] = {}
        asked = [self.layer, *self.later]
        for layer, plain, erased in self._beside(asked, projection):
            was = before.get(layer.name)
            was = self._read(plain, labels)[0].value if was is None else was
            after, p_value, remark = self._read(_without_rounding(erased, plain), labels)
            moved = layer == self.layer or not _same(plain.test, erased.test)
            remark = note(remark, None if moved else Note.of("erasure_does_not_reach"))
            made[layer.name] = ReadAgain(
                layer.name, layer.depth, was, after, p_value, np.nan, is_read=False, moved=moved, note=remark
            )
        readings = [made[layer.name] for layer in asked]
        corrected = [np.nan, *holm([each.p_value for each in readings[1:]])]
        return [self._judged(*each) for each in zip(readings, corrected, strict=True)]

    def _judged(self, reading: ReadAgain, p_holm: float) -> ReadAgain:
        p = reading.p_value if np.isnan(p_holm) else p_holm
        above, was = reading.after.value - 0.5, reading.before - 0.5
        return replace(
            reading, p_holm=float(p_holm), is_read=bool(p <= self.settings.level and above >= self.settings.share * was)
        )

    def _beside(self, layers: Sequence[Layer], projection: Projection) -> Iterator[tuple[Layer, States, States]]:
        """States before and after, of as many layers at once as fit into the memory."""
        row = 2 * 4 * (len(self.data.rows.fit) + len(self.data.rows.test))
        for some in shares(layers, self.settings.memory / row):
            plain, erased = (edited_states(self.data, self.layer, some, edit) for edit in (None, projection))
            for layer in some:
                yield layer, plain.pop(layer), erased.pop(layer)

    def _read(
        self, state: States, labels: Halves[Int8[np.ndarray, " row"]]
    ) -> tuple[Estimate[float], float, Note | None]:
        """Fit on *fit*, score on *test*: AUROC with its interval, its p-value, and what is to be said of them."""
        groups = self.groups
        fit = FitData(
            state.fit, labels.fit[:, None], self.settings.seed, groups=None if groups is None else groups.fit
        )  # fmt: skip
        observer = self.probe.fit_data(fit)
        scores, wanted = observer.scores(state.test), labels.test[:, None]
        of_test = None if groups is None else groups.test
        ranking = Ranking(scores, wanted)
        p_value, reasons = mann_whitney_greater(scores, wanted, of_test, ranking)
        area = ranking.auroc
        if of_test is None:
            interval = auroc_interval(area, ranking.n_positive, ranking.n_negative)
        else:
            bootstrap = AurocBootstrap(Resampling.of(len(wanted), of_test, self.settings.seed), 1)
            bootstrap.hear(slice(0, 1), ranking)
            interval, more = bootstrap.interval(area)
            reasons = (note(reasons[0], more[0]),)
        estimate = Estimate(*(float(each[0]) for each in (interval.value, interval.low, interval.high)))
        return estimate, float(p_value[0]), note(observer.notes[0], reasons[0])

    def _losses(self, labels: Int8[np.ndarray, " row"], projection: Projection) -> tuple[tuple[Loss, ...], Note | None]:
        """Compare what the erasure costs with what random ones of its rank cost."""
        if self.scores is None:
            return (), None
        if projection.rank not in self._random:
            self._random[projection.rank] = self._scored(self._random_sets(projection.rank))
        scored, random = self._scored([projection]), self._random[projection.rank]
        if isinstance(scored, Note) or isinstance(random, Note):
            return (), scored if isinstance(scored, Note) else None
        rows = {ALL: np.ones(len(labels), dtype=bool), WITH: labels == 1, WITHOUT: labels == 0}
        losses = [
            self._loss(measure, place, name, chosen, scored, random)
            for place, measure in enumerate(("score", "loss"))
            for name, chosen in rows.items()
        ]
        return tuple(losses), Note.of("erasure_bypassed") if scored.bypassed else None

    @cached_property
    def _random(self) -> dict[int, _Scored | Note]:
        """What random sets of directions cost, by rank."""
        return {}

    def _random_sets(self, rank: int) -> list[Projection]:
        basis = Basis.of(self.state.fit)
        rank = min(rank, int(basis.live.sum()))
        return [
            random_projection(
                rank, basis.live, basis.mean, stream("erased directions", self.settings.seed, self.layer.name, draw)
            )
            for draw in range(self.settings.draws)
        ]

    def _scored(self, edits: Sequence[Projection]) -> _Scored | Note:
        """Run edits on *test*; or say why the network's outputs cannot be scored."""
        data, scores = self.data, self.scores
        assert scores is not None  # noqa: S101  (asked before)
        with layer_passes(
            data.network, self.layer, data.inputs, data.rows.test, data.batch_size, data.device, data.stacked
        ) as passes:
            outputs = passes.baseline()
            if (reason := scores.reason(outputs)) is not None:
                return reason
            base = scores.of(outputs, slice(None))
            plain = np.stack([base.score, base.loss])
            edited = np.repeat(plain[None], len(edits), axis=0)

            def keep(edit: Int[np.ndarray, " output"], row: Int[np.ndarray, " output"], given: Tensor) -> None:
                of_rows = scores.of(given, row)
                edited[edit, 0, row], edited[edit, 1, row] = of_rows.score, of_rows.loss

            passes.run(edits, keep)
            return _Scored(plain, edited, not passes.shortcuts.restarts)

    def _loss(
        self,
        measure: str,
        place: int,
        name: str,
        chosen: Bool[np.ndarray, " row"],
        scored: _Scored,
        random: _Scored,
    ) -> Loss:
        assert self.scores is not None  # noqa: S101  (asked before)
        sign = 1.0 if measure == "score" else -1.0
        before = scored.base[place, chosen].astype(np.float64)
        after, others = (each.edited[:, place, chosen].astype(np.float64) for each in (scored, random))
        harm = sign * (before - after[0])
        bounded = measure == "score" and self.scores.is_share
        groups = None if self.groups is None else self.groups.test[chosen]
        interval = drop_interval(harm, groups, bounded)
        low, high = (None if np.isnan(bound) else bound for bound in (interval.low, interval.high))
        effect = Effect(
            ERASE, measure, name, int(chosen.sum()), float(before.mean()), float(after.mean()), low, high
        )  # fmt: skip
        drops: Float64[np.ndarray, " draw"] = (sign * (before - others)).mean(1)
        p_value = rank_p_value(float(harm.mean()), drops)
        remark = Note.of("random_sets", number=len(drops), floor=f"1/{len(drops) + 1}")
        return Loss(effect, Comparison(float(drops.mean()), len(drops), p_value, remark))


def _without_rounding(state: States, plain: States) -> States:
    """Return a state whose neurons are constant where they vary by no more than rounding.

    A probe that scales every neuron to unit variance would read what is left of a constant neuron.
    """
    largest = np.abs(plain.fit).max(0)
    flat = state.fit.std(0, dtype=np.float64) <= ROUNDING * largest
    if not flat.any():
        return state
    middle = state.fit[:1]
    return Halves(*(np.where(flat, middle, side) for side in (state.fit, state.test)))


def _same(one: Float32[np.ndarray, "sample neuron"], other: Float32[np.ndarray, "sample neuron"]) -> bool:
    """Whether states are equal but for rounding."""
    return bool((np.abs(one - other) <= ROUNDING * np.abs(one).max(0)).all())
