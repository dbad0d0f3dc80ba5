"""A state that stays on disk and is read block by block, so that memory does not grow with it."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

READ = 16 << 20
"""Bytes of the file that are mapped at once."""


@dataclass(frozen=True)
class StoredState:
    """Some rows of a memory-mapped state. Blocks of it are copied out and the mapped pages are given back.

    ``state[a:b]`` is a block of rows and ``state[:, a:b]`` a block of columns, both in memory; ``state[rows]`` with an
    array of places or a mask is a further selection that still lies on disk.

    Attributes:
        values: The whole array, usually a read-only memory map.
        rows: Places of the rows in it.
    """

    values: Float[np.ndarray, "stored neuron"]
    rows: Int[np.ndarray, " sample"]

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and neurons."""
        return len(self.rows), self.values.shape[1]

    @property
    def ndim(self) -> int:
        """Always 2."""
        return 2

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: object) -> np.ndarray | StoredState:
        if isinstance(key, tuple):
            rows, columns = key
            return self._read(self.rows[rows], columns)
        if isinstance(key, slice):
            return self._read(self.rows[key], slice(None))
        return StoredState(self.values, self.rows[key])  # type: ignore[call-overload]

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype=dtype)  # type: ignore[call-overload, no-any-return]

    def _read(self, places: np.ndarray, columns: object) -> np.ndarray:
        width = self.values[:0, columns].shape[1:]  # type: ignore[index]
        out = np.empty((len(places), *width), dtype=self.values.dtype)
        for start, stop in self._spans(len(places)):
            found = places[start:stop]
            if len(found) and found[-1] - found[0] == len(found) - 1 and (np.diff(found) == 1).all():
                out[start:stop] = self.values[found[0] : found[-1] + 1, columns]  # type: ignore[index]
            else:
                out[start:stop] = self.values[found][:, columns]
            self._give_back()
        return out

    def _spans(self, n: int) -> Iterator[tuple[int, int]]:
        step = max(1, READ // max(1, self.values.shape[1] * self.values.itemsize))
        for start in range(0, n, step):
            yield start, min(start + step, n)

    def _give_back(self) -> None:
        """Mapped pages count as this process's memory until they are given back; the system's cache keeps them."""
        mapped = getattr(self.values, "_mmap", None)
        if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)
