"""Scores of observers in two results, put side by side: networks, layers and attributes that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from denote.comparison.matching import LayerPair, Probe
from denote.comparison.pairing import Pairing

Scores = Float[np.ndarray, "network layer attribute"]


@dataclass(frozen=True)
class ReadScores:
    """AUROC of one probe in the networks of a group.

    Attributes:
        score: nan where a cell has none. Means over poolings and seeds of the observer.
        low: Lower end of its interval over test rows.
        high: Upper end.
        decisive: 1 where the cell is decisive.
    """

    score: Scores
    low: Scores
    high: Scores
    decisive: Scores

    @classmethod
    def of(
        cls, cells: pl.DataFrame, networks: Sequence[str], layers: Sequence[str], attributes: Sequence[str]
    ) -> ReadScores:
        """Read the scores off cells of one probe.

        Args:
            cells: Columns of ``tables.CELLS``.
            networks: Keys of the networks, in the order of the result.
            layers: Names of the layers, likewise.
            attributes: Names of the attributes, likewise.
        """
        columns = ("auroc", "auroc_low", "auroc_high", "decisive")
        at = [{name: place for place, name in enumerate(names)} for names in (networks, layers, attributes)]
        values = np.full((len(columns), len(networks), len(layers), len(attributes)), np.nan)
        means = cells.group_by("object_model", "layer", "attribute").agg(pl.col(columns).cast(pl.Float64).mean())
        for network, layer, attribute, *numbers in means.iter_rows():
            if network in at[0] and layer in at[1] and attribute in at[2]:
                place = at[0][network], at[1][layer], at[2][attribute]
                values[(slice(None), *place)] = [np.nan if number is None else number for number in numbers]
        return cls(*values)

    def flat(self, name: str, kept: Any = True) -> Float[np.ndarray, "score test"]:
        """Return one of its numbers with a column for each layer, and a row for each score there that is kept."""
        values = np.where(kept, getattr(self, name), np.nan)
        return np.moveaxis(values, 1, 2).reshape(-1, values.shape[1])


@dataclass(frozen=True)
class ProbePair:
    """The scores of a probe in both results, at layers and of attributes that both have.

    Attributes:
        probe: Its kinds in the baseline and in the other result.
        layers: The layers.
        attributes: Names of the attributes.
        families: Their families.
        baseline: Scores of the baseline's networks.
        other: Those of the other networks.
    """

    probe: Probe
    layers: tuple[LayerPair, ...]
    attributes: tuple[str, ...]
    families: tuple[str, ...]
    baseline: ReadScores
    other: ReadScores

    @classmethod
    def of(
        cls, cells: tuple[pl.DataFrame, pl.DataFrame], probe: Probe, layers: Sequence[LayerPair], pairing: Pairing
    ) -> ProbePair:
        """Read the scores of a probe off the cells of both results."""
        ours, others = (frame.filter(pl.col("probe") == kind) for frame, kind in zip(cells, probe, strict=True))
        known = ours.group_by("attribute", maintain_order=True).agg(pl.col("family").first())
        common = known.join(others.select("attribute").unique(), on="attribute", how="semi", maintain_order="left")
        names = common["attribute"].to_list()
        # A layer that was observed only for what neurons denote has no cells.
        read = [pair for pair in layers if pair.baseline in ours["layer"] and pair.other in others["layer"]]
        return cls(
            probe,
            tuple(read),
            tuple(names),
            tuple(common["family"]),
            ReadScores.of(ours, pairing.baseline, [pair.baseline for pair in read], names),
            ReadScores.of(others, pairing.other, [pair.other for pair in read], names),
        )

    @property
    def complete(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """``layer x attribute``: whether all networks of both results have a score."""
        return np.asarray(np.isfinite(self.baseline.score).all(axis=0) & np.isfinite(self.other.score).all(axis=0))

    def means(self, side: ReadScores) -> Float[np.ndarray, "network layer"]:
        """Means over the attributes that all networks have a score of."""
        kept = self.complete
        total = np.where(kept, side.score, 0.0).sum(axis=2)
        return np.where(kept.any(axis=1), total / np.maximum(kept.sum(axis=1), 1), np.nan)

    @property
    def compared_layers(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which layers have an attribute that all networks of both results have a score of."""
        return np.asarray(self.complete.any(axis=1))
