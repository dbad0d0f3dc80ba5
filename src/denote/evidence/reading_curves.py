"""Reading curves of one layer and probe: rows of ``tables.CURVES``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl

from denote.attributes.labels import Labels
from denote.evidence.description import DescriptionLength, description_length
from denote.evidence.fit_test_data import FitTestData
from denote.evidence.points import Point, read
from denote.evidence.prefixes import growing_prefixes
from denote.evidence.redundancy import removal_curve
from denote.observers.observer import Observer, Probe
from denote.tables import CURVES, note

COLUMNS = (
    "probe", "probe_seed", "attribute", "family", "curve", "x", "auroc", "auroc_low", "auroc_high", "bits",
    "intercept_bits", "note",
)  # fmt: skip
"""Those of ``tables.CURVES`` that do not say which network was observed, or where."""


def reading_curves(
    data: FitTestData, probe: Probe, observer: Observer | None = None, description: DescriptionLength | None = None
) -> pl.DataFrame:
    """Measure how easily each attribute is read: with few rows of *fit*, and without the neurons that are relied on.

    Args:
        data: The layer; its seed names the order of the rows.
        probe: What is fitted.
        observer: The probe fitted on all of *fit*, where it is there already.
        description: Of the same *fit* and probe, where it is there already.

    Returns:
        Rows with `COLUMNS`. ``curve="fit_rows"``: ``x`` is the number of fit rows with a label, ``auroc`` that of the
        probe fitted on them, ``bits`` and ``intercept_bits`` are what the online codes take for their labels (see
        `DescriptionLength`). ``curve="removed"``: ``x`` is the number of removed neurons (see `removal_curve`). An
        attribute has each ``x`` once.

    Raises:
        StateError: if a state is not finite or does not fit the labels.
    """
    observer = observer or probe.fit_data(data.fit)
    description = description or description_length(data.fit, probe)
    frames = [
        _frame(data.labels.test, "fit_rows", learning_curve(probe, observer, data), description),
        _frame(data.labels.test, "removed", removal_curve(probe, observer, data)),
    ]
    return (
        pl.concat(frames)
        .with_columns(probe=pl.lit(probe.kind), probe_seed=pl.lit(data.probe_seed, pl.Int64))
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .unique(["attribute", "curve", "x"], keep="first", maintain_order=True)
        .select(COLUMNS)
        .cast({column: CURVES[column] for column in COLUMNS})
    )


def learning_curve(probe: Probe, observer: Observer, data: FitTestData) -> Iterator[Point]:
    """A point per prefix of *fit*, at the number of its rows in which an attribute is not null.

    The prefixes are those of the online code (`growing_prefixes`), and the last is all of *fit*. Of a probe with
    several sizes the largest that leaves neurons out is fitted. A curve tells how many rows an attribute takes to be
    read with this probe's penalty; its points share their test rows, and the larger prefixes hold the smaller ones.

    Args:
        probe: What is fitted.
        observer: The probe, fitted on all of *fit*.
        data: What it was fitted to, and is scored on.
    """
    fit = data.fit
    prefixes = growing_prefixes(len(fit.labels), fit.seed, fit.groups)
    for index in range(len(prefixes.ends)):
        rows = prefixes.prefix(index)
        fitted = observer if len(rows) == len(fit.labels) else probe.fit_data(fit.at(rows))
        yield read(fitted, data, np.count_nonzero(fit.labels[rows] >= 0, axis=0))


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
