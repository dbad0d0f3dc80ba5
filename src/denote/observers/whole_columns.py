"""Bring all rows of a neuron into one process, where a scan needs them to be sorted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from denote.observers.reading import Resources, State, Values, as_tensor, check_state
from denote.observers.row_shards import RowShards

Scan = Callable[[State, Values], Sequence[np.ndarray]]
"""From all rows of some neurons, and all labels, to arrays with one row per neuron."""

BLOCK_BYTES = 256 << 20
"""Most bytes of neurons that a process gets from the others at once."""


def over_whole_columns(state: State, labels: Values, scan: Scan, resources: Resources) -> list[np.ndarray]:
    """Apply a scan that works on neurons one by one and needs all rows of each.

    Where the rows lie in several processes they are sent once: every process gets all rows of some neurons, and scans
    those as if it were alone, which is exact. To merge columns that were sorted where they lie would send as much.

    Args:
        state: Activations ``[sample, neuron]``, the rows of this process.
        labels: Of the same rows.
        scan: What is done to some of the neurons.
        resources: Which processes hold rows, and the memory of each.

    Returns:
        The arrays of the scan over all neurons, the same in every process.

    Raises:
        StateError: in every process, if there are several and the rows of one are not finite.
    """
    shards = resources.shards
    if shards.count == 1:
        return list(scan(state, labels))
    with shards.together():
        check_state(state, labels)
    labels = shards.joined(torch.from_numpy(np.ascontiguousarray(labels))).numpy()
    room = min(BLOCK_BYTES, shards.least(resources.memory) / 4)
    width = shards.count * max(1, int(room // (4 * max(1, len(labels)))))
    blocks = []
    for start in range(0, max(1, state.shape[1]), width):
        columns = _own_columns(as_tensor(state[:, start : start + width]), shards)
        blocks.append([shards.joined(torch.from_numpy(array)).numpy() for array in scan(columns, labels)])
    return [np.concatenate(arrays) for arrays in zip(*blocks, strict=True)]


def _own_columns(block: Float[Tensor, "row neuron"], shards: RowShards) -> Float[Tensor, "all own"]:
    """All rows of this process's share of the neurons of a block."""
    columns = block.cpu().T
    came = shards.exchanged([columns[shards.share(len(columns), rank)].flatten() for rank in range(shards.count)])
    own = len(columns[shards.share(len(columns))])
    return torch.cat([piece.view(own, -1) if own else piece.view(0, 0) for piece in came], dim=1).T
