"""Samples: inputs, the target they are trained on, and the attribute table, all in row-id order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
import polars as pl
import torch
from jaxtyping import Float32, Int, Int64
from torch import Tensor

from denote.config.keys import digest, digest_array
from denote.data.batch import Batch, words_of
from denote.errors import DataError

CLASSES, NUMERIC, LABELS = "classes", "numeric", "labels"
TASKS = (CLASSES, NUMERIC, LABELS)
"""What the target of a sample is: one class of several, a number, or yes or no for each of several labels."""

Rows: TypeAlias = Int[np.ndarray, " row"]
"""Ids of rows."""

STRATA = 10
"""Parts of equal size that numeric targets are cut into, so that all parts of a split get small and large ones."""


class Inputs(Protocol):
    """What a network is run on: drawn, read or held, whole batches at a time.

    Token ids have a further attribute ``n_tokens``: how many there are, the largest id + 1 (see `of_tokens`). Where
    samples are words, ``sequence`` is the sequence of every sample, which training keeps together. Inputs that are
    columns have ``names``, one per value of a sample; of texts and words ``texts`` holds what people read.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample; empty where inputs are tensors by name."""
        ...

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __getitem__(self, rows: Rows) -> Batch:
        """Return the samples with these row ids, in the order asked for."""
        ...


@dataclass(frozen=True)
class Unfitted:
    """Inputs before it is known which rows may shape them: means and spreads, the values of a category, a vocabulary.

    A dataset is loaded before it is split, but rows of *fit* and *test* must not shape what the network is shown.

    Attributes:
        n: Number of samples.
        fit: Makes the inputs of all samples from what the rows with these ids hold.
    """

    n: int
    fit: Callable[[Rows], Inputs]

    def __len__(self) -> int:
        """Return the number of samples."""
        return self.n


def of_tokens(inputs: Inputs) -> dict[str, Any]:
    """Return what an architecture must know of inputs that are token ids; empty for others.

    Returns:
        ``n_tokens``, their number, and ``per_position``, whether logits are wanted for every position, since the
        samples are words.
    """
    n_tokens = getattr(inputs, "n_tokens", None)
    if n_tokens is None:
        return {}
    return {"n_tokens": int(n_tokens), "per_position": words_of(inputs[np.array([0])]) is not None}


def picture_shape(inputs: Inputs) -> tuple[int, ...]:
    """Return the shape of one input as observers see it, empty for token ids: they are counted, and counts have no
    place.
    """
    return () if of_tokens(inputs) else tuple(inputs.shape)


def known_of(inputs: Inputs) -> dict[str, Any]:
    """Return what an architecture must know of inputs besides their shape, by name of an argument.

    Returns:
        What `of_tokens` says; of recorded states ``layers``, the names of the layers in order.
    """
    layers = getattr(inputs, "layers", None)
    return of_tokens(inputs) if layers is None else {"layers": tuple(layers)}


class TensorInputs:
    """Inputs held in memory in their own type; a batch is float32, divided by ``maximum``.

    Args:
        values: ``sample x ...``, any real number type; bytes stay bytes until they are asked for.
        maximum: What becomes 1, for example 255 for bytes.
        where: What to name in an error.

    Raises:
        DataError: if the values are not real numbers, or some are NaN or infinite (how many, the first row).
    """

    def __init__(self, values: Tensor | np.ndarray, maximum: float = 1.0, where: str = "dataset inputs") -> None:
        self._values = _numbers(values, where)
        self._maximum = maximum
        _check_finite(self._values, where)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self._values.shape[1:])

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._values)

    def __getitem__(self, rows: Rows) -> Float32[Tensor, " row *shape"]:
        """Return the samples with these row ids as float32, a fresh tensor."""
        index = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64))
        return self._values[index].to(torch.float32).div_(self._maximum)


@dataclass(frozen=True, eq=False)
class Samples:
    """A dataset once it is loaded.

    Attributes:
        name: The dataset's name in tables.
        inputs: One input per row; `Unfitted` where rows of the object part shape them, until `fitted`.
        targets: By ``task``: index into ``classes`` per row; a number per row; a row of 0 and 1 per row.
        classes: Names of the classes in the order of the target's indices, or of the labels in the order of the
            target's columns; empty where the target is a number.
        table: The attribute table, one row per sample in row-id order.
        target: The column of ``table`` that holds the target.
        key: Digest of everything that shaped the rows (contents, seed, number), never of where they lie.
        predefined: 0 for rows of a train part, 1 for held-out rows, where the dataset comes with such a split.
        task: ``classes``, ``numeric`` or ``labels``, see `TASKS`.
        asked: Columns that attributes are about where none are named; empty for all but the target and ``dealing``.
        dealing: Columns that deal the rows into parts.
        categories: Columns of numbers whose values are attributes one by one.

    Raises:
        DataError: if the lengths differ, a target is none of the task, or ``table`` lacks the target's column.
    """

    name: str
    inputs: Inputs
    targets: Int64[np.ndarray, " sample"] | Float32[np.ndarray, " sample"] | Int64[np.ndarray, "sample label"]
    classes: tuple[str, ...]
    table: pl.DataFrame
    target: str
    key: str
    predefined: Int[np.ndarray, " sample"] | None = None
    task: str = CLASSES
    asked: tuple[str, ...] = ()
    dealing: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Hold every promise above, so that nothing later has to ask."""
        lengths = {"inputs": len(self.inputs), "targets": len(self.targets), "table": self.table.height}
        if self.predefined is not None:
            lengths["predefined"] = len(self.predefined)
        if len(set(lengths.values())) > 1:
            raise DataError(f"dataset {self.name}", f"lengths differ: {lengths}")
        if not len(self):
            raise DataError(f"dataset {self.name}", "has no samples")
        DataError.refuse_unknown(self.task, TASKS, f"dataset {self.name}", "{!r} is no task")
        # The labels of a multi-label target are columns of their own, so it need not be one.
        if self.task != LABELS:
            column_of(self.table, self.target, "dataset.target")
        if problem := _CHECKS[self.task](self.targets, self.classes):
            raise DataError(f"dataset {self.name}", *problem)
        if self.predefined is not None and not np.isin(self.predefined, (0, 1)).all():
            raise DataError(f"dataset {self.name}", "predefined parts other than 0 (train) and 1 (held-out)")

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.targets)

    def fitted(self, rows: Rows) -> Samples:
        """Return the samples with inputs that were shaped by these rows only, and a key that says so.

        Args:
            rows: Ids of the object part; of *fit* where the network was trained elsewhere.
        """
        if not isinstance(self.inputs, Unfitted):
            return self
        key = digest([self.key, "fitted", digest_array(np.asarray(rows, dtype=np.int64))])
        return replace(self, inputs=self.inputs.fit(rows), key=key)

    @property
    def n_outputs(self) -> int:
        """How many numbers a network gives that learns the target."""
        return 1 if self.task == NUMERIC else len(self.classes)

    @property
    def strata(self) -> Int64[np.ndarray, " sample"]:
        """What every part of a split gets in equal shares: classes, tenths of numbers, nothing of labels."""
        if self.task == CLASSES:
            return self.targets.astype(np.int64, copy=False)
        if self.task == LABELS:
            return np.zeros(len(self), dtype=np.int64)
        ranks = np.argsort(np.argsort(self.targets, kind="stable"), kind="stable")
        return ranks * min(STRATA, len(self)) // len(self)

    @property
    def has_classes(self) -> bool:
        """Whether the target is a class of several; one class for all rows stands for no target."""
        return self.task == CLASSES and len(self.classes) > 1

    def classes_for(self, where: str) -> Int64[np.ndarray, " sample"]:
        """Return the class of every sample, for what needs classes.

        Raises:
            DataError: if the target is no class; ``where`` is what asked.
        """
        if self.task != CLASSES:
            kind = "a number" if self.task == NUMERIC else f"{len(self.classes)} labels"
            problem = f"needs classes, and the target of dataset {self.name} is {kind}"
            raise DataError(where, problem, "attribute=columns, attribute=quantiles, attribute.where")
        if not self.has_classes:
            problem = f"needs classes, and dataset {self.name} has no target"
            raise DataError(where, problem, "dataset.target=COLUMN, or attribute=columns, attribute.where")
        return self.targets.astype(np.int64, copy=False)

    def column(self, name: str, where: str) -> pl.Series:
        """Return a column of the attribute table, see `column_of`.

        Args:
            name: Its name.
            where: The setting that named it, for the error.
        """
        return column_of(self.table, name, where)


def is_text(column: pl.Series) -> bool:
    """Return whether a column holds texts, in whatever way they are stored."""
    return column.dtype in (pl.String, pl.Categorical, pl.Enum)


def column_of(table: pl.DataFrame, name: str, where: str) -> pl.Series:
    """Return a column of a table.

    Args:
        table: All columns.
        name: Of the column.
        where: The config key or argument that asks for it.

    Raises:
        DataError: if there is none of that name; lists the columns, the nearest first.
    """
    DataError.refuse_unknown(name, table.columns, where, "the table has no column {!r}")
    return table[name]


def _wrong_classes(targets: np.ndarray, classes: tuple[str, ...]) -> tuple[str, str] | None:
    low, high = int(targets.min()), int(targets.max())
    problem = f"targets run from {low} to {high} but there are {len(classes)} classes"
    return None if low >= 0 and high < len(classes) else (problem, f"allowed: 0 to {len(classes) - 1}")


def _wrong_numbers(targets: np.ndarray, classes: tuple[str, ...]) -> tuple[str, str] | None:
    if targets.ndim == 1 and targets.dtype.kind == "f" and np.isfinite(targets).all():
        return None
    bad = int((~np.isfinite(targets)).sum()) if targets.dtype.kind == "f" else 0
    problem = f"targets of shape {targets.shape} and type {targets.dtype}, {bad} of them NaN or infinite"
    return problem, "allowed: one finite floating-point number per sample"


def _wrong_labels(targets: np.ndarray, classes: tuple[str, ...]) -> tuple[str, str] | None:
    if targets.ndim == 2 and targets.shape[1] == len(classes) > 0 and np.isin(targets, (0, 1)).all():
        return None
    problem = f"targets of shape {targets.shape} for {len(classes)} labels, or some that are neither 0 nor 1"
    return problem, "allowed: 0 or 1 for every sample and label"


_CHECKS = {CLASSES: _wrong_classes, NUMERIC: _wrong_numbers, LABELS: _wrong_labels}


def _numbers(values: Tensor | np.ndarray, where: str) -> Tensor:
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "buif":
            raise DataError(where, f"inputs of type {values.dtype} are not numbers", "allowed: real numbers")
        values = torch.from_numpy(np.ascontiguousarray(values))
    if values.is_complex():
        raise DataError(where, f"inputs of type {values.dtype} are complex", "allowed: real numbers")
    return values.detach()


def _check_finite(values: Tensor, where: str) -> None:
    if values.is_floating_point() and (bad := ~torch.isfinite(values)).any():
        rows = bad.reshape(len(bad), -1).any(dim=1)
        counts = f"{int(bad.sum())} NaN or infinite values in {int(rows.sum())} of {len(values)} rows"
        raise DataError(where, f"{counts}, the first in row {int(rows.nonzero()[0])}", "allowed: finite numbers")
