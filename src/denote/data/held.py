"""Inputs that a user hands over, as the model takes them: tensors, arrays, a Dataset, a DataLoader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, SequentialSampler, default_collate

from denote.data.batch import Batch, Named
from denote.data.samples import Inputs
from denote.errors import DataError

MASK = "attention_mask"
"""The name under which Hugging Face's tokenizers say which positions are no padding."""

ALLOWED = "a tensor, an array, a mapping of those by the names of the model's arguments, a Dataset or a DataLoader"


@dataclass(frozen=True)
class HeldInputs:
    """Inputs in memory, in the type that the model takes.

    Attributes:
        tensors: By name of the argument; the empty name for a model's only one.
    """

    tensors: Mapping[str, Tensor]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample; empty for inputs by name."""
        return tuple(self.tensors[""].shape[1:]) if "" in self.tensors else ()

    def __len__(self) -> int:
        """Number of samples."""
        return len(next(iter(self.tensors.values())))

    def __getitem__(self, rows: Int[np.ndarray, " row"]) -> Batch:
        """The samples with these row ids."""
        index = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64))
        return _batch({name: values[index] for name, values in self.tensors.items()})


@dataclass(frozen=True)
class DrawnInputs:
    """Inputs of a Dataset, put together when they are asked for.

    Attributes:
        dataset: With a length; an item is an input, or a tuple or list whose first entry is one, or a mapping.
        collate: What makes a batch of several items.
    """

    dataset: Dataset[Any]
    collate: Any = default_collate

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample; empty for inputs by name."""
        batch = self[np.array([0])]
        return tuple(batch.shape[1:]) if isinstance(batch, Tensor) else ()

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.dataset)  # type: ignore[arg-type]  # checked by `inputs_of`

    def __getitem__(self, rows: Int[np.ndarray, " row"]) -> Batch:
        """The samples with these row ids."""
        batch = self.collate([self.dataset[int(row)] for row in rows])
        if isinstance(batch, list | tuple) and batch:
            batch = batch[0]
        if isinstance(batch, Tensor):
            return batch
        if isinstance(batch, Mapping) and all(isinstance(each, Tensor) for each in batch.values()):
            return _batch({str(name): each for name, each in batch.items()})
        raise DataError(
            "inputs", f"a batch of the dataset is a {type(batch).__name__}", "allowed: a tensor, or tensors by name"
        )


def inputs_of(given: Any) -> Inputs:
    """What a user handed over as inputs.

    Args:
        given: A tensor or array ``sample x ...``, the network's only argument; a mapping of those by name, such as a
            tokenizer gives; a map-style Dataset; a DataLoader, whose dataset and collate function are used.

    Raises:
        DataError: naming ``inputs``: for anything else, for lengths that differ, for data without an order or a length.
    """
    if isinstance(given, DataLoader):
        if not isinstance(given.sampler, SequentialSampler):
            problem = "a DataLoader that shuffles: its rows would not be those of the attributes"
            raise DataError("inputs", problem, "shuffle=False")
        _check_dataset(given.dataset)
        return DrawnInputs(given.dataset, given.collate_fn)
    if isinstance(given, Dataset):
        _check_dataset(given)
        return DrawnInputs(given)
    if isinstance(given, Mapping):
        return _held({str(name): _tensor(values, f"inputs[{str(name)!r}]") for name, values in given.items()})
    return _held({"": _tensor(given, "inputs")})


def _held(tensors: Mapping[str, Tensor]) -> HeldInputs:
    if not tensors:
        raise DataError("inputs", "an empty mapping", f"allowed: {ALLOWED}")
    lengths = {name: len(values) if values.ndim else 0 for name, values in tensors.items()}
    if len(set(lengths.values())) > 1:
        raise DataError("inputs", f"lengths differ: {lengths}")
    if not next(iter(lengths.values())):
        raise DataError("inputs", "holds no samples")
    return HeldInputs(tensors)


def _tensor(values: Any, where: str) -> Tensor:
    if isinstance(values, Tensor):
        return values.detach()
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        values = np.asarray(values)
    if isinstance(values, np.ndarray) and values.dtype.kind in "buif":
        # What a network computes with; torch would keep NumPy's float64 and then refuse to multiply.
        values = values.astype(np.float32) if values.dtype == np.float64 else values
        return torch.from_numpy(np.ascontiguousarray(values))
    kind = f"array of {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
    raise DataError(where, f"a {kind}", f"allowed: {ALLOWED}")


def _batch(tensors: Mapping[str, Tensor]) -> Batch:
    if "" in tensors:
        return tensors[""]
    mask = tensors.get(MASK)
    return Named(tensors, None if mask is None else mask.bool())


def _check_dataset(dataset: Dataset[Any]) -> None:
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__"):
        raise DataError("inputs", f"{type(dataset).__name__} has no rows by number", "allowed: a map-style Dataset")
