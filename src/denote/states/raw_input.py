"""The input itself as a state: its numbers side by side, or how often each token id is in a sample."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int
from torch import Tensor

from denote.data.batch import Batch
from denote.data.parts import Halves, Parts
from denote.data.samples import Inputs, Samples
from denote.states.state import StoredState

MOST_IDS = 2048
"""Ids that are counted, the most frequent of *fit*: observers of more take longer than those of all layers together."""

BATCH = 1024


def raw_input(samples: Samples, parts: Parts, memory_limit: int) -> Halves[Any] | None:
    """Return the flattened inputs of *fit* and *test*; drawn or read when asked for where they would fill the memory.

    Of token ids how often each is in a sample; None where inputs are neither numbers of one shape nor ids.

    Args:
        samples: The dataset.
        parts: Its rows.
        memory_limit: Bytes that the observers may hold at once.
    """
    inputs = _numbers_of(samples.inputs, parts.fit)
    if inputs is None:
        return None
    fit, test = (StoredState(inputs, rows) for rows in (parts.fit, parts.test))
    if fit.nbytes + test.nbytes > memory_limit // 8:
        return Halves(fit, test)
    return Halves(fit[:], test[:])


@dataclass(frozen=True)
class Flattened:
    """Inputs as numbers side by side, so that observers read them like a state.

    Attributes:
        inputs: The inputs, each one tensor.
    """

    inputs: Inputs

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, and of numbers of an input."""
        return len(self.inputs), prod(self.inputs.shape)

    def __getitem__(self, key: tuple[Any, Any]) -> Float32[np.ndarray, "row number"]:
        rows, columns = key
        batch = self.inputs[np.arange(len(self.inputs))[rows]]
        if not isinstance(batch, Tensor):
            raise TypeError("inputs by name are not numbers side by side")
        values: np.ndarray = batch.flatten(1).float().numpy()[:, columns]
        return values


def _numbers_of(inputs: Inputs, fit: Int[np.ndarray, " row"]) -> Flattened | TokenCounts | None:
    """Return inputs as numbers side by side, None where they are none."""
    example = inputs[fit[:1]]
    if isinstance(example, Tensor):
        return None if example.is_complex() else Flattened(inputs)
    return TokenCounts.of(inputs, fit) if are_token_ids(example) else None


@dataclass(frozen=True)
class TokenCounts:
    """Counts of ids, in memory only for what is asked for.

    Attributes:
        inputs: The inputs, whose batches hold token ids.
        ids: Those that are counted, ascending.
    """

    inputs: Inputs
    ids: Int[np.ndarray, " id"]

    @classmethod
    def of(cls, inputs: Inputs, fit: Int[np.ndarray, " row"]) -> TokenCounts:
        """Counts of the ids that occur in *fit*."""
        batches = [ids_of(inputs[fit[start : start + BATCH]])[1] for start in range(0, len(fit), BATCH)]
        ids, counts = torch.cat(batches).unique(return_counts=True)
        often = counts.argsort(descending=True, stable=True)[:MOST_IDS]
        return cls(inputs, ids[often].sort().values.numpy())

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of samples and of ids."""
        return len(self.inputs), len(self.ids)

    def __getitem__(self, key: tuple[Any, Any]) -> Float32[np.ndarray, "row id"]:
        rows, columns = key
        wanted = np.arange(len(self.inputs))[rows]
        sample, ids = (each.numpy() for each in ids_of(self.inputs[wanted]))
        at = np.searchsorted(self.ids, ids).clip(max=len(self.ids) - 1)
        counted = self.ids[at] == ids
        counts = np.zeros((len(wanted), len(self.ids)), dtype=np.float32)
        np.add.at(counts, (sample[counted], at[counted]), 1)
        return counts[:, columns]


def are_token_ids(batch: Batch) -> bool:
    """Whether a batch holds token ids, a row of whole numbers for every sequence."""
    if isinstance(batch, Tensor):
        return False
    main = next(iter(batch.tensors.values()))
    return main.ndim == 2 and not main.is_floating_point()


def ids_of(batch: Batch) -> tuple[Int[Tensor, " token"], Int[Tensor, " token"]]:
    """Sample and id of every token of a batch, padding and other words left out.

    Raises:
        TypeError: for a batch that holds none.
    """
    if isinstance(batch, Tensor) or not are_token_ids(batch):
        raise TypeError("a batch without token ids")
    main = next(iter(batch.tensors.values()))
    if batch.words is not None:
        sample, position = batch.words.positions
        return sample, main[batch.words.sequence[sample], position]
    mask = torch.ones_like(main, dtype=torch.bool) if batch.mask is None else batch.mask
    return mask.nonzero()[:, 0], main[mask]
