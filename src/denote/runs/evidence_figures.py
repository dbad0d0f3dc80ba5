"""Pictures of how strong the evidence is: how easily attributes are read, and which stand in for each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from denote.figures.attribute_by_depth import heat_map_rows
from denote.figures.attribute_correlation import draw_attribute_correlation
from denote.figures.audit import draw_audit
from denote.figures.canvas import save_figure
from denote.figures.curves import curves
from denote.figures.first_decisive import draw_first_decisive
from denote.figures.profiles import drawn_cells
from denote.figures.reading_curves import draw_reading_curves, drawn_curves, reading_points
from denote.figures.sparse_curve import capacity_points, draw_capacity, draw_sparse_curve, sparse_curves
from denote.figures.stability import draw_stability
from denote.observers.kinds import by_capacity, has_sizes, reads_state
from denote.reporting.reading import audited
from denote.reporting.report import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_evidence(tables: Mapping[str, pl.DataFrame], folder: Path) -> list[Picture]:
    """Draw what the tables of a sweep say of how easily attributes are read, and how they go together."""
    return [
        *_audit(tables["audit"], folder),
        *_sparse(tables["cells"], folder),
        *_capacity(tables["cells"], folder),
        *_reading_curves(tables["curves"], folder),
        *_correlation(tables["attribute_correlation"], folder),
    ]


def networks(frame: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Every dataset and architecture with its rows."""
    for dataset, architecture in frame.select("dataset", "architecture").unique(maintain_order=True).iter_rows():
        yield dataset, architecture, of_network(frame, dataset, architecture)


def of_network(frame: pl.DataFrame, dataset: str, architecture: str) -> pl.DataFrame:
    """Return the rows of one dataset and architecture."""
    return frame.filter(pl.col("dataset") == dataset, pl.col("architecture") == architecture)


def saved(
    figure: Figure,
    folder: Path,
    name: str,
    data: pl.DataFrame,
    caption: str,
    beside: Mapping[str, pl.DataFrame] | None = None,
) -> Picture:
    """Save a figure with its data beside it; where these are several tables the caption names them."""
    png, *_ = save_figure(figure, folder, name, data, beside)
    if beside:
        caption += f" Numbers: {name}.csv, {', '.join(f'...-{kind}.csv' for kind in beside)}."
    return Picture(png, caption)


def _audit(audit: pl.DataFrame, folder: Path) -> Iterator[Picture]:
    for dataset, architecture, own in networks(audited(audit)):
        figure = draw_audit(drawn_cells(own))
        caption = (
            f"What each layer gives an observer, beside the raw input: {dataset}, {architecture}. A layer above the "
            "line brings an attribute out, one below it has lost some of it; what is read need not be used."
        )
        yield saved(figure, folder, f"audit-{dataset}-{architecture}", own, caption)


def _sparse(cells: pl.DataFrame, folder: Path) -> Iterator[Picture]:
    sparse = cells.filter(has_sizes())
    for dataset, architecture, own in networks(sparse):
        figure = draw_sparse_curve(own)
        caption = (
            f"Held-out AUROC against the number of neurons that a sparse observer reads: {dataset}, {architecture}. "
            "The neurons are chosen on fit by elimination; others may do as well."
        )
        yield saved(figure, folder, f"sparse_curve-{dataset}-{architecture}", sparse_curves(own), caption)


def _capacity(cells: pl.DataFrame, folder: Path) -> Iterator[Picture]:
    read = cells.filter(pl.col("probe").is_in(by_capacity()), pl.col("trained"), pl.col("depth").is_not_null())
    for dataset, architecture, own in networks(read):
        if own["probe"].n_unique() < 3:
            continue
        figure = draw_capacity(own)
        caption = (
            f"Held-out AUROC against how much the observer can do: {dataset}, {architecture}. What only a strong "
            "observer reads may be computed by the observer itself."
            + _not_placed(of_network(cells, dataset, architecture))
        )
        columns = ["object_model", "layer", "attribute", "probe", "k", "auroc", "auroc_low", "auroc_high"]
        beside = {"models": own.select(columns)}
        points = capacity_points(drawn_cells(own))
        yield saved(figure, folder, f"capacity-{dataset}-{architecture}", points, caption, beside)


def _not_placed(cells: pl.DataFrame) -> str:
    """Name the observers of unknown capacity, such as those of the user's own."""
    there = cells.filter(reads_state())["probe"].unique(maintain_order=True)
    others = [probe for probe in there if probe not in by_capacity()]
    return f" Not drawn, of unknown capacity: {', '.join(others)}." if others else ""


def _reading_curves(curves: pl.DataFrame, folder: Path) -> Iterator[Picture]:
    """One picture per network: the linear observer, where there is one, at the layer it reads best."""
    for dataset, architecture, own in networks(curves.filter("trained", pl.col("auroc").is_not_null())):
        data = drawn_curves(own)
        layer, probe = data.select("layer", "probe").row(0)
        caption = (
            f"How many fit rows the {probe} observer needs, and what it reads without the neurons it relies on most: "
            f"{dataset}, {architecture}, {layer}, where it reads best."
        )
        figure, points, beside = draw_reading_curves(own), reading_points(data), {"models": data}
        yield saved(figure, folder, f"reading_curves-{dataset}-{architecture}", points, caption, beside)


def _correlation(correlation: pl.DataFrame, folder: Path) -> Iterator[Picture]:
    for dataset in correlation["dataset"].unique(maintain_order=True):
        own = correlation.filter(pl.col("dataset") == dataset)
        if own["phi"].is_not_null().any():
            what = f"Correlation (phi) of the attributes on test rows: {dataset}."
            caption = f"{what} An attribute may stand in for another."
            yield saved(draw_attribute_correlation(own), folder, f"attribute_correlation-{dataset}", own, caption)


def draw_found_again(stability: pl.DataFrame, folder: Path) -> Iterator[Picture]:
    """One picture per curve along which anything denotes."""
    for curve in curves(stability.filter(pl.col("property_jaccard").is_not_null(), pl.col("depth").is_not_null())):
        figure = draw_stability(stability, curve)
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
        of_these = of_network(layers, dataset, architecture)
        caption = (
            f"Where attributes become decisive: {dataset}, {architecture}. The first of two consecutive decisive "
            "layers, median over object models; heads are left out. Attributes are those of the heat map of attributes "
            "by depth; the CSV has all."
        )
        figure = draw_first_decisive(own, of_these, heat_map_rows(of_network(cells, dataset, architecture), own))
        yield saved(figure, folder, f"first_decisive-{dataset}-{architecture}", own, caption)
