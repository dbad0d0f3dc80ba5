"""What the object model is taught: columns of a table, as they are or as a world with a known answer.

In such worlds (docs/worlds.md) a network sees the same inputs under fewer distinctions (merged classes), or under none
at all (shuffled targets), while observers see the classes themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import polars as pl
from jaxtyping import Float32, Int64

from denote.config.keys import digest
from denote.data.samples import CLASSES, LABELS, NUMERIC, TASKS, Inputs, Rows, Samples, Unfitted, column_of, is_text
from denote.errors import DataError
from denote.streams import stream

WHERE = "dataset.target"
"""The key of the target."""
MOST_NUMBERS = 128
"""Different numbers that still count as classes; more is a quantity."""
MOST_NAMES = 1000
"""Different texts that still count as classes; more is an id or free text."""


LineOf = Callable[[int], str]
"""Says where a row is, for an error."""

_ROW: LineOf = "row {} from 0".format


@dataclass(frozen=True, eq=False)
class Target:
    """What a network learns.

    Attributes:
        name: Of the column, or of all columns of labels, joined by commas.
        task: ``classes``, ``numeric`` or ``labels``.
        values: Index of the class, number, or 0 and 1 of every label, per row.
        classes: Names of the classes or labels; empty for a number.
    """

    name: str
    task: str
    values: Int64[np.ndarray, " sample *label"] | Float32[np.ndarray, " sample"]
    classes: tuple[str, ...] = ()

    def at(self, rows: Rows) -> Target:
        """Return the target of some rows, in the order given."""
        return replace(self, values=self.values[rows])

    def samples(self, name: str, inputs: Inputs | Unfitted, table: pl.DataFrame, key: str, **more: Any) -> Samples:
        """Return the dataset that is learned towards this target.

        Args:
            name: Of the dataset.
            inputs: One per row.
            table: The attribute table.
            key: Digest of everything that shaped the rows.
            more: What `Samples` takes besides.
        """
        held = cast(Inputs, inputs)  # what is not fitted yet is never read
        return Samples(name, held, self.values, self.classes, table, self.name, key, task=self.task, **more)


def target_of(table: pl.DataFrame, names: str | Sequence[str], task: str = CLASSES, line_of: LineOf = _ROW) -> Target:
    """Return what ``dataset.target`` and ``dataset.task`` ask for.

    Args:
        table: The attribute table.
        names: A column; a list of columns for labels.
        task: ``classes``, ``numeric`` or ``labels``.
        line_of: Says where a row is, for an error.

    Raises:
        DataError: naming ``dataset.target`` or ``dataset.task``.
    """
    listed = target_names(names)
    DataError.refuse_unknown(task, TASKS, "dataset.task")
    columns = [column_of(table, name, WHERE) for name in listed]
    if task == LABELS:
        labels, values = zip(*(_label_of(column, line_of) for column in columns), strict=True)
        return Target(",".join(listed), task, np.stack(values, axis=1), labels)
    if len(columns) > 1:
        problem = f"{len(columns)} columns ({', '.join(listed)}) for dataset.task={task}"
        raise DataError(WHERE, problem, "allowed: one column, or dataset.task=labels")
    if task == NUMERIC:
        return Target(listed[0], task, _numbers_of(columns[0], line_of))
    return Target(listed[0], task, *classes_of(columns[0], line_of))


def target_names(names: str | Sequence[str]) -> list[str]:
    """Return the columns that a target is made of, each once.

    Raises:
        DataError: if it is neither a column nor a list of columns.
    """
    listed = [names] if isinstance(names, str) else names
    if not isinstance(listed, Sequence) or not listed or not all(isinstance(name, str) for name in listed):
        raise DataError(WHERE, f"{names!r} came", "allowed: a column, or a list of columns for labels")
    return list(dict.fromkeys(listed))


def classes_of(column: pl.Series, line_of: LineOf = _ROW) -> tuple[Int64[np.ndarray, " sample"], tuple[str, ...]]:
    """Return the index of the class of every row, and the classes' names: numbers ascending, names by alphabet.

    Args:
        column: Integers, whole numbers, yes/no or text.
        line_of: Says where a row is, for an error.

    Raises:
        DataError: for missing values, fewer than two classes, or values that are no classes.
    """
    column = _without_gaps(column, line_of)
    _check_kind(column)
    values = column.unique().sort()
    most = MOST_NAMES if column.dtype == pl.String else MOST_NUMBERS
    if not 2 <= len(values) <= most:
        problem = f"column {column.name!r} has {len(values)} different values ({_examples(values)})"
        learn = f"; to learn the number: {_NUMERIC}" if column.dtype.is_numeric() and len(values) > most else ""
        raise DataError(WHERE, problem, f"allowed for dataset.task=classes: 2 to {most} values{learn}")
    codes = column.rank("dense").to_numpy().astype(np.int64) - 1
    return codes, tuple(str(value).lower() if column.dtype == pl.Boolean else str(value) for value in values.to_list())


_NUMERIC = f"dataset.task={NUMERIC}"


def _numbers_of(column: pl.Series, line_of: LineOf) -> Float32[np.ndarray, " sample"]:
    if not column.dtype.is_numeric():
        raise DataError(WHERE, f"column {column.name!r} holds {column.dtype}", f"needed for {_NUMERIC}: numbers")
    numbers = _without_gaps(column, line_of).cast(pl.Float64)
    if (infinite := numbers.is_infinite()).any():
        first = line_of(int(infinite.arg_true()[0]))
        raise DataError(WHERE, f"column {column.name!r} is infinite, first in {first}", "remove those rows")
    if numbers.n_unique() == 1:
        raise DataError(WHERE, f"column {column.name!r} has one value only ({numbers[0]:g})", "needed: one that varies")
    return numbers.to_numpy().astype(np.float32)


def _label_of(column: pl.Series, line_of: LineOf) -> tuple[str, Int64[np.ndarray, " sample"]]:
    """Return the name and 0 or 1 of a column with two values; of others than no and yes the later one is yes."""
    column = _without_gaps(column, line_of)
    values = column.unique().sort()
    if len(values) != 2:
        problem = f"column {column.name!r} has {len(values)} different values ({_examples(values)})"
        raise DataError(WHERE, problem, f"needed for dataset.task={LABELS}: columns with two values")
    is_flag = column.dtype == pl.Boolean or values.to_list() == [0, 1]
    name = column.name if is_flag else f"{column.name}={values[1]}"
    return name, (column == values[1]).cast(pl.Int64).to_numpy()


def _without_gaps(column: pl.Series, line_of: LineOf) -> pl.Series:
    """Return the column in a type that can be compared.

    Raises:
        DataError: for missing values: how many, and where the first is.
    """
    if column.dtype.is_float():
        column = column.fill_nan(None)
    elif is_text(column):
        column = column.cast(pl.String)
    if missing := column.null_count():
        first = line_of(int(column.is_null().arg_true()[0]))
        problem = f"column {column.name!r} is missing in {missing} of {len(column)} rows, the first is {first}"
        raise DataError(WHERE, problem, "remove those rows")
    return column


def _examples(values: pl.Series) -> str:
    return ", ".join(str(value) for value in values.head(3).to_list()) + (", ..." if len(values) > 3 else "")


def _check_kind(column: pl.Series) -> None:
    kind, allowed = column.dtype, "whole numbers, yes/no or text"
    if kind.is_float() and len(broken := column.filter(column != column.floor())):
        problem = f"column {column.name!r} holds numbers such as {broken[0]:g}"
        raise DataError(WHERE, problem, f"allowed for dataset.task=classes: {allowed}; to learn the number: {_NUMERIC}")
    if not (kind.is_numeric() or kind in (pl.Boolean, pl.String)):
        raise DataError(WHERE, f"column {column.name!r} holds {kind}", f"allowed: {allowed}")


@dataclass(frozen=True)
class Learned:
    """The targets of training.

    Attributes:
        targets: Index of the learned class per row; or a number per row, in standard deviations from the mean of the
            object part; or a row of 0 and 1 per row. Rows outside the object part are never shuffled, so what is
            scored there is the truth.
        n_classes: How many classes or labels are learned, 1 for a number: outputs of the network.
        shuffled: Whether the targets were permuted among the rows that are trained on.
        task: What they are, see `denote.data.samples.TASKS`.
    """

    targets: Int64[np.ndarray, " sample *label"] | Float32[np.ndarray, " sample"]
    n_classes: int
    shuffled: bool = False
    task: str = CLASSES

    @classmethod
    def of(cls, samples: Samples, rows: Rows | Sequence[int] = ()) -> Learned:
        """Return the targets as they are, numbers standardised by those of some rows, where there are any.

        Args:
            samples: With their targets.
            rows: Ids of those whose mean and spread standardise numbers; empty to leave them.
        """
        targets = samples.targets
        if samples.task == NUMERIC and len(rows):
            # A network starts near 0 and a loss is summed in float32: prices in millions would never be learned.
            spread = float(targets[rows].std(dtype=np.float64)) or 1.0
            targets = (targets - targets[rows].mean(dtype=np.float64)) / spread
        dtype = np.float32 if samples.task == NUMERIC else np.int64
        return cls(targets.astype(dtype, copy=False), samples.n_outputs, task=samples.task)

    def permuted(self, rows: Rows, seed: int) -> Learned:
        """Return the same with the targets of some rows dealt among them, so that every class keeps its size.

        Args:
            rows: Ids of those whose targets are dealt.
            seed: Of the permutation.
        """
        targets = self.targets.copy()
        targets[rows] = stream("shuffled targets", seed).permutation(targets[rows])
        return replace(self, targets=targets, shuffled=True)


@dataclass(frozen=True)
class Lesson:
    """The settings ``dataset.merge_classes`` and ``dataset.shuffle_targets``.

    Attributes:
        merge: Number of groups of neighbouring classes that are learned; None for the classes as they are.
        shuffle: Whether targets are permuted among the rows of the object part.

    Raises:
        DataError: for a value that no dataset could have.
    """

    merge: int | None = None
    shuffle: bool = False

    def __post_init__(self) -> None:
        """Refuse what can be known to be wrong without the data."""
        if not isinstance(self.shuffle, bool):
            raise DataError("dataset.shuffle_targets", f"{self.shuffle!r} came", "allowed: true, false")
        whole = isinstance(self.merge, int) and not isinstance(self.merge, bool)
        if self.merge is not None and not (whole and self.merge >= 2):
            allowed = "allowed: null, or a whole number from 2 to the number of classes"
            raise DataError("dataset.merge_classes", f"{self.merge!r} came", allowed)

    def __call__(self, samples: Samples, rows: Rows, seed: int) -> tuple[Samples, Learned]:
        """Return the samples under the name and key of what is learned from them, and the targets of training.

        Class ``c`` of ``n`` becomes group ``floor(c k / n)`` of ``k``; as many groups as classes change nothing.

        Args:
            samples: With the classes that observers see, which stay.
            rows: The object part, with the rows that stop the training.
            seed: Of the split; chooses the permutation.

        Raises:
            DataError: for more groups than classes, or targets to shuffle without an object part.
        """
        learned = Learned.of(samples, rows)
        name, shaping = samples.name, list[str | int]()
        if (k := self.merge) is not None:
            codes, n = samples.classes_for("dataset.merge_classes"), learned.n_classes
            if k > n:
                allowed = f"allowed: null, or a whole number from 2 to {n}"
                raise DataError("dataset.merge_classes", f"{k} groups of {n} classes", allowed)
            if k < n:
                learned, name, shaping = Learned(codes * k // n, k), f"{name}-{k}classes", ["merged", k]
        if self.shuffle:
            if not len(rows):
                raise DataError("dataset.shuffle_targets", "there is no object part to train on", "allowed: false")
            learned, name, shaping = learned.permuted(rows, seed), f"{name}-shuffled", [*shaping, "shuffled", seed]
        key = digest([samples.key, *shaping]) if shaping else samples.key
        return replace(samples, name=name, key=key), learned
