"""Attributes x depth: how well an observer reads each attribute at each layer."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from denote.figures import style
from denote.figures.curves import drawn_cells, grid, layer_labels, mean_over, network_names, profiles
from denote.numbers import near_one, proportion
from denote.observers.kinds import reads_state
from denote.tables import FIRST_DECISIVE, empty

MOST_ATTRIBUTES = 40
MOST_ANNOTATED = 250
MOST_LETTERS = 40
"""Of an attribute's name."""
INPUT = "input"


def probe_panels(profile: pl.DataFrame) -> list[tuple[str, int | None]]:
    """The observers of a profile as (probe, k), each a panel of the figure, in the order of its rows."""
    return list(profile.select("probe", "k").unique(maintain_order=True).iter_rows())


@style.styled
def draw_attribute_by_depth(cells: pl.DataFrame, first: pl.DataFrame | None = None) -> Figure:
    """Heat maps of held-out AUROC, one panel per probe; all panels share the rows and their order.

    Rows are ordered by where the attribute becomes decisive for the first probe, then by AUROC; its label proportion
    stands beside the name.

    Args:
        cells: Rows of ``cells.parquet`` of trained object models; of several epochs the last is drawn.
        first: Rows of ``first_decisive.parquet``, whose median over object models gives the order; without them rows
            are ordered by AUROC alone.
    """
    cells = drawn_cells(cells).filter(reads_state())
    if cells.is_empty():
        return style.message("No cell was observed.", "Attributes by depth")
    profile = profiles(cells)
    rows, left_out = ordered_rows(profile, first)
    panels, undefined = defined_panels(profile)
    n_layers = profile["layer"].n_unique() + 1
    width = max(6.5, 2.6 + len(panels) * (0.9 + 0.42 * min(n_layers, 16)))
    figure = style.new_figure(width, 2.3 + 0.27 * max(len(rows), 3))
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for index, (ax, (probe, k)) in enumerate(zip(axes, panels, strict=True)):
        own = profile.filter(pl.col("probe") == probe, pl.col("k").eq_missing(pl.lit(k, pl.Int64)))
        draw_probe(own, rows, ax=ax, colour_bar=index == len(panels) - 1)
        name = probe if k is None else f"{probe}, at most {k} neurons"
        style.panel_title(ax, name, (width - 2.6) / len(panels))
    order = "by AUROC" if first is None else "by where they become decisive"
    notes = [f"Rows: attributes {order} for {probe_panels(profile)[0][0]}; p: label proportion."]
    notes += ["input: the same probe on the raw input."] if profile["input_auroc"].is_not_null().any() else []
    notes += [f"{left_out} more attributes are not drawn: these are the {len(rows)} read earliest and best."] * (
        left_out > 0
    )
    notes += [f"Not drawn, as no cell is defined: {', '.join(undefined)}."] if undefined else []
    handles = mark_handles(axes, "object model" if cells["object_model"].n_unique() > 1 else "")
    return style.finish(figure, _title(cells, profile), handles, " ".join(notes))


def defined_panels(profile: pl.DataFrame) -> tuple[list[tuple[str, int | None]], list[str]]:
    """The panels with any score, all where none has one, and the names of the others."""
    scored = profile.filter(pl.col("auroc").is_not_null())
    panels = probe_panels(scored if len(scored) else profile)
    return panels, [probe for probe, k in probe_panels(profile) if (probe, k) not in panels]


def heat_map_rows(cells: pl.DataFrame, first: pl.DataFrame) -> list[str]:
    """Return the attributes that `draw_attribute_by_depth` draws, from top to bottom."""
    own = drawn_cells(cells).filter(reads_state())
    return [] if own.is_empty() else ordered_rows(profiles(own), first)[0]


def draw_probe(
    profile: pl.DataFrame,
    rows: list[str],
    *,
    ax: Axes,
    colour_bar: bool,
    annotate: bool | None = None,
    letters: int = MOST_LETTERS,
) -> None:
    """Heat map of one probe's mean AUROC.

    Args:
        profile: Rows of :func:`denote.figures.curves.profiles` of one probe.
        rows: Attributes from top to bottom.
        ax: Where to draw. Undefined cells stay open on a hatched ground; decisive ones carry a dot, filled where they
            are decisive in every object model of the architecture.
        colour_bar: Whether to add one.
        annotate: Whether to write the values; None: where there is room for them in a figure of a report.
        letters: Of an attribute's name; longer ones are cut.
    """
    layers = profile["layer"].unique(maintain_order=True).to_list()
    places = ("attribute", rows), ("layer", layers)
    auroc, decisive = (grid(profile, *places, name) for name in ("auroc", "decisive_of_all"))
    if profile["input_auroc"].is_not_null().any():
        control = profile.group_by("attribute").agg(pl.col("input_auroc").mean(), layer=pl.lit(INPUT))
        column = grid(control, ("attribute", rows), ("layer", [INPUT]), "input_auroc")
        auroc, layers = np.hstack([column, auroc]), [INPUT, *layers]
        decisive = np.hstack([np.full_like(column, np.nan), decisive])
    ax.set_facecolor("0.88")
    ax.patch.set_hatch("////")
    annotate = auroc.size <= MOST_ANNOTATED if annotate is None else annotate
    look = {"linewidths": 0.5 if annotate else 0, "rasterized": auroc.size > style.MANY}
    mesh = style.heat_map(ax, auroc, vmin=0.5, vmax=1, cmap="cividis", **look)
    _mark(ax, auroc, decisive, annotate)
    names = layer_labels(profile)
    _label(ax, _with_proportion(rows, profile, letters), [names.get(layer, layer) for layer in layers])
    if colour_bar:
        style.colour_bar(mesh, "held-out AUROC", ax, extend="min", fraction=0.05, pad=0.02)


def ordered_rows(
    profile: pl.DataFrame, first: pl.DataFrame | None, most: int = MOST_ATTRIBUTES
) -> tuple[list[str], int]:
    """Return at most so many attributes from top to bottom by the first panel's order, and how many are left out."""
    lead, k = probe_panels(profile)[0]
    of_lead = (pl.col("probe") == lead) & pl.col("k").eq_missing(pl.lit(k, pl.Int64))
    best = profile.group_by("attribute", maintain_order=True).agg(
        pl.col("auroc").filter(of_lead).max().alias("best"), of_lead.any().alias("lead")
    )
    decisive = empty(FIRST_DECISIVE) if first is None else drawn_cells(first).filter(of_lead)
    medians = decisive.unique("attribute", keep="first").select("attribute", median="first_depth")
    order = best.join(medians, on="attribute", how="left", maintain_order="left").sort(
        "lead", "median", "best", descending=[True, False, True], nulls_last=True, maintain_order=True
    )
    rows = order["attribute"].to_list()
    return rows[:most], len(rows[most:])


LIGHT = 0.78
"""AUROC from which on a cell is light enough for black ink."""


def _mark(ax: Axes, auroc: np.ndarray, decisive: np.ndarray, annotate: bool) -> None:
    """Values where there is room, dots on decisive cells; ink that shows on the cell's own shade."""
    inks = np.where(auroc < LIGHT, "white", "black")
    if annotate:
        for (row, column), value in np.ndenumerate(auroc):
            if not np.isnan(value):
                look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7, "color": inks[row, column]}
                ax.text(column + 0.42, row + 0.5, near_one(value), label=style.KEPT, **look)
    marked = ~np.isnan(auroc) & (decisive > 0)
    for ink, filled in product(("white", "black"), (True, False)):
        rows, columns = np.nonzero(marked & (inks == ink) & ((decisive == 1) == filled))
        if len(rows):
            look = {
                "markersize": 3,
                "markeredgecolor": ink,
                "markeredgewidth": 0.7,
                "clip_on": False,
                "label": style.KEPT,
            }
            x = columns + (0.86 if annotate else 0.5)
            ax.plot(x, rows + 0.5, "o", markerfacecolor=ink if filled else "none", **look)


def _with_proportion(rows: list[str], profile: pl.DataFrame, letters: int) -> list[str]:
    """Attributes with their label proportion, names that are too long cut."""
    shares = dict(profile.group_by("attribute").agg(pl.col("label_proportion").mean()).iter_rows())
    return [
        style.cut(row, letters) + ("" if shares.get(row) is None else f" · p {proportion(shares[row])}") for row in rows
    ]


def _label(ax: Axes, rows: list[str], columns: list[str]) -> None:
    style.slanted_ticks(ax, [i + 0.5 for i in range(len(columns))], columns, 16)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows, rotation=0)
    ax.set_xlabel("layer and class of its module, by depth")
    ax.tick_params(length=0)
    if columns[0] == INPUT:
        ax.axvline(1, color="white", linewidth=3)


def _title(cells: pl.DataFrame, profile: pl.DataFrame) -> str:
    scored = profile.filter(pl.col("n_models") > 0)["n_models"]
    return f"How well each attribute is read by depth: {network_names(cells)}, {mean_over(scored)}"


def mark_handles(panels: Iterable[Axes], unit: str) -> list[Line2D | Patch]:
    """Return the legend of the marks that any panel has.

    Args:
        panels: The panels.
        unit: What object models are called; empty where there is one.
    """
    dot: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 4, "color": "black"}
    every = style.handle(f"decisive in every {unit}" if unit else "decisive", **dot)
    some = style.handle("decisive in some", markerfacecolor="none", **dot)
    gap = Patch(facecolor="0.88", edgecolor="0.65", hatch="////", label="undefined (reason in the table's note)")
    panels = list(panels)
    hollow = {line.get_markerfacecolor() == "none" for ax in panels for line in ax.lines if line.get_marker() == "o"}
    undefined = any(np.ma.is_masked(ax.collections[0].get_array()) for ax in panels)
    return [handle for handle, there in ((every, False in hollow), (some, True in hollow), (gap, undefined)) if there]
