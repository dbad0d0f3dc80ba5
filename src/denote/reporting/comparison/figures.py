"""The figures of a comparison's page: scores and curves over depth, and a heat map of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
from markupsafe import Markup

from denote.comparison.compare import Contrast
from denote.comparison.neurons import CURVE
from denote.comparison.observers import CELL, HEADLINE
from denote.comparison.pairing import ROWS
from denote.figures.curves import usual_probe
from denote.numbers import Estimate, count, proportion, signed
from denote.reporting.answer.networks import Networks
from denote.reporting.answer.words import clean, plain_property
from denote.reporting.comparison.drawing import Axis, Line, Panel, drawing
from denote.reporting.comparison.networks_told import nothing_read_words
from denote.reporting.comparison.neurons_told import shown_family
from denote.reporting.comparison.observers_told import NOT_IN_ALL
from denote.reporting.layer_words import layer_words
from denote.reporting.sheet import Row

WIDE, NARROW = 560, 340
"""Pixels of a drawing in a wide window and on a telephone."""
MOST_ATTRIBUTES = 24
"""Attributes of a heat map, those with the largest differences."""
WITHOUT_BANDS = dict.fromkeys(["baseline_low", "baseline_high", "other_low", "other_high"])
"""The ends of either result, which are over networks: not drawn beside a difference over test rows."""
STEPS = 9
"""Colours of differences, from negative to positive."""


@dataclass(frozen=True)
class Figure:
    """A drawing at two widths.

    Attributes:
        title: One line.
        wide: For a wide window; empty where nothing can be drawn.
        narrow: For a narrow one.
        legend: Classes of lines, and their names.
        note: What to know when reading it.
        why: Why there is no drawing.
    """

    title: str
    wide: Markup = field(default_factory=Markup)
    narrow: Markup = field(default_factory=Markup)
    legend: Sequence[tuple[str, str]] = ()
    note: str = ""
    why: str = ""


@dataclass(frozen=True)
class HeatCell:
    """A difference as it is written and coloured."""

    text: str
    look: str
    differs: bool


@dataclass(frozen=True)
class HeatMap:
    """Differences of cells, attribute by layer.

    Attributes:
        title: One line.
        layers: Names of each pair of layers, one where they are the same.
        rows: Attributes with their cells.
        reach: The largest difference, that of the last colour.
        note: What is left out.
    """

    title: str
    layers: Sequence[tuple[str, ...]]
    rows: Sequence[tuple[str, Sequence[HeatCell]]]
    reach: str
    note: str = ""


def shown_probe(contrast: Contrast) -> str | None:
    """Return the probe that is drawn: the linear one where there is one."""
    probes = contrast.rows(HEADLINE)["probe"].drop_nulls().unique(maintain_order=True)
    return usual_probe(probes) if len(probes) else None


def score_figure(contrast: Contrast) -> Figure:
    """Draw mean AUROC over attributes in both results, and the difference with its interval.

    Args:
        contrast: What is compared.
    """
    probe = shown_probe(contrast)
    title = f"Mean AUROC over attributes{'' if probe is None else f', {clean(probe)}'}"
    rows = _placed(contrast.rows(HEADLINE).filter(pl.col("probe") == probe)) if probe else []
    legend = [*_sides(contrast), ("difference", "difference")]
    over_rows = contrast.pairing.unit == ROWS
    panels = [
        Panel("AUROC", _both(contrast, [{**row, **WITHOUT_BANDS} for row in rows] if over_rows else rows)),
        Panel("difference", [_line(rows, "difference", "difference", "difference", sure=True)], 120, is_change=True),
    ]
    ends = "interval of the difference over test rows" if over_rows else "intervals over networks"
    note = f"Bands: 95 % {ends}. A filled diamond differs after correction. {_axis_words(contrast)}"
    why = f"{NOT_IN_ALL}." if rows else nothing_read_words(contrast) or "Neither has an observer."
    return _figure(title, panels, contrast, rows, legend, note, why)


def curve_figure(contrast: Contrast) -> Figure:
    """Draw what neurons denote over depth in both results: label proportion, folded, how many denote.

    Args:
        contrast: What is compared.
    """
    family = shown_family(contrast)
    title = "What neurons denote over depth"
    found = contrast.rows(CURVE).filter(pl.col("family").eq_missing(pl.lit(family, pl.String)))
    rows = {quantity: _placed(part) for (quantity,), part in found.group_by("quantity", maintain_order=True)}
    none: list[Row] = []
    folded = [
        *_both(contrast, rows.get("rotated_folded", none), beside=True),
        *_both(contrast, rows.get("folded", none)),
    ]
    panels = [
        Panel("label proportion", _both(contrast, rows.get("label_proportion", none))),
        Panel("folded: min(p, 1 − p); dashed: random directions", folded, 120),
        Panel("share of live neurons that denote", _both(contrast, rows.get("share_denoting", none)), 100),
    ]
    note = f"Gaps: too few neurons denote. {_axis_words(contrast)}"
    shared = rows.get("share_denoting", none)
    return _figure(title, panels, contrast, shared, _sides(contrast), note, "No neuron was searched in both.")


def _figure(
    title: str,
    panels: Sequence[Panel],
    contrast: Contrast,
    rows: Sequence[Row],
    legend: Sequence[tuple[str, str]],
    note: str,
    why: str,
) -> Figure:
    axis = _axis(contrast, rows)
    wide, narrow = (drawing(panels, axis, title, width) for width in (WIDE, NARROW))
    return Figure(title, wide, narrow, legend, note) if wide else Figure(title, why=why)


def _placed(rows: pl.DataFrame) -> list[Row]:
    """Return rows with a place in [0, 1]: their relative depth, or their number where some have none."""
    named = list(rows.iter_rows(named=True))
    if any(row["relative_depth"] is None or row["other_relative_depth"] is None for row in named):
        places = [(place + 0.5) / len(named) for place in range(len(named))]
        return [{**row, "place": at, "other_place": at} for row, at in zip(named, places, strict=True)]
    return [{**row, "place": row["relative_depth"], "other_place": row["other_relative_depth"]} for row in named]


def _both(contrast: Contrast, rows: Sequence[Row], *, beside: bool = False) -> list[Line]:
    names = [clean(side.shown) for side in (contrast.baseline, contrast.other)]
    return [
        _line(rows, f"{side}{' beside' * beside}", f"{name}{', random directions' * beside}", side)
        for side, name in zip(("baseline", "other"), names, strict=True)
    ]


def _line(rows: Sequence[Row], look: str, name: str, column: str, *, sure: bool = False) -> Line:
    other = column == "other"
    place, layer = ("other_place", "other_layer") if other else ("place", "layer")
    value = "difference" if column == "difference" else f"{column}_value"
    ordered = sorted(rows, key=lambda row: row[place])
    return Line(
        look,
        name,
        [row[place] for row in ordered],
        [clean(layer_words(row[layer])) for row in ordered],
        [Estimate.of(row, value, column) for row in ordered],
        [row["differs"] for row in ordered] if sure else None,
    )


def _axis(contrast: Contrast, rows: Sequence[Row]) -> Axis:
    if contrast.layers.by_depth and all(row["relative_depth"] is not None for row in rows):
        return Axis((0.0, 0.25, 0.5, 0.75, 1.0), ("0", ".25", ".5", ".75", "1"), "relative depth")
    return Axis([row["place"] for row in rows], [clean(layer_words(row["layer"]), 14) for row in rows])


def _axis_words(contrast: Contrast) -> str:
    if not contrast.layers.by_depth:
        return ""
    return "Layers differ: each stands at its own relative depth, a difference at that of the baseline."


def _sides(contrast: Contrast) -> list[tuple[str, str]]:
    return [("baseline", f"{clean(contrast.baseline.shown)} (baseline)"), ("other", clean(contrast.other.shown))]


def heat_map(contrast: Contrast) -> HeatMap:
    """Colour the difference of every cell, the attributes with the largest ones first.

    Args:
        contrast: What is compared.
    """
    probe = shown_probe(contrast)
    cells = contrast.rows(CELL, "auroc").filter(pl.col("probe") == probe) if probe else contrast.rows(CELL).head(0)
    largest = cells.group_by("name", maintain_order=True).agg(pl.col("difference").abs().max())
    order = largest.sort("difference", descending=True, nulls_last=True, maintain_order=True)["name"]
    layers = list(cells.select("layer", "other_layer").unique(maintain_order=True).iter_rows())
    reach = max((abs(value) for value in cells["difference"].drop_nulls()), default=0.0)
    classes = Networks.of(contrast.groups[0]).classes
    by_cell = {(row["name"], row["layer"], row["other_layer"]): row for row in cells.iter_rows(named=True)}
    rows = [
        (clean(plain_property(name, classes)), [_heat_cell(by_cell.get((name, *pair)), reach) for pair in layers])
        for name in order.head(MOST_ATTRIBUTES)
    ]
    left = len(order) - MOST_ATTRIBUTES
    note = f"{count(left, 'attribute')} with smaller differences: see the table of cells." if left > 0 else ""
    names = [tuple(dict.fromkeys(clean(layer_words(name), 12) for name in pair)) for pair in layers]
    return HeatMap("Difference of AUROC by attribute and layer", names, rows, proportion(reach, 3), note)


def _heat_cell(row: Row | None, reach: float) -> HeatCell:
    if row is None or row["difference"] is None:
        return HeatCell("", "null", differs=False)
    share = row["difference"] / reach if reach else 0.0
    step = min(STEPS - 1, int((share + 1) / 2 * STEPS))
    return HeatCell(signed(row["difference"], 3), f"d{step}{' all' * bool(row['differs'])}", bool(row["differs"]))
