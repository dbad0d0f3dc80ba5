"""Small networks of several kinds, and a check that nothing of them changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
import torch
from simulate_interventions import Affine
from torch import Tensor, nn

from denote.data.batch import Named
from denote.data.parts import Halves
from denote.interventions.edited_runs import NetworkRows
from denote.streams import stream


def sides(data: NetworkRows, labels: np.ndarray) -> Halves[np.ndarray]:
    return Halves(labels[data.rows.fit], labels[data.rows.test])


def everything(network: nn.Module) -> tuple[object, ...]:
    """All that an intervention must leave as it is."""
    hooks = [len(each._forward_hooks) + len(each._forward_pre_hooks) for each in network.modules()]
    modes = [each.training for each in network.modules()]
    return deepcopy(network.state_dict()), hooks, modes, torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002


@contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """Check that a network and the global generators are bit for bit as before."""
    weights, hooks, modes, of_torch, of_numpy = everything(network)
    yield
    after = everything(network)
    assert all(torch.equal(after[0][name], value) for name, value in weights.items())
    assert (after[1], after[2]) == (hooks, modes)
    assert torch.equal(after[3], of_torch)
    assert np.array_equal(after[4], of_numpy)


class Maps(nn.Module):
    """A convolution behind one, and logits of its means."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first, self.second, self.head = nn.Conv2d(3, 5, 1), nn.Conv2d(5, 4, 3, padding=1), nn.Linear(4, 2)
        for tensor in self.parameters():
            tensor.data.normal_(generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.second(self.first(x)).mean((2, 3)))


def pictures(rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    drawn = stream("pictures")
    labels = drawn.integers(0, 2, rows).astype(np.int8)
    x = drawn.standard_normal((rows, 3, 4, 4))
    x[:, 0] += labels[:, None, None]
    return x.astype(np.float32), labels


class Sequences(nn.Module):
    """Embeddings, a layer at every position, and the mean over those that are no padding."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.embedding, self.mixed, self.head = nn.Embedding(20, 6), nn.Linear(6, 6), nn.Linear(6, 2)
        for tensor in self.parameters():
            tensor.data.normal_(generator=generator)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        of_positions = self.mixed(self.embedding(ids)) * mask[..., None]
        return self.head(of_positions.sum(1) / mask.sum(1, keepdim=True))


class PaddedIds:
    """Sequences of ids with their padding."""

    shape = ()

    def __init__(self, ids: np.ndarray, lengths: np.ndarray) -> None:
        self.ids, self.mask = (
            torch.from_numpy(ids),
            torch.arange(ids.shape[1])[None] < torch.from_numpy(lengths)[:, None],
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: np.ndarray) -> Named:
        mask = self.mask[rows]
        return Named({"ids": self.ids[rows], "mask": mask}, mask)


def sequences(rows: int = 400) -> tuple[NetworkRows, np.ndarray]:
    drawn = stream("sequences")
    labels = drawn.integers(0, 2, rows).astype(np.int8)
    ids = drawn.integers(0, 10, (rows, 7)) + 8 * labels[:, None]
    data = NetworkRows(
        Sequences().eval(), PaddedIds(ids, drawn.integers(2, 8, rows)), Halves(*np.arange(rows).reshape(2, -1))
    )
    return data, labels


class Failing(Affine):
    """A layer that fails where its input is not what it was."""

    broken = False

    def forward(self, x: Tensor) -> Tensor:
        if self.broken:
            raise RuntimeError("broken")
        return super().forward(x)
