"""L2 logistic regression of many label columns on one state, in one batched quasi-Newton solve.

All columns share the state, so every step is two matrix products for all of them. L-BFGS runs per column in
coordinates where the Hessian at the start is close to the identity (the state's Gram matrix is the preconditioner).
The products are float32; coefficients, gradients and curvature pairs are float64. The state is gone through by
blocks of rows, twice a step, so that it need not lie in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float32, Float64, Int8
from torch import Tensor

from denote.observers.design import BLOCK, Design, columns_within

HISTORY = 8
"""Curvature pairs per column."""

LINE_TRIALS = 10
"""Most trial steps along a line; they cost no matrix product."""

SLOPE_SHRINKAGE = 0.4
"""A step is long enough when the slope along the line has fallen to this share of its start."""

BYTES_PER_LOGIT = 12
"""Bytes that one row of one column takes while it is solved: its margin, the change along a line, its signed weight."""

GRAM_ROWS = 8
"""Rows per neuron that the preconditioner looks at; more do not lower the number of steps."""

MOST_EIGENVECTORS = 2048
"""Above this many neurons only the leading part of the spectrum is preconditioned."""


@dataclass(frozen=True)
class Solution:
    """Minimisers of all columns.

    Attributes:
        weights: In the units of the design.
        bias: Intercepts.
        gradient_norm: Euclidean norm of each column's gradient; float32 products leave about 5e-7 of doubt in it.
        steps: Number of quasi-Newton steps of each column.
    """

    weights: Float64[Tensor, "neuron column"]
    bias: Float64[Tensor, " column"]
    gradient_norm: Float64[Tensor, " column"]
    steps: Tensor


@dataclass(frozen=True)
class Preconditioner:
    """Symmetric map P = Hessian^(-1/2) of ``curvature * Gram + 2 * l2``, one per column.

    Attributes:
        vectors: Eigenvectors of the Gram matrix; all that lies outside them counts as eigenvalue 0.
        inside: Scale along each eigenvector.
        outside: Scale of the rest.
        bias: Scale of the intercept.
    """

    vectors: Float32[Tensor, "neuron rank"]
    inside: Float64[Tensor, "rank column"]
    outside: Float64[Tensor, " column"]
    bias: Float64[Tensor, " column"]

    def __call__(self, x: Float64[Tensor, "neuron+1 column"]) -> Float64[Tensor, "neuron+1 column"]:
        """Apply P to weights (or their gradient) and, in the last row, to the intercept."""
        weights = x[:-1]
        along = (self.vectors.T @ weights.float()) * (self.inside - self.outside)
        mapped = weights * self.outside + self.vectors @ along.float()
        return torch.cat([mapped, x[-1:] * self.bias])

    def columns(self, keep: Tensor) -> Preconditioner:
        """The same map for some of the columns."""
        return Preconditioner(self.vectors, self.inside[:, keep], self.outside[keep], self.bias[keep])


@dataclass
class _Columns:
    """The columns that are still moving. Margins are logits times -1 for positives, +1 for negatives, 0 for nulls.

    ``pull`` is a row's weight with the sign that its margin has; ``slope`` the gradient in preconditioned coordinates.
    """

    ids: Tensor
    pull: Float32[Tensor, "sample column"]
    margin: Float32[Tensor, "sample column"]
    l2: Float64[Tensor, " column"]
    point: Float64[Tensor, "neuron+1 column"]
    gradient: Float64[Tensor, "neuron+1 column"]
    slope: Float64[Tensor, "neuron+1 column"]
    precondition: Preconditioner
    steps: list[Tensor]
    changes: list[Tensor]
    inverse_curvature: list[Tensor]

    def keep(self, keep: Tensor) -> None:
        """Drop the other columns, which have arrived."""
        for name in ("pull", "margin", "point", "gradient", "slope"):
            setattr(self, name, getattr(self, name)[:, keep])
        self.ids, self.l2, self.precondition = self.ids[keep], self.l2[keep], self.precondition.columns(keep)
        self.steps = [s[:, keep] for s in self.steps]
        self.changes = [y[:, keep] for y in self.changes]
        self.inverse_curvature = [rho[keep] for rho in self.inverse_curvature]


def solve_logistic(
    design: Design,
    labels: Int8[Tensor, "sample column"],
    l2: Float64[Tensor, " column"],
    balance: bool = True,
    tolerance: float = 1e-6,
    max_iterations: int = 500,
    memory: float = float("inf"),
) -> Solution:
    """Minimise, per column, weighted mean logistic loss + ``l2`` * squared norm of the weights; the bias is free.

    Args:
        design: Centred state on a scale near one.
        labels: 1, 0, or -1 for a row that the column leaves out; every column holds both classes.
        l2: Penalty of each column, > 0.
        balance: Whether both classes weigh the same (weights average 1 over the column's rows).
        tolerance: A column stops when its gradient's norm is at most this.
        max_iterations: Most steps of a column.
        memory: Bytes that may be held; columns that do not fit side by side are solved one after another.

    Raises:
        ConfigError: if not even one column fits.
    """
    d, columns = design.shape[1], labels.shape[1]
    width = columns_within(design, BYTES_PER_LOGIT, memory)
    values, vectors = _spectrum(design)
    solution = Solution(
        l2.new_zeros((d, columns)), l2.new_zeros(columns), l2.new_full((columns,), torch.inf),
        torch.zeros(columns, dtype=torch.int64, device=l2.device),
    )  # fmt: skip
    for start in range(0, columns, width):
        part = slice(start, start + width)
        chunk = _start(design, labels[:, part], l2[part], balance, values, vectors)
        chunk.ids += start
        _descend(design, chunk, solution, tolerance, max_iterations)
    return solution


def _spectrum(design: Design) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of the Gram matrix, in float32: a preconditioner may be approximate."""
    n, d = design.shape
    small = min(d, MOST_EIGENVECTORS)
    rows = design.rows(max(1, n // max(1, GRAM_ROWS * small)))
    if d <= min(len(rows), MOST_EIGENVECTORS):
        values, vectors = torch.linalg.eigh(rows.T @ rows / len(rows))
        return values.clamp_min(0).double(), vectors
    rows = rows[:: -(-len(rows) // MOST_EIGENVECTORS)]
    values, sides = torch.linalg.eigh(rows @ rows.T / len(rows))
    clear = values > 1e-4 * values[-1]  # below it float32 cannot tell the vectors from noise
    values, sides = values[clear], sides[:, clear]
    return values.double(), rows.T @ sides / (values * len(rows)).sqrt()


def _start(design: Design, labels: Tensor, l2: Tensor, balance: bool, values: Tensor, vectors: Tensor) -> _Columns:
    """Columns at weights 0 and the intercept that fits best alone."""
    n_positive, n_negative = (labels == 1).sum(0).double(), (labels == 0).sum(0).double()
    total = n_positive + n_negative
    share = torch.full_like(total, 0.5) if balance else n_positive / total
    of_positive, of_negative = (share / n_positive).float(), ((1 - share) / n_negative).float()
    curvature = share * (1 - share)
    precondition = Preconditioner(
        vectors, (curvature * values[:, None] + 2 * l2).rsqrt(), (2 * l2).rsqrt(), curvature.rsqrt()
    )
    point = l2.new_zeros((design.shape[1] + 1, labels.shape[1]))
    point[-1] = torch.logit(share)
    pull = torch.empty(labels.shape, dtype=torch.float32, device=l2.device)
    margin = torch.empty_like(pull)
    for part in _row_blocks(pull):
        positive, negative = labels[part] == 1, labels[part] == 0
        pull[part] = negative * of_negative - positive * of_positive
        margin[part] = pull[part].sign() * point[-1].float()
    columns = _Columns(
        torch.arange(labels.shape[1], device=l2.device), pull, margin, l2, point, point, point, precondition, [], [], []
    )
    _look(design, columns)
    return columns


def _row_blocks(of: Tensor) -> Iterator[slice]:
    step = max(1, BLOCK // max(1, of.shape[1]))
    for start in range(0, len(of), step):
        yield slice(start, start + step)


def _look(design: Design, columns: _Columns) -> None:
    """Work out the gradient at the columns' point: one matrix product."""
    gradient = torch.zeros_like(columns.point)
    for part, block in design.blocks(columns.margin.shape[1]):
        residual = columns.margin[part].sigmoid().mul_(columns.pull[part])
        gradient[:-1] += block.T @ residual
        gradient[-1] += residual.sum(0, dtype=torch.float64)
    gradient[:-1] += 2 * columns.l2 * columns.point[:-1]
    columns.gradient, columns.slope = gradient, columns.precondition(gradient)


def _descend(design: Design, columns: _Columns, solution: Solution, tolerance: float, max_iterations: int) -> None:
    """Step until every column has arrived or the steps are used up, and write where they ended."""
    for step in range(max_iterations + 1):
        norm = columns.gradient.norm(dim=0)
        moving = norm > tolerance
        if step == max_iterations:
            moving = torch.zeros_like(moving)
        arrived = columns.ids[~moving]
        if len(arrived):
            solution.weights[:, arrived] = columns.point[:-1, ~moving]
            solution.bias[arrived] = columns.point[-1, ~moving]
            solution.gradient_norm[arrived] = norm[~moving]
            solution.steps[arrived] = step
            if not bool(moving.any()):
                return
            columns.keep(moving)
        _advance(design, columns)


def _advance(design: Design, columns: _Columns) -> None:
    """One quasi-Newton step of all columns: two matrix products."""
    before = columns.slope
    direction = _two_loop(before, columns)
    along = columns.precondition(direction)
    change = torch.empty_like(columns.margin)
    weights, bias = along[:-1].float(), along[-1].float()
    for part, block in design.blocks(change.shape[1]):
        torch.addmm(bias, block, weights, out=change[part]).mul_(columns.pull[part].sign())
    length = _line_search(columns, along, change, (before * direction).sum(0))
    for part in _row_blocks(change):
        columns.margin[part].addcmul_(change[part], length.float())
    columns.point = columns.point + length * along
    _look(design, columns)
    _remember(columns, length * direction, columns.slope - before)


def _two_loop(gradient: Tensor, columns: _Columns) -> Tensor:
    """L-BFGS direction of every column (Nocedal and Wright, algorithm 7.4)."""
    q = -gradient
    shares = []
    pairs = list(zip(columns.steps, columns.changes, columns.inverse_curvature, strict=True))
    for s, y, rho in reversed(pairs):
        share = rho * (s * q).sum(0)
        q = torch.addcmul(q, y, share, value=-1)
        shares.append(share)
    if pairs:
        s, y, rho = pairs[-1]
        scale = (s * y).sum(0) / y.square().sum(0)
        q = q * torch.where(rho > 0, scale, 1.0)
    for (s, y, rho), share in zip(pairs, reversed(shares), strict=True):
        q = torch.addcmul(q, s, share - rho * (y * q).sum(0))
    return q


def _remember(columns: _Columns, step: Tensor, change: Tensor) -> None:
    """Keep the newest curvature pairs; one that rounding has spoiled gets no say in its column."""
    curvature = (step * change).sum(0)
    sound = curvature > 1e-12 * change.square().sum(0)
    columns.steps = [*columns.steps, step][-HISTORY:]
    columns.changes = [*columns.changes, change][-HISTORY:]
    rho = torch.where(sound, 1 / curvature, 0.0)
    columns.inverse_curvature = [*columns.inverse_curvature, rho][-HISTORY:]


def _line_search(columns: _Columns, along: Tensor, change: Tensor, start: Tensor) -> Float64[Tensor, " column"]:
    """Step lengths by safeguarded secants on the slope, which for a convex function needs no objective values."""
    tilt = 2 * columns.l2 * (columns.point[:-1] * along[:-1]).sum(0)
    bend = 2 * columns.l2 * along[:-1].square().sum(0)
    length = torch.ones_like(start)
    low, high = torch.zeros_like(start), torch.full_like(start, torch.inf)
    low_slope, high_slope = start.clone(), torch.full_like(start, torch.inf)
    for _ in range(LINE_TRIALS - 1):
        slope = _loss_slope(columns, change, length) + tilt + bend * length
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


def _loss_slope(columns: _Columns, change: Tensor, length: Tensor) -> Float64[Tensor, " column"]:
    """Slope of the loss along the line, ``length`` away."""
    slope = torch.zeros_like(length)
    for part in _row_blocks(change):
        moved = torch.addcmul(columns.margin[part], change[part], length.float()).sigmoid_()
        slope += moved.mul_(columns.pull[part].abs()).mul_(change[part]).sum(0)
    return slope
