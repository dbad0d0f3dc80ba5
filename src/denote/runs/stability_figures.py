"""Pictures of what is found again by other searches, and of where attributes become decisive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from denote.figures.attribute_by_depth import heat_map_rows
from denote.figures.curves import curves
from denote.figures.first_decisive import draw_first_decisive
from denote.figures.stability import draw_stability
from denote.reporting.report import Picture
from denote.runs.evidence_figures import networks, saved


def draw_found_again(stability: pl.DataFrame, folder: Path) -> Iterator[Picture]:
    """One picture per curve along which anything denotes."""
    for curve in curves(stability.filter(pl.col("property_jaccard").is_not_null(), pl.col("depth").is_not_null())):
        figure = draw_stability(
            stability, family=curve.family, architecture=curve.architecture, dataset=curve.dataset,
            trained=curve.trained, epoch=curve.epoch,
        )  # fmt: skip
        caption = (
            f"How much of what a layer denotes is found again on other rows, with fewer thresholds and in another "
            f"network: {curve.title}. Bars: 95 % t-intervals over object models."
        )
        yield saved(figure, folder, f"stability-{curve.slug}", curve.of(stability), caption)


def draw_first(first: pl.DataFrame, layers: pl.DataFrame, cells: pl.DataFrame, folder: Path) -> Iterator[Picture]:
    """One picture per trained network, at its last epoch, in which an attribute has a first depth.

    It shows the attributes that the heat map of attributes by depth shows.
    """
    last = pl.col("epoch").eq_missing(pl.col("epoch").max().over("dataset", "architecture"))
    first = first.filter("trained", pl.col("n_censored").is_not_null(), pl.col("n_models") > 0).filter(last)
    for dataset, architecture, own in networks(first):
        of_these = layers.filter(pl.col("dataset") == dataset, pl.col("architecture") == architecture)
        caption = (
            f"Where attributes become decisive: {dataset}, {architecture}. The first of two consecutive decisive "
            "layers, median over object models; heads are left out. Attributes are those of the heat map of attributes "
            "by depth; the CSV has all."
        )
        figure = draw_first_decisive(own, of_these, heat_map_rows(cells, first, architecture, dataset))
        yield saved(figure, folder, f"first_decisive-{dataset}-{architecture}", own, caption)
