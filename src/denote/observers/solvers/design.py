"""The state as a solver sees it: centred, scaled, float32; in memory where it fits, else made anew block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

import torch
from jaxtyping import Float32, Float64, Int
from torch import Tensor

from denote.config.byte_units import at_least
from denote.errors import ConfigError
from denote.observers.reading import Resources, State, as_tensor

BLOCK = 1 << 20
"""Numbers (sample x column) that one matrix product makes or eats."""

BLOCK_BYTES = 32 << 20
"""Most bytes of the state that are read at once while it is streamed."""

BLOCK_SHARE = 1 / 16
"""Most that this may be of the memory; a block is held three times: as it is read, centred and scaled."""

SIDE_BY_SIDE = 4 << 30
"""Bytes for columns that are solved side by side where there is no limit; more would not be faster."""

SUMMED_ROWS = 2048
"""Rows whose float32 products are summed before they are added up in float64: over more of them the product would
round away digits that the weights need. Blocks are whole numbers of these, so that sums do not depend on where a state
lies."""

LEAST_ROWS = 256
"""Fewest rows of a streamed block; with fewer the products would be slow."""


@dataclass(frozen=True)
class Design:
    """``(state - mean) / scale``, by blocks of rows.

    Attributes:
        source: The scaled state itself, or the state that is scaled while it is read.
        shape: Rows and neurons of a block.
        scaling: Mean (as a float32 and its rest) and 1 / scale, or None where ``source`` is scaled already.
        device: Where blocks are put.
        at_once: Most rows of a block.
        only: Places of the neurons in ``source`` that are read; None reads all.
    """

    source: State
    shape: tuple[int, int]
    scaling: tuple[Tensor, Tensor, Tensor] | None
    device: torch.device
    at_once: int
    only: Int[Tensor, " live"] | None = None

    def blocks(self, columns: int) -> Iterator[tuple[slice, Float32[Tensor, "row neuron"]]]:
        """Blocks of rows for work on that many columns."""
        step = BLOCK // max(1, columns)
        step = min(self.at_once, max(SUMMED_ROWS, step - step % SUMMED_ROWS))
        for start in range(0, self.shape[0], step):
            part = slice(start, min(start + step, self.shape[0]))
            block = as_tensor(self.source[part])
            if self.only is not None:
                block = block[:, self.only]
            yield part, block if self.scaling is None else _scaled(block.to(self.device), *self.scaling)

    def rows(self, step: int) -> Float32[Tensor, "row neuron"]:
        """Every ``step``-th row."""
        if self.scaling is None:
            return as_tensor(self.source)[::step]
        return torch.cat([block[(-part.start) % step :: step].clone() for part, block in self.blocks(1)])


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
    at_once = max(LEAST_ROWS, room - room % SUMMED_ROWS if room > SUMMED_ROWS else room)
    streamed = Design(state, (n, d), scaling, where, at_once, only)  # type: ignore[arg-type]
    if 4 * n * d > resources.memory // 4:
        return streamed
    whole = torch.empty((n, d), dtype=torch.float32, device=where)
    for part, block in streamed.blocks(1):
        whole[part] = block
    return Design(whole, (n, d), None, where, max(1, n))


def _scaled(block: Tensor, coarse: Tensor, rest: Tensor, inverse: Tensor) -> Float32[Tensor, "row neuron"]:
    """Centred in two steps: a float32 cannot hold the mean of large activations to the digits that matter."""
    centred = (block - coarse).float()
    return centred.sub_(rest).mul_(inverse)


def gram(design: Design, step: int = 1) -> Float32[Tensor, "neuron neuron"]:
    """Mean product of every ``step``-th row with itself."""
    d, count = design.shape[1], 0
    total = torch.zeros((d, d), device=design.device)
    for part, block in design.blocks(1):
        for start in range(0, len(block), SUMMED_ROWS):
            rows = block[start : start + SUMMED_ROWS][(-part.start - start) % step :: step]
            total.addmm_(rows.T, rows)
            count += len(rows)
    return total / count


def columns_within(
    design: Design, bytes_per_logit: int, bytes_per_weight: int, bytes_per_column: int, memory: float
) -> int:
    """How many columns can be solved side by side in that memory.

    Raises:
        ConfigError: if not even one fits, with the least that works.
    """
    n, d = design.shape
    # Eigenvectors with their workspace, and the products of a block, lie beside blocks and columns.
    beside = 16 * min(n, d, 2048) * d + 8 * min(BLOCK, n) + (4 * n * d if design.scaling is None else 0)
    read = design.source.shape[1]
    blocks = 0 if design.scaling is None else 3 * 4 * min(n, design.at_once) * read
    column = n * bytes_per_logit + d * bytes_per_weight + bytes_per_column
    if not isfinite(memory):
        return max(1, int(SIDE_BY_SIDE // max(1, column)))
    width = int((memory - blocks - beside) // column)
    if width < 1:
        smallest = 0 if design.scaling is None else 3 * 4 * min(n, LEAST_ROWS) * read
        enough = max(smallest + beside + column, (beside + column) / (1 - 3 * BLOCK_SHARE))
        raise ConfigError("memory_limit", f"is too small for a state of {n} x {d}", at_least(int(enough)))
    return width
