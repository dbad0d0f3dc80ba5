"""Pictures of how strong the evidence is: how easily attributes are read, and which stand in for each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from denote.figures.attribute_correlation import draw_attribute_correlation
from denote.figures.audit import draw_audit
from denote.figures.capacity import capacity_points, draw_capacity
from denote.figures.curves import usual_probe
from denote.figures.profiles import drawn_cells
from denote.figures.reading_curves import draw_reading_curves, reading_points
from denote.figures.save import save_figure
from denote.figures.sparse_curve import draw_sparse_curve, sparse_curves
from denote.reporting.audit import audited
from denote.reporting.report import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CAPACITIES = ("neuron", "sparse", "centroid", "linear", "mlp")
"""Observers from weak to strong; fewer than three of them make no curve."""


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
        own = (pl.col("dataset") == dataset) & (pl.col("architecture") == architecture)
        yield dataset, architecture, frame.filter(own)


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
    sparse = cells.filter(pl.col("probe") == "sparse")
    for dataset, architecture, own in networks(sparse):
        figure = draw_sparse_curve(sparse, architecture=architecture, dataset=dataset)
        caption = (
            f"Held-out AUROC against the number of neurons that a sparse observer reads: {dataset}, {architecture}. "
            "The neurons are chosen on fit by elimination; others may do as well."
        )
        yield saved(figure, folder, f"sparse_curve-{dataset}-{architecture}", sparse_curves(own), caption)


def _capacity(cells: pl.DataFrame, folder: Path) -> Iterator[Picture]:
    read = cells.filter(pl.col("probe").is_in(CAPACITIES), pl.col("trained"), pl.col("depth").is_not_null())
    for dataset, architecture, own in networks(read):
        if own["probe"].n_unique() < 3:
            continue
        figure = draw_capacity(own, architecture=architecture, dataset=dataset)
        caption = (
            f"Held-out AUROC against how much the observer can do: {dataset}, {architecture}. What only a strong "
            "observer reads may be computed by the observer itself." + _not_placed(cells, dataset, architecture)
        )
        columns = ["object_model", "layer", "attribute", "probe", "k", "auroc", "auroc_low", "auroc_high"]
        beside = {"models": own.select(columns)}
        points = capacity_points(drawn_cells(own))
        yield saved(figure, folder, f"capacity-{dataset}-{architecture}", points, caption, beside)


def _not_placed(cells: pl.DataFrame, dataset: str, architecture: str) -> str:
    """The observers whose capacity is not known, such as those of the user's own."""
    own = cells.filter(pl.col("dataset") == dataset, pl.col("architecture") == architecture)
    others = [probe for probe in own["probe"].unique(maintain_order=True) if probe not in (*CAPACITIES, "majority")]
    return f" Not drawn, of unknown capacity: {', '.join(others)}." if others else ""


def _reading_curves(curves: pl.DataFrame, folder: Path) -> Iterator[Picture]:
    """One picture per network: the linear observer, where there is one, at the layer it reads best."""
    for dataset, architecture, own in networks(curves.filter("trained", pl.col("auroc").is_not_null())):
        probe = usual_probe(own["probe"])
        own = own.filter(pl.col("probe") == probe)
        layer = own.group_by("layer", maintain_order=True).agg(pl.col("auroc").mean()).sort("auroc")["layer"][-1]
        figure = draw_reading_curves(own, architecture=architecture, dataset=dataset, layer=layer, probe=probe)
        caption = (
            f"How many fit rows the {probe} observer needs, and what it reads without the neurons it relies on most: "
            f"{dataset}, {architecture}, {layer}, where it reads best."
        )
        data = drawn_cells(own).filter(pl.col("layer") == layer)
        data = data.filter(pl.col("pooling").eq_missing(pl.col("pooling").first()))
        points, beside = reading_points(data), {"models": data}
        yield saved(figure, folder, f"reading_curves-{dataset}-{architecture}", points, caption, beside)


def _correlation(correlation: pl.DataFrame, folder: Path) -> Iterator[Picture]:
    for dataset in correlation["dataset"].unique(maintain_order=True):
        own = correlation.filter(pl.col("dataset") == dataset)
        if own["phi"].is_not_null().any():
            figure = draw_attribute_correlation(own, dataset=dataset)
            caption = (
                f"Correlation (phi) of the attributes on test rows: {dataset}. An attribute may stand in for another."
            )
            yield saved(figure, folder, f"attribute_correlation-{dataset}", own, caption)
