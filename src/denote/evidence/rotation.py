"""States with their neurons turned at random: are single neurons special? (METHOD section 5, ``rotated``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int
from torch import Tensor

from denote.data.parts import Halves
from denote.observers.reading import State, moments, row_blocks, threads_worth
from denote.observers.threads import own_threads
from denote.states.layers import Layer
from denote.states.state import StoredState
from denote.streams import stream

WIDEST = 8192
"""Neurons that are turned together at most; more are dealt at random into blocks that are turned apart."""


@dataclass(frozen=True)
class Turn:
    """Channels that are turned together, alike at every position.

    Attributes:
        places: The neuron that is each channel at each position; a layer of plain units has one position.
        matrix: Orthogonal; channel ``k`` of the turned state is the state times column ``k``.
    """

    places: Int[np.ndarray, "channel position"]
    matrix: Float32[np.ndarray, "channel channel"]


@dataclass(frozen=True)
class Rotation:
    """A random orthogonal change of basis of a layer's live neurons, about their mean on *fit*.

    Attributes:
        mean: Of every neuron on fit.
        live: Neurons that vary on fit; the others are 0 in the turned state, wherever they stand.
        turns: Each neuron is in one of them at most.
    """

    mean: Float32[np.ndarray, " neuron"]
    live: Bool[np.ndarray, " neuron"]
    turns: tuple[Turn, ...]

    def turned(
        self, block: Float32[np.ndarray, "row neuron"], columns: Int[np.ndarray, " column"]
    ) -> Float32[np.ndarray, "row column"]:
        """Some columns of the turned state, from whole rows of the state."""
        if self._plain and len(columns) == len(self.mean):
            return _product(block - self.mean, self.turns[0].matrix)
        out = np.zeros((len(block), len(columns)), dtype=np.float32)
        turn, channel, position = self._whereabouts[:, columns]
        for index in np.unique(turn[turn >= 0]):
            places, here = self.turns[index].places, np.flatnonzero(turn == index)
            channels, place = np.unique(channel[here], return_inverse=True)
            positions = places.T
            centred = (block[:, positions] - self.mean[positions]) * self.live[positions]
            product = _product(centred.reshape(-1, len(places)), self.turns[index].matrix[:, channels])
            out[:, here] = product.reshape(*centred.shape[:2], len(channels))[:, position[here], place]
        return out

    @property
    def _plain(self) -> bool:
        """Whether all neurons are turned together as they stand, which one product does."""
        return len(self.turns) == 1 and self.turns[0].places.shape == (len(self.mean), 1)

    @cached_property
    def _whereabouts(self) -> Int[np.ndarray, "3 neuron"]:
        """Turn, channel and position of every neuron; -1 where it is in none."""
        found = np.full((3, len(self.mean)), -1)
        for index, turn in enumerate(self.turns):
            channel, position = np.indices(turn.places.shape)
            found[:, turn.places] = np.stack([np.full_like(channel, index), channel, position])
        return found


def rotated(state: Halves[State], layer: Layer, draw: int, probe_seed: int) -> Halves[State]:
    """The same state in another basis: centred on fit, live neurons times a random orthogonal matrix.

    Distances and angles between rows, and so whatever a linear observer can read, stay; what single neurons say does
    not. Feature maps that were flattened turn their channels, alike at every position; a channel takes part if it is
    live anywhere, and counts as 0 where it is dead. Layers side by side are one axis.

    Args:
        state: Activations on fit and test.
        layer: The layer, for its name and the grid of its neurons.
        draw: Which of the rotations.
        probe_seed: Seed of the job; each draw, layer and block has a stream of its own.

    Returns:
        float32. What is in memory becomes an array; what is on disk stays there and is turned a block at a time when it
        is read. Then the matrices are what takes memory: 4 bytes times live neurons times ``WIDEST`` at most.
    """
    rotation = random_rotation(state.fit, layer, draw, probe_seed)
    return Halves(_turned(state.fit, rotation), _turned(state.test, rotation))


def nbytes(turned: Sequence[Halves[State]]) -> int:
    """Bytes that the matrices of states take which are turned when they are read."""
    lazy = [each.fit.values for each in turned if isinstance(each.fit, StoredState)]
    return sum(turn.matrix.nbytes for each in lazy if isinstance(each, _TurnedWhenRead) for turn in each.rotation.turns)


def random_rotation(fit: State, layer: Layer, draw: int, probe_seed: int) -> Rotation:
    """The rotation that :func:`rotated` makes, from fit rows alone."""
    found = moments(fit)
    live = ~found.constant.numpy()
    flattened = layer.pooling == "flatten" and len(layer.grid) == 3
    channels = np.arange(len(live)).reshape(layer.grid[0] if flattened else len(live), -1)
    channels = channels[live[channels].any(axis=1)]
    turns = tuple(
        Turn(channels[block], haar(len(block), stream("rotated", probe_seed, layer.name, draw, "matrix", index)))
        for index, block in enumerate(_blocks(len(channels), stream("rotated", probe_seed, layer.name, draw, "blocks")))
    )
    return Rotation(found.mean.numpy().astype(np.float32), live, turns)


def haar(size: int, draws: np.random.Generator) -> Float32[np.ndarray, "size size"]:
    """An orthogonal matrix, all of them equally likely.

    The Q of a Gaussian matrix, its columns signed so that R has a positive diagonal; without that Q depends on how the
    decomposition chooses signs. Source: F. Mezzadri, How to generate random matrices from the classical compact groups,
    Notices of the AMS 54 (2007).
    """
    q, r = torch.linalg.qr(torch.from_numpy(draws.standard_normal((size, size), dtype=np.float32)))
    return np.asarray((q * torch.where(r.diagonal() < 0, -1.0, 1.0)).numpy())


def _product(
    left: Float32[np.ndarray, "row inner"], right: Float32[np.ndarray, "inner column"]
) -> Float32[np.ndarray, "row column"]:
    """Torch's product: NumPy's threads wait for torch's where both are used in turn, at times for .1 s a call."""
    return np.asarray((torch.from_numpy(left) @ torch.from_numpy(right)).numpy())


def _blocks(n: int, draws: np.random.Generator) -> list[Int[np.ndarray, " channel"]]:
    """Channels in as few blocks as may be turned together, of about equal size; in order where one is enough."""
    if n <= WIDEST:
        return [np.arange(n)] if n else []
    return [np.sort(block) for block in np.array_split(draws.permutation(n), -(-n // WIDEST))]


@dataclass(frozen=True)
class _TurnedWhenRead:
    """Columns on demand of a state on disk (see ``states.stored.Columns``)."""

    source: StoredState
    rotation: Rotation

    @property
    def shape(self) -> tuple[int, int]:
        return self.source.shape

    def __getitem__(self, key: tuple[Any, Any]) -> Float32[np.ndarray, "row column"]:
        rows, columns = key
        return self.rotation.turned(self.source[rows, :], np.arange(self.shape[1])[columns])


def _turned(state: State, rotation: Rotation) -> State:
    if isinstance(state, StoredState):
        return StoredState(_TurnedWhenRead(state, rotation), np.arange(len(state)))
    out = np.empty(tuple(state.shape), dtype=np.float32)
    columns = np.arange(state.shape[1])

    def turn(task: tuple[slice, Tensor]) -> None:
        out[task[0]] = rotation.turned(task[1].float().cpu().numpy(), columns)

    with own_threads(threads_worth(state)) as threads:
        for _ in threads.in_order(turn, row_blocks(state)):
            pass
    return out
