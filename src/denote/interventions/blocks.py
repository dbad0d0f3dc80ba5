"""Hold what a network gives for some samples as they are, and cut what edits change of them into stacks of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
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
    n_sites: Int[Tensor, " row"] | int

    def cut(self, n: int) -> tuple[Piece, Piece]:
        """Return the first rows and the others; of pieces whose samples are their rows."""
        site = n * self.n_sites if isinstance(self.n_sites, int) else int(self.n_sites[:n].sum())
        return self._part(slice(n), slice(site)), self._part(slice(n, None), slice(site, None))

    def _part(self, rows: slice, sites: slice) -> Piece:
        n_sites = self.n_sites if isinstance(self.n_sites, int) else self.n_sites[rows]
        return Piece(self.edit, self.rows[rows], self.samples[rows], self.neurons, self.new[sites], n_sites)


Stack = Sequence[Piece]
"""Pieces of one block that are run side by side."""


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
                yield [self._all_rows(index, edits[index]) for index in part]
            return
        waiting: list[Piece] = []
        room = most
        for piece in filter(None, map(self._changed, range(len(edits)), edits)):
            rest = piece
            while len(rest.rows) >= room:
                first, rest = rest.cut(room)
                yield [*waiting, first]
                waiting, room = [], most
            if len(rest.rows):
                waiting.append(rest)
                room -= len(rest.rows)
        if waiting:
            yield waiting

    def _changed(self, index: int, edit: Edit) -> Piece | None:
        """The rows that an edit changes; None where it changes none."""
        neurons, asked, old, new = self._new(edit)
        sample = self.sites.sample if asked is None else self.sites.sample[asked]
        changed = torch.zeros(len(self.outputs), dtype=torch.bool)
        changed[sample[(new != old).any(1)]] = True
        rows = changed.nonzero()[:, 0]
        if not len(rows):
            return None
        new = new if len(rows) == len(changed) else new[changed[sample]]
        n_sites = self._n_sites if isinstance(self._n_sites, int) else self._n_sites[rows]
        return Piece(index, rows, rows, neurons, new, n_sites)

    def _all_rows(self, index: int, edit: Edit) -> Piece:
        """All rows of the block."""
        neurons, asked, _, new = self._new(edit)
        if asked is not None:
            everywhere = self.values if neurons is None else self.values[:, neurons]
            new = everywhere.index_copy(0, asked, new.to(everywhere))
        rows, samples = torch.arange(self.tensor.shape[self.axis]), torch.arange(len(self.outputs))
        return Piece(index, rows, samples, neurons, new, self._n_sites)

    def _new(self, edit: Edit) -> tuple[Tensor | None, Tensor | None, Tensor, Tensor]:
        """Neurons and sites that an edit may change, None for all, and their state as it is and under the edit."""
        neurons = None if edit.changed_neurons is None else torch.as_tensor(edit.changed_neurons)
        old = self.values if neurons is None else self.values[:, neurons]
        if edit.changed_rows is None:
            return neurons, None, old, edit.new(old, self.at)
        asked = edit.changed_rows[self.at.row].nonzero()[:, 0]
        old = old[asked]
        return neurons, asked, old, edit.new(old, SiteRows(self.at.row[asked], self.at.position[asked]))

    @cached_property
    def _n_sites(self) -> Int[Tensor, " sample"] | int:
        """Sites of every sample; one number where all have as many."""
        count = torch.bincount(self.sites.sample, minlength=len(self.outputs))
        return int(count[0]) if bool((count == count[0]).all()) else count


def edit_and_row(block: Block, stack: Stack) -> tuple[Int[np.ndarray, " output"], Int[np.ndarray, " output"]]:
    """Return the index of the edit and of the sample, among all, of everything that a stack gives."""
    edit = np.repeat([piece.edit for piece in stack], [len(piece.samples) for piece in stack])
    return edit, block.start + torch.cat([piece.samples for piece in stack]).numpy()


def of_samples(outputs: Tensor, n: int) -> Float[Tensor, " sample *output"]:
    """Return what a network gives for some samples.

    Raises:
        LayerError: if it is not one thing per sample.
    """
    if outputs.ndim == 0 or len(outputs) != n:
        given = len(outputs) if outputs.ndim else "one number"
        raise LayerError("network", f"gives {given} for {n} samples, so its outputs are not theirs")
    return outputs
