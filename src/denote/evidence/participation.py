"""How many directions a layer's state spreads over, and how often its neurons are active at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int
from torch import Tensor

from denote.notes import Note
from denote.observers.reading import Moments, State, as_tensor, moments, row_blocks, threads_worth
from denote.observers.sorted_columns import column_blocks
from denote.observers.threads import own_threads
from denote.streams import stream

MOST = 2_000
"""Rows of a Gram matrix: where neurons and rows are both more, so many rows are drawn."""

COLUMNS = 1_024
"""Neurons that are read together where the Gram matrix is that of the rows."""

PANEL = 128
"""Columns of a Gram matrix that are worked out together, from the diagonal on."""

MOST_THREADS = 4
"""Each holds Gram matrices of its own."""

Block = TypeVar("Block")


def participation_ratio(state: State, live: Bool[np.ndarray, " neuron"], *key: int | str) -> tuple[float, str | None]:
    """Participation ratio (sum of l)^2 / sum of l^2 of the eigenvalues l of the state's covariance.

    It is tr(C)^2 / |C|^2 of the covariance C, and that of the centred rows' inner products, which have the same
    eigenvalues: no eigenvalue is computed, and the smaller of the two matrices is made.

    Args:
        state: Activations ``[row, neuron]``.
        live: Which neurons count.
        key: Names the draw of rows, where there is one.

    Returns:
        From 1 to the number of live neurons, and a remark: why it is nan, or which rows were taken.
    """
    n_rows, n_live, remark = len(state), int(live.sum()), None
    if not n_live:
        return float("nan"), Note.of("no_live_neuron")
    if min(n_rows, n_live) > MOST:
        remark = Note.of("drawn_rows", drawn=MOST, rows=n_rows)
        state = state[np.sort(stream("participation", *key).choice(n_rows, MOST, replace=False))]
    known = moments(state)
    if not float((known.variance * torch.as_tensor(live)).sum()):
        return float("nan"), Note.of("constant_rows")
    gram = _of_neurons(state, live, known) if n_live <= len(state) else _of_rows(state, live, known)
    return float(gram.trace() ** 2 / gram.square().sum()), remark


def active_share(state: State, live: Bool[np.ndarray, " neuron"]) -> float:
    """Share of rows with an activation above 0, mean over live neurons; nan without any."""
    if not live.any() or not len(state):
        return float("nan")
    active: Int[np.ndarray, " neuron"] = np.zeros(state.shape[1], dtype=np.int64)
    for _, block in row_blocks(state):
        active += (block > 0).sum(0).cpu().numpy()
    return float(active[live].mean() / len(state))


def _of_neurons(state: State, live: Bool[np.ndarray, " neuron"], known: Moments) -> Float64[Tensor, "neuron neuron"]:
    """Inner products of the centred neurons, in units of the largest standard deviation."""
    which = torch.as_tensor(live)
    mean, scale = known.mean[which], known.variance.max().sqrt()

    def centred(task: tuple[slice, Tensor]) -> Float32[Tensor, "neuron neuron"]:
        return _gram(((task[1].cpu()[:, which].double() - mean) / scale).float())

    return _summed(centred, row_blocks(state), int(which.sum()), threads_worth(state))


def _of_rows(state: State, live: Bool[np.ndarray, " neuron"], known: Moments) -> Float64[Tensor, "row row"]:
    """Inner products of the rows after the neurons were centred, in the same units."""
    mean, scale = known.mean, known.variance.max().sqrt()

    def centred(task: tuple[int, np.ndarray]) -> Float32[Tensor, "row row"]:
        start, columns = task
        part = slice(start, start + len(columns))
        which = torch.as_tensor(live[part])
        return _gram(((as_tensor(columns)[which].double() - mean[part][which, None]) / scale).float())

    return _summed(centred, column_blocks(state, COLUMNS), len(state), threads_worth(state))


def _gram(values: Float32[Tensor, "inner outer"]) -> Float32[Tensor, "outer outer"]:
    """Inner products of columns, of which the matrix below the diagonal is the mirror image: it stays 0."""
    size = values.shape[1]
    gram = torch.zeros((size, size))
    for first in range(0, size, PANEL):
        torch.mm(values[:, first : first + PANEL].T, values[:, first:], out=gram[first : first + PANEL, first:])
    return gram


def _summed(
    work: Callable[[Block], Float32[Tensor, "size size"]], blocks: Iterable[Block], size: int, worth: float
) -> Float64[Tensor, "size size"]:
    """Sum the Gram matrices of blocks in float64, and mirror the sum."""
    total = torch.zeros((size, size), dtype=torch.float64)
    with own_threads(min(worth, MOST_THREADS)) as threads:
        for part in threads.in_order(work, blocks):
            total += part
    upper = total.triu()
    return upper + upper.triu(1).T
