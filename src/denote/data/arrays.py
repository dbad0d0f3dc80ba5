"""Arrays from npz, npy and safetensors files as a dataset, with a table that has a row per sample."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from safetensors import SafetensorError, safe_open

from denote.data.module import SamplesModule
from denote.data.samples import CLASSES, Samples, TensorInputs
from denote.data.table import log_missing
from denote.data.table_files import MISSING, line_of, read_table
from denote.data.targets import target_of
from denote.errors import DataError, one_of
from denote.keys import SCHEMA, digest, digest_array

_SUFFIXES = (".npz", ".npy", ".safetensors")


class ArraysModule(SamplesModule):
    """Inputs as one array, ``sample x ...``.

    Args:
        path: See `read_array`.
        table: See `read_table`; its columns are the attribute table.
        target: Column that the network learns; a list of columns for labels.
        array: Name of the array, in a file of several.
        maximum: What becomes 1: 255 for bytes.
        missing: Texts of a CSV file that stand for no value.
        task: ``classes``, ``numeric`` or ``labels``.
        settings: Those of `SamplesModule`.
    """

    def __init__(
        self,
        path: str | Path | None,
        table: str | Path | None,
        target: str | Sequence[str],
        array: str | None = None,
        maximum: float = 1.0,
        missing: Sequence[str] = MISSING,
        task: str = CLASSES,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        if isinstance(maximum, bool) or not isinstance(maximum, int | float) or not maximum > 0:
            raise DataError("dataset.maximum", f"{maximum!r}", "allowed: a number above 0")
        self.path, self.table, self.target, self.task = path, table, target, task
        self.array, self.maximum, self.missing = array, maximum, missing

    def load(self) -> Samples:
        """Read array and table.

        Raises:
            DataError: for files that cannot be used or have not as many rows as each other.
        """
        values = read_array(self.path, self.array)
        table = read_table(self.table, self.missing, "dataset.table")
        if len(values) != table.height:
            problem = f"{table.height} rows in {self.table} for {len(values)} inputs in {self.path}"
            raise DataError("dataset.table", problem, "needed: a row per input, in the same order")
        target = target_of(table, self.target, self.task, partial(line_of, self.table))
        log_missing(table, table.columns)
        content = [digest_array(values), digest_array(target.values)]
        return Samples(
            name=Path(str(self.path)).stem,
            inputs=TensorInputs(values, self.maximum, "dataset.path"),
            targets=target.values,
            classes=target.classes,
            table=table,
            target=target.name,
            task=target.task,
            key=digest({"dataset": "arrays", "content": content, "maximum": self.maximum, "schema": SCHEMA}),
        )


def read_array(
    path: str | Path | None, name: str | None = None, where: str = "dataset.path"
) -> Shaped[np.ndarray, " sample *shape"]:
    """An array of numbers from a file; nothing in it is ever executed.

    Args:
        path: A ``.npz``, ``.npy`` or ``.safetensors`` file.
        name: Of the array, in a file of several.
        where: What to name in an error.

    Raises:
        DataError: for a file that cannot be read or holds Python objects, or without an array of that name.
    """
    file = Path(str(path or "")).expanduser()
    if not path or file.suffix.lower() not in _SUFFIXES:
        raise DataError(where, f"{path!r} is no file of arrays", f"allowed: files that end in {', '.join(_SUFFIXES)}")
    try:
        values = _read(file, name, where)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, SafetensorError) as error:
        if "pickle" in str(error):
            problem = f"{file} holds Python objects, which can run code when they are read"
            raise DataError(where, problem, "allowed: arrays of numbers") from error
        raise DataError(where, f"{file} cannot be read ({str(error).partition(chr(10))[0]})") from error
    if not values.ndim:
        raise DataError(where, f"{file} holds one number", "needed: an array, one entry per sample")
    return values


def _read(file: Path, name: str | None, where: str) -> np.ndarray:
    if file.suffix.lower() == ".npy":
        return np.asarray(np.load(file, allow_pickle=False))
    if file.suffix.lower() == ".npz":
        with np.load(file, allow_pickle=False) as arrays:
            return np.asarray(arrays[_chosen(arrays.files, name, where)])
    with safe_open(file, framework="pt") as arrays:
        tensor = arrays.get_tensor(_chosen(list(arrays.keys()), name, where))
    return np.asarray(tensor.float() if tensor.dtype == torch.bfloat16 else tensor)  # NumPy has no bfloat16


def _chosen(names: Sequence[str], name: str | None, where: str) -> str:
    if name is None:
        if len(names) == 1:
            return names[0]
        raise DataError(where, f"there are {len(names)} arrays", f"choose one: dataset.array={' | '.join(names)}")
    if name not in names:
        raise DataError("dataset.array", f"there is no array {name!r}", one_of(name, names))
    return name
