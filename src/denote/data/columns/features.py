"""Columns of a table as inputs of a network: standardised numbers, one-hot categories, marks of what is missing.

Means, spreads and the values of a category are those of the rows that are fitted on; other rows shape no input.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Float32, Float64, Int32
from torch import Tensor

from denote.data.columns.column_keys import Problem
from denote.data.columns.row_numbers import as_row_number, goes_with_rows
from denote.data.columns.text_dates import as_inputs, made_of_dates
from denote.data.samples import Rows, column_of, is_text
from denote.errors import DataError, in_list, one_of

log = logging.getLogger(__name__)

MOST_CATEGORIES = 256
"""Different texts of a column that become inputs; more is an id or free text."""


@dataclass(frozen=True, eq=False)
class TableInputs:
    """The features of every row, made into inputs batch by batch.

    Attributes:
        numbers: Numeric columns, mean 0 and spread 1 over the rows fitted on, 0 where missing.
        missing: Where those of these columns that miss values on the rows fitted on miss them.
        codes: Place of each categorical value among all one-hot inputs, -1 for a value that was not fitted on.
        names: Of every input: ``age``, ``age missing``, ``housing=own``.
    """

    numbers: Float32[np.ndarray, "sample number"]
    missing: Bool[np.ndarray, "sample gap"]
    codes: Int32[np.ndarray, "sample category"]
    names: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of inputs of a sample."""
        return (len(self.names),)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.numbers)

    def __getitem__(self, rows: Rows) -> Float32[Tensor, "row number"]:
        """Return the samples with these row ids, a fresh tensor."""
        index = np.asarray(rows, dtype=np.int64)
        batch = np.zeros((len(index), len(self.names)), dtype=np.float32)
        k, gaps = self.numbers.shape[1], self.missing.shape[1]
        batch[:, :k] = self.numbers[index]
        batch[:, k : k + gaps] = self.missing[index]
        codes = self.codes[index]
        row, column = np.nonzero(codes >= 0)
        batch[row, k + gaps + codes[row, column]] = 1
        return torch.from_numpy(batch)


def chosen_features(table: pl.DataFrame, features: Sequence[str] | None, left_out: Sequence[str]) -> list[str]:
    """Return the names of the columns that become inputs.

    Args:
        table: All columns.
        features: Those asked for; None for all that are not left out.
        left_out: The target, attributes and what deals the rows: never an input unless asked for by name.

    Raises:
        DataError: naming ``dataset.features``.
    """
    where = "dataset.features"
    made = made_of_dates(table)
    if features is None:
        features = [name for name in table.columns if name not in left_out and name not in made]
        features = [name for name in as_inputs(features, table) if name not in left_out]
    if isinstance(features, str) or not features:
        raise DataError(where, f"{features!r} names no column to learn from", one_of("", table.columns))
    for name in features:
        column_of(table, name, where)
        if name in left_out:
            problem = f"{name!r} is the target, an attribute or deals the rows"
            raise DataError(where, problem, "take it out of one of them, or set dataset.include_attributes=true")
    return as_inputs(features, table)


def input_problems(
    table: pl.DataFrame, features: Sequence[str], categories: Sequence[str], chosen: Sequence[str] = ()
) -> Iterator[Problem]:
    """Yield the columns that would be inputs and should not be: ids, free text, numbers of rows, neither numbers nor
    text.

    Args:
        table: All columns.
        features: Those that become inputs.
        categories: Columns that are categories although they hold numbers.
        chosen: Columns that the user wants as inputs by name, even if they number the rows.
    """
    dates = made_of_dates(table)
    for name in features:
        column = table[name]
        if not (is_text(column) or _is_number(column)):
            yield Problem(name, f"holds {column.dtype}, neither numbers nor text")
        elif (name in categories or is_text(column)) and (n := column.n_unique()) > MOST_CATEGORIES:
            what = f"has {n} different texts, an id or free text, and at most {MOST_CATEGORIES} become inputs"
            yield Problem(name, what, "to observe it all the same, name it in dataset.attributes")
        elif name not in chosen and name not in categories and name not in dates and (why := as_row_number(column)):
            yield Problem(name, why, "to learn from it all the same, name the inputs in dataset.features")
        elif _is_number(column) and name not in chosen and goes_with_rows(column):
            why = "rises or falls through the rows: an input that may give away their order"
            log.warning("dataset.features: %r %s; dataset.exclude=[%s] leaves it out", name, why, in_list([name]))


def _is_number(column: pl.Series) -> bool:
    return column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)


def fit_features(table: pl.DataFrame, features: Sequence[str], categories: Sequence[str], rows: Rows) -> TableInputs:
    """Return inputs of all rows in the measure of some.

    A column with one value on those rows is left out, which is logged: nothing could be learned from it.

    Args:
        table: All rows.
        features: Columns that become inputs.
        categories: Columns that are categories although they hold numbers.
        rows: Ids of the rows that are fitted on.

    Raises:
        DataError: if no column is left.
    """
    numeric = [name for name in features if not (name in categories or is_text(table[name]))]
    numbers, missing, number_names, gap_names = _numbers(table, numeric, rows)
    codes, code_names = _codes(table, [name for name in features if name not in numeric], rows)
    names = (*number_names, *gap_names, *code_names)
    if constant := [name for name in features if not any(_is_of(name, new) for new in names)]:
        log.info("dataset.features: %s with one value on the rows that train, left out", ", ".join(constant))
    if not names:
        raise DataError("dataset.features", f"none of {', '.join(features)} varies on the rows that train")
    return TableInputs(numbers, missing, codes, names)


def _is_of(column: str, name: str) -> bool:
    return name in (column, f"{column} missing") or name.startswith(f"{column}=")


def _numbers(
    table: pl.DataFrame, columns: Sequence[str], rows: Rows
) -> tuple[Float32[np.ndarray, "sample number"], Bool[np.ndarray, "sample gap"], list[str], list[str]]:
    numbers = np.zeros((table.height, len(columns)), dtype=np.float32)
    gaps: list[Bool[np.ndarray, " sample"]] = []
    kept: list[str] = []
    names: list[str] = []
    for name in columns:
        # In float64 until it is centred: a time stamp has more digits than float32.
        values = table[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        is_number = np.isfinite(values)
        fitted = values[rows][is_number[rows]]
        if 0 < len(fitted) < len(rows):
            gaps.append(~is_number)
            names.append(f"{name} missing")
        # Not by the spread: that of equal numbers is often a rounding error above 0, which would blow others up.
        if len(fitted) and fitted.min() < fitted.max():
            mean, spread = _measure(fitted, name)
            numbers[:, len(kept)] = np.where(is_number, (values - mean) / spread, 0)
            kept.append(name)
    missing = np.stack(gaps, axis=1) if gaps else np.zeros((table.height, 0), dtype=bool)
    return numbers[:, : len(kept)], missing, kept, names


def _measure(fitted: Float64[np.ndarray, " row"], name: str) -> tuple[float, float]:
    """Return mean and spread of numbers that are not all equal."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread = float(fitted.mean()), float(fitted.std())
    if not 0 < spread < np.inf:
        problem = f"numbers of column {name!r} are too large or too close to be standardised"
        raise DataError("dataset.features", problem, "rescale them, or name the column in dataset.categories")
    return mean, spread


def _codes(
    table: pl.DataFrame, columns: Sequence[str], rows: Rows
) -> tuple[Int32[np.ndarray, "sample category"], list[str]]:
    codes: list[Int32[np.ndarray, " sample"]] = []
    names: list[str] = []
    for name in columns:
        # A missing value is a value of its own: that it is missing may mean something.
        values = table[name].cast(pl.String).fill_null("missing")
        seen = values.gather(rows).unique().sort()
        if len(seen) > 1:
            indices = pl.Series(range(len(names), len(names) + len(seen)), dtype=pl.Int32)
            codes.append(values.replace_strict(seen, indices, default=-1, return_dtype=pl.Int32).to_numpy())
            names += [f"{name}={value}" for value in seen]
    return np.stack(codes, axis=1) if codes else np.zeros((table.height, 0), dtype=np.int32), names
