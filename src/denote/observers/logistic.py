"""L2 logistic regression of many label columns on one state, in one batched quasi-Newton solve.

All columns share the state, so every step is two matrix products for all of them. L-BFGS runs per column; its first
guess of the Hessian is the state's Gram matrix times how curved that column's loss is now, plus the penalty. The state
is gone through by blocks of rows, twice a step, so that it need not lie in memory. Products, directions and curvature
pairs are float32; coefficients, gradients and slopes are float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float32, Float64, Int, Int8
from torch import Tensor

from denote.observers.design import Design, columns_within, gram

HISTORY = 20
"""Curvature pairs per column: on layers of trained networks 8 take a fifth more steps, 60 no fewer."""

LINE_TRIALS = 10
"""Most trial steps along a line; they cost no matrix product."""

SLOPE_SHRINKAGE = 0.4
"""A step is long enough when the slope along the line has fallen to this share of its start."""

STALL = 30
"""Steps without a smaller gradient after which rounding must be what keeps a column from its tolerance."""

NEAR = 1 << 17
"""Numbers (sample x column) that elementwise work goes over at once, so that they stay near the processor."""

BYTES_PER_LOGIT = 16
"""Bytes that a row of a column takes while it is solved: signed weight, margin, its change along a line, the lean."""

BYTES_PER_WEIGHT = 8 * HISTORY + 64
"""Bytes that a neuron of a column takes: curvature pairs, and a handful of float64 copies."""

GRAM_ROWS = 32
"""Rows per neuron that the first guess of the Hessian looks at; with 8 columns take half as many steps again."""

MOST_EIGENVECTORS = 2048
"""Above this many neurons only the leading part of the spectrum enters the first guess."""


@dataclass(frozen=True)
class Solution:
    """Minimisers of all columns.

    Attributes:
        weights: In the units of the design.
        bias: Intercepts.
        gradient_norm: Euclidean norm of each column's gradient; float32 products leave about 5e-7 of doubt in it.
        converged: Whether that reached the tolerance.
        steps: Number of quasi-Newton steps of each column.
    """

    weights: Float64[Tensor, "neuron column"]
    bias: Float64[Tensor, " column"]
    gradient_norm: Float64[Tensor, " column"]
    converged: Bool[Tensor, " column"]
    steps: Int[Tensor, " column"]

    @classmethod
    def empty(cls, neurons: int, columns: int, device: torch.device) -> Solution:
        """A solution to be filled."""
        return cls(
            torch.zeros((neurons, columns), dtype=torch.float64, device=device),
            torch.zeros(columns, dtype=torch.float64, device=device),
            torch.full((columns,), torch.inf, dtype=torch.float64, device=device),
            torch.zeros(columns, dtype=torch.bool, device=device),
            torch.zeros(columns, dtype=torch.int64, device=device),
        )


@dataclass(frozen=True)
class Spectrum:
    """Of the state's Gram matrix; all that lies outside the vectors counts as eigenvalue 0.

    Attributes:
        values: Eigenvalues, at least 0.
        vectors: Orthonormal.
    """

    values: Float64[Tensor, " rank"]
    vectors: Float32[Tensor, "neuron rank"]

    def solve(
        self,
        x: Float32[Tensor, "neuron+1 column"],
        curvature: Float64[Tensor, " column"],
        l2: Float64[Tensor, " column"],
    ) -> Float32[Tensor, "neuron+1 column"]:
        """``x`` divided by the guessed Hessian ``curvature * Gram + 2 * l2``; the last row is the intercept's."""
        rest = 1 / (2 * l2)
        inside = 1 / (curvature * self.values[:, None] + 2 * l2)
        along = (self.vectors.T @ x[:-1]) * (inside - rest).float()
        solved = torch.addmm(x[:-1] * rest.float(), self.vectors, along)
        return torch.cat([solved, x[-1:] / curvature.float()])


@dataclass
class _Columns:
    """The columns that are still moving. Margins are logits times -1 for positives, +1 for negatives.

    Attributes:
        ids: Which columns they are.
        pull: A row's weight with the sign that its margin has; 0 where the column leaves the row out.
        margin: At the point.
        l2: Penalty.
        point: Weights and, in the last row, the intercept.
        gradient: There.
        curvature: Mean second derivative of the loss there.
        least: Smallest norm of the gradient so far, and ...
        idle: ... steps since then.
        steps: Differences of the last points, and ...
        changes: ... of their gradients.
        inverse_curvature: 1 / their product, 0 for a pair that rounding has spoiled.
    """

    ids: Tensor
    pull: Float32[Tensor, "sample column"]
    margin: Float32[Tensor, "sample column"]
    l2: Float64[Tensor, " column"]
    point: Float64[Tensor, "neuron+1 column"]
    gradient: Float64[Tensor, "neuron+1 column"]
    curvature: Float64[Tensor, " column"]
    least: Float64[Tensor, " column"]
    idle: Tensor
    steps: list[Float32[Tensor, "neuron+1 column"]]
    changes: list[Float32[Tensor, "neuron+1 column"]]
    inverse_curvature: list[Float32[Tensor, " column"]]

    def keep(self, keep: Tensor) -> None:
        """Drop the other columns, which have arrived."""
        for name in ("ids", "pull", "margin", "l2", "point", "gradient", "curvature", "least", "idle"):
            setattr(self, name, getattr(self, name)[..., keep])
        for name in ("steps", "changes", "inverse_curvature"):
            setattr(self, name, [pair[..., keep] for pair in getattr(self, name)])


def solve_logistic(
    design: Design,
    labels: Int8[Tensor, "sample column"],
    l2: Float64[Tensor, "strength column"],
    balance: bool = True,
    tolerance: float = 1e-6,
    max_iterations: int = 500,
    memory: float = float("inf"),
    start: Float64[Tensor, "neuron+1 column"] | None = None,
) -> list[Solution]:
    """Minimise, per column, weighted mean logistic loss + ``l2`` * squared norm of the weights; the bias is free.

    A column stops where the norm of its gradient is at most ``tolerance * max(1, norm of its weights)``. The objective
    is strongly convex, so its weights are then off by at most ``tolerance / (2 * l2)`` of that, and the objective by
    the square of the gradient's norm over ``4 * l2``.

    Args:
        design: Centred state on a scale near one.
        labels: 1, 0, or -1 for a row that the column leaves out; every column holds both classes.
        l2: Penalties of each column, > 0; each solve starts where the one before has ended, so that falling penalties
            are followed as a path.
        balance: Whether both classes weigh the same (weights average 1 over the column's rows).
        tolerance: See above.
        max_iterations: Most steps of a column and penalty.
        memory: Bytes that may be held; columns that do not fit side by side are solved one after another.
        start: Where to start, weights and in the last row the intercept; by default 0 and the intercept that fits best
            alone.

    Returns:
        One solution per penalty.

    Raises:
        ConfigError: if not even one column fits.
    """
    columns = labels.shape[1]
    width = columns_within(design, BYTES_PER_LOGIT, BYTES_PER_WEIGHT, memory)
    spectrum = _spectrum(design)
    solutions = [Solution.empty(design.shape[1], columns, design.device) for _ in l2]
    for first in range(0, columns, width):
        part = slice(first, first + width)
        pull, share = _pulls(labels[:, part], balance)
        point = _alone(share, design.shape[1]) if start is None else start[:, part]
        for strengths, solution in zip(l2[:, part], solutions, strict=True):
            moving = _start(design, pull, strengths, point)
            moving.ids += first
            _descend(design, moving, spectrum, solution, tolerance, max_iterations)
            point = torch.cat([solution.weights[:, part], solution.bias[None, part]])
    return solutions


def _spectrum(design: Design) -> Spectrum:
    """Eigenvalues and eigenvectors of the Gram matrix, in float32: a first guess may be rough."""
    n, d = design.shape
    step = max(1, n // max(1, GRAM_ROWS * min(d, MOST_EIGENVECTORS)))
    if d <= min(-(-n // step), MOST_EIGENVECTORS):
        values, vectors = torch.linalg.eigh(gram(design, step))
        return Spectrum(values.clamp_min(0).double(), vectors)
    rows = design.rows(-(-n // MOST_EIGENVECTORS))
    values, sides = torch.linalg.eigh(rows @ rows.T / len(rows))
    clear = values > 1e-4 * values[-1]  # below it float32 cannot tell the vectors from noise
    values, sides = values[clear], sides[:, clear]
    return Spectrum(values.double(), rows.T @ sides / (values * len(rows)).sqrt())


def _pulls(labels: Tensor, balance: bool) -> tuple[Float32[Tensor, "sample column"], Float64[Tensor, " column"]]:
    """Weight of every row with the sign that its margin has, and the share of the weights that is the positives'."""
    n_positive, n_negative = (labels == 1).sum(0).double(), (labels == 0).sum(0).double()
    total = n_positive + n_negative
    share = torch.full_like(total, 0.5) if balance else n_positive / total
    of_positive, of_negative = (share / n_positive).float(), ((1 - share) / n_negative).float()
    pull = torch.empty(labels.shape, dtype=torch.float32, device=labels.device)
    for part in _near(pull):
        pull[part] = (labels[part] == 0) * of_negative - (labels[part] == 1) * of_positive
    return pull, share


def _alone(share: Float64[Tensor, " column"], neurons: int) -> Float64[Tensor, "neuron+1 column"]:
    """Weights 0 and the intercept that fits best alone."""
    point = share.new_zeros((neurons + 1, len(share)))
    point[-1] = torch.logit(share)
    return point


def _start(design: Design, pull: Tensor, l2: Tensor, point: Tensor) -> _Columns:
    """Columns that stand at a point."""
    margin = torch.empty_like(pull)
    weights, bias = point[:-1].float(), point[-1].float()
    for part, block in design.blocks(pull.shape[1]):
        torch.addmm(bias, block, weights, out=margin[part]).mul_(pull[part].sign())
    columns = _Columns(
        torch.arange(len(l2), device=l2.device), pull, margin, l2, point, point, l2, torch.full_like(l2, torch.inf),
        torch.zeros_like(l2, dtype=torch.int64), [], [], [],
    )  # fmt: skip
    _look(design, columns)
    return columns


def _near(of: Tensor) -> Iterator[slice]:
    step = max(1, NEAR // max(1, of.shape[1]))
    for start in range(0, len(of), step):
        yield slice(start, start + step)


def _look(design: Design, columns: _Columns) -> None:
    """Work out gradient and curvature at the columns' point: one matrix product."""
    gradient, curvature = torch.zeros_like(columns.point), torch.zeros_like(columns.l2)
    for part, block in design.blocks(columns.margin.shape[1]):
        share = columns.margin[part].sigmoid()
        residual = share * columns.pull[part]
        gradient[:-1] += (residual.T @ block).T  # block.T @ residual is up to 7 times slower for few columns
        gradient[-1] += residual.sum(0)
        curvature += share.sub_(1).mul_(residual).abs_().sum(0)  # of the logistic loss: share * (1 - share)
    gradient[:-1] += 2 * columns.l2 * columns.point[:-1]
    columns.gradient, columns.curvature = gradient, curvature.clamp_min(torch.finfo(torch.float32).tiny)


def _descend(
    design: Design, columns: _Columns, spectrum: Spectrum, solution: Solution, tolerance: float, max_iterations: int
) -> None:
    """Step until every column has arrived, is stalled or has used up its steps, and write where they ended."""
    for step in range(max_iterations + 1):
        norm = columns.gradient.norm(dim=0)
        near = norm <= tolerance * columns.point[:-1].norm(dim=0).clamp_min(1)
        columns.idle = torch.where(norm < columns.least, 0, columns.idle + 1)
        columns.least = torch.minimum(norm, columns.least)
        ended = near | (columns.idle >= STALL) | (step == max_iterations)
        arrived = columns.ids[ended]
        if len(arrived):
            solution.weights[:, arrived] = columns.point[:-1, ended]
            solution.bias[arrived] = columns.point[-1, ended]
            solution.gradient_norm[arrived] = norm[ended]
            solution.converged[arrived] = near[ended]
            solution.steps[arrived] = step
            if bool(ended.all()):
                return
            columns.keep(~ended)
        _advance(design, columns, spectrum)


def _advance(design: Design, columns: _Columns, spectrum: Spectrum) -> None:
    """One quasi-Newton step of all columns: two matrix products."""
    direction = _direction(columns, spectrum)
    change, lean = torch.empty_like(columns.margin), torch.empty_like(columns.margin)
    for part, block in design.blocks(change.shape[1]):
        torch.addmm(direction[-1], block, direction[:-1], out=lean[part])
    for part in _near(change):
        torch.mul(lean[part], columns.pull[part].sign(), out=change[part])
        lean[part].mul_(columns.pull[part])
    length = _line_search(columns, direction, change, lean)
    for part in _near(change):
        columns.margin[part].addcmul_(change[part], length.float())
    before, step = columns.gradient, length * direction
    columns.point = columns.point + step
    _look(design, columns)
    _remember(columns, step, columns.gradient - before)


def _direction(columns: _Columns, spectrum: Spectrum) -> Float32[Tensor, "neuron+1 column"]:
    """L-BFGS direction of every column (Nocedal and Wright, algorithm 7.4)."""
    q = -columns.gradient.float()
    shares = []
    pairs = list(zip(columns.steps, columns.changes, columns.inverse_curvature, strict=True))
    for s, y, rho in reversed(pairs):
        share = rho * (s * q).sum(0)
        q = torch.addcmul(q, y, share, value=-1)
        shares.append(share)
    q = spectrum.solve(q, columns.curvature, columns.l2)
    if pairs:
        s, y, rho = pairs[-1]
        scale = (s * y).sum(0) / (y * spectrum.solve(y, columns.curvature, columns.l2)).sum(0)
        q = q * torch.where(rho > 0, scale, 1.0)
    for (s, y, rho), share in zip(pairs, reversed(shares), strict=True):
        q = torch.addcmul(q, s, share - rho * (y * q).sum(0))
    downhill = (columns.gradient * q).sum(0) < 0
    if not bool(downhill.all()):  # rounding; the first guess alone always leads down
        plain = spectrum.solve(-columns.gradient.float(), columns.curvature, columns.l2)
        q = torch.where(downhill, q, plain)
    return q


def _remember(columns: _Columns, step: Tensor, change: Tensor) -> None:
    """Keep the newest curvature pairs; one that rounding has spoiled gets no say in its column."""
    product = (step * change).sum(0)
    sound = product > 1e-9 * step.norm(dim=0) * change.norm(dim=0)
    columns.steps = [*columns.steps, step.float()][-HISTORY:]
    columns.changes = [*columns.changes, change.float()][-HISTORY:]
    rho = torch.where(sound, 1 / product, 0.0).float()
    columns.inverse_curvature = [*columns.inverse_curvature, rho][-HISTORY:]


def _line_search(columns: _Columns, direction: Tensor, change: Tensor, lean: Tensor) -> Float64[Tensor, " column"]:
    """Step lengths by safeguarded secants on the slope, which for a convex function needs no objective values."""
    weights = direction[:-1].double()
    tilt = 2 * columns.l2 * (columns.point[:-1] * weights).sum(0)
    bend = 2 * columns.l2 * weights.square().sum(0)
    start = (columns.gradient * direction).sum(0)
    length = torch.ones_like(start)
    low, high = torch.zeros_like(start), torch.full_like(start, torch.inf)
    low_slope, high_slope = start.clone(), torch.full_like(start, torch.inf)
    for _ in range(LINE_TRIALS - 1):
        slope = _loss_slope(columns.margin, change, lean, length) + tilt + bend * length
        far = slope.abs() > SLOPE_SHRINKAGE * start.abs()
        if not bool(far.any()):
            break
        short = slope < 0
        low, low_slope = torch.where(short, length, low), torch.where(short, slope, low_slope)
        high, high_slope = torch.where(short, high, length), torch.where(short, high_slope, slope)
        secant = low - low_slope * (high - low) / (high_slope - low_slope)
        inner = (high - low) * 0.1
        bracketed = torch.minimum(torch.maximum(secant, low + inner), high - inner)
        length = torch.where(far, torch.where(torch.isinf(high), 3 * length, bracketed), length)
    return length


def _loss_slope(margin: Tensor, change: Tensor, lean: Tensor, length: Tensor) -> Float64[Tensor, " column"]:
    """Slope of the loss along the line, ``length`` away; ``lean`` is a row's weight times its change."""
    slope = torch.zeros_like(length)
    for part in _near(change):
        moved = torch.addcmul(margin[part], change[part], length.float()).sigmoid_()
        slope += moved.mul_(lean[part]).sum(0)
    return slope
