"""L2 logistic regression of many label columns, each on a few neurons of its own, by batched Newton steps.

Every column has another small design, so the columns share no matrix product. But k + 1 coefficients have a Hessian of
(k + 1)^2 numbers, which is cheap to form exactly: a handful of passes over the state solve all columns together. A pass
reads every block of rows once and gathers each column's neurons from it. Products are float32, sums over blocks and
the solves float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int, Int64
from torch import Tensor
from torch.nn.functional import softplus

from denote.observers.observer import class_counts
from denote.observers.reading import BLOCK, UNBOUNDED, Moments, Resources, State, Values, row_blocks

GATHERED = 1 << 19
"""Numbers (column x neuron x row) that are gathered at once, so that they stay near the processor."""

LEAST_ROWS = 256
"""Fewest rows of a block; with fewer the products would be slow."""

SHORTEST = 2.0**-20
"""A step that has to be cut below this share is lost in float32's rounding: the column has gone as far as it can."""

ENOUGH = 1e-4
"""Share of the decrease that the slope promises which a step must bring (Armijo)."""

ROUNDING = 3e-7
"""Relative doubt in a loss made of float32 terms."""


@dataclass(frozen=True)
class Problem:
    """Mean logistic loss, both classes weighing the same, + ``l2`` * squared norm of the weights; the bias is free.

    Attributes:
        state: Finite activations, read by blocks of rows.
        labels: Of every column, one column a row: 1, 0, or -1 for rows that the column leaves out.
        pull: Weight of a negative and of a positive row of every column; those of a column sum to 1 over its rows.
        mean: Of every neuron.
        inverse: What a neuron's centred activation is multiplied by: 1 / standard deviation, 0 where it is constant.
        l2: Penalty, > 0.
        resources: Where products are made, and with how much memory.
    """

    state: State
    labels: Int[Tensor, "column sample"]
    pull: Float32[Tensor, "column 2"]
    mean: Float64[Tensor, " neuron"]
    inverse: Float64[Tensor, " neuron"]
    l2: float
    resources: Resources = UNBOUNDED

    @classmethod
    def of(cls, state: State, labels: Values, neurons: Moments, l2: float, resources: Resources = UNBOUNDED) -> Problem:
        """The problem of label columns that all hold both classes.

        Args:
            state: Finite activations.
            labels: 1, 0, or -1 for a row that the column leaves out.
            neurons: Moments of the state.
            l2: Penalty, > 0.
            resources: Where products are made, and with how much memory.
        """
        where = torch.device(resources.device)
        positives, negatives = class_counts(labels)
        pull = torch.from_numpy(np.stack([0.5 / negatives, 0.5 / positives], axis=1))
        columns = torch.from_numpy(np.ascontiguousarray(labels.T)).to(where)
        inverse = (1 / neurons.scale).to(where)
        return cls(state, columns, pull.float().to(where), neurons.mean.to(where), inverse, l2, resources)

    @property
    def device(self) -> torch.device:
        """Where products are made."""
        return self.mean.device

    def within(self, numbers: int, share: float) -> int:
        """At most that many float32 numbers, and no more than that share of the memory holds."""
        return max(1, int(min(numbers, self.resources.memory * share / 4)))


@dataclass
class Refit:
    """Where the columns ended.

    Attributes:
        weights: On standardised neurons.
        bias: Intercepts there.
        gradient_norm: Euclidean norm of the objective's gradient; float32 products leave about 1e-7 of doubt in it.
        steps: Newton steps that were taken.
    """

    weights: Float64[Tensor, "column k"]
    bias: Float64[Tensor, " column"]
    gradient_norm: Float64[Tensor, " column"]
    steps: Int64[Tensor, " column"]


@dataclass(frozen=True)
class _Look:
    """The objective at one point of every column."""

    loss: Float64[Tensor, " column"]
    gradient: Float64[Tensor, "column k+1"]
    hessian: Float64[Tensor, "column k+1 k+1"]

    def at(self, keep: Tensor) -> _Look:
        return _Look(self.loss[keep], self.gradient[keep], self.hessian[keep])

    def replaced(self, where: Tensor, new: _Look) -> _Look:
        """The new look where it was accepted, the old one elsewhere."""
        return _Look(
            torch.where(where, new.loss, self.loss),
            torch.where(where[:, None], new.gradient, self.gradient),
            torch.where(where[:, None, None], new.hessian, self.hessian),
        )


def refit(
    problem: Problem,
    chosen: Int64[Tensor, "column k"],
    weights: Float64[Tensor, "column k"],
    bias: Float64[Tensor, " column"],
    tolerance: float = 1e-6,
    max_iterations: int = 100,
) -> Refit:
    """Minimise every column's objective over the weights of its own neurons.

    Newton's method; a step that does not bring its share of the promised decrease is halved.

    Args:
        problem: State, labels and penalty.
        chosen: Neurons of every column, each once.
        weights: Where to start, on standardised neurons.
        bias: Likewise.
        tolerance: A column stops when its gradient's norm is at most this.
        max_iterations: Most passes over the state.
    """
    columns, k = chosen.shape
    result = Refit(
        weights.clone(), bias.clone(), torch.full_like(bias, torch.inf), torch.zeros_like(bias, dtype=torch.int64)
    )
    # Three Hessians of a column are held at once: where it is, where it tries to go, and the solver's copy.
    width = problem.within(columns * 6 * (k + 1) ** 2, 0.25) // (6 * (k + 1) ** 2)
    for start in range(0, columns, max(1, width)):
        ids = torch.arange(start, min(start + max(1, width), columns), device=chosen.device)
        _descend(problem, ids, chosen[ids], result, tolerance, max_iterations)
    return result


def _descend(
    problem: Problem, ids: Tensor, chosen: Tensor, result: Refit, tolerance: float, max_iterations: int
) -> None:
    """Step from where ``result`` stands until every column has arrived or cannot go on, and write where they ended."""
    point = torch.cat([result.weights[ids], result.bias[ids, None]], dim=1)
    here = _look(problem, ids, chosen, point)
    steps = torch.zeros_like(ids)
    direction, slope = _newton(here)
    length = torch.ones_like(slope)
    for passes in range(1, max_iterations + 1):
        norm = here.gradient.norm(dim=1)
        moving = (norm > tolerance) & (length > SHORTEST)
        if passes == max_iterations:
            moving = torch.zeros_like(moving)
        ended = ids[~moving]
        result.weights[ended], result.bias[ended] = point[~moving, :-1], point[~moving, -1]
        result.gradient_norm[ended], result.steps[ended] = norm[~moving], steps[~moving]
        if not bool(moving.any()):
            return
        if len(ended):
            ids, chosen, point, steps, here = ids[moving], chosen[moving], point[moving], steps[moving], here.at(moving)
            direction, slope, length = direction[moving], slope[moving], length[moving]
        trial = point + length[:, None] * direction
        there = _look(problem, ids, chosen, trial)
        good = there.loss <= here.loss + ENOUGH * length * slope + ROUNDING * here.loss
        here = here.replaced(good, there)
        point = torch.where(good[:, None], trial, point)
        steps = steps + good
        fresh, fresh_slope = _newton(here)
        direction = torch.where(good[:, None], fresh, direction)
        slope = torch.where(good, fresh_slope, slope)
        length = torch.where(good, 1.0, length / 2)


def _newton(here: _Look) -> tuple[Float64[Tensor, "column k+1"], Float64[Tensor, " column"]]:
    """Newton's direction and the slope along it; downhill along the gradient where rounding has spoiled the Hessian."""
    direction = -torch.linalg.solve_ex(here.hessian, here.gradient).result
    slope = (direction * here.gradient).sum(1)
    spoiled = ~(slope <= 0)
    direction = torch.where(spoiled[:, None], -here.gradient, direction)
    return direction, torch.where(spoiled, -here.gradient.square().sum(1), slope)


def _look(problem: Problem, ids: Tensor, chosen: Tensor, point: Tensor) -> _Look:
    """Objective, gradient and Hessian of some columns at a point: one pass over the state."""
    columns, size = point.shape
    used, place = torch.unique(chosen, return_inverse=True)
    loss, gradient = torch.zeros_like(point[:, 0]), torch.zeros_like(point)
    hessian = point.new_zeros((columns, size, size))
    step = max(LEAST_ROWS, problem.within(BLOCK, 0.05) // max(1, len(problem.mean)))
    coefficients = point.float()
    for part, block in row_blocks(problem.state, step * len(problem.mean)):
        features = _features(problem, block, used)
        labels = problem.labels[:, part]
        width = max(1, problem.within(GATHERED, 0.05) // (size * len(block)))
        for start in range(0, columns, width):
            at = slice(start, min(start + width, columns))
            added = _sums(features, place[at], coefficients[at], labels[ids[at]], problem.pull[ids[at]])
            for total, part_sum in zip((loss, gradient, hessian), added, strict=True):
                total[at] += part_sum
    loss += problem.l2 * point[:, :-1].square().sum(1)
    gradient[:, :-1] += 2 * problem.l2 * point[:, :-1]
    hessian.diagonal(dim1=1, dim2=2)[:, :-1] += 2 * problem.l2
    return _Look(loss, gradient, hessian)


def _features(problem: Problem, block: Tensor, used: Tensor) -> Float32[Tensor, "feature row"]:
    """The used neurons of a block, standardised in float64 so that large activations keep their digits."""
    values = block.to(problem.device)[:, used].double()
    return values.sub_(problem.mean[used]).mul_(problem.inverse[used]).T.float().contiguous()


def _sums(
    features: Float32[Tensor, "feature row"],
    place: Int64[Tensor, "column k"],
    coefficients: Float32[Tensor, "column k+1"],
    labels: Int[Tensor, "column row"],
    pull: Float32[Tensor, "column 2"],
) -> tuple[Tensor, Tensor, Tensor]:
    """What one block of rows adds to loss, gradient and Hessian of some columns."""
    columns, k = place.shape
    design = features.index_select(0, place.flatten()).view(columns, k, features.shape[1])
    logits = torch.bmm(coefficients[:, None, :-1], design)[:, 0].add_(coefficients[:, -1:])
    # A positive row's margin is minus its logit; its pull has that sign too, and is 0 where there is no label.
    signed = torch.where(labels == 1, -pull[:, 1:], pull[:, :1]).mul_(labels >= 0)
    margin = logits.mul_(signed.sign())
    wrong = margin.sigmoid()
    loss = softplus(margin).mul_(signed.abs()).sum(1, dtype=torch.float64)
    curvature = (wrong * (1 - wrong)).mul_(signed.abs())
    # The intercept's share of gradient and Hessian needs no row of ones in the larger product below.
    slopes = torch.stack([wrong.mul_(signed), curvature], dim=1)
    edge = torch.cat([torch.bmm(slopes, design.transpose(1, 2)), slopes.sum(2, keepdim=True)], dim=2)
    design.mul_(curvature.sqrt_()[:, None])
    hessian = edge.new_empty((columns, k + 1, k + 1))
    hessian[:, :-1, :-1] = torch.bmm(design, design.transpose(1, 2))
    hessian[:, -1], hessian[:, :, -1] = edge[:, 1], edge[:, 1]
    return loss, edge[:, 0], hessian
