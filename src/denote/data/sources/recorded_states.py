"""Activations that were recorded elsewhere, as a dataset: an array per layer, and a table with a row per sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from jaxtyping import Shaped

from denote.config.keys import SCHEMA, digest, digest_array
from denote.data.batch import Named
from denote.data.columns.table_files import AttributeTableModule, ReadTable, log_missing
from denote.data.learned import Target, classes_of
from denote.data.memory.given_columns import UNNAMED
from denote.data.memory.given_samples import NO_CLASS
from denote.data.samples import CLASSES, Rows, Samples, column_of
from denote.data.sources.arrays import read_arrays
from denote.errors import DataError


@dataclass(frozen=True)
class RecordedInputs:
    """What a network gave in the place of what it was given.

    Attributes:
        arrays: ``sample x ...`` by layer, in the order of the layers.
    """

    arrays: Mapping[str, Shaped[np.ndarray, " sample *shape"]]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in order."""
        return tuple(self.arrays)

    @property
    def shape(self) -> tuple[int, ...]:
        """Empty: these are tensors by name."""
        return ()

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(next(iter(self.arrays.values())))

    def __getitem__(self, rows: Rows) -> Named:
        """Return what every layer gave for the samples with these row ids, as float32."""
        chosen = {name: np.array(values[rows], dtype=np.float32) for name, values in self.arrays.items()}
        return Named({name: torch.from_numpy(values) for name, values in chosen.items()})


class StatesModule(AttributeTableModule):
    """States of a network that is not here.

    Args:
        path: A ``.npz`` or ``.safetensors`` file of arrays by layer, or a folder of ``.npy`` files.
        table: See `read_columns`; its columns are the attribute table.
        target: Column of classes, or None for none.
        layers: Names of the arrays to take, in order of depth; None for all, in the order of the npz file, else by
            name (``block2`` before ``block10``), as other files keep no order.
        settings: Those of `AttributeTableModule`.
    """

    paths = ("path", "table")

    def __init__(
        self,
        path: str | Path | None,
        table: str | Path | None,
        target: str | None = None,
        layers: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.path, self.table, self.target, self.layers = path, table, target, layers

    def load(self) -> Samples:
        """Read arrays and table.

        Raises:
            DataError: for files that cannot be used, an array that is none of activations, or lengths that differ.
        """
        arrays = self._chosen(read_arrays(self.path))
        learned = [] if self.target is None else [self.target]
        read = self.read(self.table, "dataset.table", learned)
        table = read.checked(learned, needed=self.dealing)
        for name, values in arrays.items():
            if not name.strip():
                raise DataError("dataset.path", f"an array of {self.path} has no name", "needed: the name of its layer")
            if values.ndim < 2 or values.dtype.kind not in "buif":
                problem = f"array {name!r} has shape {values.shape} and type {values.dtype}"
                unnamed = values.dtype.kind == "V" and not values.dtype.names
                needed = UNNAMED if unnamed else "needed: numbers, sample x neuron, or dataset.layers=[...]"
                raise DataError("dataset.path", problem, needed)
            if len(values) != table.height:
                problem = f"{table.height} rows in {self.table} for {len(values)} samples of array {name!r}"
                raise DataError("dataset.table", problem, "needed: a row per sample, in the same order")
        table, target = self._target_of(table, read)
        log_missing(table, [name for name in table.columns if name != target.name])
        content = {name: digest_array(values) for name, values in arrays.items()}
        shaping = [list(content.items()), digest_array(target.values)]
        key = digest({"dataset": "states", "content": shaping, "schema": SCHEMA})
        stem = Path(str(self.path)).stem
        return target.samples(stem, RecordedInputs(arrays), table, key, categories=read.categories)

    def _chosen(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self.layers is None:
            return dict(arrays)
        if not isinstance(self.layers, Sequence) or isinstance(self.layers, str) or not self.layers:
            raise DataError("dataset.layers", f"{self.layers!r} came", "allowed: null, or a list of names of arrays")
        for name in self.layers:
            DataError.refuse_unknown(name, arrays, "dataset.layers", "there is no array {!r}")
        return {name: arrays[name] for name in self.layers}

    def _target_of(self, table: pl.DataFrame, read: ReadTable) -> tuple[pl.DataFrame, Target]:
        """Return the table with the target's column, and the target; without one all rows are one class."""
        if self.target is None:
            one_class = table.with_columns(pl.lit("all").alias(NO_CLASS))
            return one_class, Target(NO_CLASS, CLASSES, np.zeros(table.height, dtype=np.int64), ("all",))
        column = column_of(table, self.target, "dataset.target")
        return table, Target(self.target, CLASSES, *classes_of(column, line_of=read.line_of))
