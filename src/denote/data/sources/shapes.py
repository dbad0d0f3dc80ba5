"""Shapes drawn in memory, with the exact truth about each: an attribute table that no labelling error blurs.

Every row has its own parameters, drawn once into the attribute table; the pixels are drawn from them batch by batch,
so a million rows cost the table alone. Row ``i`` is the same whatever the number of rows and the batch it comes in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi, sin, tau
from typing import Any

import numpy as np
import polars as pl
import torch
from jaxtyping import Float32, Int, Int64
from torch import Tensor

from denote.config.keys import SCHEMA, digest
from denote.data.module import SamplesModule
from denote.data.samples import Rows, Samples
from denote.errors import DataError
from denote.streams import stream

SIDE = 32
"""Height and width of the canvas in pixels."""
OUTLINE = 2.0
"""Width of an outline in pixels."""
SIZE = (6.0, 10.0)
"""Distance of the outermost points from the centre in pixels."""
CENTRE = (11.0, 21.0)
"""Of the shape in pixels: the largest shape leaves the border free everywhere, so size and place are independent."""
ROTATION = 36.0
"""Largest turn either way in degrees: below half a turn onto itself of the star, the shape that needs least."""

# Corners, the radius halfway between two corners as a share of the corners' own, and the angle of the first corner,
# so that every unturned shape stands on its base; a circle has no corners.
_OUTLINES: Mapping[str, tuple[int, float, float] | None] = {
    "circle": None,
    "square": (4, cos(pi / 4), pi / 4),
    "triangle": (3, cos(pi / 3), 0.0),
    "star": (5, 0.45, 0.0),
}
_COLOURS = {
    "red": (0.9, 0.1, 0.1),
    "green": (0.1, 0.7, 0.2),
    "blue": (0.15, 0.3, 0.95),
    "yellow": (0.95, 0.85, 0.1),
    "magenta": (0.85, 0.15, 0.8),
    "cyan": (0.1, 0.8, 0.9),
}
_BACKGROUNDS = {"black": (0.05, 0.05, 0.05), "grey": (0.5, 0.5, 0.5), "white": (0.97, 0.97, 0.97)}
CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "shape": tuple(_OUTLINES),
    "colour": tuple(_COLOURS),
    "fill": ("solid", "outline"),
    "background": tuple(_BACKGROUNDS),
}
"""Columns that may be the target, with their values in the order of its classes."""


def load_shapes(n: int = 10_000, seed: int = 0, target: str = "shape") -> Samples:
    """Return inputs ``3 x 32 x 32`` in [0, 1] of one shape each.

    Columns: the categories ``shape``, ``colour``, ``fill``, ``background``; ``size`` in pixels from the centre to the
    outermost points; ``x`` (from the left) and ``y`` (from the top) of the centre in pixels; ``rotation`` in degrees,
    clockwise, null for circles. All are independent and uniform.

    Args:
        n: Number of rows.
        seed: Chooses all of them.
        target: The category to train on.

    Raises:
        DataError: if ``target`` is no category or ``n`` is below 1.
    """
    DataError.refuse_unknown(target, CATEGORIES, "dataset.target", "{!r} is no category of the shapes")
    if n < 1:
        raise DataError("dataset.n", f"{n}", "allowed: 1 or more")
    drawing = _draw(n, seed)
    key = digest({"dataset": "shapes", "n": n, "seed": seed, "target": target, "schema": SCHEMA})
    codes = drawing.codes[target].astype(np.int64)
    return Samples("shapes", drawing, codes, CATEGORIES[target], drawing.table(), target, key)


class ShapesModule(SamplesModule):
    """Drawn shapes.

    Args:
        n: See `load_shapes`.
        seed: See `load_shapes`; neither the split's seed nor the object model's.
        target: See `load_shapes`.
        settings: Those of `SamplesModule`.
    """

    def __init__(self, n: int = 10_000, seed: int = 0, target: str = "shape", **settings: Any) -> None:
        super().__init__(**settings)
        self.n, self.seed, self.target = n, seed, target

    def load(self) -> Samples:
        """See `load_shapes`."""
        return load_shapes(self.n, self.seed, self.target)


@dataclass(frozen=True, eq=False)
class Drawing:
    """The parameters of every row, drawn as pixels when rows are asked for.

    Attributes:
        codes: Index of the value of each category.
        size: Corner radius in pixels.
        x: Centre from the left in pixels.
        y: Centre from the top in pixels.
        rotation: Degrees clockwise.
    """

    codes: Mapping[str, Int[np.ndarray, " sample"]]
    size: Float32[np.ndarray, " sample"]
    x: Float32[np.ndarray, " sample"]
    y: Float32[np.ndarray, " sample"]
    rotation: Float32[np.ndarray, " sample"]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample: RGB, height, width."""
        return (3, SIDE, SIDE)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.size)

    def table(self) -> pl.DataFrame:
        """Return the attribute table."""
        names = {name: pl.Series(values)[self.codes[name]] for name, values in CATEGORIES.items()}
        numbers = pl.DataFrame({"size": self.size, "x": self.x, "y": self.y, "rotation": self.rotation})
        turned = pl.when(pl.col("shape") != "circle").then("rotation").alias("rotation")
        return pl.DataFrame(names).hstack(numbers).with_columns(turned)

    def __getitem__(self, rows: Rows) -> Float32[Tensor, " row channel y x"]:
        """Return the pictures of these rows, edges smoothed over one pixel."""
        codes = {name: torch.from_numpy(self.codes[name][rows].astype(np.int64)) for name in self.codes}
        inside = self._distance(rows, codes["shape"])
        cover = (0.5 - inside).clamp_(0, 1)
        hole = (0.5 - inside - OUTLINE).clamp_(0, 1)
        cover -= hole * (codes["fill"] == CATEGORIES["fill"].index("outline"))[:, None, None]
        ink = torch.tensor(list(_COLOURS.values()))[codes["colour"], :, None, None]
        ground = torch.tensor(list(_BACKGROUNDS.values()))[codes["background"], :, None, None]
        return ground + (ink - ground) * cover[:, None]

    def _distance(self, rows: np.ndarray, shapes: Int64[Tensor, " row"]) -> Float32[Tensor, " row y x"]:
        """Return pixels from the shape's edge, negative inside.

        A shape with k corners is 2 k times the same sector between a corner and the halfway point to the next, so the
        angle is folded into that sector, where the edge is one straight line.
        """
        size, x, y, turn = (
            torch.from_numpy(values[rows]).reshape(-1, 1, 1) for values in (self.size, self.x, self.y, self.rotation)
        )
        pixels = torch.arange(SIDE, dtype=torch.float32) + 0.5
        dx, dy = pixels[None, None, :] - x, pixels[None, :, None] - y
        radius = torch.hypot(dx, dy)
        # Measured from straight up, clockwise.
        angle = torch.atan2(dx, -dy) - torch.deg2rad(turn)
        distance = radius - size
        for code, outline in enumerate(_OUTLINES.values()):
            chosen = shapes == code
            if outline is not None and chosen.any():
                edge = _edge_distance(radius[chosen], angle[chosen], size[chosen], *outline)
                # The circle through the corners ends them: the line alone would smooth a sharp one far beyond itself.
                distance[chosen] = torch.maximum(edge, distance[chosen])
        return distance


def _edge_distance(radius: Tensor, angle: Tensor, size: Tensor, corners: int, halfway: float, first: float) -> Tensor:
    sector = tau / corners
    folded = (torch.remainder(angle - first + sector / 2, sector) - sector / 2).abs()
    # From the corner (1, 0) to the halfway point, in units of the size; its outward normal.
    end = (halfway * cos(sector / 2), halfway * sin(sector / 2))
    length = float(np.hypot(end[0] - 1, end[1]))
    normal = (end[1] / length, (1 - end[0]) / length)
    return (radius * folded.cos() - size) * normal[0] + radius * folded.sin() * normal[1]


def _draw(n: int, seed: int) -> Drawing:
    """Return one row of uniform numbers per sample, so that the first rows do not depend on how many follow."""
    uniform = stream("shapes", seed).random((n, len(CATEGORIES) + 4), dtype=np.float32)
    codes = {
        # The product can round up to the number of values itself.
        name: np.minimum((uniform[:, i] * len(values)).astype(np.int8), len(values) - 1)
        for i, (name, values) in enumerate(CATEGORIES.items())
    }
    ranges = (SIZE, CENTRE, CENTRE, (-ROTATION, ROTATION))
    numbers = (low + (high - low) * uniform[:, 4 + i] for i, (low, high) in enumerate(ranges))
    return Drawing(codes, *(np.ascontiguousarray(column, dtype=np.float32) for column in numbers))
