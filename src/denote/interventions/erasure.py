"""Erase all linear information on an attribute at a layer, and see where it comes back and what the network loses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int, Int8
from torch import Tensor

from denote.data.batch import words_of
from denote.data.parts import Halves
from denote.errors import ConfigError
from denote.evidence.corrections import holm
from denote.interventions.comparing import is_narrow
from denote.interventions.edited_runs import NetworkRows, edited_states, shares
from denote.interventions.erasure_by_position import PositionFit, erasure_by_position
from denote.interventions.erasure_costs import Loss, erasure_costs
from denote.interventions.leace import Basis, Erasure, InTurn, erasure_of
from denote.interventions.random_erasures import RandomErasure, random_erasure
from denote.interventions.reading_again import ReadAgain, Reading, States, same, without_rounding
from denote.interventions.task_scores import TaskScores
from denote.interventions.words import ALL, WITH, WITHOUT
from denote.notes import Note, note
from denote.numbers import count
from denote.observers.linear import LinearProbe
from denote.states.layers import MAP, SEQUENCE, Layer
from denote.states.pooling import TOKEN
from denote.streams import stream

LEAST_DRAWS = 19
"""Random sets of directions below which no p-value reaches .05."""


@dataclass(frozen=True)
class ErasureSettings:
    """How attributes are erased.

    Attributes:
        draws: Random sets of directions that are erased for comparison, and along which states are moved as far.
        min_rows: Least number of rows of either label, in *fit* and in *test*, and for a position's own fit.
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
class ErasureResult:
    """What the erasure of one attribute at one layer does.

    Attributes:
        rank: Dimensions that were taken out, at a position at most; 0 where nothing was erased.
        here: How the attribute is read at the erased layer itself; None where nothing was erased.
        later: The same at every later layer, by depth.
        losses: What the network loses; empty where its outputs cannot be scored.
        note: Why something is missing, or what the results do not say.
        is_whole: Whether all that the layer gives for a sample was erased: where samples are words, others of the
            sentence may tell what was erased of one.
    """

    rank: int
    here: ReadAgain | None = None
    later: tuple[ReadAgain, ...] = ()
    losses: tuple[Loss, ...] = ()
    note: Note | None = None
    is_whole: bool = True

    @property
    def is_gone(self) -> bool:
        """Whether the attribute was erased, so that it can come back."""
        return self.here is not None and not self.here.is_read and self.is_whole

    @property
    def back(self) -> tuple[ReadAgain, ...]:
        """The later layers at which the attribute has come back; none where it was not erased in the first place."""
        return tuple(each for each in self.later if each.is_read and each.moved) if self.is_gone else ()

    @property
    def comes_back(self) -> bool:
        """Whether it comes back at any later layer."""
        return bool(self.back)

    @property
    def first(self) -> str | None:
        """The first layer at which it has come back."""
        return self.back[0].layer if self.back else None


@dataclass(frozen=True, eq=False)
class _Fitted:
    """An erasure, and what random ones beside it are made of.

    Attributes:
        erasure: The erasure.
        live: Neurons that are not constant.
        mean: Of the state, at every position where these have fits of their own.
        note: What is to be said of the fit.
    """

    erasure: Erasure
    live: Bool[Tensor, " neuron"]
    mean: Float64[Tensor, "*position neuron"]
    note: Note | None = None


class LayerErasure:
    """Erasures at one layer, whose state serves all attributes.

    Args:
        data: The network and its samples.
        layer: Where attributes are erased: at all its positions, of each by a fit of its own, whatever the pooling.
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
        self.reading = Reading(probe or LinearProbe(), self.settings.seed, groups)
        self.by_position = layer.kind in (MAP, SEQUENCE) and layer.pooling not in ("flatten", TOKEN)
        self.place = replace(layer, pooling="mean") if self.by_position else layer  # whose neurons are at all positions

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
        fitted = self._fitted(labels.fit)
        here, *later = self._readings(labels, fitted.erasure, before or {})
        losses, remark = self._losses(labels.test, fitted)
        remarks = [remark, fitted.note]
        if here.is_read:
            code = "maxima_not_erased" if self.layer.pooling == "max" else "not_erased"
            remarks.append(Note.of(code, auroc=f"{here.after.value:.3f}"))
        is_whole = words_of(self.data.inputs[self.data.rows.test[:1]]) is None
        if not is_whole:
            remarks.append(Note.of("erased_by_word"))
        return ErasureResult(fitted.erasure.rank, here, tuple(later), losses, note(*remarks), is_whole)

    @cached_property
    def state(self) -> States:
        """State of the layer as it is."""
        return edited_states(self.data, self.place, [self.layer], None)[self.layer]

    @cached_property
    def basis(self) -> Basis:
        """Directions of that state."""
        return Basis.of(self.state.fit)

    def _fitted(self, labels: Int8[np.ndarray, " row"]) -> _Fitted:
        """Fit the erasure of an attribute."""
        if not self.by_position:
            known = labels >= 0
            erasure = erasure_of(self.state.fit[known], labels[known], self.layer.name)
            return _Fitted(erasure, self.basis.live, self.basis.mean)
        fit = erasure_by_position(self.data, self.place, labels, self.settings.min_rows)
        return _Fitted(self._of_pooled_too(fit, labels), fit.live, fit.erasure.mean, fit.note)

    def _of_pooled_too(self, fit: PositionFit, labels: Int8[np.ndarray, " row"]) -> Erasure:
        """Erase what is left in the pooled state of samples of different positions.

        The same affine map at all positions leaves means that are equal at each as they are: equal.
        """
        if fit.same or self.layer.pooling == "max":
            return fit.erasure
        known = labels >= 0
        left = edited_states(self.data, self.place, [self.layer], fit.erasure)[self.layer].fit[known]
        return InTurn([fit.erasure, erasure_of(left, labels[known], self.layer.name)])

    def _readings(
        self, labels: Halves[Int8[np.ndarray, " row"]], erasure: Erasure, before: Mapping[str, float]
    ) -> list[ReadAgain]:
        """Observe the attribute at the layer and behind it."""
        made: dict[str, ReadAgain] = {}
        asked = [self.layer, *self.later]
        for layer, plain, erased in self._beside(asked, erasure):
            was = before.get(layer.name)
            was = self.reading.read(plain, labels)[0].value if was is None else was
            after, p_value, remark = self.reading.read(without_rounding(erased, plain), labels)
            moved = layer == self.layer or not same(plain.test, erased.test)
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

    def _beside(self, layers: Sequence[Layer], erasure: Erasure) -> Iterator[tuple[Layer, States, States]]:
        """States before and after, of as many layers at once as fit into the memory."""
        row = 2 * 4 * (len(self.data.rows.fit) + len(self.data.rows.test))
        for some in shares(layers, self.settings.memory / row):
            plain, erased = (edited_states(self.data, self.place, some, edit) for edit in (None, erasure))
            for layer in some:
                yield layer, plain.pop(layer), erased.pop(layer)

    def _losses(self, labels: Int8[np.ndarray, " row"], fitted: _Fitted) -> tuple[tuple[Loss, ...], Note | None]:
        """Compare what the erasure costs with what random ones cost."""
        if self.scores is None:
            return (), None
        rows = {ALL: np.ones(len(labels), dtype=bool), WITH: labels == 1, WITHOUT: labels == 0}
        random = self._random(fitted)
        groups = None if self.groups is None else self.groups.test
        with self.data.passes(self.place) as passes:
            costs = erasure_costs(passes, self.scores, fitted.erasure, random, rows, groups)
        if isinstance(costs, Note):
            return (), costs
        return costs.losses, Note.of("erasure_bypassed") if costs.bypassed else None

    def _random(self, fitted: _Fitted) -> list[RandomErasure] | Note:
        """Random erasures of the rank of one, or why it cannot be told from them."""
        n_live = int(fitted.live.sum())
        if is_narrow(n_live):
            return Note.of("narrow_layer", neurons=count(n_live, "neuron"))
        rank, seed, name = fitted.erasure.rank, self.settings.seed, self.layer.name
        return [
            random_erasure(rank, fitted.live, fitted.mean, stream("erased directions", seed, name, draw))
            for draw in range(self.settings.draws)
        ]
