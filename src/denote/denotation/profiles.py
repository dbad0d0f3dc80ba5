"""What is tested of one architecture: numbers by object model and layer, and the layers that can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from denote.denotation.analysis import LEAST_LAYERS, Analysis

FOLDED, UNFOLDED = "folded", "label_proportion"
BEYOND = "folded - rotated_folded"
SHARE = "share_denoting - rotated_share_denoting"
QUANTITIES = {
    FOLDED: pl.col("folded"),
    UNFOLDED: pl.col("label_proportion"),
    BEYOND: pl.col("folded") - pl.col("rotated_folded"),
    SHARE: pl.col("share_denoting") - pl.col("rotated_share_denoting"),
}
"""What is tested, from columns by model."""


@dataclass(frozen=True)
class Profiles:
    """Profiles over depth of the object models of one architecture, without its logits.

    Attributes:
        architecture: Its readable id.
        layers: Names, in order of depth.
        depth: Depth of each layer.
        asked: Whether the analysis names the layer.
        identified: Whether the sign of the layer's neurons means something in every model; false where not known.
        numbers: By quantity a number per model and layer, nan in a gap.
    """

    architecture: str
    layers: tuple[str, ...]
    depth: Int[np.ndarray, " layer"]
    asked: Bool[np.ndarray, " layer"]
    identified: Bool[np.ndarray, " layer"]
    numbers: Mapping[str, Float[np.ndarray, "model layer"]]

    @property
    def n_models(self) -> int:
        """Number of object models."""
        return len(self.numbers[FOLDED])

    @property
    def compared(self) -> Bool[np.ndarray, " layer"]:
        """Layers where no model has a gap, in the rotated control neither where that leaves enough of them."""
        strict = self._known(BEYOND)
        return strict if strict.sum() >= LEAST_LAYERS else self._known(FOLDED)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Layers that were asked for and are not compared."""
        return tuple(np.array(self.layers)[self.asked & ~self.compared])

    @property
    def sign_identified(self) -> bool:
        """Whether the sign means something in all layers that are compared."""
        return bool(self.identified[self.compared].all())

    def of(self, quantity: str) -> Float[np.ndarray, "model layer"] | None:
        """The quantity at the layers compared; None where those are too few, or it is not known there."""
        values = self.numbers[quantity][:, self.compared]
        enough = values.shape[1] >= LEAST_LAYERS
        return values if enough and np.isfinite(values).all() else None

    def _known(self, quantity: str) -> Bool[np.ndarray, " layer"]:
        return np.asarray(self.asked & np.isfinite(self.numbers[quantity]).all(axis=0))


def profiles(models: pl.DataFrame, analysis: Analysis) -> Iterator[Profiles]:
    """The profiles of every architecture.

    Args:
        models: One row per object model and layer, with the columns behind ``QUANTITIES``, ``depth``,
            ``sign_identified`` and ``is_head``.
        analysis: Which layers are asked for.
    """
    hidden = models.filter(pl.col("depth").is_not_null(), ~pl.col("is_head")).with_columns(
        expression.alias(name) for name, expression in QUANTITIES.items()
    )
    for (architecture,), own in hidden.group_by(["architecture"], maintain_order=True):
        order = (
            own.group_by("depth", "layer").agg(pl.col("sign_identified").all(ignore_nulls=False)).sort("depth", "layer")
        )
        row = own["object_model"].rank("dense").to_numpy() - 1
        place = {layer: index for index, layer in enumerate(order["layer"])}
        column = own["layer"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
        numbers = {}
        for name in QUANTITIES:
            grid = np.full((own["object_model"].n_unique(), len(order)), np.nan)
            grid[row, column] = own[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
            numbers[name] = grid
        depth = order["depth"].to_numpy()
        asked = np.isin(depth, analysis.layers) if analysis.layers is not None else np.ones(len(depth), dtype=bool)
        identified = order["sign_identified"].fill_null(value=False).to_numpy()
        yield Profiles(str(architecture), tuple(order["layer"]), depth, asked, identified, numbers)
