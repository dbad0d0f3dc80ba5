"""The linear probe: L2 logistic regression of every attribute on a layer's neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

from denote.config.settings import STRENGTHS, AtLeastOne, Positive, Switch
from denote.notes import Note
from denote.observers.observer import BuiltInProbe, FitData, Observer, class_counts, unfit_notes
from denote.observers.reading import UNBOUNDED, Resources, State, Values, check_state, moments, rows_of
from denote.observers.rough import Rough
from denote.observers.row_shards import RowShards
from denote.observers.solvers.batches import inner_parts, with_threshold
from denote.observers.solvers.design import Design, design_of
from denote.observers.solvers.logistic import Solution, SolverSettings, solve_logistic

CERTAIN = 0.05
"""Share of the weights' norm by which they may be off, by the bound, in a fit that counts as converged."""

BYTES_PER_WEIGHT = 32
"""Bytes that a neuron of an attribute and strength takes while a path is put together."""


@dataclass(frozen=True)
class LinearProbe(BuiltInProbe):
    """Minimises, per attribute, mean logistic loss + ``l2`` * squared norm of the weights; the bias is free.

    Attributes:
        l2: Penalty, > 0; scikit-learn's ``C`` is ``1 / (2 * rows * l2)``. It keeps separable data finite. Of several,
            all solved together, each attribute gets the one with the least loss on an inner validation part of *fit*,
            and is then fitted again on all of it.
        balance: Both classes weigh the same. Without it every row weighs the same, and the threshold is set to the
            best balanced accuracy on the inner validation part, which the weights then do not see.
        standardise: Neurons are scaled to unit variance on *fit*; constant ones get weight 0.
        tolerance: A fit has converged where the norm of its gradient is at most this times the norm of its weights (or
            1 if they are shorter), which bounds how far its weights are off by ``tolerance / (2 * l2)`` of that; where
            even this bound is above `CERTAIN`, as for tiny penalties, a fit does not count as converged.
        max_iterations: Most quasi-Newton steps.
    """

    l2: Annotated[float | tuple[float, ...], STRENGTHS] = 1e-3
    balance: Switch = True
    standardise: Switch = True
    tolerance: Positive = 1e-6
    max_iterations: AtLeastOne = 500

    kind = "linear"
    is_reference = True
    capacity = 3

    _decrement: ClassVar[float] = 0.0
    _certain: ClassVar[float] = CERTAIN

    def rough(self, purpose: Rough) -> LinearProbe:
        """See `Probe.rough`."""
        kind = {Rough.SCORES: _ForScores, Rough.BAND: _ForBand}[purpose]
        return kind(**{field.name: getattr(self, field.name) for field in fields(self)})

    def fit_data(self, data: FitData) -> Observer:
        """Fit all attributes in one solve (see ``Probe.fit``).

        Raises:
            StateError: if the state is not finite or does not fit the labels.
        """
        state, labels, resources, shards = data.state, data.labels, data.resources, data.resources.shards
        with shards.together():
            check_state(state, labels)
        strengths = -np.sort(-np.atleast_1d(np.asarray(self.l2, dtype=np.float64)))
        attributes = labels.shape[1]
        if self.balance and len(strengths) == 1:
            return self.solve(state, labels, np.repeat(strengths, attributes), resources)
        held, rest = inner_parts(len(labels), data.seed, data.groups, shards)
        inside, outside = rows_of(state, rest), rows_of(state, held)
        path = self._path(inside, labels[rest], strengths, resources.keeping(inside))
        losses = np.stack([_loss(each.scores(outside), labels[held], self.balance, shards) for each in path])
        best = losses.argmin(0)  # of equals the largest strength
        chosen = _picked(path, best)
        if self.balance:
            fitted = self.solve(state, labels, strengths[best], resources, chosen)
        else:
            fitted = with_threshold(chosen, chosen.scores(outside), labels[held], shards)
        remarks = _remarks(best, np.isfinite(losses).any(0), len(strengths))
        notes = tuple(reason or remark for reason, remark in zip(fitted.notes, remarks, strict=True))
        return replace(fitted, notes=notes)

    def _path(
        self, state: State, labels: Values, strengths: Float64[np.ndarray, " strength"], resources: Resources
    ) -> list[Observer]:
        """Observers of all attributes at each strength, as many strengths side by side as fit into memory."""
        attributes = labels.shape[1]
        each = max(1, labels.size + BYTES_PER_WEIGHT * state.shape[1] * attributes)
        together = int(max(1, min(len(strengths), resources.memory / 4 // each)))
        left = replace(resources, memory=resources.memory - together * each)
        path = []
        for start in range(0, len(strengths), together):
            some = strengths[start : start + together]
            fitted = self.solve(state, np.tile(labels, len(some)), np.repeat(some, attributes), left)
            path += [fitted.at(slice(i * attributes, (i + 1) * attributes)) for i in range(len(some))]
        return path

    def solve(
        self,
        state: State,
        labels: Values,
        l2: Float64[np.ndarray, " attribute"],
        resources: Resources = UNBOUNDED,
        start: Observer | None = None,
        removed: Bool[np.ndarray, "neuron attribute"] | None = None,
    ) -> Observer:
        """Observers of every attribute at its penalty on all rows: no inner part, no moved threshold.

        With ``balance=False`` their scores are the log-odds of the attribute.

        Args:
            state: Finite activations ``[sample, neuron]``.
            labels: 1, 0, or -1 for rows that are left out of that column only.
            l2: Penalty of every attribute, > 0.
            resources: What the fit may use; it shapes no result beyond rounding.
            start: Observers of the same neurons and attributes from which the solver sets out.
            removed: Neurons that an attribute's observer has to do without: their weights are 0.
        """
        notes = unfit_notes(labels, shards=resources.shards)
        able = np.array([note is None for note in notes], dtype=bool)
        scaling, design, memory = self._prepared(state, resources)
        on = design.device
        solution = solve_logistic(
            design,
            torch.from_numpy(np.ascontiguousarray(labels[:, able])).to(on),
            torch.from_numpy(l2[able] / scaling.unit**2).to(on),
            SolverSettings(self.balance, self.tolerance, self.max_iterations, memory, self._decrement),
            None if start is None else scaling.in_design(start.at(np.flatnonzero(able))).to(on),
            None if removed is None else torch.from_numpy(removed[:, able])[scaling.live].to(on),
        )
        return self._observer(solution, l2, notes, able, scaling)

    def _prepared(self, state: State, resources: Resources) -> tuple[_Scaling, Design, float]:
        """Scale a state, unless an earlier fit of it has kept that, and say what may be held with it."""

        def make() -> tuple[_Scaling, Design]:
            scaling = _Scaling.of(state, self.standardise, resources.shards)
            return scaling, design_of(state, scaling.mean, scaling.scale, whole, scaling.live)

        kept = resources.kept
        if kept is None or state is not kept.state:
            whole = resources
            return *make(), whole.memory
        whole = replace(resources, memory=resources.memory + kept.bytes)
        return *kept.get(state, (self.kind, self.standardise, resources.device), make), whole.memory

    def _observer(
        self,
        solution: Solution,
        l2: Float64[np.ndarray, " attribute"],
        notes: tuple[str | None, ...],
        able: Bool[np.ndarray, " attribute"],
        scaling: _Scaling,
    ) -> Observer:
        """Return a solution in raw units, with columns of NaN for what could not be fitted."""
        mean, scale, unit, live = scaling.mean, scaling.scale, scaling.unit, scaling.live
        weights, bias = np.zeros((len(mean), len(able))), np.full(len(able), np.nan)
        weights[:, ~able] = np.nan
        norm, converged = np.full(len(able), np.nan), np.zeros(len(able), dtype=bool)
        raw = solution.weights.cpu() / scale[live, None]
        weights[np.ix_(live.numpy(), able)] = raw.numpy()
        bias[able] = (solution.bias.cpu() - mean[live] @ raw).numpy()
        norm[able] = solution.gradient_norm.cpu().numpy()
        # The bound on the weights is worth its name only where the penalty is not tiny.
        length = solution.weights.norm(dim=0).clamp_min(1).cpu().numpy()
        certain = norm[able] / (2 * l2[able] / unit**2) <= self._certain * length
        converged[able] = solution.converged.cpu().numpy() & certain
        return Observer(self.kind, weights, bias, converged, norm, notes, l2=np.where(able, l2, np.nan))


class _ForScores(LinearProbe):
    """The probe as it is fitted where only scores are of interest: its weights need not be certain."""

    _decrement = Rough.SCORES.value
    _certain = float("inf")


class _ForBand(LinearProbe):
    """The same where the largest weight is of interest, too."""

    _decrement = Rough.BAND.value
    _certain = float("inf")


def _picked(path: Sequence[Observer], best: Int[np.ndarray, " attribute"]) -> Observer:
    """Each attribute's observer from its own place in the path."""
    columns = np.arange(len(best))
    weights = np.stack([path[place].weights[:, column] for column, place in enumerate(best)], axis=1)
    bias, norm, converged, l2 = (
        np.stack([np.asarray(getattr(each, name)) for each in path])[best, columns]
        for name in ("bias", "gradient_norm", "converged", "l2")
    )
    return replace(path[0], weights=weights, bias=bias, gradient_norm=norm, converged=converged, l2=l2)


def _remarks(
    best: Int[np.ndarray, " attribute"], known: Bool[np.ndarray, " attribute"], n_strengths: int
) -> list[str | None]:
    """What there is to say of the strengths that were chosen."""
    if n_strengths == 1:
        return [None] * len(best)
    ends = {0: Note.of("largest_l2"), n_strengths - 1: Note.of("smallest_l2")}
    return [ends.get(int(place)) if sure else Note.of("l2_not_chosen") for place, sure in zip(best, known, strict=True)]


def _loss(
    scores: Float64[np.ndarray, "sample attribute"], labels: Values, balance: bool, shards: RowShards
) -> Float64[np.ndarray, " attribute"]:
    """Mean logistic loss of every attribute, without penalty; infinite where one of the classes is missing."""
    with np.errstate(invalid="ignore"):  # NaN: not fitted
        each = np.logaddexp(0, np.where(labels == 1, -scores, scores))
    of_rows = np.stack([np.where(labels == label, each, 0).sum(0) for label in (1, 0)]), np.stack(class_counts(labels))
    sums, counts = (of_all.numpy() for of_all in shards.totals(*map(torch.from_numpy, of_rows)))
    both = (counts > 0).all(0)
    totals, sizes = (sums, counts) if balance else (sums.sum(0, keepdims=True), counts.sum(0, keepdims=True))
    means = np.divide(totals, sizes, out=np.full(totals.shape, np.inf), where=both).mean(0)
    loss: np.ndarray = np.where(np.isnan(means), np.inf, means)
    return loss


@dataclass(frozen=True)
class _Scaling:
    """How raw activations become a design near scale one.

    Attributes:
        mean: Of every neuron.
        scale: What a neuron is divided by; infinite for a constant one, which makes it exactly 0.
        unit: Of the penalty: raw states are divided by one number, which the penalty takes up, so that the problem is
            the same and the solver always works on a scale near one.
    """

    mean: Float64[Tensor, " neuron"]
    scale: Float64[Tensor, " neuron"]
    unit: float

    @classmethod
    def of(cls, state: State, standardise: bool, shards: RowShards) -> _Scaling:
        """Take the scaling from a state."""
        neurons = moments(state, shards)
        unit = 1.0 if standardise else float(neurons.variance.mean().sqrt()) or 1.0
        raw = torch.full_like(neurons.mean, unit).masked_fill(neurons.constant, torch.inf)
        return cls(neurons.mean, neurons.scale if standardise else raw, unit)

    @cached_property
    def live(self) -> Int[Tensor, " live"]:
        """Neurons of the design.

        Those of weight 0 cost nothing; many of them together also make the Gram matrix hard to decompose.
        """
        return torch.nonzero(torch.isfinite(self.scale))[:, 0]

    def in_design(self, observer: Observer) -> Float64[Tensor, "live+1 attribute"]:
        """Return weights and intercept on the scale of the design; 0 where they are not known."""
        raw, bias = torch.from_numpy(observer.weights).nan_to_num(), torch.from_numpy(observer.bias).nan_to_num()
        return torch.cat([raw[self.live] * self.scale[self.live, None], (bias + self.mean @ raw)[None]])
