"""Pictures of any size as arrays of one size."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from jaxtyping import Int, UInt8

from denote.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

MAXIMUM = 255.0
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""What is read, as Pillow calls it; for some others, such as EPS, Pillow would run another program."""
SHOWN = 3
"""Broken images that are named."""


def read_images(
    names: Sequence[str], read: Callable[[int], Image], size: int, channels: int, *, skip_broken: bool, where: str
) -> tuple[UInt8[np.ndarray, "image channel y x"], Int[np.ndarray, " image"]]:
    """All images, each resized until it covers a square and cropped to the middle.

    Args:
        names: What to call each image in an error.
        read: Opens the image of that number.
        size: Side of the square in pixels.
        channels: 1 for grey, 3 for colour.
        skip_broken: Leave out images that cannot be read, and log how many and which.
        where: What to name in an error.

    Returns:
        The images, and the numbers of those that were read, ascending.

    Raises:
        DataError: naming the first images that are missing or broken, unless they are skipped; if none is left.
    """
    _check(size, channels)
    images = np.empty((len(names), channels, size, size), dtype=np.uint8)
    read_ones: list[int] = []
    broken: list[str] = []
    for number, name in enumerate(names):
        try:
            images[len(read_ones)] = _square(read(number), size, channels)
        except _errors() as error:
            broken.append(f"{name} ({_reason(error)})")
        else:
            read_ones.append(number)
    if broken:
        found = f"{len(broken)} of {len(names)} images are missing or broken: {', '.join(broken[:SHOWN])}"
        found += ", ..." if len(broken) > SHOWN else ""
        if not (skip_broken and read_ones):
            raise DataError(where, found, "repair them, or leave such images out: dataset.skip_broken=true")
        log.warning("%s: %s; left out", where, found)
    return images[: len(read_ones)], np.array(read_ones, dtype=np.int64)


def open_image(file: Path | BinaryIO) -> Image:
    """An image of one of `FORMATS`, whose pixels are read now, so that no file stays open."""
    from PIL import Image

    with Image.open(file, formats=FORMATS) as image:
        image.load()
        return image


def _check(size: int, channels: int) -> None:
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise DataError("dataset.size", f"{size!r}", "allowed: a whole number of pixels, 1 or more")
    if channels not in (1, 3):
        raise DataError("dataset.channels", f"{channels!r}", "allowed: 1 (grey), 3 (colour)")


def _square(image: Image, size: int, channels: int) -> UInt8[np.ndarray, "channel y x"]:
    from PIL import Image, ImageOps

    if image.mode == "F" or image.mode.startswith("I"):
        raise ValueError(f"mode {image.mode}: more than 8 bits per channel")
    upright = ImageOps.exif_transpose(image).convert("L" if channels == 1 else "RGB")
    fitted = np.asarray(ImageOps.fit(upright, (size, size), Image.Resampling.BILINEAR))
    return fitted[None] if channels == 1 else fitted.transpose(2, 0, 1)


def _errors() -> tuple[type[Exception], ...]:
    """What Pillow raises for files that are no images, or only part of one."""
    from PIL import Image

    return (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if type(error).__name__ == "UnidentifiedImageError":
        return f"no image of {', '.join(FORMATS)}"
    return str(error).partition("\n")[0]
