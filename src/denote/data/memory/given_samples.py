"""A dataset made of what a user hands over: inputs, attributes, classes, groups, and which rows are fit and test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import numpy as np
import polars as pl
import torch
from jaxtyping import Int, Int64
from torch import Tensor

from denote.data.columns.spellings import log_spellings
from denote.data.memory.given_columns import check_row_order, given_column, given_frame
from denote.data.memory.given_inputs import HeldInputs
from denote.data.parts import Halves, Parts
from denote.data.samples import Inputs, Samples
from denote.data.split import SplitSettings
from denote.data.targets import MOST_NAMES
from denote.data.text.tokens import WordInputs
from denote.data.trained_on import TrainedOn
from denote.errors import DataError
from denote.keys import digest, digest_tensor

CLASS, GROUP, NO_CLASS = "class", "denote group", "denote class"
"""Columns of the attribute table that hold the classes, the groups, and one class for all where none are given."""

OWN = (CLASS, GROUP, NO_CLASS)


def given_samples(inputs: Inputs, attributes: Any, classes: Any, groups: Any, name: str) -> Samples:
    """The dataset, its attribute table made of what was given.

    Args:
        inputs: One per row.
        attributes: A mapping of columns, or a data frame; None for none.
        classes: A column; None for none.
        groups: A column; None for none.
        name: Of the dataset.

    Raises:
        DataError: naming what does not fit.
    """
    n = len(inputs)
    check_row_order({f"attributes[{key!r}]": each for key, each in (given_frame(attributes) or {}).items()}
                    | {"classes": classes, "groups": groups})  # fmt: skip
    columns = _columns(attributes, n)
    taken = set(columns) & {GROUP, NO_CLASS, *([CLASS] if classes is not None else [])}
    if taken:
        raise DataError(f"attributes[{min(taken)!r}]", "the name is taken", "another name")
    if classes is None:
        target, codes = NO_CLASS, np.zeros(n, dtype=np.int64)
        names: tuple[str, ...] = ("all",)
        columns[target] = pl.Series(target, ["all"] * n)
    else:
        target, (names, codes) = CLASS, _coded(_column(CLASS, classes, n, "classes"))
        columns[target] = pl.Series(target, np.array(names)[codes])
    if groups is not None:
        columns[GROUP] = _column(GROUP, groups, n, "groups")
    return Samples(name, inputs, codes, names, pl.DataFrame(list(columns.values())), target, _key(inputs))


def no_inputs(n: int) -> Inputs:
    """Inputs of rows of which only states are known."""
    return HeldInputs({"": torch.empty(n, 0)})


def _coded(values: pl.Series) -> tuple[tuple[str, ...], Int64[np.ndarray, " sample"]]:
    """Names of the classes, in order, and the index of every row."""
    if nulls := values.null_count():
        raise DataError("classes", f"null in {nulls} of {len(values)} rows", "a class for every row")
    if values.dtype.is_float() and bool((values != values.floor()).any()):
        problem = f"numbers such as {values.filter(values != values.floor())[0]:g}"
        raise DataError("classes", problem, "whole numbers, yes/no or text; attributes={name: x > 3} cuts numbers")
    if (found := values.n_unique()) > MOST_NAMES:
        raise DataError("classes", f"{found} different values, ids or a quantity", f"allowed: at most {MOST_NAMES}")
    return tuple(map(str, values.unique().sort())), values.rank("dense").cast(pl.Int64).to_numpy() - 1


def _columns(attributes: Any, n: int) -> dict[str, pl.Series]:
    named = given_frame(attributes) or {}
    return {name: _column(name, each, n, f"attributes[{name!r}]") for name, each in named.items()}


def _column(name: str, values: Any, n: int, where: str) -> pl.Series:
    column = given_column(name, values, where)
    if len(column) != n:
        raise DataError(where, f"{len(column)} rows, but there are {n} inputs")
    log_spellings(column, where)
    return column


def _key(inputs: Inputs) -> str:
    """Key of the inputs: of what is in memory its content.

    What is drawn from a Dataset has no content that could be read without running all of it, and an ``id`` comes back
    once an object is gone. Its key is used once, so that its states are recorded anew in every call.
    """
    if isinstance(inputs, WordInputs):
        at = [inputs.sequence, inputs.start, *([] if inputs.end is None else [inputs.end])]
        return digest([_key(inputs.sequences), [digest_tensor(torch.from_numpy(each)) for each in at]])
    if isinstance(inputs, HeldInputs):
        return digest({name: digest_tensor(each) for name, each in inputs.tensors.items()})
    return digest([type(inputs).__name__, uuid4().hex])


def given_parts(samples: Samples, parts: Any, seed: int, trained: TrainedOn | None = None) -> Parts:
    """Which rows are *fit* and *test*: those that were given, else halves in equal shares of the classes, groups whole.

    Args:
        samples: The dataset.
        parts: `Parts`, a mapping of row ids, or None.
        seed: Of the split.
        trained: What is known of the rows that the network was trained on, which leave *fit* and *test*.

    Raises:
        DataError: naming ``parts``.
    """
    if parts is None:
        settings = SplitSettings(seed=seed, group=GROUP if GROUP in samples.table.columns else None)
        return settings(samples, needs_object=False, trained=trained)
    if isinstance(parts, Parts):
        parts = {"object": parts.object, "fit": parts.fit, "test": parts.test}
    if not isinstance(parts, Mapping) or set(parts) - {"object"} != {"fit", "test"}:
        raise DataError("parts", f"{parts!r:.60}", "a mapping with fit and test, row ids of each")
    found = Parts(*(_row_ids(name, parts.get(name, ())) for name in ("object", "fit", "test")))
    every = np.concatenate([found.object, found.fit, found.test])
    if not (every.min() >= 0 and every.max() < len(samples)):
        raise DataError("parts", f"row ids from {every.min()} to {every.max()}", f"allowed: 0 to {len(samples) - 1}")
    if len(np.unique(every)) != len(every):
        raise DataError("parts", "rows stand in both parts, or twice", "every row once")
    _check_groups(given_groups(samples, found))
    return found if trained is None or trained.rows is None else _left(samples, found, trained.rows)


def _left(samples: Samples, parts: Parts, trained: Int[np.ndarray, " row"]) -> Parts:
    """The parts without the rows that were trained on and the other rows of their groups; those are *object*."""
    if GROUP in samples.table.columns:
        groups = samples.table[GROUP].rank("dense").to_numpy()
        trained = np.flatnonzero(np.isin(groups, groups[trained]))
    fit, test = (np.setdiff1d(part, trained) for part in (parts.fit, parts.test))
    return Parts(np.union1d(parts.object, np.intersect1d(trained, parts.observed)), fit, test)


def _row_ids(name: str, values: Any) -> Int64[np.ndarray, " row"]:
    rows = np.asarray(values.cpu() if isinstance(values, Tensor) else values)
    if rows.ndim != 1 or (len(rows) and rows.dtype.kind not in "iu"):
        kind = "a mask" if rows.dtype.kind == "b" else f"an array {rows.shape} of {rows.dtype}"
        raise DataError(f"parts[{name!r}]", kind, "row ids: whole numbers; of a mask numpy.flatnonzero gives them")
    if not len(rows) and name != "object":
        raise DataError(f"parts[{name!r}]", "no rows", "row ids of both parts")
    return np.sort(rows.astype(np.int64))


def _check_groups(groups: Halves[Int[np.ndarray, " row"]] | None) -> None:
    if groups is not None and len(shared := np.intersect1d(groups.fit, groups.test)):
        raise DataError("parts", f"{len(shared)} groups lie in fit and in test", "parts that hold groups whole")


def given_groups(samples: Samples, parts: Parts) -> Halves[Int[np.ndarray, " row"]] | None:
    """Group of every row of both parts, where rows come in groups."""
    if GROUP not in samples.table.columns:
        return None
    if nulls := samples.table[GROUP].null_count():
        raise DataError("groups", f"null in {nulls} of {len(samples)} rows", "a group for every row")
    codes = samples.table[GROUP].rank("dense").cast(pl.Int64).to_numpy()
    return Halves(codes[parts.fit], codes[parts.test])
