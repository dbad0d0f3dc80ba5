"""Images of handwritten digits: those that ship with scikit-learn, and MNIST and its like from idx files."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Int64, Real, UInt8
from scipy import ndimage

from denote.config.given_files import check_regular, check_unpacked
from denote.config.keys import SCHEMA, digest, digest_array
from denote.data.module import SamplesModule
from denote.data.samples import Samples, TensorInputs
from denote.errors import DataError


@dataclass(frozen=True)
class Scale:
    """Intensities of pixels.

    Attributes:
        maximum: The brightest intensity possible.
        threshold: A pixel belongs to a stroke where its intensity is strictly above this.
    """

    maximum: float
    threshold: float


BLOCKS = Scale(maximum=16.0, threshold=7.0)
"""Each pixel counts the inked ones of a 4 x 4 block, and is stroke where at least half of the block is inked: loops
agree best with what the digits should have there."""

BYTES = Scale(maximum=255.0, threshold=127.0)
"""The brighter half of the scale is stroke."""

_BUNDLED = "sklearn/datasets/data/digits.csv.gz"
_PARTS = ("train", "t10k")
_IMAGES, _LABELS = "-images-idx3-ubyte", "-labels-idx1-ubyte"
_UNSIGNED_BYTE = 8


def load_digits() -> Samples:
    """Return the 1,797 digits of 8 x 8 pixels that ship with scikit-learn (UCI optical recognition of digits).

    Inputs are ``1 x 8 x 8`` in [0, 1]; columns are ``class``, ``ink``, ``height``, ``width``, ``loops``.
    """
    # The table beside scikit-learn's code, read here: to import that takes over a second.
    bundled = np.loadtxt(str(distribution("scikit-learn").locate_file(_BUNDLED)), delimiter=",")
    images, targets = bundled[:, :-1].reshape(-1, 8, 8), bundled[:, -1].astype(np.int64)
    return _samples("digits", images, targets, BLOCKS, [digest_array(images), digest_array(targets)])


class DigitsModule(SamplesModule):
    """The digits that ship with scikit-learn, with the split and batches of `SamplesModule`."""

    def load(self) -> Samples:
        """See `load_digits`."""
        return load_digits()


def load_mnist(root: str | Path | None, n: int | None = None) -> Samples:
    """Return inputs ``1 x 28 x 28`` in [0, 1]; columns ``class``, ``ink``, ``height``, ``width``, ``loops``.

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
    parts = {name: _read_part(file, name, n) for name in _PARTS if (file := _find(Path(root), name + _IMAGES))}
    if not parts:
        raise DataError("dataset.root", f"no MNIST files in {root}", f"wanted there: {wanted}")
    if len({images.shape[1:] for images, _ in parts.values()}) > 1:
        raise DataError("dataset.root", f"train and t10k images in {root} differ in size")
    images, targets = (np.concatenate(arrays) for arrays in zip(*parts.values(), strict=True))
    held_out = np.repeat([int(name != "train") for name in parts], [len(labels) for _, labels in parts.values()])
    content = [digest_array(images), digest_array(targets), digest_array(held_out)]
    return _samples("mnist", images, targets, BYTES, content, held_out if len(parts) > 1 else None)


def _samples(
    name: str,
    images: Real[np.ndarray, "sample y x"],
    targets: Int64[np.ndarray, " sample"],
    scale: Scale,
    content: Sequence[str],
    predefined: Int64[np.ndarray, " sample"] | None = None,
) -> Samples:
    inputs, classes = TensorInputs(images[:, None], scale.maximum), tuple(map(str, range(int(targets.max()) + 1)))
    table = pl.DataFrame({"class": targets}).hstack(stroke_columns(images, scale.maximum, scale.threshold))
    key = digest({"dataset": name, "content": content, "schema": SCHEMA})
    return Samples(name, inputs, targets, classes, table, "class", key, predefined)


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
    """Return an array of bytes in the idx format: two zero bytes, type, number of dimensions, sizes (big-endian),
    values.

    Args:
        path: Plain or ``.gz``.
        dimensions: How many the file must have.

    Raises:
        DataError: if the file cannot be read or is not such an array, to the byte.
    """
    where = "dataset.root"
    check_regular(path, where)
    magic, n_header = bytes([0, 0, _UNSIGNED_BYTE, dimensions]), 4 + 4 * dimensions
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            header = file.read(n_header)
            if header[:4] != magic or len(header) < n_header:
                needed = f"an idx file of bytes in {dimensions} dimensions begins with {magic.hex(' ')}"
                raise DataError(where, f"{path} begins with {header[:4].hex(' ') or 'nothing'}", needed)
            shape = [int(size) for size in np.frombuffer(header, dtype=">u4", offset=4)]
            wanted = prod(shape)
            check_unpacked(path, wanted, where, "unpack the file, and remove the .gz")
            values = file.read(wanted)
            # No more than one byte of the rest: a file that is not what its header says may be of any size.
            more = bool(file.read(1))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(where, f"{path} cannot be read ({error})", "fetch the file again") from error
    if len(values) != wanted or more:
        problem = f"{path} holds {'more' if more else 'fewer'} values than the {wanted} that its header says"
        raise DataError(where, problem, "fetch the file again")
    return np.frombuffer(values, dtype=np.uint8).reshape(shape)


def _read_part(
    pictures: Path, name: str, n: int | None
) -> tuple[UInt8[np.ndarray, "sample y x"], Int64[np.ndarray, " sample"]]:
    root = pictures.parent
    if (names := _find(root, name + _LABELS)) is None:
        problem = f"{root} has {name}{_IMAGES} but not its labels"
        raise DataError("dataset.root", problem, f"wanted there: {name}{_LABELS} or {name}{_LABELS}.gz")
    images, labels = read_idx(pictures, 3), read_idx(names, 1)
    if len(images) != len(labels):
        raise DataError("dataset.root", f"{pictures} has {len(images)} images but {names} {len(labels)} labels")
    return images[:n], labels[:n].astype(np.int64)


def _find(root: Path, name: str) -> Path | None:
    return next((path for path in (root / name, root / f"{name}.gz") if path.is_file()), None)


CHUNK = 4096
"""Images whose background is labelled at once, which bounds the memory."""

# Background spreads through edges but not corners, so a diagonal stroke one pixel wide closes a loop; and never from
# one image of the stack to the next.
_IN_PLANE = np.zeros((3, 3, 3), dtype=bool)
_IN_PLANE[1] = ndimage.generate_binary_structure(2, 1)


def stroke_columns(images: Real[np.ndarray, "sample y x"], maximum: float, threshold: float) -> pl.DataFrame:
    """Return ink, bounding box and loops of bright strokes on a dark ground.

    Args:
        images: Intensities from 0 to ``maximum``.
        maximum: The brightest intensity possible.
        threshold: A pixel belongs to the stroke where its intensity is strictly above this.

    Returns:
        ``ink`` mean intensity in [0, 1]; ``height`` and ``width`` of the strokes' bounding box in pixels, 0 without
        strokes; ``loops`` the number of background regions that the strokes enclose.
    """
    strokes: Bool[np.ndarray, "sample y x"] = images > threshold
    return pl.DataFrame(
        {
            "ink": images.mean(axis=(1, 2), dtype=np.float64) / maximum,
            "height": _extent(np.any(strokes, axis=2)),
            "width": _extent(np.any(strokes, axis=1)),
            "loops": np.concatenate([_loops(strokes[i : i + CHUNK]) for i in range(0, len(strokes), CHUNK)]),
        }
    )


def _extent(touched: Bool[np.ndarray, "sample place"]) -> Int64[np.ndarray, " sample"]:
    first, last = touched.argmax(axis=1), touched.shape[1] - touched[:, ::-1].argmax(axis=1)
    return np.where(touched.any(axis=1), last - first, 0).astype(np.int64)


def _loops(strokes: Bool[np.ndarray, "sample y x"]) -> Int64[np.ndarray, " sample"]:
    ground = np.pad(~strokes, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    regions, count = ndimage.label(ground, structure=_IN_PLANE)
    image_of = np.empty(count + 1, dtype=np.int64)
    image_of[regions] = np.arange(len(strokes))[:, None, None]
    # Region 0 is the strokes; the padding joins everything open into one region per image.
    return np.bincount(image_of[1:], minlength=len(strokes)).astype(np.int64) - 1
