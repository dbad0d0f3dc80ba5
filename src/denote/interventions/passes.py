"""Run many interventions on a layer in few forward passes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from denote.data.batch import Batch, repeated, selected, words_of
from denote.data.samples import Inputs
from denote.errors import LayerError
from denote.interventions.replacing import Replaceable, copied, replaceable
from denote.interventions.sites import Sites
from denote.states.axes import SAMPLE
from denote.states.first_pass import alike
from denote.states.hooks import device_of, moved_to
from denote.states.layers import SEQUENCE, Layer
from denote.streams import generators_kept

STACKED = 1024
"""Most rows that are run at once: the tensors of more no longer fit into the caches of a processor."""

BYTES_HELD = 52
"""Bytes that are held at once for every number of the layer's tensor, as measured: copies, their places, new states."""

LEAST_TRIED = 3
"""Rows below which nothing is skipped."""

WAITING = 64 << 20
"""Bytes of outputs that are held at once while edits wait to be run together."""


@dataclass(frozen=True)
class SiteRows:
    """Whose the sites of a block are.

    Attributes:
        row: Index of every site's sample among all the samples that are run.
        position: Which of its sample's sites it is, from 0.
    """

    row: Int[Tensor, " site"]
    position: Int[Tensor, " site"]


class Edit(ABC):
    """What an intervention puts in the place of a layer's state."""

    @property
    def changed_neurons(self) -> Sequence[int] | None:
        """The neurons that it changes; None: all of them."""
        return None

    @property
    def changed_rows(self) -> Bool[Tensor, " row"] | None:
        """The samples that it may change; None: all of them."""
        return None

    @abstractmethod
    def new(self, values: Float[Tensor, "site neuron"], at: SiteRows) -> Float[Tensor, "site neuron"]:
        """Return the new state.

        Args:
            values: What the network gives, of `changed_neurons` alone; not to be changed.
            at: Whose the sites are.
        """


Keep = Callable[[int, slice, Float[Tensor, " sample *output"]], None]
"""Gets the index of an edit, the samples of a block and what the network gives for them."""


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
    ) -> None:
        self.layer = changed.layer
        self.rows = rows
        self._changed, self._inputs, self._device = changed, inputs, device
        self._batch_size, self._stacked = batch_size, stacked
        self._anchor = self._batch(slice(0, 1))
        self.shortcuts = self._tried()

    def run(self, edits: Sequence[Edit], keep: Keep) -> None:
        """Run every edit on all samples.

        Args:
            edits: The interventions.
            keep: Gets what the network gives, block by block of the samples.
        """
        for block in self._blocks():
            base = _Block.of(self, block)
            for index, outputs in self._edited(base, enumerate(edits)):
                keep(index, block, outputs)

    def baseline(self) -> Float[Tensor, " sample *output"]:
        """Return what the network gives for all samples as it is.

        Raises:
            LayerError: if their outputs have several shapes, so that nothing tells which numbers are the same.
        """
        outputs = [_Block.of(self, block).outputs for block in self._blocks()]
        if len({tuple(each.shape[1:]) for each in outputs}) > 1:
            raise LayerError("network", "gives outputs of one shape for some samples and of another for others")
        return torch.cat(outputs)

    def values(self) -> tuple[Float[Tensor, "site neuron"], SiteRows]:
        """Return the state of all samples at all sites, and whose they are."""
        values: list[Tensor] = []
        at: list[SiteRows] = []
        for block in self._blocks():
            base = _Block.of(self, block)
            values.append(base.values)
            at.append(base.at)
        rows = SiteRows(torch.cat([one.row for one in at]), torch.cat([one.position for one in at]))
        return torch.cat(values), rows

    def size(self) -> int:
        """Return how many numbers the layer's tensor has for one sample, the first."""
        return _Block.of(self, slice(0, 1)).tensor.numel()

    def _blocks(self) -> Iterator[slice]:
        for start in range(0, len(self.rows), self._batch_size):
            yield slice(start, min(start + self._batch_size, len(self.rows)))

    def _batch(self, block: slice) -> Batch:
        return self._inputs[self.rows[block]].to(self._device)

    def _edited(self, base: _Block, edits: Iterable[tuple[int, Edit]]) -> Iterator[tuple[int, Tensor]]:
        """Run edits on a block, as many at once as fit; rows that an edit leaves as they are keep what they gave."""
        waiting: list[_Piece] = []
        outputs: dict[int, Tensor] = {}
        for index, edit in edits:
            outputs[index] = base.outputs.clone()
            for piece in base.pieces(index, edit, self._stacked, whole=not self.shortcuts.separate):
                if waiting and self._is_full(waiting, piece, len(outputs) * base.outputs.nbytes):
                    self._flush(base, waiting, outputs)
                    yield from _all_but(outputs, index)
                waiting.append(piece)
            if not waiting or waiting[-1].index != index:  # it changes no row
                yield index, outputs.pop(index)
        if waiting:
            self._flush(base, waiting, outputs)
        yield from _all_but(outputs, None)

    def _is_full(self, waiting: Sequence[_Piece], piece: _Piece, held: int) -> bool:
        """Whether what waits is run before another piece is added; copies that touch each other are run alone."""
        n_rows = sum(len(each.samples) for each in waiting) + len(piece.samples)
        return n_rows > self._stacked or held > WAITING or not self.shortcuts.separate

    def _flush(self, base: _Block, waiting: list[_Piece], outputs: dict[int, Tensor]) -> None:
        """Run what waits in one forward pass."""
        given = self._stack(base, waiting)
        start = 0
        for piece in waiting:
            n = piece.n_outputs
            outputs[piece.index][piece.samples if piece.is_part else slice(None)] = given[start : start + n]
            start += n
        waiting.clear()

    def _stack(self, base: _Block, waiting: Sequence[_Piece]) -> Tensor:
        """Run copies of a block's rows, each piece with its own change, side by side."""
        if base.words:
            shown, tensor = repeated(base.batch, len(waiting)), torch.cat([base.tensor] * len(waiting), base.axis)
        else:
            samples = torch.cat([piece.samples for piece in waiting])
            # After a restart inputs only say what is padding, and inputs may be far wider than the layer.
            needed = not self.shortcuts.restarts or self.layer.kind == SEQUENCE
            shown = selected(base.batch, samples.to(self._device)) if needed else base.batch
            tensor = base.tensor.index_select(base.axis, samples)
        places = Sites.of(tensor.shape, self.layer, _on_cpu(shown)).at
        flat, start = tensor.view(-1), 0
        for piece in waiting:
            at = places[start : start + len(piece.new)]
            start += len(piece.new)
            flat[at if piece.neurons is None else at[:, piece.neurons]] = piece.new.to(flat.dtype)
        return self._given(self._anchor if self.shortcuts.restarts else shown, tensor, shown)

    def _tried(self) -> Shortcuts:
        """Find out on all rows what need not be run; none where they are too few to tell."""
        restarts = separate = len(self.rows) >= LEAST_TRIED
        for block in self._blocks():
            base = _Block.of(self, block)
            self._check_repeats(base)
            separate = separate and self._is_separate(base)
            restarts = restarts and not base.words and self._restarts(base)
        return Shortcuts(restarts, separate)

    def _check_repeats(self, base: _Block) -> None:
        """Refuse a network that gives something else on the same state, such as one that draws random numbers."""
        if not alike(self._given(base.batch, base.tensor), base.outputs):
            raise LayerError(f"layer {self.layer.name}", "the network gives something else on the same input")

    def _restarts(self, base: _Block) -> bool:
        """Whether rows behind the first give the same where the network before the layer sees the first alone."""
        shown = selected(base.batch, torch.arange(len(base.outputs) - 1, -1, -1, device=self._device))
        try:
            given = self._given(self._anchor, base.tensor.flip(base.axis), shown)
        except LayerError:
            return False
        return given.shape == base.outputs.shape and alike(given, base.outputs.flip(0))

    def _is_separate(self, base: _Block) -> bool:
        """Whether rows give what they give when others beside them are edited, and when others are left out."""
        beside = torch.cat([base.tensor, torch.zeros_like(base.tensor)], base.axis)
        try:
            is_alike = alike(self._given(repeated(base.batch, 2), beside)[: len(base.outputs)], base.outputs)
            if base.words or not is_alike:
                return is_alike
            some = torch.arange(0, len(base.outputs), 2)
            given = self._given(selected(base.batch, some.to(self._device)), base.tensor.index_select(base.axis, some))
        except LayerError:
            return False
        return alike(given, base.outputs[some])

    def _given(self, batch: Batch, tensor: Tensor, of: Batch | None = None) -> Tensor:
        """What the network gives with a tensor in the layer's place."""
        tensor = tensor.to(self._device, copy=True)  # a module behind the layer may work in place
        return self._changed.outputs(batch, lambda given: _like(tensor, given), of).float().cpu()


@contextmanager
def layer_passes(
    network: nn.Module,
    layer: Layer,
    inputs: Inputs,
    rows: Int[np.ndarray, " row"],
    batch_size: int = 1024,
    device: torch.device | None = None,
    stacked: int = STACKED,
) -> Iterator[LayerPasses]:
    """Make a layer ready to be intervened on; network and random generators are as before when the block is left.

    Args:
        network: Any module.
        layer: The layer, as `list_layers` gives it.
        inputs: What the network is called with.
        rows: Row ids of the samples.
        batch_size: Samples whose states are held at once.
        device: Where the network runs; None: where it is.
        stacked: Rows that are run at once.

    Raises:
        LayerError: if nothing can be put in the layer's place, with the reason.
    """
    device = device_of(network) if device is None else device
    with generators_kept(), moved_to(network, device), replaceable(network, layer) as changed:
        yield LayerPasses(changed, inputs, rows, batch_size, device, stacked)


@dataclass(frozen=True)
class _Piece:
    """Rows of a block that an edit changes.

    Attributes:
        index: Of the edit.
        samples: The rows, in the block.
        neurons: Those that are changed, or None for all.
        new: Their state at the sites of these rows.
        n_outputs: Samples that the network gives something for.
        is_part: Whether other rows stay as they were.
    """

    index: int
    samples: Int[Tensor, " sample"]
    neurons: Tensor | None
    new: Float[Tensor, "site neuron"]
    n_outputs: int
    is_part: bool


@dataclass(frozen=True)
class _Block:
    """Some samples as the network leaves them.

    Attributes:
        batch: What the network is called with.
        tensor: What the layer gives, on the CPU.
        axis: Its axis of samples.
        outputs: What the network gives, in float32 on the CPU.
        values: The state at all sites.
        sites: Where these are.
        at: Whose they are.
        words: Whether samples are words of sequences.
    """

    batch: Batch
    tensor: Tensor
    axis: int
    outputs: Float[Tensor, " sample *output"]
    values: Float[Tensor, "site neuron"]
    sites: Sites
    at: SiteRows
    words: bool

    @classmethod
    def of(cls, passes: LayerPasses, block: slice) -> _Block:
        """Run a block once."""
        layer, batch = passes.layer, passes._batch(block)
        seen: list[Tensor] = []

        def look(given: Tensor) -> Tensor:
            seen.append(copied(given).cpu())
            return given

        outputs = of_samples(passes._changed.outputs(batch, look).float().cpu(), len(batch))
        tensor = seen[0]
        sites = Sites.of(tensor.shape, layer, _on_cpu(batch))
        axis = layer.axes.index(SAMPLE) if layer.axes else 0
        at = SiteRows(sites.sample + block.start, sites.position)
        return cls(batch, tensor, axis, outputs, tensor.view(-1)[sites.at], sites, at, words_of(batch) is not None)

    def pieces(self, index: int, edit: Edit, most: int, *, whole: bool) -> Iterator[_Piece]:
        """Cut what an edit changes into pieces of ``most`` rows; none where it changes nothing."""
        neurons = None if edit.changed_neurons is None else torch.as_tensor(edit.changed_neurons)
        asked = None if edit.changed_rows is None else edit.changed_rows[self.at.row].nonzero()[:, 0]
        at = self.at if asked is None else SiteRows(self.at.row[asked], self.at.position[asked])
        old = self.values if neurons is None else self.values[:, neurons]
        old = old if asked is None else old[asked]
        new = edit.new(old, at)
        if self.words or whole:
            new = new if asked is None else self._everywhere(neurons).index_copy(0, asked, new.to(self.values))
            n = len(self.batch) if self.words else len(self.outputs)
            yield _Piece(index, torch.arange(self.tensor.shape[self.axis]), neurons, new, n, is_part=False)
            return
        sample = self.sites.sample if asked is None else self.sites.sample[asked]
        changed = torch.zeros(len(self.outputs), dtype=torch.bool)
        changed[sample[(new != old).any(1)]] = True
        all_changed = changed.nonzero()[:, 0]
        for samples in all_changed.split(most) if len(all_changed) else ():
            if len(samples) < len(all_changed):
                changed = torch.zeros_like(changed)
                changed[samples] = True
            yield _Piece(index, samples, neurons, new[changed[sample]], len(samples), is_part=True)

    def _everywhere(self, neurons: Tensor | None) -> Tensor:
        """A copy of the state at all sites."""
        return self.values.clone() if neurons is None else self.values[:, neurons]


def of_samples(outputs: Tensor, n: int) -> Float[Tensor, " sample *output"]:
    """Return what a network gives for some samples.

    Raises:
        LayerError: if it is not one thing per sample.
    """
    if outputs.ndim == 0 or len(outputs) != n:
        given = len(outputs) if outputs.ndim else "one number"
        raise LayerError("network", f"gives {given} for {n} samples, so its outputs are not theirs")
    return outputs


def _like(tensor: Tensor, given: Tensor) -> Tensor:
    """The tensor in the type of what it replaces."""
    return tensor.to(given.dtype)


def _on_cpu(batch: Batch) -> Batch:
    return batch.to("cpu")


def _all_but(outputs: dict[int, Tensor], index: int | None) -> Iterator[tuple[int, Tensor]]:
    """Give and forget what is complete: all edits but the one of which more is to come."""
    for done in [each for each in outputs if each != index]:
        yield done, outputs.pop(done)
