"""One row per group, so that what is tested row by row is tested group by group (METHOD section 3)."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32, Int, Int8

from denote.attributes.labels import NULL
from denote.evidence.permutations import labels_held
from denote.observers.reading import State, Values, row_blocks


def one_row_per_group(
    state: State, labels: Values, groups: Int[np.ndarray, " sample"]
) -> tuple[Float32[np.ndarray, "group neuron"], Int8[np.ndarray, "group attribute"]]:
    """Mean state and label of every group, in ascending order of the groups' names.

    Args:
        state: Activations, read by blocks of rows; the means of all neurons are held in memory.
        labels: Of the same rows.
        groups: Group of each row.

    Returns:
        The means over all rows of a group, made in float64, and the label that its rows share, nulls aside. An
        attribute that varies inside any group is null everywhere: it belongs to rows, not to groups.
    """
    members, index = np.unique(groups, return_inverse=True)
    total = torch.zeros(len(members), state.shape[1], dtype=torch.float64)
    place = torch.from_numpy(index)
    for part, block in row_blocks(state):
        total.index_add_(0, place[part], block.cpu().double())
    means = total.numpy() / np.bincount(index)[:, None]
    yes, no = labels_held(labels, groups)
    shared = np.where(yes, 1, np.where(no, 0, NULL)).astype(np.int8)
    shared[:, (yes & no).any(0)] = NULL
    return means.astype(np.float32), shared
