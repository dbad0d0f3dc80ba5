"""Label proportion of what neurons denote, by depth, and what must be seen beside it (METHOD section 6)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from denote.denotation.depth.plan import GAP
from denote.figures import style
from denote.figures.canvas import HEAD_COLOUR, UNDETECTABLE, Canvas, depth_canvas
from denote.figures.curves import Curve, choose, some, thinned
from denote.figures.depth_parts import differences, draw_difference, mean_differences, why_no_difference
from denote.figures.style import ACTIVE, ROTATED, TRAINED, UNCONDITIONAL, UNTRAINED, Line
from denote.numbers import count

MOST_MODELS_NAMED = 8
DOTS = (
    *("object_model", "seed", "layer", "depth", "relative_depth", "pooling", "probe_seed", "neuron", "live", "denotes"),
    *("property", "label_proportion", "folded_label_proportion", "on_proportion"),
)
LIMIT = "smallest_detectable_proportion"
LETTERS = 59
"""Of a remark, for each column of the figure that the key takes."""

KEY_ROW = 3.6
"""Inches of a row that holds the key alone; one with panels has 4."""

FOLDED = "folded_label_proportion"
TITLES = {
    "a": ("Label proportion p of denoted properties", "label proportion (share of test rows)", 1.0, ""),
    "b": ("Folded: min(p, 1 - p), free of polarity", "min(p, 1 - p) (share of test rows)", 0.5, ""),
    "d": ("How often all live neurons are on", "on-proportion (share of test rows)", 1.0, ""),
    "e": ("Share of live neurons that denote", "share of live neurons", 1.0, ""),
    "f": ("Denote the majority side, p > .5", "share of denoting neurons", 1.0, "majority_side_share"),
}
"""By panel its title, its y axis, the end of its scale, and the column whose layers it shows, all where empty."""


@style.styled
def draw_label_proportion_by_depth(
    neurons: pl.DataFrame,
    by_depth: pl.DataFrame,
    by_model: pl.DataFrame | None = None,
    *,
    curve: Curve | None = None,
    verdict: str = "",
) -> Figure:
    """Draw label proportion, its folded value, and all that is needed to read them, over depth.

    Args:
        neurons: Rows of ``neurons.parquet``; every denoting neuron is a dot, coloured and marked by object model.
        by_depth: Rows of ``label_proportion_by_depth.parquet``; a null mean is a gap and its note is printed.
        by_model: Rows of ``label_proportion_by_model.parquet``, for the panel of what is tested.
        curve: Which curve; needed where the tables hold several of trained networks.
        verdict: The sentence of ``depth_verdicts.parquet`` that stands under the title; none where empty.

    Returns:
        A figure that pyplot does not know of; where nothing was observed or nothing denotes it says so.

    Raises:
        DenoteError: if a curve is needed and missing.
    """
    if by_depth.is_empty():
        return style.message("No layer was searched: the by-depth table is empty.", "Label proportion by depth")
    curve = curve or choose(by_depth, trained=True)
    own = curve.of(by_depth).with_columns(active_share_mean=pl.when("sign_identified").then("active_share_mean"))
    if own["depth"].is_null().all():
        return style.message("Only layer=state was observed, which has no depth.", f"Label proportion: {curve.title}")
    rows = curve.of(neurons).filter(pl.col("depth").is_not_null())
    canvas = depth_canvas(own, rows)
    tested = curve.of(by_model) if by_model is not None else None
    absent = absent_panels(canvas, rows, tested)
    letters = [letter for letter in "abcdef" if letter not in absent]
    figure, axes, key = _panels(letters)
    draw_panels(canvas, axes, rows)
    if "c" in axes:
        draw_difference(axes["c"], canvas, tested)
    _draw_key(key, canvas, list(axes.values()), _absences(absent))
    title = f"Label proportion of what neurons denote: {curve.title}, {count(len(canvas.models), 'object model')}"
    return style.finish(figure, title, note=f"Verdict on depth: {verdict}." if verdict else "")


def _panels(letters: Sequence[str]) -> tuple[Figure, dict[str, Axes], Axes]:
    """Make a figure with some panels, four in a row, and the axes for the key in what is left of the last row."""
    left = -len(letters) % 4
    cells = "".join(letters) + ("k" * left if left > 1 else "." * left + "kkkk")  # one panel is too narrow for the key
    rows = [cells[start : start + 4] for start in range(0, len(cells), 4)]
    heights = [KEY_ROW if set(row) == {"k"} else 4 for row in rows]
    figure = style.new_figure(17, sum(heights))
    axes = figure.subplot_mosaic(";".join(rows), height_ratios=heights)
    key = axes.pop("k")
    return figure, axes, key


def absent_panels(canvas: Canvas, neurons: pl.DataFrame, by_model: pl.DataFrame | None) -> dict[str, str]:
    """Return the panels that would be empty, each with the reason."""
    curve, missing = canvas.curve, dict[str, str]()
    for letter, measure in (("a", "label_proportion"), ("b", "folded")):
        lines = [f"{which}{measure}_mean" for which in ("", "rotated_", "untrained_", "unconditional_")]
        if not neurons["denotes"].any() and curve.select(pl.col(lines).is_null().all()).row(0) == (True,) * len(lines):
            missing[letter] = "no neuron denotes"
    if why := why_no_difference(canvas, by_model):
        missing["c"] = why
    if not neurons["live"].any():
        missing |= {"d": "no neuron is live", "e": "no neuron is live"}
    if curve["majority_side_share"].is_null().all():
        missing["f"] = f"{GAP}, in every layer" if neurons["denotes"].any() else "no neuron denotes"
    return missing


def _absences(absent: Mapping[str, str]) -> list[str]:
    """Say which panels are not drawn, those with one reason together."""
    reasons = dict.fromkeys(absent.values())
    named = {why: ", ".join(letter for letter, own in absent.items() if own == why) for why in reasons}
    return [f"Not drawn: {letters} ({why})." for why, letters in named.items()]


def draw_panels(canvas: Canvas, axes: Mapping[str, Axes], neurons: pl.DataFrame) -> None:
    denoting, live = neurons.filter(pl.col("denotes")), neurons.filter(pl.col("live"))
    for letter, measure, dots in (("a", "label_proportion", "label_proportion"), ("b", "folded", FOLDED)):
        if letter in axes:
            ax = axes[letter]
            canvas.undetectable(ax, LIMIT, both_sides=letter == "a")
            canvas.scatter(ax, denoting, dots)
            canvas.line(ax, f"unconditional_{measure}_mean", UNCONDITIONAL)
            _control(canvas, ax, UNTRAINED, f"untrained_{measure}_mean", f"untrained_{measure}")
            _control(canvas, ax, ROTATED, f"rotated_{measure}_mean", f"rotated_{measure}")
            canvas.line(ax, f"{measure}_mean", TRAINED, f"{measure}_low", f"{measure}_high", 2)
    if "d" in axes:
        canvas.scatter(axes["d"], live, "on_proportion")
        if canvas.curve["sign_identified"].fill_null(value=False).any():
            canvas.line(axes["d"], "active_share_mean", ACTIVE)
        canvas.line(axes["d"], "on_proportion_mean", TRAINED, width=2)
    if "e" in axes:
        _control(canvas, axes["e"], UNTRAINED, "untrained_share_denoting", "untrained_share")
        _control(canvas, axes["e"], ROTATED, "rotated_share_denoting", "rotated_share")
        mean = "share_denoting_mean" if canvas.curve["share_denoting_mean"].is_not_null().any() else "share_denoting"
        canvas.line(axes["e"], mean, TRAINED, "share_denoting_low", "share_denoting_high", width=2)
    if "f" in axes:
        canvas.line(axes["f"], "majority_side_share", TRAINED, width=2)
    for letter, (title, ylabel, top, column) in TITLES.items():
        if letter in axes:
            canvas.furnish(axes[letter], f"{letter}  {title}", ylabel, column)
            axes[letter].set_ylim(-0.03 * top, 1.03 * top)


def _control(canvas: Canvas, ax: Axes, line: Line, mean: str, bounds: str) -> None:
    canvas.band(ax, f"{bounds}_low", f"{bounds}_high", line)
    canvas.line(ax, mean, line)


def _draw_key(ax: Axes, canvas: Canvas, panels: Sequence[Axes], absences: Sequence[str]) -> None:
    """Legends of what is drawn in the panels, and remarks, in a panel of their own, where they cover no data."""
    ax.set_axis_off()
    place_in_grid = ax.get_subplotspec()
    letters = LETTERS * (2 if place_in_grid is None else len(place_in_grid.colspan))
    place: dict[str, Any] = {"loc": "upper left", "borderaxespad": 0}
    ax.add_artist(ax.legend(handles=line_handles(canvas, panels), bbox_to_anchor=(0, 1.02), **place))
    shown, n = thinned(canvas.models, MOST_MODELS_NAMED), len(canvas.models)
    title = "one dot per neuron, one thin line in c, by object model"
    title += f" ({len(shown)} of {n} named)" if len(shown) < n else ""
    models = [style.handle(canvas.names[index], linestyle="", **style.model_look(index, n)) for index in shown]
    narrow: dict[str, Any] = {"alignment": "left", "title_fontsize": 8, "handletextpad": 0.2, "columnspacing": 1.2}
    ax.legend(handles=models, bbox_to_anchor=(0.56, 1.02), ncols=4, title=title, **narrow, **place)
    wrapped = [
        line
        for remark in [*absences, *remarks(canvas.curve)]
        for line in textwrap.wrap(remark, letters, subsequent_indent="  ")
    ]
    look: dict[str, Any] = {"fontsize": 7.5, "va": "top", "color": "0.2", "linespacing": 1.35}
    ax.text(0, 0.42, "\n".join(wrapped), transform=ax.transAxes, in_layout=False, **look)


def line_handles(canvas: Canvas, panels: Sequence[Axes]) -> Sequence[Artist]:
    several = (canvas.curve["n_models"] > 1).any()  # one network has no interval
    handles: list[Artist] = [
        style.line_handle(line, label=line.label if several else line.label.removesuffix(style.INTERVAL))
        for line in (TRAINED, UNTRAINED, ROTATED, UNCONDITIONAL, ACTIVE)
        if _is_drawn(line, panels)
    ]
    if canvas.curve[LIMIT].is_not_null().any():
        handles.append(Patch(**UNDETECTABLE, label="too rare (or too frequent) to be found with these rows"))
    if canvas.head.any():
        handles.append(Patch(color=HEAD_COLOUR, label="head: not tested"))
    return handles


def _is_drawn(line: Line, panels: Sequence[Axes]) -> bool:
    """Return whether a summary has a point in any of the panels."""
    own = (drawn for ax in panels for drawn in ax.lines if drawn.get_color() == line.colour)
    return any(np.isfinite(np.asarray(drawn.get_ydata(), dtype=float)).any() for drawn in own)


def remarks(curve: pl.DataFrame) -> list[str]:
    """Return the remarks on a by-depth curve: gaps with their reasons, controls that are missing, the source."""
    notes = ["Our operationalisation of Allen, Neural Networks and Denotation (arXiv 2103.08315)."]
    gaps = curve.filter(pl.col("label_proportion_mean").is_null())
    for (reason,), part in gaps.group_by(pl.col("note").fill_null("no reason given"), maintain_order=True):
        where = "every layer" if len(part) == len(curve) else some(part["layer"].to_list(), 6)
        notes.append(f"Gap at {where}: {reason!s}.")
    if curve["rotated_share_denoting"].is_null().all():
        notes.append("Rotated control not computed: that single neurons are special is not shown here.")
    if not curve["trained"].any():
        notes.append("Nothing here was learned: these networks are as they were initialised.")
    elif curve["untrained_share_denoting"].is_null().all():
        notes.append("Untrained control not computed.")
    elif curve["untrained_label_proportion_mean"].is_null().all():
        notes.append("Untrained networks: too few neurons denote for a label proportion.")
    if not curve["sign_identified"].fill_null(value=True).all():
        notes.append("Where the sign of a neuron is arbitrary (a) says nothing: only (b) and (c) do.")
    notes.append("The raw curve (a) mostly follows how often neurons are on (d): read (b) and (c) first.")
    return notes


def curve_data(by_depth: pl.DataFrame, curve: Curve, by_model: pl.DataFrame | None = None) -> pl.DataFrame:
    """The numbers of one curve's lines, to be saved beside its figure; with the means of (c) where models are given."""
    own = curve.of(by_depth).sort("depth", nulls_last=True)
    if by_model is None:
        return own
    means = mean_differences(differences(curve.of(by_model)))
    return own.join(means, on="layer", how="left", maintain_order="left")


def dot_data(neurons: pl.DataFrame, curve: Curve) -> pl.DataFrame:
    """The numbers of one curve's dots: of (a) and (b) where a neuron denotes, of (d) where it is live."""
    own = curve.of(neurons).filter(pl.col("depth").is_not_null(), pl.col("live") | pl.col("denotes"))
    return own.select(DOTS).sort("depth", "seed", "object_model", "neuron", maintain_order=True)


def model_data(by_model: pl.DataFrame, curve: Curve) -> pl.DataFrame:
    """The numbers of the thin lines of (c)."""
    return differences(curve.of(by_model))
