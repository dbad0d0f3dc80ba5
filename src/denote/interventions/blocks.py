"""Hold what a network gives for some samples as they are, and cut what edits change of them into stacks of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from denote.data.batch import Batch, words_of
from denote.errors import LayerError
from denote.interventions.edits import Edit
from denote.interventions.replacing import Replaceable, copied
from denote.interventions.sites import SiteRows, Sites
from denote.states.axes import SAMPLE


@dataclass(frozen=True)
class Piece:
    """Rows of a block and their state under an edit.

    Attributes:
        edit: Index of the edit.
        rows: The rows, along the axis of samples of the layer's tensor.
        samples: The samples of the block that they are: the rows, or all words of these.
        neurons: Those that are changed, or None for all.
        new: Their state at the sites of the rows.
        n_sites: Sites of every row.
    """

    edit: int
    rows: Int[Tensor, " row"]
    samples: Int[Tensor, " sample"]
    neurons: Int[Tensor, " neuron"] | None
    new: Float[Tensor, "site neuron"]
    n_sites: Int[Tensor, " row"]

    def cut(self, n: int) -> tuple[Piece, Piece]:
        """Return the first rows and the others; of pieces whose samples are their rows."""
        site = int(self.n_sites[:n].sum())
        return self._part(slice(n), slice(site)), self._part(slice(n, None), slice(site, None))

    def _part(self, rows: slice, sites: slice) -> Piece:
        own = self.rows[rows], self.samples[rows], self.neurons, self.new[sites], self.n_sites[rows]
        return Piece(self.edit, *own)


@dataclass(frozen=True)
class Block:
    """Some samples as the network leaves them.

    Attributes:
        start: Index of the first among all the samples.
        batch: What the network is called with.
        tensor: What the layer gives, on the CPU.
        axis: Its axis of samples.
        outputs: What the network gives, in float32 on the CPU.
        values: The state at all sites.
        sites: Where these are.
        words: Whether samples are words of sequences.
    """

    start: int
    batch: Batch
    tensor: Tensor
    axis: int
    outputs: Float[Tensor, " sample *output"]
    values: Float[Tensor, "site neuron"]
    sites: Sites
    words: bool

    @classmethod
    def of(cls, changed: Replaceable, batch: Batch, start: int) -> Block:
        """Run a batch once.

        Args:
            changed: The network, whose layer is looked at.
            batch: What it is called with.
            start: Index of its first sample among all.

        Raises:
            LayerError: if the network does not give one thing per sample, or the layer is not reached.
        """
        layer = changed.layer
        seen: list[Tensor] = []

        def look(given: Tensor) -> Tensor:
            seen.append(copied(given).cpu())
            return given

        outputs = of_samples(changed.outputs(batch, look).float().cpu(), len(batch))
        tensor = seen[0]
        sites = Sites.of(tensor.shape, layer, batch.to("cpu"))
        axis = layer.axes.index(SAMPLE) if layer.axes else 0
        words = words_of(batch) is not None
        return cls(start, batch, tensor, axis, outputs, tensor.view(-1)[sites.at], sites, words)

    @cached_property
    def at(self) -> SiteRows:
        """Whose the sites are."""
        return SiteRows(self.sites.sample + self.start, self.sites.position)

    @property
    def nbytes(self) -> int:
        """Bytes that it holds."""
        inputs = [self.batch] if isinstance(self.batch, Tensor) else list(self.batch.tensors.values())
        return sum(each.nbytes for each in (*inputs, self.tensor, self.outputs, self.values, self.sites.at))

    def stacks(self, edits: Sequence[Edit], most: int, *, separate: bool) -> Iterator[Stack]:
        """Cut what edits change into stacks of ``most`` rows; only the last one has fewer.

        Args:
            edits: The edits.
            most: Rows of a stack.
            separate: Whether rows do not touch each other. Without that each edit is a stack with all rows.
        """
        if self.words or not separate:
            n_copies = max(1, most // self.tensor.shape[self.axis]) if separate else 1
            for start in range(0, len(edits), n_copies):
                part = range(start, min(start + n_copies, len(edits)))
                yield Stack(self, [self._all_rows(index, edits[index]) for index in part])
            return
        waiting: list[Piece] = []
        room = most
        for piece in filter(None, map(self._changed, range(len(edits)), edits)):
            rest = piece
            while len(rest.rows) >= room:
                first, rest = rest.cut(room)
                yield Stack(self, [*waiting, first])
                waiting, room = [], most
            if len(rest.rows):
                waiting.append(rest)
                room -= len(rest.rows)
        if waiting:
            yield Stack(self, waiting)

    def _changed(self, index: int, edit: Edit) -> Piece | None:
        """The rows that an edit changes; None where it changes none."""
        part = self._part_of(edit)
        neurons, old, new = _edited(part, edit)
        sites = (new != old).any(1).nonzero()[:, 0]
        rows = part.sample.index_select(0, sites)
        if not self._has_single_sites:  # where a site changes, all of its sample are written
            changed = torch.zeros(len(self.outputs), dtype=torch.bool)
            changed[rows] = True
            rows, sites = changed.nonzero()[:, 0], changed[part.sample].nonzero()[:, 0]
        if not len(rows):
            return None
        return Piece(index, rows, rows, neurons, new.index_select(0, sites), self._n_sites.index_select(0, rows))

    def _all_rows(self, index: int, edit: Edit) -> Piece:
        """All rows of the block."""
        part = self._part_of(edit)
        neurons, _, new = _edited(part, edit)
        if part.sites is not None:
            everywhere = self.values if neurons is None else self.values[:, neurons]
            new = everywhere.index_copy(0, part.sites, new.to(everywhere))
        rows, samples = torch.arange(self.tensor.shape[self.axis]), torch.arange(len(self.outputs))
        return Piece(index, rows, samples, neurons, new, self._n_sites)

    def _part_of(self, edit: Edit) -> _Part:
        """The sites of the samples that an edit may change; those of the last one are kept, as many follow alike."""
        rows = edit.changed_rows
        if rows is None:
            return _Part(None, None, self.values, self.sites.sample, self.at)
        last = self._last_part.get(0)
        if last is None or last.rows is not rows:
            sites = rows[self.at.row].nonzero()[:, 0]
            at = SiteRows(self.at.row[sites], self.at.position[sites])
            last = _Part(rows, sites, self.values[sites], self.sites.sample[sites], at)
            self._last_part[0] = last
        return last

    @cached_property
    def _last_part(self) -> dict[int, _Part]:
        return {}

    @cached_property
    def is_matrix(self) -> bool:
        """Whether of any rows of the tensor the sites, one after the other, are these rows."""
        return self.axis == 0 and self.sites.is_matrix

    @cached_property
    def _n_sites(self) -> Int[Tensor, " sample"]:
        """Sites of every sample."""
        return torch.bincount(self.sites.sample, minlength=len(self.outputs))

    @cached_property
    def _has_single_sites(self) -> bool:
        """Whether every sample has one site."""
        return bool((self._n_sites == 1).all())


@dataclass(frozen=True)
class _Part:
    """Some of a block's sites.

    Attributes:
        rows: The samples that were asked for; None: all.
        sites: Their sites; None: all.
        values: The state there.
        sample: Sample of every site, in the block.
        at: Whose the sites are, among all the samples.
    """

    rows: Bool[Tensor, " row"] | None
    sites: Int[Tensor, " site"] | None
    values: Float[Tensor, "site neuron"]
    sample: Int[Tensor, " site"]
    at: SiteRows


def _edited(part: _Part, edit: Edit) -> tuple[Tensor | None, Tensor, Tensor]:
    """Return the neurons that an edit changes, None for all, and their state as it is and under the edit."""
    if edit.changed_neurons is None:
        return None, part.values, edit.new(part.values, part.at)
    neurons = edit.changed_neurons
    old = part.values.index_select(1, neurons)
    return neurons, old, edit.new(old, part.at)


@dataclass(frozen=True)
class Stack:
    """Rows of a block that are run side by side.

    Attributes:
        block: The block.
        pieces: Edit by edit.
    """

    block: Block
    pieces: Sequence[Piece]

    @property
    def rows(self) -> Int[Tensor, " row"]:
        """Rows of the block, one after the other."""
        return torch.cat([piece.rows for piece in self.pieces])

    def put(self, tensor: Tensor, at: Int[Tensor, "site neuron"] | None) -> None:
        """Write the new state of every piece into copies of the rows, side by side.

        Args:
            tensor: The copies, of what the layer gave.
            at: Place of every neuron at every site; None where the tensor is the sites, one after the other.
        """
        start = 0
        for piece in self.pieces:
            sites = slice(start, start + len(piece.new))
            new, neurons, start = piece.new.to(tensor.dtype), piece.neurons, sites.stop
            if at is None:
                matrix = tensor.view(-1, self.block.values.shape[1])
                matrix[sites if neurons is None else (sites, neurons)] = new
            else:
                tensor.view(-1)[at[sites] if neurons is None else at[sites][:, neurons]] = new

    @property
    def edit(self) -> Int[np.ndarray, " output"]:
        """Index of the edit of everything that the network gives."""
        return np.repeat([piece.edit for piece in self.pieces], [len(piece.samples) for piece in self.pieces])

    @property
    def row(self) -> Int[np.ndarray, " output"]:
        """Index of the sample, among all."""
        return self.block.start + torch.cat([piece.samples for piece in self.pieces]).numpy()


def of_samples(outputs: Tensor, n: int) -> Float[Tensor, " sample *output"]:
    """Return what a network gives for some samples.

    Raises:
        LayerError: if it is not one thing per sample.
    """
    if outputs.ndim == 0 or len(outputs) != n:
        given = len(outputs) if outputs.ndim else "one number"
        raise LayerError("network", f"gives {given} for {n} samples, so its outputs are not theirs")
    return outputs
