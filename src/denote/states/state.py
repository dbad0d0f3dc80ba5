"""The recorded activations of one layer, in memory or read block by block from disk."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import Any, ClassVar, Protocol

import numpy as np
from jaxtyping import Float32, Int

from denote.errors import StateError
from denote.notes import note
from denote.states.layers import Layer

READ = 4 << 20
"""Bytes that are read at once."""

SPARSE = 4
"""Rows of a span are read whole and picked from if it holds at most this many times the rows that are asked for."""


class Columns(Protocol):
    """Rows and columns on demand: a memory map, several side by side, or inputs that are drawn when asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of rows and columns."""
        ...

    def __getitem__(self, key: Any) -> Any:
        """``[rows, columns]`` in memory; rows are a slice or places, columns a slice or places."""
        ...


@dataclass(frozen=True)
class SideBySide:
    """Arrays of equally many rows, read as if they were one.

    Attributes:
        arrays: The arrays, left to right.
    """

    arrays: tuple[Float32[np.ndarray, "row part"], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and of columns of all arrays together."""
        return len(self.arrays[0]), sum(array.shape[1] for array in self.arrays)

    def __getitem__(self, key: tuple[Any, Any]) -> Float32[np.ndarray, "row column"]:
        rows, columns = key
        wanted = np.arange(self.shape[1])[columns]
        out = np.empty((len(np.empty(len(self.arrays[0]), bool)[rows]), len(wanted)), dtype=np.float32)
        for array, end in zip(self.arrays, accumulate(a.shape[1] for a in self.arrays), strict=True):
            start = end - array.shape[1]
            here = (wanted >= start) & (wanted < end)
            if here.any():
                low, high = wanted[here].min() - start, wanted[here].max() + 1 - start
                out[:, here] = array[rows, low:high][:, wanted[here] - start - low]
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:, :], dtype=dtype)


@dataclass(frozen=True)
class StoredState:
    """Some rows of a state on disk. Blocks of it are copied out and mapped pages are given back.

    ``state[a:b]`` is a block of rows and ``state[:, a:b]`` a block of columns, both in memory; ``state[rows]`` with an
    array of places or a mask is a further selection that still lies on disk.

    Attributes:
        values: The whole array, usually a read-only memory map.
        rows: Places of the rows in it.
        ndim: Always 2.
        dtype: Of the blocks that are read, whatever lies on disk.
    """

    values: Columns
    rows: Int[np.ndarray, " sample"]
    ndim: ClassVar[int] = 2
    dtype: ClassVar[np.dtype[np.float32]] = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and neurons."""
        return len(self.rows), self.values.shape[1]

    @property
    def nbytes(self) -> int:
        """Bytes it would take in memory."""
        return 4 * len(self.rows) * self.values.shape[1]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            rows, columns = key
            return self._read(self.rows[rows], columns)
        if isinstance(key, slice):
            return self._read(self.rows[key], slice(None))
        return StoredState(self.values, self.rows[key])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype=dtype)

    def _read(self, places: Int[np.ndarray, " sample"], columns: Any) -> Float32[np.ndarray, "sample column"]:
        width = len(np.empty(self.values.shape[1], bool)[columns])
        out = np.empty((len(places), width), dtype=np.float32)
        for start, stop in self._spans(len(places)):
            wanted = places[start:stop]
            low, high = int(wanted.min()), int(wanted.max()) + 1
            if high - low == len(wanted) and (np.diff(wanted) == 1).all():
                out[start:stop] = self.values[low:high, columns]
            elif high - low <= SPARSE * len(wanted):
                # Picking from a span is many times faster than fetching its rows one by one.
                out[start:stop] = self.values[low:high, columns][wanted - low]
            else:
                out[start:stop] = self.values[wanted, slice(None)][:, columns]
            give_back(self.values)
        return out

    def _spans(self, n: int) -> Iterator[tuple[int, int]]:
        step = max(1, READ // max(1, 4 * self.values.shape[1]))
        for start in range(0, n, step):
            yield start, min(start + step, n)


def give_back(values: object) -> None:
    """Return mapped pages, which count as this process's memory although the system's cache keeps them."""
    parts: Sequence[object] = values.arrays if isinstance(values, SideBySide) else (values,)
    for part in parts:
        mapped = getattr(part, "_mmap", None)
        # Changes to a copy-on-write map live in those pages alone.
        if mapped is not None and getattr(part, "mode", "c") != "c" and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)


@dataclass(frozen=True)
class LayerState:
    """Activations of one layer on some rows.

    Attributes:
        layer: The layer.
        values: One row per recorded sample: a read-only memory map, or several side by side.
        rows: Row ids of the recorded samples, ascending.
        parts: For all layers side by side the layers they are made of, else empty.
    """

    layer: Layer
    values: Float32[np.ndarray, "sample neuron"] | SideBySide
    rows: Int[np.ndarray, " sample"]
    parts: tuple[Layer, ...] = ()

    def at(self, rows: Int[np.ndarray, " row"]) -> Float32[np.ndarray, "row neuron"]:
        """The state of some rows, in the order given, in memory.

        Raises:
            StateError: if a row was not recorded.
        """
        values: np.ndarray = self.stored(rows)[:]
        return values

    def stored(self, rows: Int[np.ndarray, " row"]) -> StoredState:
        """The state of some rows, in the order given, where it lies.

        Raises:
            StateError: if a row was not recorded.
        """
        rows = np.asarray(rows, dtype=np.int64)
        places = np.searchsorted(self.rows, rows)
        missing = self.rows[np.minimum(places, len(self.rows) - 1)] != rows
        if missing.any():
            raise StateError(
                f"state of layer {self.layer.name}",
                f"{int(missing.sum())} of {len(rows)} rows were not recorded, the first is row {rows[missing][0]}",
            )
        return StoredState(self.values, places)

    def neuron_name(self, index: int) -> str:
        """Where a neuron is; side by side the layer's name stands in front.

        Raises:
            IndexError: if there is no such neuron.
        """
        if not self.parts:
            return self.layer.neuron_name(index)
        for part, end in zip(self.parts, accumulate(layer.n_neurons for layer in self.parts), strict=True):
            if 0 <= index < end:
                return f"{part.name}, {part.neuron_name(index - end + part.n_neurons)}"
        raise IndexError(f"the state has no neuron {index}: there are {self.layer.n_neurons}")


def state_of_all(states: Sequence[LayerState]) -> LayerState:
    """All layers side by side as one layer called ``state`` without a depth; they stay where they are.

    Raises:
        ValueError: if there are none, or they were recorded on different rows.
    """
    if not states:
        raise ValueError("no states to put side by side")
    rows = states[0].rows
    if any(not np.array_equal(state.rows, rows) for state in states):
        raise ValueError("the states were recorded on different rows")
    n_neurons = sum(state.layer.n_neurons for state in states)
    poolings = dict.fromkeys(state.layer.pooling for state in states if state.layer.pooling != "none")
    notes = [state.layer.note.about(state.layer.name) for state in states if state.layer.note]
    layer = replace(
        states[0].layer,
        name="state",
        depth=None,
        relative_depth=None,
        is_head=False,
        sign_identified=None,
        axes=(),
        kind="units",
        channels_last=False,
        module_class="",
        note=note(*notes),
        shape=(n_neurons,),
        grid=(n_neurons,),
        pooling="+".join(poolings) or "none",
    )
    arrays = chain.from_iterable(
        state.values.arrays if isinstance(state.values, SideBySide) else (state.values,) for state in states
    )
    return LayerState(layer, SideBySide(tuple(arrays)), rows, tuple(state.layer for state in states))
