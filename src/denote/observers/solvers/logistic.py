"""L2 logistic regression of many label columns on one state, in one batched quasi-Newton solve.

All columns share the state, so every step is two matrix products for all of them. L-BFGS runs per column; its first
guess of the Hessian is the state's Gram matrix times how curved that column's loss is now, plus the penalty. Columns
that are slow get their own Hessian where it matters most, along the state's leading directions. The state is gone
through by chunks of rows, twice a step, so that it need not lie in memory; a thread makes everything of a chunk while
it is near the processor. Products, directions and curvature pairs are float32; coefficients, gradients and slopes are
float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float32, Float64, Int, Int8
from torch import Tensor

from denote.observers.solvers.design import Design, columns_within
from denote.observers.solvers.history import HISTORY, History
from denote.observers.solvers.spectrum import LEADING, Spectrum
from denote.observers.threads import ALONE, Threads, own_threads

LINE_TRIALS = 10
"""Most trial steps along a line; they cost no matrix product."""

SLOPE_SHRINKAGE = 0.2
"""A step is long enough when the slope along the line has fallen to this share of its start; with .4 columns take a
twelfth more steps."""

STALL = 30
"""Steps without a smaller gradient after which rounding must be what keeps a column from its tolerance."""

SLOW = 10
"""Steps that a column must be expected to need still for its own Hessian to pay."""

GAUGED = 4
"""Steps over which the speed of a column is taken, every `PERIOD` steps."""

PERIOD = 8
"""Steps after which a slow column gets its Hessian anew."""

KNOWN_ROWS = 512
"""Rows that a Hessian is made of at once."""

GROUP = 64
"""Most columns of which one thread works out the directions."""

WORTHWHILE = 1 << 22
"""Numbers times columns that a thread should get in a pass over the state."""

SHARED = 1 << 18
"""Numbers (sample x column) from which threads share what costs no matrix product."""

BYTES_PER_LOGIT = 24
"""Bytes that a row of a column takes while it is solved: signed weight, margin, its change along a line; the label, and
what threads hold of a chunk."""

BYTES_PER_WEIGHT = 8 * HISTORY + 96
"""Bytes that a neuron of a column takes: curvature pairs, a handful of float64 copies, and what threads add to them."""

BYTES_PER_COLUMN = 16 * (LEADING + 1) ** 2 + 8 * HISTORY**2
"""Bytes that a column's own Hessian takes while it is made, and the products of its curvature pairs."""


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


@dataclass
class _Columns:
    """The columns that are still moving. Margins are logits times -1 for positives, +1 for negatives.

    What has a number for every row lies by chunks of rows, the last one filled up with rows of weight 0.

    Attributes:
        ids: Which columns they are.
        pull: A row's weight with the sign that its margin has; 0 where the column leaves the row out.
        margin: At the point.
        change: Of the margin, along the line that is searched.
        l2: Penalty.
        point: Weights and, last, the intercept.
        leading: Cholesky factor of the Hessian along the leading directions and the intercept, ...
        free: 0 for weights that are held at 0, 1 for all others and the intercept; None where all are free.
        gradient: At the point.
        curvature: Mean second derivative of the loss there.
        known: ... where ``leading`` was worked out.
        first: Its first Newton decrement over its curvature, where that is asked for.
        gauge: Norm of the gradient when the speed of the column was last looked at.
        least: Smallest norm of the gradient so far, and ...
        idle: ... steps since then.
        history: Curvature pairs.
    """

    ids: Tensor
    pull: Float32[Tensor, "chunk column row"]
    margin: Float32[Tensor, "chunk column row"]
    l2: Float64[Tensor, " column"]
    point: Float64[Tensor, "column neuron+1"]
    leading: Float32[Tensor, "column leading+1 leading+1"]
    free: Float32[Tensor, "column neuron+1"] | None
    change: Float32[Tensor, "chunk column row"] = field(init=False)
    gradient: Float64[Tensor, "column neuron+1"] = field(init=False)
    curvature: Float64[Tensor, " column"] = field(init=False)
    known: Bool[Tensor, " column"] = field(init=False)
    first: Float64[Tensor, " column"] = field(init=False)
    gauge: Float64[Tensor, " column"] = field(init=False)
    least: Float64[Tensor, " column"] = field(init=False)
    idle: Tensor = field(init=False)
    history: History = field(init=False)

    def __post_init__(self) -> None:
        self.known, self.idle = self.ids < 0, torch.zeros_like(self.ids)
        self.first = self.gauge = self.least = torch.full_like(self.l2, torch.inf)
        self.change = torch.zeros_like(self.margin)
        self.history = History.empty(len(self.point), self.point.shape[1], self.point.device)

    def keep(self, keep: Bool[Tensor, " column"]) -> Int[Tensor, " left"]:
        """Drop the other columns, which have arrived, and say where those that are left were.

        The last ones are put into the places of those that are dropped, so that the others need not be moved.
        """
        left = int(keep.sum())
        holes, movers = torch.nonzero(~keep[:left])[:, 0], left + torch.nonzero(keep[left:])[:, 0]
        order = torch.arange(left, device=keep.device)
        order[holes] = movers
        for name in ("pull", "margin", "change"):
            values = getattr(self, name)
            values[:, holes] = values[:, movers]
            setattr(self, name, values[:, :left])
        self.history.move(holes, movers, left)
        of_column = ("ids", "l2", "point", "gradient", "curvature", "leading", "known", "first", "gauge", "least")
        for name in (*of_column, "idle"):
            setattr(self, name, getattr(self, name)[order])
        if self.free is not None:
            self.free = self.free[order]
        return order

    def guess(
        self, spectrum: Spectrum, x: Float32[Tensor, "some neuron+1"], some: slice
    ) -> Float32[Tensor, "some neuron+1"]:
        """``x`` divided by the Hessian of some columns as it is guessed or, along the leading directions, known.

        The guess is ``curvature * Gram + 2 * l2``; the last number is the intercept's. Where weights are held at 0, so
        is the quotient: cut out of a positive definite inverse, it is one for the other weights.
        """
        curvature, known, rest = self.curvature[some, None], self.known[some], 1 / (2 * self.l2[some, None])
        inside = 1 / (curvature * spectrum.values + 2 * self.l2[some, None])
        along = x[:, :-1] @ spectrum.vectors
        change = along * (inside - rest).float()
        solved = torch.cat([torch.empty_like(x[:, :-1]), x[:, -1:] / curvature.float()], dim=1)
        if bool(known.any()):
            first = along.shape[1] - spectrum.leading.shape[1]
            leading = torch.cat([along[known, first:], x[known, -1:]], dim=1)
            quotient = torch.cholesky_solve(leading[:, :, None], self.leading[some][known])[:, :, 0]
            change[known, first:] = quotient[:, :-1] - along[known, first:] * rest[known].float()
            solved[known, -1] = quotient[:, -1]
        torch.addmm(x[:, :-1] * rest.float(), change, spectrum.vectors.T, out=solved[:, :-1])
        return solved if self.free is None else solved.mul_(self.free[some])


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
    with design.shards.together():
        fit = columns_within(design, BYTES_PER_LOGIT, BYTES_PER_WEIGHT, BYTES_PER_COLUMN, settings.memory)
    width = int(design.shards.least(fit))
    spectrum = design.spectrum
    solution = Solution.empty(design.shape[1], columns, design.device)
    useful = min(design.n_chunks, math.prod(design.shape) * columns / WORTHWHILE)
    with own_threads(useful, design.device) as threads:
        for first in range(0, columns, width):
            part = slice(first, first + width)
            pull, share = _pulls(design, labels[:, part], settings.balance)
            point = _alone(share, design.shape[1]) if start is None else start[:, part].T.contiguous()
            free = None if held is None else _free(held[:, part])
            solver = _Solver(design, threads, spectrum, _at(point, pull, l2[part], spectrum, free))
            solver.columns.ids += first
            solver.look(moved=start is not None)
            solver.descend(solution, settings)
    return solution


def _pulls(
    design: Design, labels: Int8[Tensor, "sample column"], balance: bool
) -> tuple[Float32[Tensor, "chunk column row"], Float64[Tensor, " column"]]:
    """Weight of every row with the sign that its margin has, and the share of the weights that is the positives'."""
    n_positive, n_negative = design.shards.totals((labels == 1).sum(0).double(), (labels == 0).sum(0).double())
    total = n_positive + n_negative
    share = torch.full_like(total, 0.5) if balance else n_positive / total
    of_positive, of_negative = (share / n_positive).float(), ((1 - share) / n_negative).float()
    pull = torch.zeros((design.n_chunks, labels.shape[1], design.chunk), device=labels.device)
    for of_chunk, said in zip(pull, labels.split(design.chunk), strict=True):
        of_column = said.T.contiguous()  # as bytes it is transposed in a fraction of the time
        signed = (of_column == 0) * of_negative[:, None] - (of_column == 1) * of_positive[:, None]
        of_chunk[:, : len(said)] = signed
    return pull, share


def _alone(share: Float64[Tensor, " column"], neurons: int) -> Float64[Tensor, "column neuron+1"]:
    """Weights 0 and the intercept that fits best alone."""
    point = share.new_zeros((len(share), neurons + 1))
    point[:, -1] = torch.logit(share)
    return point


def _free(held: Bool[Tensor, "neuron column"]) -> Float32[Tensor, "column neuron+1"]:
    """0 where a weight is held at 0; the intercept is free."""
    return torch.cat([(~held.T).float(), torch.ones((held.shape[1], 1), device=held.device)], dim=1)


def _at(point: Tensor, pull: Tensor, l2: Tensor, spectrum: Spectrum, free: Tensor | None) -> _Columns:
    """Columns at a point, or nearest to it where weights are held at 0; margins are those of the intercept."""
    if free is not None:
        point = point * free
    margin = pull.sign().mul_(point[:, -1:].float())
    leading = torch.eye(spectrum.leading.shape[1] + 1, device=l2.device).repeat(len(l2), 1, 1)
    return _Columns(torch.arange(len(l2), device=l2.device), pull, margin, l2, point, leading, free)


@dataclass
class _Solver:
    """Columns on their way down.

    Attributes:
        design: The state.
        threads: That share its chunks.
        spectrum: Of the state.
        columns: Where they are.
    """

    design: Design
    threads: Threads
    spectrum: Spectrum
    columns: _Columns

    def descend(self, solution: Solution, settings: SolverSettings) -> None:
        """Step until every column has arrived, is stalled or has used up its steps, and write where they ended."""
        columns = self.columns
        for step in range(settings.max_iterations + 1):
            norm = columns.gradient.norm(dim=1)
            allowed = settings.tolerance * columns.point[:, :-1].norm(dim=1).clamp_min(1)
            near = norm <= allowed
            columns.idle = torch.where(norm < columns.least, 0, columns.idle + 1)
            columns.least = torch.minimum(norm, columns.least)
            ended = near | (columns.idle >= STALL) | (step == settings.max_iterations)
            arrived = columns.ids[ended]
            if len(arrived):
                solution.weights[:, arrived] = columns.point[ended, :-1].T
                solution.bias[arrived] = columns.point[ended, -1]
                solution.gradient_norm[arrived] = norm[ended]
                solution.converged[arrived] = near[ended]
                solution.steps[arrived] = step
                if bool(ended.all()):
                    return
                columns.keep(~ended)
                norm = columns.gradient.norm(dim=1)
                allowed = settings.tolerance * columns.point[:, :-1].norm(dim=1).clamp_min(1)
            if step % PERIOD == 0:
                columns.gauge = norm
            elif step % PERIOD == GAUGED:
                # The steps that are left if every step brings as much as the last few did on average.
                left = GAUGED * (norm / allowed).log() / (columns.gauge / norm).log()
                self.know(torch.nonzero((left > SLOW) | (left < 0))[:, 0])
            direction = self.direction()
            if settings.decrement > 0:
                direction = self.end_early(direction, step, solution, settings.decrement)
                if not len(direction):
                    return
            self.advance(direction)

    def end_early(
        self, direction: Float32[Tensor, "column neuron+1"], step: int, solution: Solution, decrement: float
    ) -> Float32[Tensor, "column neuron+1"]:
        """Let columns go that have little left to do (see `SolverSettings`), and return the others' directions."""
        columns = self.columns
        # Against the curvature, too: where classes are nearly parted it vanishes, and steps are longer than they look.
        fall = (-(columns.gradient * direction).sum(1)).clamp_min(0).sqrt() / columns.curvature
        columns.first = fall if step == 0 else columns.first
        enough = fall <= decrement * columns.first
        if not bool(enough.any()):
            return direction
        arrived, ended = columns.ids[enough], columns.point[enough] + direction[enough]
        solution.weights[:, arrived], solution.bias[arrived] = ended[:, :-1].T, ended[:, -1]
        solution.gradient_norm[arrived] = columns.gradient[enough].norm(dim=1)
        solution.converged[arrived], solution.steps[arrived] = True, step + 1
        return direction[columns.keep(~enough)]

    def look(self, moved: bool) -> None:
        """Work out gradient and curvature at the first point; where weights are not 0, margins before."""
        if moved:
            self.columns.margin.zero_()
            self.lean(self.columns.point.float())
        self.move(torch.full_like(self.columns.l2, float(moved)))

    def advance(self, direction: Float32[Tensor, "column neuron+1"]) -> None:
        """One quasi-Newton step of all columns: two matrix products."""
        columns = self.columns
        length = self.line_search(direction, self.lean(direction))
        before, step = columns.gradient, length[:, None] * direction
        columns.point = columns.point + step
        self.move(length)
        columns.history.remember(step, columns.gradient - before)

    def direction(self) -> Float32[Tensor, "column neuron+1"]:
        """L-BFGS direction of every column; of several processes each works out some and tells the others."""
        columns, shards = len(self.columns.l2), self.design.shards
        own = shards.share(columns)
        count = own.stop - own.start
        size = max(1, -(-count // max(1, -(-count // GROUP))))
        groups = [slice(first, min(first + size, own.stop)) for first in range(own.start, own.stop, size)]
        none = self.columns.gradient[:0].float()
        return shards.joined(torch.cat([none, *self.threads.in_order(self._direction, groups)]), columns)

    def _direction(self, some: slice) -> Float32[Tensor, "some neuron+1"]:
        columns = self.columns
        gradient = columns.gradient[some].float()
        direction = columns.history.direction(gradient, some, lambda x: columns.guess(self.spectrum, x, some))
        downhill = (columns.gradient[some] * direction).sum(1) < 0
        if not bool(downhill.all()):  # rounding; the first guess alone always leads down
            plain = columns.guess(self.spectrum, -gradient, some)
            direction = torch.where(downhill[:, None], direction, plain)
        return direction

    def lean(self, direction: Float32[Tensor, "column neuron+1"]) -> Float64[Tensor, " column"]:
        """Work out how margins change along a direction: one matrix product.

        Returns:
            Slope of the loss where the direction ends.
        """
        columns, weights, bias = self.columns, direction[:, :-1].contiguous(), direction[:, -1:]

        def of_chunk(task: tuple[int, Tensor]) -> Float32[Tensor, " column"]:
            number, block = task
            rows = len(block)
            pull, change = columns.pull[number], columns.change[number]
            logits = torch.mm(weights, block.T).add_(bias)
            torch.mul(logits, pull[:, :rows].sign(), out=change[:, :rows])
            moved = (columns.margin[number] + change).sigmoid_().mul_(pull)
            return moved[:, :rows].mul_(logits).sum(1)

        slope = torch.zeros_like(columns.l2)
        for part in self.design.in_chunks(of_chunk, self.threads):
            slope += part
        return self.design.shards.totals(slope)[0]

    def move(self, length: Float64[Tensor, " column"]) -> None:
        """Go that far along the line, and work out gradient and curvature there: one matrix product."""
        columns, far = self.columns, length.float()[:, None]

        def of_chunk(task: tuple[int, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
            number, block = task
            share = columns.margin[number].addcmul_(columns.change[number], far).sigmoid()
            residual = share * columns.pull[number]
            bend = share.sub_(1).mul_(residual).abs_().sum(1)  # of the logistic loss: share * (1 - share)
            return residual[:, : len(block)] @ block, residual.sum(1), bend

        gradient, curvature = torch.zeros_like(columns.point), torch.zeros_like(columns.l2)
        for of_weights, of_bias, bend in self.design.in_chunks(of_chunk, self.threads):
            gradient[:, :-1] += of_weights
            gradient[:, -1] += of_bias
            curvature += bend
        gradient, curvature = self.design.shards.totals(gradient, curvature)
        gradient[:, :-1] += 2 * columns.l2[:, None] * columns.point[:, :-1]
        if columns.free is not None:
            gradient *= columns.free
        columns.gradient, columns.curvature = gradient, curvature.clamp_min(torch.finfo(torch.float32).tiny)

    def line_search(self, direction: Tensor, ahead: Float64[Tensor, " column"]) -> Float64[Tensor, " column"]:
        """Step lengths by safeguarded secants on the slope, which for a convex function needs no objective values.

        Args:
            direction: Of every column.
            ahead: Slope of the loss where it ends.
        """
        columns = self.columns
        weights = direction[:, :-1].double()
        tilt = 2 * columns.l2 * (columns.point[:, :-1] * weights).sum(1)
        bend = 2 * columns.l2 * weights.square().sum(1)
        start = (columns.gradient * direction).sum(1)
        length, slope = torch.ones_like(start), ahead + tilt + bend
        low, high = torch.zeros_like(start), torch.full_like(start, torch.inf)
        low_slope, high_slope = start.clone(), torch.full_like(start, torch.inf)
        for _ in range(LINE_TRIALS - 1):
            far = slope.abs() > SLOPE_SHRINKAGE * start.abs()
            some = torch.nonzero(far)[:, 0]
            if not len(some):
                break
            short = slope < 0
            low, low_slope = torch.where(short, length, low), torch.where(short, slope, low_slope)
            high, high_slope = torch.where(short, high, length), torch.where(short, high_slope, slope)
            secant = low - low_slope * (high - low) / (high_slope - low_slope)
            inner = (high - low) * 0.1
            bracketed = torch.minimum(torch.maximum(secant, low + inner), high - inner)
            length = torch.where(far, torch.where(torch.isinf(high), 3 * length, bracketed), length)
            slope[some] = self.slope(some, length[some]) + tilt[some] + bend[some] * length[some]
        return length

    def slope(self, some: Int[Tensor, " some"], length: Float64[Tensor, " some"]) -> Float64[Tensor, " some"]:
        """Slope of the loss along the line of some columns, that far away; it costs no matrix product."""
        columns, far = self.columns, length.float()[:, None]

        def of_chunk(number: int) -> Float32[Tensor, " some"]:
            change, pull = columns.change[number, some], columns.pull[number, some].abs_()
            moved = torch.addcmul(columns.margin[number, some], change, far).sigmoid_()
            return moved.mul_(pull).mul_(change).sum(1)

        threads = self.threads if len(some) * self.design.shape[0] > SHARED else ALONE
        slope = torch.zeros_like(length)
        for part in threads.in_order(of_chunk, range(self.design.n_chunks)):
            slope += part
        return self.design.shards.totals(slope)[0]

    def know(self, slow: Int[Tensor, " slow"]) -> None:
        """Work out the Hessian of slow columns along the leading directions and the intercept."""
        if len(slow) == 0:
            return
        columns, vectors = self.columns, self.spectrum.leading.contiguous()
        size = vectors.shape[1] + 1
        upper = torch.triu_indices(size, size, device=slow.device)

        def of_chunk(task: tuple[int, Tensor]) -> Float64[Tensor, "slow pair"]:
            number, block = task
            along = torch.cat([vectors.T @ block.T, torch.ones_like(block[:, :1].T)])
            share = columns.margin[number, slow].sigmoid_()
            bend = (1 - share).mul_(share).mul_(columns.pull[number, slow].abs_())
            sums = torch.zeros((len(slow), upper.shape[1]), dtype=torch.float64, device=slow.device)
            room = torch.empty((upper.shape[1], min(KNOWN_ROWS, len(block))), device=slow.device)
            for first in range(0, len(block), KNOWN_ROWS):
                some = slice(first, min(first + KNOWN_ROWS, len(block)))
                sums += bend[:, some] @ _pairs(along[:, some], room).T
            return sums

        sums = torch.zeros((len(slow), upper.shape[1]), dtype=torch.float64, device=slow.device)
        for part in self.design.in_chunks(of_chunk, self.threads):
            sums += part
        (sums,) = self.design.shards.totals(sums)
        hessian = torch.empty((len(slow), size, size), dtype=torch.float64, device=slow.device)
        hessian[:, upper[0], upper[1]] = sums
        hessian[:, upper[1], upper[0]] = sums
        hessian.diagonal(dim1=1, dim2=2)[:, :-1] += 2 * columns.l2[slow, None]
        factor, failed = torch.linalg.cholesky_ex(hessian)
        sound = failed == 0  # rounding may spoil one; the guess then stays
        columns.leading[slow[sound]] = factor[sound].float()
        columns.known[slow[sound]] = True


def _pairs(x: Float32[Tensor, "size row"], room: Float32[Tensor, "pair most"]) -> Float32[Tensor, "pair row"]:
    """Products of every two rows of numbers, those of the upper triangle one after another."""
    first, size = 0, len(x)
    room = room[:, : x.shape[1]]
    for i in range(size):
        torch.mul(x[i], x[i:], out=room[first : first + size - i])
        first += size - i
    return room
