"""L2 logistic regression of many label columns on one state, in one batched quasi-Newton solve.

All columns share the state, so every step is two matrix products for all of them. L-BFGS runs per column; its first
guess of the Hessian is the state's Gram matrix times how curved that column's loss is now, plus the penalty. Columns
that are slow get their own Hessian where it matters most, along the state's leading directions. The state is gone
through by blocks of rows, twice a step, so that it need not lie in memory. Products, directions and curvature pairs are
float32; coefficients, gradients and slopes are float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float32, Float64, Int, Int8
from torch import Tensor

from denote.observers.solvers.design import SUMMED_ROWS, Design, columns_within, gram

HISTORY = 20
"""Curvature pairs per column: on layers of trained networks 8 take a fifth more steps, 60 no fewer."""

LINE_TRIALS = 10
"""Most trial steps along a line; they cost no matrix product."""

SLOPE_SHRINKAGE = 0.4
"""A step is long enough when the slope along the line has fallen to this share of its start."""

STALL = 30
"""Steps without a smaller gradient after which rounding must be what keeps a column from its tolerance."""

LEADING = 64
"""Leading directions along which slow columns get a Hessian of their own; on layers of trained networks it saves a
third of all steps and half of the slowest column's."""

SLOW = 10
"""Steps that a column must be expected to need still for that to pay: its Hessian costs about as much as two."""

GAUGED = 4
"""Steps over which the speed of a column is taken, every `PERIOD` steps."""

PERIOD = 12
"""Steps after which a slow column gets its Hessian anew."""

NEAR = 1 << 17
"""Numbers (sample x column) that elementwise work goes over at once, so that they stay near the processor."""

KNOWN_ROWS = 512
"""Rows that a Hessian is made of at once."""

BYTES_PER_LOGIT = 24
"""Bytes that a row of a column takes while it is solved: signed weight, margin, its change along a line, the lean; the
label, and what is copied when other columns are dropped."""

BYTES_PER_WEIGHT = 8 * HISTORY + 64
"""Bytes that a neuron of a column takes: curvature pairs, and a handful of float64 copies."""

BYTES_PER_COLUMN = 16 * (LEADING + 1) ** 2
"""Bytes that a column's own Hessian takes while it is made."""

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

    @property
    def leading(self) -> int:
        """Number of leading directions."""
        return min(LEADING, len(self.values))

    def solve(self, x: Float32[Tensor, "neuron+1 column"], columns: _Columns) -> Float32[Tensor, "neuron+1 column"]:
        """``x`` divided by the Hessian of each column as it is guessed or, along the leading directions, known.

        The guess is ``curvature * Gram + 2 * l2``; the last row is the intercept's. Where weights are held at 0, so is
        the quotient: cut out of a positive definite inverse, it is one for the other weights.
        """
        rest = 1 / (2 * columns.l2)
        inside = 1 / (columns.curvature * self.values[:, None] + 2 * columns.l2)
        along = self.vectors.T @ x[:-1]
        first = len(along) - self.leading
        known = torch.cat([along[first:], x[-1:]])
        guess = known * torch.cat([inside[first:], 1 / columns.curvature[None]]).float()
        solved = torch.cholesky_solve(known.T[:, :, None], columns.leading)[:, :, 0].T
        solved = torch.where(columns.known, solved, guess)
        others = along[:first] * (inside[:first] - rest).float()
        change = torch.cat([others, solved[:-1] - along[first:] * rest.float()])
        solution = torch.cat([torch.addmm(x[:-1] * rest.float(), self.vectors, change), solved[-1:]])
        return solution if columns.free is None else solution.mul_(columns.free)


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
        leading: Cholesky factor of the Hessian along the leading directions and the intercept, ...
        known: ... where it was worked out.
        first: Its first Newton decrement over its curvature, where that is asked for.
        gauge: Norm of the gradient when the speed of the column was last looked at.
        least: Smallest norm of the gradient so far, and ...
        idle: ... steps since then.
        steps: Differences of the last points, and ...
        changes: ... of their gradients.
        inverse_curvature: 1 / their product, 0 for a pair that rounding has spoiled.
        free: 0 for weights that are held at 0, 1 for all others and the intercept; None where all are free.
    """

    ids: Tensor
    pull: Float32[Tensor, "sample column"]
    margin: Float32[Tensor, "sample column"]
    l2: Float64[Tensor, " column"]
    point: Float64[Tensor, "neuron+1 column"]
    leading: Float32[Tensor, "column leading+1 leading+1"]
    free: Float32[Tensor, "neuron+1 column"] | None
    gradient: Float64[Tensor, "neuron+1 column"] = field(init=False)
    curvature: Float64[Tensor, " column"] = field(init=False)
    known: Bool[Tensor, " column"] = field(init=False)
    first: Float64[Tensor, " column"] = field(init=False)
    gauge: Float64[Tensor, " column"] = field(init=False)
    least: Float64[Tensor, " column"] = field(init=False)
    idle: Tensor = field(init=False)
    steps: list[Float32[Tensor, "neuron+1 column"]] = field(default_factory=list)
    changes: list[Float32[Tensor, "neuron+1 column"]] = field(default_factory=list)
    inverse_curvature: list[Float32[Tensor, " column"]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.known, self.idle = self.ids < 0, torch.zeros_like(self.ids)
        self.first = self.gauge = self.least = torch.full_like(self.l2, torch.inf)

    def keep(self, keep: Tensor) -> None:
        """Drop the other columns, which have arrived."""
        for name in ("pull", "margin", "point", "gradient"):
            setattr(self, name, getattr(self, name)[:, keep])
        for name in ("ids", "l2", "curvature", "leading", "known", "first", "gauge", "least", "idle"):
            setattr(self, name, getattr(self, name)[keep])
        for name in ("steps", "changes", "inverse_curvature"):
            setattr(self, name, [pair[..., keep] for pair in getattr(self, name)])
        if self.free is not None:
            self.free = self.free[:, keep]


@dataclass(frozen=True)
class SolverSettings:
    """How columns are weighted, and how far they are solved.

    Attributes:
        balance: Whether both classes weigh the same (weights average 1 over the column's rows).
        tolerance: Norm of the gradient, relative to the norm of the weights, at which a column stops.
        max_iterations: Most steps of a column.
        memory: Bytes that may be held; columns that do not fit side by side are solved one after another.
        decrement: Where a column may stop earlier: where its Newton decrement sqrt(-gradient . direction), by which its
            scores are still to change, over its curvature has fallen to this share of what it was at first. It then
            takes that step at full length without another look, so that its gradient is the one before.
    """

    balance: bool = True
    tolerance: float = 1e-6
    max_iterations: int = 500
    memory: float = float("inf")
    decrement: float = 0.0


def solve_logistic(
    design: Design,
    labels: Int8[Tensor, "sample column"],
    l2: Float64[Tensor, " column"],
    settings: SolverSettings = SolverSettings(),
    start: Float64[Tensor, "neuron+1 column"] | None = None,
    held: Bool[Tensor, "neuron column"] | None = None,
) -> Solution:
    """Minimise, per column, weighted mean logistic loss + ``l2`` * squared norm of the weights; the bias is free.

    A column stops where the norm of its gradient is at most ``tolerance * max(1, norm of its weights)``. With the
    intercept at its best the objective is strongly convex, so weights are then off by at most ``tolerance / (2 * l2)``
    of that norm, and the objective by the square of the gradient's norm over ``4 * l2``.

    Args:
        design: Centred state on a scale near one.
        labels: 1, 0, or -1 for a row that the column leaves out; every column holds both classes.
        l2: Penalty of each column, > 0.
        settings: Weighting, tolerance, steps and memory.
        start: Where to start, weights and in the last row the intercept; by default 0 and the intercept that fits best
            alone.
        held: Weights that stay 0: each column's minimum is then that over its other neurons alone.

    Raises:
        ConfigError: if not even one column fits.
    """
    columns = labels.shape[1]
    width = columns_within(design, BYTES_PER_LOGIT, BYTES_PER_WEIGHT, BYTES_PER_COLUMN, settings.memory)
    spectrum = _spectrum(design)
    solution = Solution.empty(design.shape[1], columns, design.device)
    for first in range(0, columns, width):
        part = slice(first, first + width)
        pull, share = _pulls(labels[:, part], settings.balance)
        point = _alone(share, design.shape[1]) if start is None else start[:, part]
        moving = _start(design, pull, l2[part], point, spectrum, None if held is None else held[:, part])
        moving.ids += first
        _descend(design, moving, spectrum, solution, settings)
    return solution


def _spectrum(design: Design) -> Spectrum:
    """Eigenvalues and eigenvectors of the Gram matrix, in float32: a first guess may be rough."""
    n, d = design.shape
    step = max(1, n // max(1, GRAM_ROWS * min(d, MOST_EIGENVECTORS)))
    if d <= min(-(-n // step), MOST_EIGENVECTORS):
        values, vectors = _eigenvectors(gram(design, step))
        return Spectrum(values.clamp_min(0).double(), vectors)
    rows = design.rows(-(-n // MOST_EIGENVECTORS))
    values, sides = _eigenvectors(rows @ rows.T / len(rows))
    clear = values > 1e-4 * values[-1]  # below it float32 cannot tell the vectors from noise
    values, sides = values[clear], sides[:, clear]
    return Spectrum(values.double(), rows.T @ sides / (values * len(rows)).sqrt())


def _eigenvectors(matrix: Float32[Tensor, "d d"]) -> tuple[Float32[Tensor, " d"], Float32[Tensor, "d d"]]:
    """Of a symmetric matrix, ascending."""
    try:
        return tuple(torch.linalg.eigh(matrix))
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]  # float32 now and then fails where the rank is low
        values, vectors = torch.linalg.eigh(matrix.double())
        return values.float(), vectors.float()


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


def _start(
    design: Design, pull: Tensor, l2: Tensor, point: Tensor, spectrum: Spectrum, held: Tensor | None
) -> _Columns:
    """Columns that stand at a point, or nearest to it where weights are held at 0."""
    free = None
    if held is not None:
        free = torch.cat([(~held).float(), torch.ones_like(point[-1:], dtype=torch.float32)])
        point = point * free
    margin = torch.empty_like(pull)
    weights, bias = point[:-1].float(), point[-1].float()
    for part, block in design.blocks(pull.shape[1]):
        torch.addmm(bias, block, weights, out=margin[part]).mul_(pull[part].sign())
    ids = torch.arange(len(l2), device=l2.device)
    leading = torch.eye(spectrum.leading + 1, device=l2.device).repeat(len(l2), 1, 1)
    columns = _Columns(ids, pull, margin, l2, point, leading, free)
    _look(design, columns)
    return columns


def _near(of: Tensor) -> Iterator[slice]:
    return _rows(len(of), max(1, NEAR // max(1, of.shape[1])))


def _rows(n: int, step: int) -> Iterator[slice]:
    return (slice(start, start + step) for start in range(0, n, step))


def _look(design: Design, columns: _Columns) -> None:
    """Work out gradient and curvature at the columns' point: one matrix product."""
    gradient, curvature = torch.zeros_like(columns.point), torch.zeros_like(columns.l2)
    for part, block in design.blocks(columns.margin.shape[1]):
        margin, pull = columns.margin[part], columns.pull[part]
        for rows in _rows(len(block), SUMMED_ROWS):
            share = margin[rows].sigmoid()
            residual = share * pull[rows]
            gradient[:-1] += (residual.T @ block[rows]).T  # block.T @ residual is up to 7 times slower for few columns
            gradient[-1] += residual.sum(0)
            curvature += share.sub_(1).mul_(residual).abs_().sum(0)  # of the logistic loss: share * (1 - share)
    gradient[:-1] += 2 * columns.l2 * columns.point[:-1]
    if columns.free is not None:
        gradient *= columns.free
    columns.gradient, columns.curvature = gradient, curvature.clamp_min(torch.finfo(torch.float32).tiny)


def _descend(
    design: Design, columns: _Columns, spectrum: Spectrum, solution: Solution, settings: SolverSettings
) -> None:
    """Step until every column has arrived, is stalled or has used up its steps, and write where they ended."""
    tolerance, max_iterations = settings.tolerance, settings.max_iterations
    for step in range(max_iterations + 1):
        norm = columns.gradient.norm(dim=0)
        allowed = tolerance * columns.point[:-1].norm(dim=0).clamp_min(1)
        near = norm <= allowed
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
            norm, allowed = norm[~ended], allowed[~ended]
        if step % PERIOD == 0:
            columns.gauge = norm
        elif step % PERIOD == GAUGED:
            # The steps that are left if every step brings as much as the last few did on average.
            left = GAUGED * (norm / allowed).log() / (columns.gauge / norm).log()
            _know(design, columns, spectrum, torch.nonzero((left > SLOW) | (left < 0))[:, 0])
        direction = _direction(columns, spectrum)
        if settings.decrement > 0:
            # Against the curvature, too: where classes are nearly parted it vanishes, and more is left than it seems.
            fall = (-(columns.gradient * direction).sum(0)).clamp_min(0).sqrt() / columns.curvature
            columns.first = fall if step == 0 else columns.first
            enough = fall <= settings.decrement * columns.first
            if bool(enough.any()):
                arrived, ended = columns.ids[enough], columns.point[:, enough] + direction[:, enough]
                solution.weights[:, arrived], solution.bias[arrived] = ended[:-1], ended[-1]
                solution.gradient_norm[arrived] = columns.gradient[:, enough].norm(dim=0)
                solution.converged[arrived], solution.steps[arrived] = True, step + 1
                if bool(enough.all()):
                    return
                columns.keep(~enough)
                direction = direction[:, ~enough]
        _advance(design, columns, direction)


def _know(design: Design, columns: _Columns, spectrum: Spectrum, slow: Int[Tensor, " slow"]) -> None:
    """Work out the Hessian of slow columns along the leading directions and the intercept."""
    if len(slow) == 0:
        return
    size = spectrum.leading + 1
    upper = torch.triu_indices(size, size, device=slow.device)
    sums = torch.zeros((len(slow), upper.shape[1]), dtype=torch.float64, device=slow.device)
    vectors = spectrum.vectors[:, spectrum.vectors.shape[1] - spectrum.leading :]
    products = torch.empty((KNOWN_ROWS, upper.shape[1]), device=slow.device)
    for part, block in design.blocks(size):
        along = torch.cat([block @ vectors, torch.ones_like(block[:, :1])], dim=1)
        margin, pull = columns.margin[part], columns.pull[part]
        if len(slow) < margin.shape[1]:
            margin, pull = margin[:, slow], pull[:, slow]
        share = margin.sigmoid()
        bend = (1 - share).mul_(share).mul_(pull.abs())
        for rows in _rows(len(along), KNOWN_ROWS):
            sums += bend[rows].T @ _pairs(along[rows], products)
    hessian = torch.empty((len(slow), size, size), dtype=torch.float64, device=slow.device)
    hessian[:, upper[0], upper[1]] = sums
    hessian[:, upper[1], upper[0]] = sums
    hessian.diagonal(dim1=1, dim2=2)[:, :-1] += 2 * columns.l2[slow, None]
    factor, failed = torch.linalg.cholesky_ex(hessian)
    sound = failed == 0  # rounding may spoil one; the guess then stays
    columns.leading[slow[sound]] = factor[sound].float()
    columns.known[slow[sound]] = True


def _advance(design: Design, columns: _Columns, direction: Float32[Tensor, "neuron+1 column"]) -> None:
    """One quasi-Newton step of all columns: two matrix products."""
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


def _pairs(x: Float32[Tensor, "row size"], room: Float32[Tensor, "most pair"]) -> Float32[Tensor, "row pair"]:
    """Products of every two columns, those of the upper triangle row by row."""
    first, size = 0, x.shape[1]
    for i in range(size):
        torch.mul(x[:, i : i + 1], x[:, i:], out=room[: len(x), first : first + size - i])
        first += size - i
    return room[: len(x)]


def _direction(columns: _Columns, spectrum: Spectrum) -> Float32[Tensor, "neuron+1 column"]:
    """L-BFGS direction of every column (Nocedal and Wright, algorithm 7.4)."""
    q = -columns.gradient.float()
    shares = []
    pairs = list(zip(columns.steps, columns.changes, columns.inverse_curvature, strict=True))
    for s, y, rho in reversed(pairs):
        share = rho * (s * q).sum(0)
        q = torch.addcmul(q, y, share, value=-1)
        shares.append(share)
    q = spectrum.solve(q, columns)
    if pairs:
        s, y, rho = pairs[-1]
        scale = (s * y).sum(0) / (y * spectrum.solve(y, columns)).sum(0)
        q = q * torch.where(rho > 0, scale, 1.0)
    for (s, y, rho), share in zip(pairs, reversed(shares), strict=True):
        q = torch.addcmul(q, s, share - rho * (y * q).sum(0))
    downhill = (columns.gradient * q).sum(0) < 0
    if not bool(downhill.all()):  # rounding; the first guess alone always leads down
        plain = spectrum.solve(-columns.gradient.float(), columns)
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
