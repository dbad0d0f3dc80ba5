"""Pictures of what interventions change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from denote.figures.curves import curves
from denote.figures.used_or_readable import draw_used_or_readable, use_data
from denote.interventions.use import use_verdict
from denote.runs.drawing import Drawing


def draw_interventions(tables: Mapping[str, pl.DataFrame]) -> Iterator[Drawing]:
    """Draw what the tables of a sweep say of interventions; nothing where there were none.

    Args:
        tables: Those of ``tables.SWEEP_TABLES``.
    """
    for curve in curves(tables["use_tests"]):
        data = use_data(tables["neurons"], tables["layers"], curve)
        verdict = use_verdict(curve.of(tables["use_tests"]))
        figure = draw_used_or_readable(data, curve, verdict)
        yield Drawing("used_or_readable", curve.slug, figure, data, {"of": curve.title})
