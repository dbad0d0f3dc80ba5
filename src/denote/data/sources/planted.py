"""Inputs that carry known facts beside noise, for networks whose neurons are planted on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from denote.config.keys import SCHEMA, digest
from denote.data.module import SamplesModule
from denote.data.samples import Samples, TensorInputs
from denote.errors import DataError
from denote.streams import stream

PROPORTIONS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)


@dataclass(frozen=True)
class Layout:
    """Where things stand in an input: classes (one-hot), factors (0 or 1), one level, noise.

    Attributes:
        classes: Number of classes, equally frequent.
        proportions: Label proportion of every factor.
    """

    classes: int
    proportions: tuple[float, ...]

    @property
    def n_facts(self) -> int:
        """Classes and factors."""
        return self.classes + len(self.proportions)

    @property
    def factors(self) -> tuple[str, ...]:
        """Names of the factors in the attribute table."""
        return tuple(f"factor_{index}" for index in range(1, len(self.proportions) + 1))

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the population that every fact holds of."""
        return (1 / self.classes,) * self.classes + self.proportions

    def facts(self, inputs: Float[Tensor, "sample number"]) -> Bool[Tensor, "sample fact"]:
        """Return what holds of every sample."""
        return inputs[:, : self.n_facts] > 0.5

    def noise(self, inputs: Shaped[Tensor, "sample number"]) -> Shaped[Tensor, "sample noise"]:
        """Return what says nothing: independent standard normal numbers."""
        return inputs[:, self.n_facts + 1 :]


def load_planted(
    n: int = 10_000, seed: int = 0, classes: int = 10, proportions: Sequence[float] = PROPORTIONS, noise: int = 256
) -> Samples:
    """Return inputs of ``classes + factors + 1 + noise`` numbers, see `Layout`.

    Columns: ``class``; ``factor_1``, ``factor_2``, ..., yes or no; ``level``, from 0 to 1. All are independent.
    Classes, factors and every quantile of the level have exactly their share of all rows, to one row.

    Args:
        n: Number of rows.
        seed: Chooses all of them.
        classes: Number of classes, at least 2.
        proportions: Label proportion of every factor, each in (0, 1).
        noise: Number of noise numbers, at least 1.

    Raises:
        DataError: for a setting that cannot be.
    """
    for key, value, least in (("n", n, 1), ("classes", classes, 2), ("noise", noise, 1)):
        if value < least:
            raise DataError(f"dataset.{key}", f"{value}", f"allowed: {least} or more")
    if not all(0 < share < 1 for share in proportions):
        raise DataError("dataset.proportions", f"{list(proportions)}", "allowed: numbers above 0 and below 1")
    layout = Layout(classes, tuple(proportions))

    def dealt(*keys: str | int) -> np.ndarray:
        return stream("planted samples", seed, *keys).permutation(n)

    targets = dealt("class") % classes
    shares = zip(layout.factors, layout.proportions, strict=True)
    factors = {name: dealt("factor", name) < round(share * n) for name, share in shares}
    level = (dealt("level") + 0.5) / n
    drawn = stream("planted samples", seed, "noise").standard_normal((n, noise), dtype=np.float32)
    columns = [column[:, None] for column in (*factors.values(), level)]
    numbers = [np.eye(classes)[targets], *columns, drawn]
    drawing = {"n": n, "seed": seed, "classes": classes, "proportions": list(proportions), "noise": noise}
    inputs = TensorInputs(np.concatenate(numbers, axis=1, dtype=np.float32))
    table = pl.DataFrame({"class": targets, **factors, "level": level})
    key = digest({"dataset": "planted", **drawing, "schema": SCHEMA})
    return Samples("planted", inputs, targets, tuple(map(str, range(classes))), table, "class", key)


class PlantedModule(SamplesModule):
    """Inputs that carry known facts.

    Args:
        n: See `load_planted`.
        seed: See `load_planted`; neither the split's seed nor the object model's.
        classes: See `load_planted`.
        proportions: See `load_planted`.
        noise: See `load_planted`.
        settings: Those of `SamplesModule`.
    """

    def __init__(
        self, n: int, seed: int, classes: int, proportions: Sequence[float], noise: int, **settings: Any
    ) -> None:
        super().__init__(**settings)
        self.drawing = n, seed, classes, tuple(proportions), noise

    def load(self) -> Samples:
        """See `load_planted`."""
        return load_planted(*self.drawing)
