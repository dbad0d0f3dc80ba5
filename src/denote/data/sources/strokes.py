"""Columns of the attribute table that are measured on images of strokes: ink, bounding box, loops."""

from __future__ import annotations

import numpy as np
import polars as pl
from jaxtyping import Bool, Int64, Real
from scipy import ndimage

CHUNK = 4096
"""Images whose background is labelled at once, which bounds the memory."""

# Background spreads through edges but not corners, so a diagonal stroke one pixel wide closes a loop; and never from
# one image of the stack to the next.
_IN_PLANE = np.zeros((3, 3, 3), dtype=bool)
_IN_PLANE[1] = ndimage.generate_binary_structure(2, 1)


def stroke_columns(images: Real[np.ndarray, "sample y x"], maximum: float, threshold: float) -> pl.DataFrame:
    """Ink, bounding box and loops of bright strokes on a dark ground.

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
