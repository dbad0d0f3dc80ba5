"""The linear probe: L2 logistic regression of every attribute on a layer's neurons."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from denote.observers.design import design_of
from denote.observers.logistic import solve_logistic
from denote.observers.neuron import best_thresholds
from denote.observers.observer import Observer, class_counts, unfit_notes
from denote.observers.reading import UNBOUNDED, Resources, State, Values, check_state, moments
from denote.streams import stream

INNER_VALIDATION = 0.2
"""Share of *fit* that chooses the threshold when classes are not balanced (METHOD section 3)."""


@dataclass(frozen=True)
class LinearProbe:
    """Minimises, per attribute, mean logistic loss + ``l2`` * squared norm of the weights; the bias is free.

    Attributes:
        l2: Penalty, > 0; scikit-learn's ``C`` is ``1 / (2 * rows * l2)``. It keeps separable data finite.
        balance: Both classes weigh the same. Without it every row weighs the same, and the threshold is set to the
            best balanced accuracy on an inner validation part of *fit*, which the weights then do not see.
        standardise: Neurons are scaled to unit variance on *fit*; constant ones get weight 0.
        tolerance: Largest norm of the gradient at which a fit counts as converged.
        max_iterations: Most quasi-Newton steps.
    """

    l2: float = 1e-3
    balance: bool = True
    standardise: bool = True
    tolerance: float = 1e-6
    max_iterations: int = 500

    kind = "linear"

    def fit(self, state: State, labels: Values, seed: int = 0, resources: Resources = UNBOUNDED) -> Observer:
        """Fit all attributes (see ``Probe.fit``).

        Raises:
            StateError: if the state is not finite or has another number of rows than the labels.
        """
        check_state(state, labels)
        if self.balance:
            return self._fit_weights(state, labels, resources)
        order = stream("inner validation", seed).permutation(len(labels))
        cut = round(len(order) * INNER_VALIDATION)
        held, rest = np.sort(order[:cut]), np.sort(order[cut:])
        observer = self._fit_weights(state[rest], labels[rest], resources)
        return _with_threshold(observer, observer.scores(state[held]), labels[held])

    def _fit_weights(self, state: State, labels: Values, resources: Resources) -> Observer:
        notes = unfit_notes(labels)
        able = np.array([note is None for note in notes], dtype=bool)
        n_neurons, n_attributes = state.shape[1], len(notes)
        weights, bias = np.full((n_neurons, n_attributes), np.nan), np.full(n_attributes, np.nan)
        norm, converged = np.full(n_attributes, np.nan), np.zeros(n_attributes, dtype=bool)
        if able.any():
            mean, scale, unit = _scaling(state, self.standardise)
            design = design_of(state, mean, scale, resources)
            solution = solve_logistic(
                design,
                torch.from_numpy(np.ascontiguousarray(labels[:, able])).to(design.device),
                torch.full((int(able.sum()),), self.l2 / unit**2, dtype=torch.float64, device=design.device),
                self.balance, self.tolerance, self.max_iterations, resources.memory,
            )  # fmt: skip
            raw = solution.weights.cpu() / scale[:, None]
            weights[:, able] = raw.numpy()
            bias[able] = (solution.bias.cpu() - mean @ raw).numpy()
            norm[able] = solution.gradient_norm.cpu().numpy()
            converged[able] = solution.converged.cpu().numpy()
        return Observer(self.kind, weights, bias, converged, norm, notes)


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


def _with_threshold(observer: Observer, scores: Float64[np.ndarray, "sample attribute"], labels: Values) -> Observer:
    """Move each decision threshold to the best balanced accuracy on held-out scores."""
    bias = observer.bias.copy()
    notes = list(observer.notes)
    positives, negatives = class_counts(labels)
    for a in np.flatnonzero(observer.fitted):
        if positives[a] and negatives[a] and np.ptp(scores[:, a]) > 0:
            column = slice(a, a + 1)
            bias[a] -= best_thresholds(scores[:, column], labels[:, column], upward_only=True).threshold[0, 0]
        else:
            notes[a] = "threshold not moved: one class or one score only in the inner validation part"
    return replace(observer, bias=bias, notes=tuple(notes))
