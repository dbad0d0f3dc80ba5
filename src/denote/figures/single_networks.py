"""Networks of a sweep that have figures of their own: relevance maps, atlases and examples show one network each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from denote.figures.curves import Curve, drawn_cells
from denote.files import slug

_NETWORK = ("dataset", "architecture", "trained", "epoch", "seed", "object_model")


@dataclass(frozen=True)
class SingleNetwork:
    """One object model, as figures name it.

    Attributes:
        name: What tells it from the others of its dataset and architecture: ``seed 0``.
    """

    dataset: str
    architecture: str
    trained: bool
    epoch: int | None
    seed: int | None
    object_model: str
    name: str

    @property
    def title(self) -> str:
        """``digits, mlp-8x128-relu, seed 0``."""
        return f"{self.dataset}, {self.architecture}, {self.name}"

    @property
    def slug(self) -> str:
        """A part of a file's name."""
        return "-".join(slug(part) for part in (self.dataset, self.architecture, self.name.replace(" ", "")))

    def of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return its rows of a table with ``object_model``."""
        return frame.filter(pl.col("object_model") == self.object_model)

    def lies_on(self, curve: Curve) -> bool:
        """Return whether it is one of the networks of a curve."""
        same = ("dataset", "architecture", "trained", "epoch")
        return all(getattr(self, name) == getattr(curve, name) for name in same)


def single_networks(frame: pl.DataFrame) -> list[SingleNetwork]:
    """Return the networks that may have figures of their own, in the order in which they get them.

    First comes the first seed of every dataset and architecture, then the second seeds, and so on.

    Args:
        frame: Rows of ``cells.parquet`` or ``neurons.parquet``. Untrained networks count where there are no others,
            and of several epochs the best or last one.
    """
    frame = frame.select(_NETWORK).unique(maintain_order=True)
    frame = frame.filter("trained") if frame["trained"].any() else frame
    kinds = frame.partition_by("dataset", "architecture", maintain_order=True)
    places = [
        (place, index, network)
        for index, kind in enumerate(kinds)
        for place, network in enumerate(_named(drawn_cells(kind).sort("seed", "object_model", nulls_last=True)))
    ]
    return [network for _, _, network in sorted(places, key=lambda each: each[:2])]


def _named(kind: pl.DataFrame) -> list[SingleNetwork]:
    """Networks of one dataset and architecture; where seeds do not tell them apart, the key does."""
    twice = kind["seed"].is_duplicated() | kind["seed"].is_null()
    return [
        SingleNetwork(**row, name=f"network {row['object_model'][:8]}" if unclear else f"seed {row['seed']}")
        for row, unclear in zip(kind.iter_rows(named=True), twice, strict=True)
    ]


def not_drawn(networks: Sequence[SingleNetwork], most: int) -> str:
    """Say which networks have no figures of their own and how to get them; nothing where all have.

    Args:
        networks: What `single_networks` gives.
        most: How many of them are drawn.
    """
    left_out = [network.title for network in networks[most:]]
    if not left_out:
        return ""
    some = left_out if len(left_out) <= 3 else [*left_out[:2], f"{len(left_out) - 2} more"]
    return (
        f"Relevance maps, atlases and examples show {most} of {len(networks)} networks; not drawn: {'; '.join(some)}. "
        f"figure_networks={len(networks)} draws all."
    )
