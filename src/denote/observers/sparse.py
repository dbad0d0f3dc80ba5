"""The sparse probe: logistic regression on k neurons of the layer, for several k."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from denote.config.settings import INCREASING, AtLeastOne, Positive
from denote.observers.linear import LinearProbe
from denote.observers.observer import BuiltInProbe, FitData, Observer
from denote.observers.reading import Moments, moments
from denote.observers.solvers.newton import Problem, Refit, refit


@dataclass(frozen=True)
class SparseProbe(BuiltInProbe):
    """Reads the k neurons that an elimination on *fit* leaves over, with weights fitted again on those alone.

    From the dense L2 solution every attribute keeps the neurons with the largest |weight x standard deviation|, as many
    as the largest size; the objective of `LinearProbe` is minimised again on those; of the new weights the next smaller
    size is kept, and so on. So the neurons of a size are among those of the next larger one. This is recursive feature
    elimination (Guyon et al. 2002, doi:10.1023/A:1012487302797), called adaptive thresholding by Gurnee et al. 2023
    (arXiv 2305.01610). It is greedy: another set of k neurons may read the attribute better.

    Attributes:
        sizes: Numbers of neurons, increasing, >= 1. Those that are not below the number of live neurons are left out.
        l2: Penalty on the mean loss, > 0, of the dense solution and of every refit.
        tolerance: Largest norm of the gradient at which a refit counts as converged; of the dense solution see
            `LinearProbe`.
        max_iterations: Most steps of the dense solution, and most Newton passes of a refit.
    """

    sizes: Annotated[tuple[int, ...], INCREASING] = (1, 2, 4, 8, 16, 32)
    l2: Positive = 1e-3
    tolerance: Positive = 1e-6
    max_iterations: AtLeastOne = 500

    kind = "sparse"
    has_sizes = True
    capacity = 1
    reads_neurons = True

    def fit_data(self, data: FitData) -> Observer:
        """The observers of the largest size that leaves neurons out, else the dense ones (see ``Probe.fit``)."""
        path = self.fit_sizes(data)
        return path[max(0, len(path) - 2)]

    def fit_sizes(self, data: FitData) -> tuple[Observer, ...]:
        """Return one observer per size, in order, and last the dense one, whose ``k`` is the number of neurons.

        Nothing is drawn and no row is held out: the seed and the groups are not looked at.

        Raises:
            StateError: if the state is not finite or has another number of rows than the labels.
        """
        linear = LinearProbe(l2=self.l2, tolerance=self.tolerance, max_iterations=self.max_iterations)
        state, labels = data.state, data.labels
        dense = replace(linear.fit_data(data), probe=self.kind, k=state.shape[1])
        neurons = moments(state)
        sizes = [size for size in self.sizes if size < int((~neurons.constant).sum())]
        if not dense.fitted.any():
            return (*(replace(dense, k=size) for size in sizes), dense)
        path: list[Observer] = []
        problem = Problem.of(state, labels[:, dense.fitted], neurons, self.l2, data.resources)
        chosen, weights, bias = _standardised(dense, neurons, problem)
        for size in reversed(sizes):
            chosen, weights = _largest(chosen, weights, size)
            solution = refit(problem, chosen, weights, bias, self.tolerance, self.max_iterations)
            weights, bias = solution.weights, solution.bias
            path.append(self._observer(dense, size, chosen, solution, problem))
        return (*reversed(path), dense)

    def _observer(
        self, dense: Observer, size: int, chosen: Int64[Tensor, "column k"], solution: Refit, problem: Problem
    ) -> Observer:
        """A refit as observers in raw units, columns without fit as in the dense solution."""
        raw = solution.weights * problem.inverse[chosen]
        weights = np.zeros((dense.weights.shape[1], dense.weights.shape[0]))
        weights[~dense.fitted] = np.nan
        of_fitted = torch.zeros((len(chosen), len(problem.mean)), dtype=torch.float64, device=raw.device)
        weights[dense.fitted] = of_fitted.scatter_(1, chosen, raw).cpu().numpy()
        bias, norm = np.full_like(dense.bias, np.nan), np.full_like(dense.bias, np.nan)
        bias[dense.fitted] = (solution.bias - (problem.mean[chosen] * raw).sum(1)).cpu().numpy()
        norm[dense.fitted] = solution.gradient_norm.cpu().numpy()
        weights = np.ascontiguousarray(weights.T)
        converged = np.nan_to_num(norm, nan=np.inf) <= self.tolerance
        return replace(dense, k=size, weights=weights, bias=bias, gradient_norm=norm, converged=converged)


def _standardised(
    dense: Observer, neurons: Moments, problem: Problem
) -> tuple[Int64[Tensor, "column neuron"], Float64[Tensor, "column neuron"], Float64[Tensor, " column"]]:
    """The dense solution of the fitted columns on standardised live neurons, and which neurons those are."""
    live = torch.nonzero(~neurons.constant)[:, 0]
    raw = torch.from_numpy(dense.weights[:, dense.fitted])
    weights = (raw[live] * neurons.variance.sqrt()[live, None]).T.contiguous().to(problem.device)
    bias = (torch.from_numpy(dense.bias[dense.fitted]) + neurons.mean @ raw).to(problem.device)
    return live.to(problem.device).expand(len(weights), -1), weights, bias


def _largest(
    chosen: Int64[Tensor, "column neuron"], weights: Float64[Tensor, "column neuron"], size: int
) -> tuple[Int64[Tensor, "column k"], Float64[Tensor, "column k"]]:
    """The neurons with the largest weights and those weights; of equal ones the first, so that results repeat."""
    order = weights.abs().argsort(dim=1, descending=True, stable=True)[:, :size]
    order = order.sort(dim=1).values
    return chosen.gather(1, order), weights.gather(1, order)
