"""Reading curves of one layer and probe: rows of ``tables.CURVES``."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from denote.attributes.labels import Labels
from denote.data.parts import Halves
from denote.evidence.description import DescriptionLength, description_length
from denote.evidence.learning import learning_curve
from denote.evidence.permutations import Groups
from denote.evidence.points import Point, Sides
from denote.evidence.redundancy import removal_curve
from denote.observers.observer import Observer, Probe
from denote.observers.reading import UNBOUNDED, Resources, State
from denote.tables import CURVES, note

COLUMNS = (
    "probe", "probe_seed", "attribute", "family", "curve", "x", "auroc", "auroc_low", "auroc_high", "bits",
    "intercept_bits", "note",
)  # fmt: skip
"""Those of ``tables.CURVES`` that do not say which network was observed, or where."""


def reading_curves(
    state: Halves[State],
    labels: Halves[Labels],
    probe: Probe,
    probe_seed: int = 0,
    *,
    groups: Halves[Groups] | None = None,
    observer: Observer | None = None,
    description: DescriptionLength | None = None,
    resources: Resources = UNBOUNDED,
) -> pl.DataFrame:
    """How easily each attribute is read: with few rows of *fit*, and without the neurons that its observer relies on.

    Args:
        state: Activations of the layer.
        labels: The attributes, names and families alike on both sides.
        probe: What is fitted.
        probe_seed: Names the order of the rows.
        groups: Group of every row, where rows of a group are not independent.
        observer: The probe fitted on all of *fit*, where it is there already.
        description: Of the same *fit*, probe, seed and groups, where it is there already.
        resources: What fits and scores may use.

    Returns:
        Rows with `COLUMNS`. ``curve="fit_rows"``: ``x`` is the number of fit rows with a label, ``auroc`` that of the
        probe fitted on them, ``bits`` and ``intercept_bits`` are what the online codes take for their labels (see
        `DescriptionLength`). ``curve="removed"``: ``x`` is the number of removed neurons (see `removal_curve`). An
        attribute has each ``x`` once.

    Raises:
        StateError: if a state is not finite or does not fit the labels.
    """
    names, values = labels.test, Halves(labels.fit.values, labels.test.values)
    sides = Sides(state, values, probe_seed, groups, resources)
    if observer is None:
        observer = sides.fit(probe)
    if description is None:
        of_fit = None if groups is None else groups.fit
        description = description_length(state.fit, values.fit, probe, probe_seed, of_fit, resources)
    frames = [
        _frame(names, "fit_rows", learning_curve(probe, observer, sides), description),
        _frame(names, "removed", removal_curve(probe, observer, sides)),
    ]
    return (
        pl.concat(frames)
        .with_columns(probe=pl.lit(probe.kind), probe_seed=pl.lit(probe_seed, pl.Int64))
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .unique(["attribute", "curve", "x"], keep="first", maintain_order=True)
        .select(COLUMNS)
        .cast({column: CURVES[column] for column in COLUMNS})
    )


def _frame(names: Labels, curve: str, points: Iterable[Point], code: DescriptionLength | None = None) -> pl.DataFrame:
    """The points of one curve, a row per point and attribute."""
    undefined = np.full(len(names), np.nan)
    bits, intercept = (None, None) if code is None else (code.bits.cumsum(0), code.intercept.cumsum(0))
    reasons: tuple[str | None, ...] = (None,) * len(names) if code is None else code.notes
    return pl.concat(
        pl.DataFrame({
            "attribute": names.names, "family": names.families, "curve": [curve] * len(names), "x": point.x,
            "auroc": point.auroc, "auroc_low": point.low, "auroc_high": point.high,
            "bits": undefined if bits is None else bits[index],
            "intercept_bits": undefined if intercept is None else intercept[index],
            "note": pl.Series([note(*both) for both in zip(point.notes, reasons, strict=True)], dtype=pl.String),
        })
        for index, point in enumerate(points)
    )  # fmt: skip
