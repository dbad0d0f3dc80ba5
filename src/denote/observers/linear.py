"""The linear probe: L2 logistic regression of every attribute on a layer's neurons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

from denote.observers.design import design_of
from denote.observers.inner_validation import inner_parts, with_threshold
from denote.observers.logistic import Solution, solve_logistic
from denote.observers.observer import Observer, class_counts, unfit_notes
from denote.observers.reading import UNBOUNDED, Resources, State, Values, check_state, moments


@dataclass(frozen=True)
class LinearProbe:
    """Minimises, per attribute, mean logistic loss + ``l2`` * squared norm of the weights; the bias is free.

    Attributes:
        l2: Penalty, > 0; scikit-learn's ``C`` is ``1 / (2 * rows * l2)``. It keeps separable data finite. Of several,
            all solved together, each attribute gets the one with the least loss on an inner validation part of *fit*,
            and is then fitted again on all of it.
        balance: Both classes weigh the same. Without it every row weighs the same, and the threshold is set to the
            best balanced accuracy on the inner validation part, which the weights then do not see.
        standardise: Neurons are scaled to unit variance on *fit*; constant ones get weight 0.
        tolerance: A fit has converged where the norm of its gradient is at most this times the norm of its weights (or
            1 if they are shorter); its weights are then off by at most ``tolerance / (2 * l2)`` of that.
        max_iterations: Most quasi-Newton steps.
    """

    l2: float | tuple[float, ...] = 1e-3
    balance: bool = True
    standardise: bool = True
    tolerance: float = 1e-6
    max_iterations: int = 500

    kind = "linear"
    joint = False

    def fit(self, state: State, labels: Values, seed: int = 0, resources: Resources = UNBOUNDED) -> Observer:
        """Fit all attributes in one solve (see ``Probe.fit``).

        Raises:
            StateError: if the state is not finite or does not fit the labels.
        """
        check_state(state, labels)
        strengths = -np.sort(-np.atleast_1d(np.asarray(self.l2, dtype=np.float64)))
        attributes = labels.shape[1]
        if self.balance and len(strengths) == 1:
            return self._solve(state, labels, np.repeat(strengths, attributes), resources)
        held, rest = inner_parts(len(labels), seed)
        tiled = np.tile(labels[rest], len(strengths))
        path = self._solve(state[rest], tiled, np.repeat(strengths, attributes), resources)
        places = np.arange(tiled.shape[1]).reshape(len(strengths), attributes)
        losses = [_loss(path.at(place).scores(state[held]), labels[held], self.balance) for place in places]
        best = np.stack(losses).argmin(0)  # of equals the largest strength
        chosen = path.at(places[best, np.arange(attributes)])
        if self.balance:
            found = self._solve(state, labels, strengths[best], resources, chosen)
        else:
            found = with_threshold(chosen, chosen.scores(state[held]), labels[held])
        return replace(found, notes=tuple(map(_with_edge, found.notes, best, repeat(len(strengths)))))

    def _solve(
        self,
        state: State,
        labels: Values,
        l2: Float64[np.ndarray, " attribute"],
        resources: Resources,
        start: Observer | None = None,
    ) -> Observer:
        """Observers of every attribute at its strength, from the start that another fit has found."""
        notes = unfit_notes(labels)
        able = np.array([note is None for note in notes], dtype=bool)
        mean, scale, unit = _scaling(state, self.standardise)
        # Neurons of weight 0 cost nothing; many of them together also make the Gram matrix hard to decompose.
        live = torch.nonzero(torch.isfinite(scale))[:, 0]
        design = design_of(state, mean, scale, resources, live)
        solution = solve_logistic(
            design,
            torch.from_numpy(np.ascontiguousarray(labels[:, able])).to(design.device),
            torch.from_numpy(l2[able] / unit**2).to(design.device),
            self.balance, self.tolerance, self.max_iterations, resources.memory,
            None if start is None else _in_design(start.at(np.flatnonzero(able)), mean, scale, live).to(design.device),
        )  # fmt: skip
        return self._observer(solution, l2, notes, able, mean, scale, live)

    def _observer(
        self,
        solution: Solution,
        l2: Float64[np.ndarray, " attribute"],
        notes: tuple[str | None, ...],
        able: Bool[np.ndarray, " attribute"],
        mean: Float64[Tensor, " neuron"],
        scale: Float64[Tensor, " neuron"],
        live: Int[Tensor, " live"],
    ) -> Observer:
        """A solution in raw units, with columns of NaN for what could not be fitted."""
        weights, bias = np.zeros((len(mean), len(able))), np.full(len(able), np.nan)
        weights[:, ~able] = np.nan
        norm, converged = np.full(len(able), np.nan), np.zeros(len(able), dtype=bool)
        raw = solution.weights.cpu() / scale[live, None]
        weights[np.ix_(live.numpy(), able)] = raw.numpy()
        bias[able] = (solution.bias.cpu() - mean[live] @ raw).numpy()
        norm[able] = solution.gradient_norm.cpu().numpy()
        converged[able] = solution.converged.cpu().numpy()
        return Observer(self.kind, weights, bias, converged, norm, notes, l2=np.where(able, l2, np.nan))


def _with_edge(reason: str | None, place: int, n_strengths: int) -> str | None:
    """A remark where an end of the list was chosen: what lies beyond it might be better."""
    if reason is not None or n_strengths == 1 or 0 < place < n_strengths - 1:
        return reason
    return f"l2: the {'largest' if place == 0 else 'smallest'} of the list was chosen"


def _in_design(
    observer: Observer, mean: Float64[Tensor, " neuron"], scale: Float64[Tensor, " neuron"], live: Int[Tensor, " live"]
) -> Float64[Tensor, "live+1 attribute"]:
    """Weights and intercept on the scale of a design of the live neurons; 0 where they are not known."""
    raw, bias = torch.from_numpy(observer.weights).nan_to_num(), torch.from_numpy(observer.bias).nan_to_num()
    return torch.cat([raw[live] * scale[live, None], (bias + mean @ raw)[None]])


def _loss(
    scores: Float64[np.ndarray, "sample attribute"], labels: Values, balance: bool
) -> Float64[np.ndarray, " attribute"]:
    """Mean logistic loss of every attribute, without penalty; infinite where one of the classes is missing."""
    with np.errstate(invalid="ignore"):  # NaN: not fitted
        each = np.logaddexp(0, np.where(labels == 1, -scores, scores))
    sums = np.stack([np.where(labels == label, each, 0).sum(0) for label in (1, 0)])
    counts = np.stack(class_counts(labels))
    both = (counts > 0).all(0)
    totals, sizes = (sums, counts) if balance else (sums.sum(0, keepdims=True), counts.sum(0, keepdims=True))
    means = np.divide(totals, sizes, out=np.full(totals.shape, np.inf), where=both).mean(0)
    loss: np.ndarray = np.where(np.isnan(means), np.inf, means)
    return loss


def _scaling(state: State, standardise: bool) -> tuple[Float64[Tensor, " neuron"], Float64[Tensor, " neuron"], float]:
    """Mean and scale of every neuron, and the unit of the penalty.

    Raw states are centred and divided by one number, which the penalty takes up, so that the problem is the same and
    the solver always works on a scale near one. A constant neuron's scale is infinite, which makes it exactly 0.
    """
    found = moments(state)
    unit = 1.0
    if standardise:
        scale = found.variance.sqrt()
    else:
        unit = float(found.variance.mean().sqrt()) or 1.0
        scale = torch.full_like(found.variance, unit)
    return found.mean, torch.where(found.constant | (scale == 0), torch.inf, scale), unit
