"""Arrays from npz, npy and safetensors files as a dataset, with a table that has a row per sample."""

from __future__ import annotations

import logging
import re
import tokenize
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Shaped
from safetensors import SafetensorError, safe_open

from denote.config.byte_units import in_units
from denote.config.given_files import check_regular, check_unpacked
from denote.config.keys import SCHEMA, digest, digest_array
from denote.data.columns.table_files import AttributeTableModule, log_missing
from denote.data.learned import target_names, target_of
from denote.data.memory.given_columns import UNNAMED, plain_array
from denote.data.samples import CLASSES, Samples, TensorInputs
from denote.errors import DataError, first_line

log = logging.getLogger(__name__)

WHERE = "dataset.path"
"""The key of the file."""

_UNREADABLE = (
    *(OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, SafetensorError),
    *(SyntaxError, RecursionError, MemoryError, tokenize.TokenError),  # of a header, which is read as Python's literals
)
"""Errors that readers raise for files that are broken."""

_SUFFIXES = (".npz", ".npy", ".safetensors")


class ArraysModule(AttributeTableModule):
    """Inputs as one array, ``sample x ...``.

    Args:
        path: See `read_array`.
        table: See `read_columns`; its columns are the attribute table.
        target: Column that the network learns; a list of columns for labels.
        array: Name of the array, in a file of several.
        maximum: What becomes 1: 255 for bytes.
        task: ``classes``, ``numeric`` or ``labels``.
        settings: Those of `AttributeTableModule`.
    """

    paths = ("path", "table")

    def __init__(
        self,
        path: str | Path | None,
        table: str | Path | None,
        target: str | Sequence[str],
        array: str | None = None,
        maximum: float = 1.0,
        task: str = CLASSES,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        if isinstance(maximum, bool) or not isinstance(maximum, int | float) or not maximum > 0:
            raise DataError("dataset.maximum", f"{maximum!r}", "allowed: a number above 0")
        self.path, self.table, self.target, self.task = path, table, target, task
        self.array, self.maximum = array, maximum

    def load(self) -> Samples:
        """Read array and table.

        Raises:
            DataError: for files that cannot be used or have not as many rows as each other.
        """
        values = read_array(self.path, self.array)
        targets = target_names(self.target)
        read = self.read(self.table, "dataset.table", targets)
        table = read.checked(targets, needed=self.dealing)
        if len(values) != table.height:
            problem = f"{table.height} rows in {self.table} for {len(values)} inputs in {self.path}"
            raise DataError("dataset.table", problem, "needed: a row per input, in the same order")
        target = target_of(table, self.target, self.task, read.line_of)
        log_missing(table, table.columns)
        _log_transparency(values)
        content = [digest_array(values), digest_array(target.values)]
        key = digest({"dataset": "arrays", "content": content, "maximum": self.maximum, "schema": SCHEMA})
        inputs = TensorInputs(values, self.maximum, "dataset.path")
        return target.samples(Path(str(self.path)).stem, inputs, table, key, categories=read.categories)


def _log_transparency(values: np.ndarray) -> None:
    """Warn of what may be pictures with transparency: a network is shown colours that people do not see."""
    if values.dtype == np.uint8 and values.ndim == 4 and 4 in (values.shape[1], values.shape[3]):
        hint = "if one is transparency, lay the images on a background first, or use dataset=images"
        log.warning("dataset.path: images of 4 channels become inputs as they are; %s", hint)


def read_array(path: str | Path | None, name: str | None = None) -> Shaped[np.ndarray, " sample *shape"]:
    """Return an array of numbers from a file; nothing in it is ever executed.

    Args:
        path: A ``.npz``, ``.npy`` or ``.safetensors`` file.
        name: Of the array, in a file of several.

    Raises:
        DataError: for a file that cannot be read or holds Python objects, or without an array of that name.
    """
    file = Path(str(path or "")).expanduser()
    if not path or file.suffix.lower() not in _SUFFIXES:
        raise DataError(WHERE, f"{path!r} is no file of arrays", f"allowed: files that end in {', '.join(_SUFFIXES)}")
    with _opened(file) as arrays:
        values = arrays[_chosen(list(arrays), name)]()
    if values.dtype.kind not in "buif":
        hint = UNNAMED if values.dtype.kind == "V" and not values.dtype.names else "allowed: real numbers"
        raise DataError(WHERE, f"{file} holds {values.dtype}, no numbers", hint)
    if not values.ndim:
        raise DataError(WHERE, f"{file} holds one number", "needed: an array, one entry per sample")
    return values.astype(values.dtype.newbyteorder("="), copy=False)  # PyTorch reads no other byte order


def read_arrays(path: str | Path | None) -> dict[str, Shaped[np.ndarray, " sample *shape"]]:
    """Return all arrays of a file or a folder; nothing in them is ever executed.

    Args:
        path: A ``.npz`` file, whose order is kept; a ``.safetensors`` file or a folder of ``.npy`` files, which are
            mapped and not read: by name.

    Returns:
        ``sample x ...`` by name.

    Raises:
        DataError: for what cannot be read, holds Python objects, or is empty.
    """
    source = Path(str(path or "")).expanduser()
    if not path or not (source.is_dir() or source.suffix.lower() in (".npz", ".safetensors")):
        allowed = "allowed: a file that ends in .npz or .safetensors, or a folder of .npy files"
        raise DataError(WHERE, f"{path!r} is no file of arrays", allowed)
    with _opened(source) as readers:
        arrays = {str(name): read() for name, read in readers.items()}
    if not arrays:
        raise DataError(WHERE, f"{source} holds no arrays", "needed: an array per layer, sample x neuron")
    return arrays


@contextmanager
def _opened(source: Path) -> Iterator[dict[str | None, Callable[[], np.ndarray]]]:
    """Open a file or a folder of arrays; an npz file keeps its order, others are ordered by name.

    Yields:
        What reads each array, by name; the one of an npy file, which has none, by None.

    Raises:
        DataError: for what cannot be read, also within the block.
    """
    try:
        if source.is_dir():
            files = sorted(source.glob("*.npy"), key=lambda file: natural_order(file.stem))
            for file in files:
                check_regular(file, WHERE, mapped=True)
            yield {file.stem: partial(np.load, file, mmap_mode="r", allow_pickle=False) for file in files}
            return
        check_regular(source, WHERE)
        if source.suffix.lower() == ".npy":
            yield {None: partial(_read_npy, source)}
        elif source.suffix.lower() == ".npz":
            with np.load(source, allow_pickle=False) as arrays:
                yield {name: partial(_read_member, source, arrays, name) for name in arrays.files}
        else:
            with safe_open(source, framework="pt") as tensors:
                names = sorted(tensors.keys(), key=natural_order)
                yield {name: partial(_plain, tensors, name) for name in names}
    except _UNREADABLE as error:
        if "pickle" in str(error):
            problem = f"{source} holds Python objects, which can run code when they are read"
            raise DataError(WHERE, problem, "allowed: arrays of numbers") from error
        raise DataError(WHERE, f"{source} cannot be read ({first_line(error)})") from error


def _read_npy(file: Path) -> np.ndarray:
    with file.open("rb") as held:
        _check_claimed(held, file.stat().st_size, str(file))
    values: np.ndarray = np.load(file, allow_pickle=False)
    return values


def _read_member(file: Path, arrays: Any, name: str) -> np.ndarray:
    members = {member.filename: member for member in arrays.zip.infolist()}
    member = members.get(f"{name}.npy")
    if member is not None:
        with arrays.zip.open(member) as held:
            _check_claimed(held, member.file_size, f"{file} array {name!r}")
        check_unpacked(file, member.file_size, WHERE, "save it by numpy.save, unpacked")
    values: np.ndarray = arrays[name]
    return values


def _check_claimed(held: IO[bytes], n_bytes: int, name: str) -> None:
    """Refuse an array whose header claims more numbers than follow, for which NumPy would take memory first."""
    version = np.lib.format.read_magic(held)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = read(held)
    # Python objects have no size; NumPy refuses them before it takes memory.
    if any(size < 0 for size in shape) or (not kind.hasobject and prod(shape) * kind.itemsize > n_bytes):
        problem = f"{name} claims the shape {shape} of {kind} and has {in_units(n_bytes)}"
        raise DataError(WHERE, problem, "needed: an array that is whole")


def _plain(tensors: Any, name: str) -> np.ndarray:
    return plain_array(tensors.get_tensor(name))


def natural_order(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts names with numbers in them as people do: ``block2`` before ``block10``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _chosen(names: Sequence[str | None], name: str | None) -> str | None:
    if None in names or (name is None and len(names) == 1):
        return names[0]
    if name is None:
        raise DataError(
            WHERE, f"there are {len(names)} arrays", f"choose one: dataset.array={' | '.join(map(str, names))}"
        )
    DataError.refuse_unknown(name, names, "dataset.array", "there is no array {!r}")
    return name
