"""Pictures of how strong the evidence is: how easily attributes are read, and which stand in for each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from denote.figures.agreement_by_depth import draw_stability
from denote.figures.attribute_by_depth import heat_map_rows
from denote.figures.attribute_lines import draw_reading_curves, drawn_curves, reading_points
from denote.figures.audit_panels import draw_audit
from denote.figures.correlations import draw_attribute_correlation
from denote.figures.curves import curves, drawn_cells
from denote.figures.decisive_depths import draw_first_decisive
from denote.figures.sparse_curve import capacity_points, draw_capacity, draw_sparse_curve, sparse_curves
from denote.observers.kinds import by_capacity, has_sizes, reads_state
from denote.reporting.attribute_sheets import audited
from denote.runs.drawing import Drawing


@dataclass(frozen=True)
class Network:
    """The rows of one dataset and architecture."""

    dataset: str
    architecture: str
    rows: pl.DataFrame

    @property
    def slug(self) -> str:
        """Its part of a file's name."""
        return f"{self.dataset}-{self.architecture}"

    @property
    def title(self) -> str:
        """Its name in a caption."""
        return f"{self.dataset}, {self.architecture}"

    def of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return its rows of another table."""
        return frame.filter(pl.col("dataset") == self.dataset, pl.col("architecture") == self.architecture)


def networks(frame: pl.DataFrame) -> Iterator[Network]:
    """Yield every dataset and architecture with its rows."""
    for (dataset, architecture), rows in frame.group_by("dataset", "architecture", maintain_order=True):
        yield Network(str(dataset), str(architecture), rows)


def draw_evidence(tables: Mapping[str, pl.DataFrame]) -> Iterator[Drawing]:
    """Draw what the tables of a sweep say of how easily attributes are read, and how they go together."""
    cells = tables["cells"]
    for network in networks(audited(tables["audit"])):
        figure = draw_audit(drawn_cells(network.rows))
        yield Drawing("audit", network.slug, figure, network.rows, {"of": network.title})
    for network in networks(cells.filter(has_sizes())):
        figure, curves_drawn = draw_sparse_curve(network.rows), sparse_curves(network.rows)
        yield Drawing("sparse_curve", network.slug, figure, curves_drawn, {"of": network.title})
    yield from _capacity(cells)
    yield from _reading_curves(tables["curves"])
    for (dataset,), rows in tables["attribute_correlation"].group_by(["dataset"], maintain_order=True):
        if rows["phi"].is_not_null().any():
            figure = draw_attribute_correlation(rows)
            yield Drawing("attribute_correlation", str(dataset), figure, rows, {"of": str(dataset)})


def _capacity(cells: pl.DataFrame) -> Iterator[Drawing]:
    read = cells.filter(pl.col("probe").is_in(by_capacity()), pl.col("trained"), pl.col("depth").is_not_null())
    for network in networks(read):
        if network.rows["probe"].n_unique() < 3:
            continue
        # Observers of unknown capacity, such as those of the user's own classes, have no place.
        probes = network.of(cells).filter(reads_state())["probe"].unique(maintain_order=True)
        unplaced = ", ".join(probe for probe in probes if probe not in by_capacity())
        words = {"of": network.title, "others": f" Not drawn, of unknown capacity: {unplaced}." if unplaced else ""}
        columns = ["object_model", "layer", "attribute", "probe", "k", "auroc", "auroc_low", "auroc_high"]
        points, beside = capacity_points(drawn_cells(network.rows)), {"models": network.rows.select(columns)}
        yield Drawing("capacity", network.slug, draw_capacity(network.rows), points, words, beside)


def _reading_curves(curves: pl.DataFrame) -> Iterator[Drawing]:
    """Draw one picture per network: the linear observer, where there is one, at the layer it reads best."""
    for network in networks(curves.filter("trained", pl.col("auroc").is_not_null())):
        data = drawn_curves(network.rows)
        layer, probe = data.select("layer", "probe").row(0)
        words = {"of": network.title, "layer": layer, "probe": probe}
        figure, points = draw_reading_curves(network.rows), reading_points(data)
        yield Drawing("reading_curves", network.slug, figure, points, words, {"models": data})


def draw_found_again(stability: pl.DataFrame) -> Iterator[Drawing]:
    """Draw one picture per curve along which anything denotes."""
    for curve in curves(stability.filter(pl.col("property_jaccard").is_not_null(), pl.col("depth").is_not_null())):
        figure = draw_stability(stability, curve)
        yield Drawing("stability", curve.slug, figure, curve.of(stability), {"of": curve.title})


def draw_first(first: pl.DataFrame, layers: pl.DataFrame, cells: pl.DataFrame) -> Iterator[Drawing]:
    """Draw one picture per trained network, at its last epoch, in which an attribute has a first depth.

    It shows the attributes that the heat map of attributes by depth shows.
    """
    last = pl.col("epoch").eq_missing(pl.col("epoch").max().over("dataset", "architecture"))
    first = first.filter("trained", pl.col("n_censored").is_not_null(), pl.col("n_models") > 0).filter(last)
    for network in networks(first):
        attributes = heat_map_rows(network.of(cells), network.rows)
        figure = draw_first_decisive(network.rows, network.of(layers), attributes)
        yield Drawing("first_decisive", network.slug, figure, network.rows, {"of": network.title})
