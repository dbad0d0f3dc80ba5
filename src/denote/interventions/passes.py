"""Run many interventions on a layer in few forward passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from denote.data.batch import Batch, repeated, selected
from denote.data.samples import Inputs
from denote.errors import LayerError
from denote.interventions.blocks import Block, Stack
from denote.interventions.differences import Differences
from denote.interventions.edits import Edit
from denote.interventions.replacing import Replaceable, replaceable
from denote.interventions.sites import SiteRows, Sites
from denote.interventions.stateless import is_stateless
from denote.observers.threads import ALONE, Threads, own_threads
from denote.states.hooks import Place, device_of, moved_to, parts_of, watched
from denote.states.layers import SEQUENCE, Layer
from denote.streams import generators_kept

STACKED = 2048
"""Most rows that are run at once: with more the tensors no longer fit into the caches of a processor."""

BYTES_HELD = 52
"""Bytes that are held at once for every number of the layer's tensor, as measured: copies, their places, new states."""

BYTES_PASSED = 12
"""The same for every number of the widest tensor of the network, of which a forward pass holds some at once."""

LEAST_TRIED = 3
"""Rows below which nothing is skipped."""

KEPT = 64 << 20
"""Bytes of blocks that are kept from one run to the next."""

Indices = Int[np.ndarray, " output"]

Keep = Callable[[Indices, Indices, Float[Tensor, " output *number"]], None]
"""Gets, of everything that the network gives, the index of the edit and of the sample, and what it gives."""


@dataclass(frozen=True)
class Shortcuts:
    """What does not have to be run, since it was seen to make no difference.

    Attributes:
        restarts: All that comes after the layer depends on the layer alone, so that what comes before it is run on one
            row.
        separate: Rows do not touch each other, so that copies of them are run side by side, and those whose state
            stays as it is are not run.
    """

    restarts: bool
    separate: bool


@dataclass(frozen=True)
class Sizes:
    """How many numbers a network makes of one sample, or of the sequence that it is a word of.

    Attributes:
        layer: Of the layer's tensor.
        widest: Of the largest tensor that any module gives, observed or not.
    """

    layer: int
    widest: int


class LayerPasses:
    """A layer of a network and the samples that it is run on; made by `layer_passes`.

    Attributes:
        layer: The layer.
        rows: Row ids of the samples.
        shortcuts: What is not run.
    """

    def __init__(
        self,
        changed: Replaceable,
        inputs: Inputs,
        rows: Int[np.ndarray, " row"],
        batch_size: int,
        device: torch.device,
        stacked: int = STACKED,
        threads: Threads = ALONE,
    ) -> None:
        self.layer = changed.layer
        self.rows = rows
        self._changed, self._inputs, self._device = changed, inputs, device
        self._batch_size, self._stacked, self._threads = batch_size, stacked, threads
        self._anchor = self._batch(slice(0, 1))
        self._kept: dict[int, Block] = {}
        self._last_sites: tuple[torch.Size, Sites] | None = None
        self.shortcuts = self._tried()

    def run(self, edits: Sequence[Edit], keep: Keep) -> None:
        """Run every edit on all samples that it changes; of the others the network gives what `baseline` says.

        Args:
            edits: The interventions.
            keep: Gets what the network gives, stack by stack.
        """
        separate = self.shortcuts.separate
        tasks = (each for block in self._blocks() for each in block.stacks(edits, self._stacked, separate=separate))
        for stack, outputs in self._threads.in_order(self._run, tasks):
            keep(stack.edit, stack.row, outputs)

    def baseline(self) -> Float[Tensor, " sample *output"]:
        """Return what the network gives for all samples as it is.

        Raises:
            LayerError: if their outputs have several shapes, so that nothing tells which numbers are the same.
        """
        outputs = [block.outputs for block in self._blocks()]
        if len({tuple(each.shape[1:]) for each in outputs}) > 1:
            raise LayerError("network", "gives outputs of one shape for some samples and of another for others")
        return torch.cat(outputs)

    def values(self) -> tuple[Float[Tensor, "site neuron"], SiteRows]:
        """Return the state of all samples at all sites, and whose they are."""
        values: list[Tensor] = []
        at: list[SiteRows] = []
        for block in self._blocks():
            values.append(block.values)
            at.append(block.at)
        rows = SiteRows(torch.cat([one.row for one in at]), torch.cat([one.position for one in at]))
        return torch.cat(values), rows

    def sizes(self) -> Sizes:
        """Return how many numbers the network makes of one sample, as it does of the first two."""
        batch, most = self._batch(slice(0, 2)), 0

        def look(place: Place, value: Any) -> None:
            nonlocal most
            most = max([most, *(each.numel() for each in parts_of(value).values())])

        modules = dict(self._changed.network.named_modules())
        with watched(modules, look):
            layer = Block.of(self._changed, batch, 0).tensor.numel()
        n = len(batch) if isinstance(batch, Tensor) else len(next(iter(batch.tensors.values())))
        return Sizes(ceil(layer / n), ceil(max(layer, most) / n))

    def _blocks(self) -> Iterator[Block]:
        """All samples as the network leaves them; as many blocks are kept as `KEPT` has room for."""
        for start in range(0, len(self.rows), self._batch_size):
            block = self._kept.get(start)
            if block is None:
                block = Block.of(self._changed, self._batch(slice(start, start + self._batch_size)), start)
                if sum(each.nbytes for each in (*self._kept.values(), block)) <= KEPT:
                    self._kept[start] = block
            yield block

    def _batch(self, rows: slice) -> Batch:
        return self._inputs[self.rows[rows]].to(self._device)

    def _run(self, stack: Stack) -> tuple[Stack, Tensor]:
        """Run the rows of a stack side by side, each with its own change."""
        base, rows = stack.block, stack.rows
        if base.words:
            shown = repeated(base.batch, len(stack.pieces))
        else:
            # After a restart inputs only say what is padding, and inputs may be far wider than the layer.
            needed = not self.shortcuts.restarts or self.layer.kind == SEQUENCE
            shown = selected(base.batch, rows.to(self._device)) if needed else base.batch
        tensor = base.tensor.index_select(base.axis, rows)
        stack.put(tensor, None if base.is_matrix else self._sites(tensor.shape, shown).at)
        return stack, self._given(self._anchor if self.shortcuts.restarts else shown, tensor, shown)

    def _sites(self, shape: torch.Size, shown: Batch) -> Sites:
        """The sites of a stack; those of the last shape are kept, as nearly all stacks have one."""
        if self.layer.kind == SEQUENCE:
            return Sites.of(shape, self.layer, shown.to("cpu"))
        last = self._last_sites
        if last is None or last[0] != shape:
            last = self._last_sites = shape, Sites.of(shape, self.layer, shown)
        return last[1]

    def _tried(self) -> Shortcuts:
        """Find out on all rows what need not be run; none where they are too few to tell."""
        repeats, restarts, separate = (Differences(decides=True) for _ in range(3))
        if len(self.rows) < LEAST_TRIED:
            restarts.refuse()
            separate.refuse()
        for base in self._blocks():
            repeats.add(base.outputs, self._given(base.batch, base.tensor.clone()))
            self._try_restart(base, restarts)
            self._try_beside(base, separate)
        if not repeats.are_none:  # as where it draws random numbers
            raise LayerError(f"layer {self.layer.name}", "the network gives something else on the same input")
        return Shortcuts(restarts.are_none, separate.are_none)

    def _try_restart(self, base: Block, restarts: Differences) -> None:
        """Compare what rows give with what they give where the network before the layer sees the first of all alone."""
        if base.words:
            restarts.refuse()
        if restarts.refused:
            return
        shown = selected(base.batch, torch.arange(len(base.outputs) - 1, -1, -1, device=self._device))
        with _refusing(restarts):
            restarts.add(base.outputs.flip(0), self._given(self._anchor, base.tensor.flip(base.axis), shown))

    def _try_beside(self, base: Block, separate: Differences) -> None:
        """Compare what rows give with what they give where others beside them are edited, and others are left out.

        A part of the rows runs beside copies of itself, so that no more run than in the block.
        """
        n = len(base.outputs)
        size = max(1, n // 2)
        for start in range(0, n, size):
            if separate.refused:
                return
            some = torch.arange(start, min(start + size, n))
            with _refusing(separate):
                batch, tensor = self._part(base, some)
                beside = torch.cat([tensor, torch.zeros_like(tensor)], base.axis)
                separate.add(base.outputs[some], self._given(repeated(batch, 2), beside)[: len(some)])

    def _part(self, base: Block, some: Int[Tensor, " sample"]) -> tuple[Batch, Tensor]:
        """Some samples of a block that follow each other, and what the layer gives for them."""
        if not base.words:
            return selected(base.batch, some.to(self._device)), base.tensor.index_select(base.axis, some)
        first, end = base.start + int(some[0]), base.start + int(some[-1]) + 1
        part = Block.of(self._changed, self._batch(slice(first, end)), first)
        return part.batch, part.tensor

    def _given(self, batch: Batch, tensor: Tensor, of: Batch | None = None) -> Tensor:
        """What the network gives with a tensor in the layer's place, in which modules behind it may work."""
        return self._changed.outputs(batch, lambda given: tensor.to(given), of).float().cpu()


@contextmanager
def _refusing(differences: Differences) -> Iterator[None]:
    """Say that there are differences where the network fails."""
    try:
        yield
    except LayerError:
        differences.refuse()


@contextmanager
def layer_passes(
    network: nn.Module,
    layer: Layer,
    inputs: Inputs,
    rows: Int[np.ndarray, " row"],
    batch_size: int = STACKED,
    device: torch.device | None = None,
    stacked: int = STACKED,
    most_threads: float = float("inf"),
) -> Iterator[LayerPasses]:
    """Make a layer ready to be intervened on; network and random generators are as before when the block is left.

    Args:
        network: Any module.
        layer: The layer, as `list_layers` gives it.
        inputs: What the network is called with.
        rows: Row ids of the samples.
        batch_size: Samples whose states are held at once.
        device: Where the network runs; None: where it is.
        stacked: Rows that are run at once, in each thread.
        most_threads: Threads that may run stacks side by side; a network with code of a user's own has one.

    Raises:
        LayerError: if nothing can be put in the layer's place, with the reason.
    """
    device = device_of(network) if device is None else device
    most = most_threads if is_stateless(network) else 1
    with (
        generators_kept(),
        moved_to(network, device),
        replaceable(network, layer) as changed,
        own_threads(most, device) as threads,
    ):
        yield LayerPasses(changed, inputs, rows, batch_size, device, stacked, threads)
