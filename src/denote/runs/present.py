"""Figures of a job and of a sweep: what tables show, and what observers rely on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import polars as pl

from denote.config.figure_settings import SHARED, FigureSettings
from denote.figures.attribute_by_depth import draw_attribute_by_depth
from denote.figures.curves import profiles
from denote.figures.single_networks import single_networks
from denote.observation.result import Evidence
from denote.observers.kinds import reads_state
from denote.runs.denotation_figures import Jobs, draw_denotation
from denote.runs.drawing import Drawing
from denote.runs.evidence_figures import draw_evidence, draw_first, draw_found_again, networks
from denote.runs.intervention_figures import draw_interventions
from denote.runs.module_classes import with_module_classes
from denote.runs.relied import draw_relied, heat_map_attributes, networks_with_maps, relied_on


def draw_figures(merged: Evidence, jobs: Jobs, settings: FigureSettings | None = None) -> Iterator[Drawing]:
    """Draw what tables and observers show.

    Args:
        merged: The tables of ``tables.SWEEP_TABLES``.
        jobs: Job folders with their records, for observers and the images of examples.
        settings: How many networks have figures of their own, and how those look.
    """
    settings = settings or FigureSettings()
    yield from draw_tables(merged, jobs, settings.networks)
    for network in networks_with_maps(merged.cells)[: settings.networks]:
        relied = relied_on(jobs, merged.cells, network)
        if relied is not None:
            same = pl.col("dataset") == network.dataset, pl.col("architecture") == network.architecture
            wanted = heat_map_attributes(merged.cells.filter(*same))
            yield from draw_relied(relied, wanted, shared_scale=settings.scale == SHARED)


def draw_tables(merged: Evidence, jobs: Jobs = (), most: int = FigureSettings.networks) -> Iterator[Drawing]:
    """Draw what the tables show: denotation per curve, attributes by depth per network, how strong the evidence is.

    Args:
        merged: The tables.
        jobs: Job folders with their records, for the images of examples; none are drawn without.
        most: How many networks have figures of their own.
    """
    tables = with_module_classes(merged.tables)
    return chain(
        draw_denotation(tables, jobs, single_networks(tables["neurons"])[:most]),
        _attributes_by_depth(tables["cells"], tables["first_decisive"]),
        draw_found_again(tables["stability"]),
        draw_first(tables["first_decisive"], tables["layers"], _with_depth(tables["cells"])),
        draw_evidence(tables),
        draw_interventions(tables),
    )


def _with_depth(cells: pl.DataFrame) -> pl.DataFrame:
    return cells.filter(reads_state() & pl.col("depth").is_not_null())


def _attributes_by_depth(cells: pl.DataFrame, first: pl.DataFrame) -> Iterator[Drawing]:
    for network in networks(_with_depth(cells)):
        figure = draw_attribute_by_depth(network.rows, network.of(first))
        yield Drawing("attribute_by_depth", network.slug, figure, profiles(network.rows), {"of": network.title})
