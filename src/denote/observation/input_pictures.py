"""Inputs that are pictures, as tiles of one PNG: brought to 8 bits, made smaller, and fewer of them where too many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import sqrt

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image
from PIL.PngImagePlugin import PngInfo

COLUMNS = 32
"""Tiles in a row of a sprite."""

LARGEST = 1_000_000
"""Bytes of a sprite."""

LONGEST_SIDE, SHORTEST_SIDE = 96, 16
"""Pixels of the longer side of a tile: at most, and how small tiles become before some are left out."""

MOST_PIXELS = 1 << 22
"""Pixels of all tiles together: of more even plain pictures would take more than `LARGEST` bytes."""

TRIED = 128
"""Tiles by which the bytes of a sprite are estimated."""

SAID = ("tile_width", "tile_height", "columns")
"""Texts in the PNG that say how it is cut."""

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Kind of a picture by its planes."""

Planes = Float32[np.ndarray, "sample plane height width"]
"""Pictures in the range of the data."""


def planes_of(inputs: Float32[np.ndarray, " sample *shape"]) -> Planes | None:
    """Return inputs as pictures: one plane, or one, three or four of them, first or last; None where they are none."""
    shape = inputs.shape[1:]
    if 0 in shape:
        return None
    if len(shape) == 2:
        return inputs[:, None]
    if len(shape) == 3 and shape[0] in MODES:
        return inputs
    return np.moveaxis(inputs, -1, 1) if len(shape) == 3 and shape[-1] in MODES else None


@dataclass(frozen=True)
class Sprite:
    """Tiles side by side, row after row.

    Attributes:
        png: The picture.
        tile: Width and height of a tile in pixels.
        n_tiles: Their number.
    """

    png: bytes
    tile: tuple[int, int]
    n_tiles: int


def sprite_of(
    read: Callable[[slice], Planes],
    n_samples: int,
    batch: int = 64,
    largest: int = LARGEST,
    scale: tuple[float, float] | None = None,
) -> Sprite | None:
    """Make the sprite of pictures, all of one shape and on one scale, from the smallest to the largest number.

    Tiles become smaller until the sprite is small enough; where that is not enough, the last ones are left out.

    Args:
        read: Gives some of the pictures, those that matter most first.
        n_samples: Number of pictures.
        batch: Pictures that are read at once.
        largest: Bytes of the sprite.
        scale: What becomes black and white; None for the smallest and the largest number.

    Returns:
        The sprite; None without pictures.
    """
    if not n_samples:
        return None
    n_samples = min(n_samples, MOST_PIXELS // SHORTEST_SIDE**2)
    side = min(LONGEST_SIDE, max(SHORTEST_SIDE, int(sqrt(MOST_PIXELS / n_samples))))
    parts = [slice(start, min(start + batch, n_samples)) for start in range(0, n_samples, batch)]
    tiles = in_bytes(np.concatenate([smaller(read(part), side) for part in parts]), scale)
    some = tiles[:: -(-n_samples // TRIED)]
    share = largest * len(some) / (len(_joined(some).png) * n_samples)
    while True:
        tiles = tiles if share >= 1 else _less(tiles, share)
        made = _joined(tiles)
        if len(made.png) <= largest or len(tiles) == 1:
            return made
        share = largest / len(made.png)


def _less(tiles: UInt8[np.ndarray, "tile height width plane"], share: float) -> UInt8[np.ndarray, " tile *smaller"]:
    """Return tiles that take about that share of the bytes: smaller ones, or fewer where they are small already."""
    longest = max(tiles.shape[1:3])
    side = max(SHORTEST_SIDE, min(longest - 1, int(longest * sqrt(share) * 0.95)))
    if side < longest:
        return in_bytes(smaller(np.moveaxis(tiles, -1, 1).astype(np.float32), side), (0.0, 255.0))
    return tiles[: max(1, min(len(tiles) - 1, int(len(tiles) * share * 0.95)))]


def smaller(pictures: Planes, longest: int) -> Planes:
    """Return pictures of at most that many pixels on the longer side: means over areas."""
    height, width = pictures.shape[-2:]
    share = longest / max(height, width)
    if share >= 1:
        return pictures
    size = max(1, round(width * share)), max(1, round(height * share))
    planes = pictures.reshape(-1, height, width).astype(np.float32)
    made = [np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BOX)) for plane in planes]
    return np.stack(made).reshape(*pictures.shape[:2], size[1], size[0])


def in_bytes(
    pictures: Planes, scale: tuple[float, float] | None = None
) -> UInt8[np.ndarray, "sample height width plane"]:
    """Return pictures in 8 bits, on one scale for all; what is not finite is black.

    Args:
        pictures: In the range of the data.
        scale: What becomes black and white; None for the smallest and the largest number. A fourth plane is opacity,
            from 0 to its largest number.
    """
    colours, opacity = pictures[:, :3], pictures[:, 3:]
    low, high = _range(colours) if scale is None else scale
    most = 255.0 if scale is not None else float(opacity.max(initial=1.0))
    with np.errstate(over="ignore", invalid="ignore"):
        parts = [(colours.astype(np.float64) - low) / (high - low), opacity.astype(np.float64) / most]
    held = np.nan_to_num(np.concatenate(parts, axis=1), nan=0.0, posinf=1.0, neginf=0.0)
    return np.moveaxis(np.rint(np.clip(held, 0, 1) * 255).astype(np.uint8), 1, -1)


def _range(numbers: Float32[np.ndarray, "*shape"]) -> tuple[float, float]:
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return low, high if high > low else low + 1.0


def _joined(tiles: UInt8[np.ndarray, "tile height width plane"]) -> Sprite:
    n, height, width, planes = tiles.shape
    rows = -(-n // COLUMNS)
    whole = np.zeros((rows * COLUMNS, height, width, planes), dtype=np.uint8)
    whole[:n] = tiles
    grid = whole.reshape(rows, COLUMNS, height, width, planes).swapaxes(1, 2)
    pixels = grid.reshape(rows * height, COLUMNS * width, planes)
    said, out = PngInfo(), BytesIO()
    for name, value in zip(SAID, (width, height, COLUMNS), strict=True):
        said.add_text(name, str(value))
    picture = Image.fromarray(pixels[..., 0] if planes == 1 else pixels, MODES[planes] if planes != 1 else None)
    picture.save(out, "PNG", compress_level=6, pnginfo=said)
    return Sprite(out.getvalue(), (width, height), n)


def pictures_in(
    png: bytes, tile: tuple[int, int], columns: int, places: Sequence[int]
) -> list[UInt8[np.ndarray, "height width *plane"]]:
    """Return some tiles of a sprite.

    Args:
        png: The sprite.
        tile: Width and height of a tile.
        columns: Tiles in a row.
        places: Their numbers, from 0 at the top left.
    """
    pixels, (width, height) = np.asarray(Image.open(BytesIO(png))), tile
    corners = [divmod(place, columns) for place in places]
    return [pixels[y * height : (y + 1) * height, x * width : (x + 1) * width] for y, x in corners]
