"""What rows hold, so that rows can be compared: a digest of every row, its numbers or its token ids."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float32, Int, Int64
from torch import Tensor

from denote.data.batch import Batch, Named
from denote.data.samples import Inputs
from denote.evidence.near_copies import FEATURES, SAMPLE, Space
from denote.states.state import LayerState
from denote.streams import stream

BATCH = 1024


@dataclass(frozen=True)
class States:
    """States side by side in the place of inputs, where there are none."""

    states: Sequence[LayerState]

    def __getitem__(self, rows: Int[np.ndarray, " row"]) -> Tensor:
        """The states of these rows."""
        return torch.from_numpy(np.concatenate([state.at(rows) for state in self.states], axis=1))


@dataclass(frozen=True)
class Contents:
    """What some rows hold.

    Attributes:
        source: Where they are read.
        rows: Their ids.
        code: Equal where rows are equal.
        space: Where distances of numbers are taken; None where rows are no numbers, or as many values for each.
        points: The rows there.
        sequences: Token ids of every row, where rows are token ids; of a word those of its sentence.
    """

    source: Inputs | States
    rows: Int[np.ndarray, " row"]
    code: Int64[np.ndarray, " row"]
    space: Space | None = None
    points: Float32[np.ndarray, "row axis"] | None = None
    sequences: Sequence[Int[np.ndarray, " token"]] | None = None

    @classmethod
    def of(cls, source: Inputs | States, rows: Int[np.ndarray, " row"]) -> Contents:
        """Read rows, once if they are few, and at most a sample of them twice."""
        few = len(rows) <= SAMPLE
        space = None if few else _space(numbers(source, stream("near copies", "sample").permutation(rows)[:SAMPLE]))
        digests: list[bytes] = []
        points: list[np.ndarray] = []
        sequences: list[np.ndarray] = []
        for batch in _batches(source, rows):
            digests += _digests(batch)
            if (ids := _token_ids(batch)) is not None:
                sequences += ids
            elif (values := _numbers(batch)) is not None and (few or space is not None):
                points.append(values if space is None else space.points(values))
        found = partial(cls, source, rows, np.unique(digests, return_inverse=True)[1])
        if sequences:
            return found(sequences=sequences)
        if len({each.shape[1] for each in points}) != 1:
            return found()
        together = np.concatenate(points)
        if few:
            space = _space(together)
            together = together if space is None else space.points(together)
        return found() if space is None else found(space, together)


def numbers(source: Inputs | States, rows: Int[np.ndarray, " row"]) -> Float32[np.ndarray, "row feature"] | None:
    """Rows as numbers side by side, of very many features some; None where they are none or differ in width."""
    found = [_numbers(batch) for batch in _batches(source, rows)]
    known = [each for each in found if each is not None]
    alike = len(known) == len(found) and len({each.shape[1] for each in known}) == 1
    return np.concatenate(known) if alike else None


def _space(sample: Float32[np.ndarray, "row feature"] | None) -> Space | None:
    return None if sample is None else Space.of(sample)


def _batches(source: Inputs | States, rows: Int[np.ndarray, " row"]) -> Iterator[Batch]:
    for start in range(0, len(rows), BATCH):
        yield source[rows[start : start + BATCH]]


def _numbers(batch: Batch) -> Float32[np.ndarray, "row feature"] | None:
    if isinstance(batch, Tensor):
        tensors = [batch]
    elif batch.words is not None or batch.mask is not None:
        return None
    else:
        tensors = list(batch.tensors.values())
        if not all(each.is_floating_point() for each in tensors):
            return None
    values = torch.cat([_plain(each).reshape(len(each), -1).float() for each in tensors], dim=1).numpy()
    if values.shape[1] <= FEATURES:
        return values
    return values[:, np.sort(stream("near copies", "features").permutation(values.shape[1])[:FEATURES])]


def _token_ids(batch: Batch) -> list[Int[np.ndarray, " token"]] | None:
    """Token ids of every row without padding; of a word those of its sequence."""
    main = batch if isinstance(batch, Tensor) else next(iter(batch.tensors.values()))
    if main.ndim != 2 or main.dtype not in (torch.int32, torch.int64):
        return None
    mask = torch.ones_like(main, dtype=torch.bool) if isinstance(batch, Tensor) or batch.mask is None else batch.mask
    rows = [ids[kept].numpy() for ids, kept in zip(main, mask, strict=True)]
    if isinstance(batch, Tensor) or batch.words is None:
        return rows
    return [rows[row] for row in batch.words.sequence.tolist()]


def _digests(batch: Batch) -> list[bytes]:
    """A digest of all that a row holds but padding; of a word that of its sequence and its place there."""
    if isinstance(batch, Tensor):
        return [_digest(row.tobytes()) for row in _plain(batch).contiguous().numpy()]
    whole = [_digest(b"".join(_held(batch, row))) for row in range(len(next(iter(batch.tensors.values()))))]
    if batch.words is None:
        return whole
    places = zip(batch.words.sequence.tolist(), batch.words.start.tolist(), strict=True)
    return [_digest(whole[row] + start.to_bytes(8, "little")) for row, start in places]


def _held(batch: Named, row: int) -> Iterator[bytes]:
    """Bytes of every tensor of a row, without positions that are padding."""
    mask = None if batch.mask is None else batch.mask[row]
    for name, each in batch.tensors.items():
        values = each[row]
        if mask is not None and values.ndim and values.shape[0] == mask.shape[0]:
            values = values[mask]
        yield name.encode() + _plain(values).contiguous().numpy().tobytes()


def _plain(values: Tensor) -> Tensor:
    """Numbers of a type that NumPy has, -0 as 0, which it equals."""
    if values.is_complex():
        values = torch.view_as_real(values.resolve_conj())
    if not values.is_floating_point():
        return values
    return (values if values.dtype == torch.float64 else values.float()) + 0


def _digest(held: bytes) -> bytes:
    return hashlib.blake2b(held, digest_size=16).digest()
