"""The state as a solver sees it: centred, scaled, float32; in memory where it fits, else made anew block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import TypeVar

import torch
from jaxtyping import Float32, Float64, Int
from torch import Tensor

from denote.config.byte_units import at_least
from denote.errors import ConfigError
from denote.observers.reading import BLOCK, Resources, State, as_tensor
from denote.observers.row_shards import WHOLE, RowShards
from denote.observers.solvers.spectrum import Spectrum
from denote.observers.threads import ALONE, Threads, own_threads

BLOCK_BYTES = 32 << 20
"""Most bytes of the state that are read at once while it is streamed."""

BLOCK_SHARE = 1 / 16
"""Most that this may be of the memory."""

BLOCKS_HELD = 4
"""Times that a block is held: the last one, and the next as it is read, centred and scaled."""

SIDE_BY_SIDE = 4 << 30
"""Bytes for columns that are solved side by side where there is no limit; more would not be faster."""

SUMMED_ROWS = 2048
"""Most rows whose float32 products are summed before they are added up in float64: over more of them the product would
round away digits that the weights need."""

GPU_ROWS = 1 << 16
"""The same on a GPU, whose products are sums of many short ones."""

LEAST_ROWS = 256
"""Fewest rows of a streamed block; with fewer the products would be slow."""

NEAR = 1 << 17
"""Numbers that are scaled at once, so that they stay near the processor."""

GRAM_ROWS = 32
"""Rows per neuron that the first guess of the Hessian looks at; with 8 columns take half as many steps again."""

GRAM_PANEL = 128
"""Columns of a Gram matrix that are worked out together, from the diagonal down: the rest is their mirror image."""

MOST_EIGENVECTORS = 2048
"""Above this many neurons only the leading part of the spectrum enters the first guess."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Design:
    """``(state - mean) / scale``, by chunks of rows.

    Attributes:
        source: The scaled state itself, or the state that is scaled while it is read.
        shape: Rows and neurons of the design.
        scaling: Mean (as a float32 and its rest) and 1 / scale, or None where ``source`` is scaled already.
        device: Where blocks are put.
        at_once: Most rows that are read together.
        only: Places of the neurons in ``source`` that are read; None reads all.
        shards: The processes that hold further rows; all else is about those of this process.
    """

    source: State
    shape: tuple[int, int]
    scaling: tuple[Tensor, Tensor, Tensor] | None
    device: torch.device
    at_once: int
    only: Int[Tensor, " live"] | None = None
    shards: RowShards = WHOLE

    @property
    def chunk(self) -> int:
        """Rows of a chunk, the last one excepted: what one thread goes over at a time.

        There are 1, 2, 4, ... chunks, so that threads get equal shares. Their number depends on that of the rows alone
        (unless not even a chunk fits into memory), so that sums depend neither on threads nor on where a state lies.
        """
        n, most = max(1, self.shape[0]), GPU_ROWS if self.device.type == "cuda" else SUMMED_ROWS
        count = 1 << (-(-n // most) - 1).bit_length()
        return min(-(-n // count), self.at_once)

    @property
    def n_chunks(self) -> int:
        """How many chunks there are."""
        return -(-self.shape[0] // self.chunk)

    def blocks(self) -> Iterator[tuple[slice, Float32[Tensor, "row neuron"]]]:
        """Blocks of rows, of whole chunks."""
        step = self.at_once - self.at_once % self.chunk
        for start in range(0, self.shape[0], step):
            part = slice(start, min(start + step, self.shape[0]))
            block = self.raw(part)
            yield part, block if self.scaling is None else _scaled(block.to(self.device), *self.scaling)

    def raw(self, part: slice) -> Tensor:
        """Rows of the source with the neurons that are read."""
        block = as_tensor(self.source[part])
        return block if self.only is None else block[:, self.only]

    def in_chunks(
        self, work: Callable[[tuple[int, Float32[Tensor, "row neuron"]]], Result], threads: Threads = ALONE
    ) -> Iterator[Result]:
        """Yield what the work makes of each chunk and its number, in the order of the rows."""
        parts = (part for _, block in self.blocks() for part in block.split(self.chunk))
        return threads.in_order(work, enumerate(parts))

    def rows(self, step: int) -> Float32[Tensor, "row neuron"]:
        """Every ``step``-th row of all processes."""
        before = self.shards.before(self.shape[0])
        if self.scaling is None:
            return self.shards.joined(as_tensor(self.source)[-before % step :: step])
        blocks = [block[(-part.start - before) % step :: step].clone() for part, block in self.blocks()]
        return self.shards.joined(torch.cat(blocks))

    @cached_property
    def spectrum(self) -> Spectrum:
        """Of the mean product of a row with itself, worked out once."""
        n, d = self.shards.total(self.shape[0]), self.shape[1]
        step = max(1, n // max(1, GRAM_ROWS * min(d, MOST_EIGENVECTORS)))
        with own_threads(device=self.device) as threads:
            if d <= min(-(-n // step), MOST_EIGENVECTORS):
                spectrum = Spectrum.of_gram(gram(self, step, threads))
            else:
                spectrum = Spectrum.of_rows(self.rows(-(-n // MOST_EIGENVECTORS)))
        return Spectrum(*self.shards.of_first(spectrum.values, spectrum.vectors))


def design_of(
    state: State,
    mean: Float64[Tensor, " neuron"],
    scale: Float64[Tensor, " neuron"],
    resources: Resources,
    only: Int[Tensor, " live"] | None = None,
) -> Design:
    """Scale a state once if the result fits into the memory that its reader may hold, else on every pass.

    Args:
        state: Finite activations.
        mean: Of every neuron.
        scale: What a neuron is divided by; infinite makes it exactly 0.
        resources: Where the products are made, and with how much memory.
        only: Places of the neurons that take part; None takes all.
    """
    if only is not None:
        if len(only) == len(mean):
            return design_of(state, mean, scale, resources)
        mean, scale = mean[only], scale[only]
    n, d = len(state), len(mean)
    where = torch.device(resources.device)
    coarse = mean.float()
    scaling = tuple(part.to(where) for part in (coarse, (mean - coarse).float(), (1 / scale).float()))
    room = int(min(BLOCK_BYTES, resources.memory * BLOCK_SHARE)) // (4 * max(1, state.shape[1]))
    streamed = Design(state, (n, d), scaling, where, max(LEAST_ROWS, room), only, resources.shards)  # type: ignore[arg-type]
    if 4 * n * d > resources.memory // 4:
        return streamed
    whole = torch.empty((n, d), dtype=torch.float32, device=where)

    def fill(start: int) -> None:
        part = slice(start, min(start + step, n))
        whole[part] = _scaled(streamed.raw(part).to(where), *scaling)

    step = max(1, min(streamed.at_once, NEAR // max(1, d))) if where.type == "cpu" else streamed.at_once
    with own_threads(n * d / BLOCK, where) as threads:
        for _ in threads.in_order(fill, range(0, n, step)):
            pass
    return Design(whole, (n, d), None, where, max(1, n), shards=resources.shards)


def _scaled(block: Tensor, coarse: Tensor, rest: Tensor, inverse: Tensor) -> Float32[Tensor, "row neuron"]:
    """Centred in two steps: a float32 cannot hold the mean of large activations to the digits that matter."""
    centred = (block - coarse).float()
    return centred.sub_(rest).mul_(inverse)


def gram(design: Design, step: int = 1, threads: Threads = ALONE) -> Float32[Tensor, "neuron neuron"]:
    """Mean product of every ``step``-th row of all processes with itself."""
    d, count, before = design.shape[1], 0, design.shards.before(design.shape[0])
    total = torch.zeros((d, d), device=design.device)
    width = d if design.device.type == "cuda" else GRAM_PANEL
    for part, block in design.blocks():
        chunks = [
            block[start : start + design.chunk][(-part.start - start - before) % step :: step]
            for start in range(0, len(block), design.chunk)
        ]
        count += sum(map(len, chunks))

        def panel(first: int, chunks: list[Tensor] = chunks) -> None:
            for rows in chunks:
                total[first:, first : first + width].addmm_(rows[:, first:].T, rows[:, first : first + width])

        for _ in threads.in_order(panel, range(0, d, width)):
            pass
    for first in range(0, d, width):
        total[first : first + width, first:] = total[first:, first : first + width].T.clone()
    total, of_all = design.shards.totals(total, torch.tensor(count))
    return total.div_(max(1, int(of_all)))


def columns_within(
    design: Design, bytes_per_logit: int, bytes_per_weight: int, bytes_per_column: int, memory: float
) -> int:
    """How many columns can be solved side by side in that memory.

    Raises:
        ConfigError: if not even one fits, with the least that works.
    """
    n, d = design.shape
    # Eigenvectors with their workspace, and the products of a chunk, lie beside blocks and columns.
    beside = 16 * min(n, d, 2048) * d + 8 * design.chunk + (4 * n * d if design.scaling is None else 0)
    read = design.source.shape[1]
    blocks = 0 if design.scaling is None else BLOCKS_HELD * 4 * min(n, design.at_once) * read
    column = n * bytes_per_logit + d * bytes_per_weight + bytes_per_column
    if not isfinite(memory):
        return max(1, int(SIDE_BY_SIDE // max(1, column)))
    width = int((memory - blocks - beside) // column)
    if width < 1:
        smallest = 0 if design.scaling is None else BLOCKS_HELD * 4 * min(n, LEAST_ROWS) * read
        enough = max(smallest + beside + column, (beside + column) / (1 - BLOCKS_HELD * BLOCK_SHARE))
        raise ConfigError("memory_limit", f"is too small for a state of {n} x {d}", at_least(int(enough)))
    return width
