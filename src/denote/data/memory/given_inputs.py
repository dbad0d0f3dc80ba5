"""Inputs that a user hands over, as the model takes them: tensors, arrays, a Dataset, a DataLoader."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset, SequentialSampler, default_collate

from denote.data.batch import Arguments, Batch, Named, Texts, mask_of_lengths
from denote.data.samples import Rows
from denote.errors import DataError, told, type_in_words

log = logging.getLogger(__name__)

LOOKED_AT = 8
"""Rows of a Dataset that tell of lengths and labels."""

MASK = "attention_mask"
"""The name under which Hugging Face's tokenizers say which positions are no padding."""

IDS = "input_ids"
"""The name under which they give token ids."""

ALLOWED = "a tensor, an array, a mapping of those by the names of the model's arguments, a Dataset or a DataLoader"


@dataclass(frozen=True)
class HeldInputs:
    """Inputs in memory, in the type that the model takes.

    Attributes:
        tensors: By name of the argument; the empty name for a model's only one.
        labels: What came beside them and is no input; None where nothing did.
        mask: Which positions are no padding, where lengths say so.
        texts: What people read in the place of every sample; None where it is not known.
    """

    tensors: Mapping[str, Tensor]
    labels: Tensor | None = None
    mask: Bool[Tensor, "row position"] | None = None
    texts: Texts | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample; empty for inputs by name."""
        return tuple(self.tensors[""].shape[1:]) if "" in self.tensors else ()

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(next(iter(self.tensors.values())))

    def __getitem__(self, rows: Rows) -> Batch:
        """Return the samples with these row ids."""
        index = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64))
        mask = None if self.mask is None else self.mask[index]
        return _batch({name: values[index] for name, values in self.tensors.items()}, mask)


@dataclass(frozen=True)
class DrawnInputs:
    """Inputs of a Dataset, put together when they are asked for.

    Attributes:
        dataset: With a length; an item is an input, or a tuple or list whose first entry is one, or a mapping.
        collate: What makes a batch of several items.
        arguments: What the model asks for.
    """

    dataset: Dataset[Any]
    collate: Any = default_collate
    arguments: Arguments = field(default_factory=Arguments)

    @property
    def labels(self) -> Tensor | None:
        """Return what comes beside the inputs and is no input; None where nothing does. Reads every item."""
        names = self.arguments.labels_among(self._given(np.array([0])))
        parts = np.split(np.arange(len(self)), range(256, len(self), 256))
        return torch.cat([self._given(rows)[names[0]] for rows in parts]) if names else None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample; empty for inputs by name."""
        return self._shapes.get("", ())

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.dataset)  # type: ignore[arg-type]  # checked by `inputs_of`

    def __getitem__(self, rows: Rows) -> Batch:
        """Return the samples with these row ids."""
        tensors = self._tensors(rows)
        mask = None if MASK in tensors else mask_of_lengths(tensors)
        if MASK in tensors:
            _check_mask(tensors[MASK], rows)
        elif mask is None and len(rows) > 1 and _shapes(tensors) != self._shapes:
            problem = f"batches differ in shape, {_shown(self._shapes)} and {_shown(_shapes(tensors))}, without a mask"
            raise DataError("inputs", problem, f"batches by name with {MASK!r}, so that padding enters no state")
        return _batch(self.arguments.without_lengths(tensors) if mask is not None else tensors, mask)

    @cached_property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return _shapes(self._tensors(np.array([0])))

    def _tensors(self, rows: Rows) -> dict[str, Tensor]:
        given = self._given(rows)
        labels = self.arguments.labels_among(given)
        return {name: tensor for name, tensor in given.items() if name not in labels}

    def _given(self, rows: Rows) -> dict[str, Tensor]:
        items = [self.dataset[int(row)] for row in rows]
        try:
            batch = self.collate(items)
        except (RuntimeError, TypeError, ValueError) as error:
            problem = f"{len(items)} items of the dataset make no batch: {told(error)}"
            raise DataError("inputs", problem, "items of one shape, or a DataLoader with a collate function") from error
        names = self.arguments.required
        if isinstance(batch, list | tuple) and len(batch) >= len(names) > 1:
            batch = dict(zip(names, batch, strict=False))
        elif isinstance(batch, list | tuple) and batch:
            batch = batch[0]
        batch = {"": batch} if isinstance(batch, Tensor) else batch
        if isinstance(batch, Mapping) and all(isinstance(tensor, Tensor) for tensor in batch.values()):
            return {str(name): tensor.detach().cpu() for name, tensor in batch.items()}
        kind = type(batch).__name__
        if isinstance(batch, Mapping):
            name, other = next((name, value) for name, value in batch.items() if not isinstance(value, Tensor))
            kind += f" whose {str(name)!r} is {type_in_words(other)}"
        raise DataError("inputs", f"a batch of the dataset is a {kind}", "allowed: a tensor, or tensors by name")


def inputs_of(given: Any, model: Any = None) -> HeldInputs | DrawnInputs:
    """Return what a user handed over as inputs.

    Args:
        given: A tensor or array ``sample x ...``, the network's only argument; a mapping of those by name, such as a
            tokenizer gives; a tuple of as many as the model has arguments without a default; a map-style Dataset; a
            DataLoader, whose dataset and collate function are used.
        model: What is called with them. Entries called as labels are (`LABELS`) that it can do without are kept apart.

    Raises:
        DataError: naming ``inputs``: for anything else, for lengths that differ, for data without an order or a length.
    """
    arguments = Arguments.of(model)
    if isinstance(given, DataLoader | Dataset) or _is_map_style(given):
        return _drawn(given, arguments)
    if isinstance(given, tuple) and len(given) == len(arguments.required) > 1:
        given = dict(zip(arguments.required, given, strict=True))
    if not isinstance(given, Mapping):
        return _held({"": _tensor(given, "inputs")})
    tensors = {str(name): _tensor(values, f"inputs[{str(name)!r}]") for name, values in given.items()}
    labels = _labels_told(arguments, tensors)
    held = _held({name: tensor for name, tensor in tensors.items() if name not in labels})
    mask = None if MASK in tensors else mask_of_lengths(held.tensors, tell=True)
    fed = held.tensors if mask is None else arguments.without_lengths(held.tensors)
    return HeldInputs(fed, tensors[labels[0]] if labels else None, mask)


def _drawn(data: Any, arguments: Arguments) -> DrawnInputs:
    """Return the inputs of a dataset or a loader, after a look at the first rows that tells of lengths and labels."""
    dataset = data.dataset if isinstance(data, DataLoader) else data
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__"):
        raise DataError("inputs", f"{type(dataset).__name__} has no rows by number", "allowed: a map-style Dataset")
    if isinstance(data, DataLoader):
        _check_order(data)
    collate = data.collate_fn if isinstance(data, DataLoader) else default_collate
    inputs = DrawnInputs(dataset, collate, arguments)
    given = inputs._given(np.arange(min(len(inputs), LOOKED_AT)))
    _labels_told(inputs.arguments, given)
    if MASK not in given:
        mask_of_lengths(given, tell=True)
    return inputs


def _labels_told(arguments: Arguments, given: Mapping[str, Any]) -> list[str]:
    """Return the names of labels among what was given, with a warning for each."""
    for name in (labels := arguments.labels_among(given)):
        log.warning("inputs[%r] is not fed to the model: classes where nothing else is asked for, else unused", name)
    return labels


def _held(tensors: Mapping[str, Tensor]) -> HeldInputs:
    if not tensors:
        raise DataError("inputs", "an empty mapping", f"allowed: {ALLOWED}")
    lengths = {name: len(values) if values.ndim else 0 for name, values in tensors.items()}
    if len(set(lengths.values())) > 1:
        raise DataError("inputs", f"lengths differ: {lengths}")
    if not next(iter(lengths.values())):
        raise DataError("inputs", "holds no samples")
    if MASK in tensors:
        _check_mask(tensors[MASK], np.arange(len(tensors[MASK])))
    return HeldInputs(tensors)


def _check_mask(mask: Tensor, rows: Rows) -> None:
    """Refuse a mask that is one of numbers to add, or leaves nothing of a row, so that nothing could be its state."""
    if mask.dtype.is_floating_point and (mask < 0).any():
        raise DataError(f"inputs[{MASK!r}]", "holds numbers below 0", "1 where a position is no padding, else 0")
    if len(empty := rows[~mask.bool().flatten(1).any(1).numpy()]):
        problem = f"{len(empty)} rows are padding only, the first is row {empty[0]}"
        raise DataError(f"inputs[{MASK!r}]", problem, "inputs with at least one position that is no padding")


def _tensor(values: Any, where: str) -> Tensor:
    if isinstance(values, Tensor):
        # On the CPU, where rows are picked from it and observers of the raw input read it.
        return (values.detach().to_dense() if values.layout != torch.strided else values.detach()).cpu()
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        try:
            values = np.asarray(values)
        except ValueError as error:
            raise DataError(where, "a list of rows of different lengths", f"allowed: {ALLOWED}") from error
        except TypeError as error:
            raise DataError(where, f"a list that makes no array ({told(error)})", f"allowed: {ALLOWED}") from error
    if isinstance(values, np.ma.MaskedArray) and (hidden := int(np.ma.getmaskarray(values).sum())):
        raise DataError(where, f"{hidden} numbers are masked", "inputs without gaps: values.filled(0)")
    if isinstance(values, np.ndarray) and values.dtype.kind in "buif":
        # What a network computes with; torch would keep NumPy's float64 and then refuse to multiply.
        dtype = values.dtype.newbyteorder("=")
        wide = dtype.kind == "f" and dtype.itemsize > np.dtype(np.float32).itemsize
        values = values.astype(np.float32 if wide else dtype, copy=False)
        return torch.from_numpy(np.ascontiguousarray(values))
    kind = f"array of {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
    raise DataError(where, f"a {kind}", f"allowed: {ALLOWED}")


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape[1:]) for name, tensor in tensors.items()}


def _shown(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}".strip() for name, shape in shapes.items())


def _batch(tensors: Mapping[str, Tensor], length_mask: Bool[Tensor, "row position"] | None = None) -> Batch:
    if "" in tensors:
        return tensors[""]
    mask = tensors.get(MASK, length_mask)
    # The main one first, whatever order they came in: it is the raw input that observers are compared with.
    named = dict(sorted(tensors.items(), key=lambda entry: (entry[0] != IDS, entry[0] == MASK)))
    return Named(named, None if mask is None else mask.bool())


def _check_order(loader: DataLoader[Any]) -> None:
    """Refuse a loader whose rows come in another order than those of its dataset, which the attributes have."""
    if loader.batch_sampler is None:
        raise DataError("inputs", "a DataLoader without batches", "its dataset, or batch_size=N")
    if not isinstance(loader.sampler, SequentialSampler):
        problem = "a DataLoader that shuffles: its rows would not be those of the attributes"
        raise DataError("inputs", problem, "shuffle=False")
    if type(loader.batch_sampler) is not BatchSampler or loader.batch_sampler.sampler is not loader.sampler:
        problem = "a DataLoader with a batch_sampler: its rows might not be those of the attributes"
        raise DataError("inputs", problem, "its dataset, or a DataLoader with batch_size=N")


def _is_map_style(given: Any) -> bool:
    """Return whether something is a dataset by what it can do, as those of Hugging Face are, and no array, frame or
    list.
    """
    has_rows = hasattr(given, "__getitem__") and hasattr(given, "__len__")
    return has_rows and not isinstance(given, Sequence | Mapping | Tensor) and not hasattr(given, "__array__")
