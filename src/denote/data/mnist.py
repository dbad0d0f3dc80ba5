"""MNIST, and whatever else lies in its idx files (Fashion-MNIST, KMNIST): images and labels, plain or gzipped."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int64, UInt8

from denote.data.columns import stroke_columns
from denote.data.module import SamplesModule
from denote.data.samples import Samples, TensorInputs
from denote.errors import DataError
from denote.keys import SCHEMA, digest, digest_array

MAXIMUM = 255.0
THRESHOLD = 127.0
"""Strictly above: the brighter half of the scale is stroke."""

_PARTS = ("train", "t10k")
_IMAGES, _LABELS = "-images-idx3-ubyte", "-labels-idx1-ubyte"
_UNSIGNED_BYTE = 8


def load_mnist(root: str | Path | None, n: int | None = None) -> Samples:
    """Inputs ``1 x 28 x 28`` in [0, 1]; columns ``class``, ``ink``, ``height``, ``width``, ``loops``.

    Args:
        root: The folder with ``train-images-idx3-ubyte`` and its labels, those of ``t10k``, or both, each plain or
            ``.gz``. Both together are a predefined split: train, then the held-out t10k.
        n: Only the first ``n`` rows of each file.

    Raises:
        DataError: naming ``dataset.root``, if files are missing, broken or do not fit together.
    """
    if n is not None and n < 1:
        raise DataError("dataset.n", f"{n}", "allowed: 1 or more, or null for all rows")
    wanted = " and/or ".join(f"{name}{_IMAGES}[.gz] with {name}{_LABELS}[.gz]" for name in _PARTS)
    if not root:
        raise DataError("dataset.root", "no folder is given", f"needed: one with {wanted}")
    parts = {name: _read_part(Path(root), name, n) for name in _PARTS if _find(Path(root), name + _IMAGES)}
    if not parts:
        raise DataError("dataset.root", f"no MNIST files in {root}", f"wanted there: {wanted}")
    if len({part.images.shape[1:] for part in parts.values()}) > 1:
        raise DataError("dataset.root", f"train and t10k images in {root} differ in size")
    images = np.concatenate([part.images for part in parts.values()])
    targets = np.concatenate([part.labels for part in parts.values()])
    held_out = np.repeat([int(name != "train") for name in parts], [len(part.labels) for part in parts.values()])
    content = [digest_array(images), digest_array(targets), digest_array(held_out)]
    return Samples(
        name="mnist",
        inputs=TensorInputs(images[:, None], MAXIMUM),
        targets=targets,
        classes=tuple(str(value) for value in range(int(targets.max()) + 1)),
        table=pl.DataFrame({"class": targets}).hstack(stroke_columns(images, MAXIMUM, THRESHOLD)),
        target="class",
        key=digest({"dataset": "mnist", "content": content, "schema": SCHEMA}),
        predefined=held_out if len(parts) > 1 else None,
    )


class MNISTModule(SamplesModule):
    """MNIST from a folder of idx files.

    Args:
        root: See `load_mnist`.
        n: See `load_mnist`.
        settings: Those of `SamplesModule`.
    """

    paths = ("root",)

    def __init__(self, root: str | Path | None, n: int | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.root, self.n = root, n

    def load(self) -> Samples:
        """See `load_mnist`."""
        return load_mnist(self.root, self.n)


def read_idx(path: Path, dimensions: int) -> UInt8[np.ndarray, "*shape"]:
    """An array of bytes in the idx format: two zero bytes, type, number of dimensions, sizes (big-endian), values.

    Args:
        path: Plain or ``.gz``.
        dimensions: How many the file must have.

    Raises:
        DataError: if the file cannot be read or is not such an array, to the byte.
    """
    where = "dataset.root"
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(where, f"{path} cannot be read ({error})", "fetch the file again") from error
    magic, header = bytes([0, 0, _UNSIGNED_BYTE, dimensions]), 4 + 4 * dimensions
    if content[:4] != magic or len(content) < header:
        problem = f"{path} begins with {content[:4].hex(' ') or 'nothing'}"
        raise DataError(where, problem, f"an idx file of bytes in {dimensions} dimensions begins with {magic.hex(' ')}")
    shape = np.frombuffer(content, dtype=">u4", count=dimensions, offset=4).astype(np.int64)
    if len(content) - header != (wanted := int(shape.prod())):
        problem = f"{path} holds {len(content) - header} values where its header says {wanted}"
        raise DataError(where, problem, "fetch the file again")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


@dataclass(frozen=True)
class _Part:
    images: UInt8[np.ndarray, "sample y x"]
    labels: Int64[np.ndarray, " sample"]


def _read_part(root: Path, name: str, n: int | None) -> _Part:
    files = [_find(root, name + kind) for kind in (_IMAGES, _LABELS)]
    if files[0] is None or files[1] is None:
        problem = f"{root} has {name}{_IMAGES} but not its labels"
        raise DataError("dataset.root", problem, f"wanted there: {name}{_LABELS} or {name}{_LABELS}.gz")
    images, labels = read_idx(files[0], 3), read_idx(files[1], 1)
    if len(images) != len(labels):
        raise DataError("dataset.root", f"{files[0]} has {len(images)} images but {files[1]} {len(labels)} labels")
    return _Part(images[:n], labels[:n].astype(np.int64))


def _find(root: Path, name: str) -> Path | None:
    return next((path for path in (root / name, root / f"{name}.gz") if path.is_file()), None)
