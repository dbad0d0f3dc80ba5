"""Rows of a state in random batches, and the inner validation part that chooses strengths, thresholds and stops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int, Int8
from torch import Tensor

from denote.data.parts import deal
from denote.errors import StateError
from denote.notes import Note
from denote.observers.neuron import best_thresholds
from denote.observers.observer import Observer, class_counts
from denote.observers.reading import Groups, Values, as_tensor
from denote.observers.row_shards import WHOLE, RowShards
from denote.observers.solvers.design import Design
from denote.streams import stream

PIECE = 128
"""Neighbouring rows that are read together."""

GATHERED = 16 << 20
"""Bytes of scaled rows that are shuffled among each other; a state that is streamed is held about ten times over."""


@dataclass
class Batches:
    """Goes over some rows of a design; Lightning's Trainer takes it for a loader.

    Pieces of neighbouring rows are taken in random order, as many at once as ``GATHERED`` hold, and their rows are
    shuffled. A state that stays on disk is so read in long runs, and a small one is shuffled as a whole. The order
    depends on the number of rows and neurons only, never on memory or device.

    Attributes:
        design: The scaled state, with all rows.
        rows: Places of the rows to go over, ascending.
        labels: 1, 0 or -1 for null, of all rows of the design and on its device.
        class_weights: What a row without and a row with each attribute weighs in the loss of all rows; nulls weigh 0.
        batch_size: Most rows of a batch; batches are as even as can be.
        seed: Names the order, together with the number of passes made so far; None goes over the rows as they lie.
        passes: Number of passes that were begun.
    """

    design: Design
    rows: Int[np.ndarray, " row"]
    labels: Int8[Tensor, "sample attribute"]
    class_weights: Float32[Tensor, "class=2 attribute"]
    batch_size: int
    seed: int | None = None
    passes: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Batches of state, labels (0 and 1) and weights.

        In random order each batch is weighted up to stand for all rows; in the rows' own order batches add up to them.
        """
        for places in self._gathered():
            here = torch.from_numpy(places).to(self.design.device)
            whole = self.design.scaling is None
            block, within = (as_tensor(self.design.source), here) if whole else self._read(places)
            n_batches = -(-len(places) // self.batch_size)
            for ids, rows in zip(within.tensor_split(n_batches), here.tensor_split(n_batches), strict=True):
                yield block[ids], *self._targets(rows)

    def _gathered(self) -> Iterator[Int[np.ndarray, " row"]]:
        """Places of the rows that are read together, in the order in which they are used."""
        pieces = np.array_split(self.rows, -(-len(self.rows) // PIECE))
        at_once = max(1, GATHERED // (4 * max(1, self.design.shape[1]) * PIECE))
        if self.seed is None:
            order = np.arange(len(pieces))
        else:
            draw = stream("observer batches", self.seed, self.passes)
            order = draw.permutation(len(pieces))
        self.passes += 1
        for start in range(0, len(order), at_once):
            places = np.concatenate([pieces[i] for i in order[start : start + at_once]])
            yield places if self.seed is None else draw.permutation(places)

    def _read(self, places: Int[np.ndarray, " row"]) -> tuple[Float32[Tensor, "row neuron"], Int[Tensor, " row"]]:
        """Scaled rows in ascending order, as they are read, and where in it each of ``places`` came to stand."""
        order = np.argsort(places)
        part = replace(self.design, source=self.design.source[places[order]], shape=(len(places), self.design.shape[1]))
        return part.rows(1), torch.from_numpy(np.argsort(order)).to(self.design.device)

    def _targets(
        self, places: Int[Tensor, " row"]
    ) -> tuple[Float32[Tensor, "row attribute"], Float32[Tensor, "row attribute"]]:
        labels = self.labels[places]
        share = 1.0 if self.seed is None else len(self.rows) / len(places)
        negative, positive = self.class_weights * share
        weights = torch.where(labels == 1, positive, torch.where(labels == 0, negative, 0.0))
        return (labels == 1).float(), weights


SHARE = 0.2
"""Share of the rows of *fit*."""


def inner_parts(
    n_rows: int, seed: int, groups: Groups | None = None, shards: RowShards = WHOLE
) -> tuple[Int[np.ndarray, " held"], Int[np.ndarray, " rest"]]:
    """Places of the rows that are held out inside *fit* and of the rest, each ascending.

    Args:
        n_rows: Rows of *fit*.
        seed: ``probe_seed``.
        groups: Rows of one group stay together. Of one or two groups none can be held out.
        shards: The processes that hold rows; each gets its own of those that are drawn among all.

    Raises:
        StateError: if one of several processes has no row in one of the parts.
    """
    before, n_all = shards.before(n_rows), shards.total(n_rows)
    if groups is not None:
        groups = shards.joined(torch.from_numpy(np.asarray(groups))).numpy()
        dealt = deal(np.zeros(n_all, dtype=np.int64), (SHARE,), groups, "inner validation", seed)
        held, rest = np.flatnonzero(dealt == 0), np.flatnonzero(dealt)
    else:
        order = stream("inner validation", seed).permutation(n_all)
        cut = round(n_all * SHARE)
        held, rest = np.sort(order[:cut]), np.sort(order[cut:])
    if shards.count == 1:
        return held, rest
    held, rest = (part[(part >= before) & (part < before + n_rows)] - before for part in (held, rest))
    if shards.least(min(len(held), len(rest))) < 1:
        problem = "one has no rows in the inner validation part, or none outside it"
        raise StateError("rows of the processes", problem, "more rows a process, or fewer processes")
    return held, rest


def with_threshold(
    observer: Observer, scores: Float64[np.ndarray, "sample attribute"], labels: Values, shards: RowShards = WHOLE
) -> Observer:
    """Move each decision threshold to the best balanced accuracy on held-out scores, those of all processes."""
    scores, labels = (shards.joined(torch.from_numpy(rows)).numpy() for rows in (scores, labels))
    bias = observer.bias.copy()
    notes = list(observer.notes)
    positives, negatives = class_counts(labels)
    for a in np.flatnonzero(observer.fitted):
        if positives[a] and negatives[a] and np.ptp(scores[:, a]) > 0:
            column = slice(a, a + 1)
            bias[a] -= best_thresholds(scores[:, column], labels[:, column], upward_only=True).threshold[0, 0]
        else:
            notes[a] = Note.of("threshold_not_moved")
    return replace(observer, bias=bias, notes=tuple(notes))
