"""Label proportion of what neurons denote, against depth, with everything that must be seen beside it (METHOD section 6)."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from denote.figures.curves import Curve, choose, depth_order, is_head, some, thinned
from denote.figures.style import (
    MANY,
    ROTATED,
    TRAINED,
    UNCONDITIONAL,
    UNTRAINED,
    Line,
    message,
    model_colour,
    model_marker,
    new_figure,
    spread,
    styled,
)

MOST_TICKS = 12
MOST_MODELS_NAMED = 8
HEAD_COLOUR = "0.92"


@dataclass(frozen=True)
class Points:
    """One dot per neuron of one object model, in data coordinates."""

    x: Float[np.ndarray, " neuron"]
    y: Float[np.ndarray, " neuron"]


@dataclass(frozen=True)
class Canvas:
    """What all panels share: the layers' places on the x axis and the object models.

    Attributes:
        curve: One row per layer of the by-depth table, with its place ``x``, by depth.
        models: Keys of the object models, in the order of their seeds, so that a model keeps its colour.
        names: What the legend calls them.
        slot: Width on the x axis that the dots of one layer may fill.
    """

    curve: pl.DataFrame
    models: list[str]
    names: list[str]
    slot: float

    def points(self, neurons: pl.DataFrame, column: str) -> list[Points]:
        """Dots per object model, side by side inside each layer's slot and spread inside each model's share of it."""
        place = dict(self.curve.select("layer", "x").iter_rows())
        rows = neurons.filter(pl.col(column).is_not_null(), pl.col("layer").is_in(list(place)))
        points, share = [], self.slot / max(len(self.models), 1)
        for index, model in enumerate(self.models):
            own = rows.filter(pl.col("object_model") == model)
            centre = np.array([place[layer] for layer in own["layer"]]) - self.slot / 2 + (index + 0.5) * share
            points.append(Points(centre + 0.9 * share * spread(len(own)), own[column].to_numpy().astype(float)))
        return points

    def scatter(self, ax: Axes, neurons: pl.DataFrame, column: str) -> None:
        """Draw every neuron."""
        points = self.points(neurons, column)
        many = sum(len(p.x) for p in points) > MANY
        size = float(np.clip(4_000 / max(sum(len(p.x) for p in points), 1), 4, 16))
        for index, dots in enumerate(points):
            ax.scatter(
                dots.x, dots.y, s=size, color=model_colour(index, len(points)), marker=model_marker(index),
                alpha=0.35, linewidths=0, rasterized=many, zorder=1,
            )  # fmt: skip

    def line(self, ax: Axes, column: str, style: Line, low: str = "", high: str = "", width: float = 1.4) -> None:
        """Draw a summary; a null is a gap and the head stands apart from the line."""
        for part in (self.curve.filter(~self.head), self.curve.filter(self.head)):
            x, y = part["x"].to_numpy(), _numbers(part, column)
            if low and np.isfinite(y).any():
                ends = np.abs(np.stack([_numbers(part, low), _numbers(part, high)]) - y)
                ends = np.nan_to_num(ends)
                ax.errorbar(x, y, ends, fmt="none", ecolor=style.colour, elinewidth=1.2, capsize=3, zorder=3)
            ax.plot(
                x, y, style.dash, color=style.colour, marker=style.marker, markersize=4.5, linewidth=width,
                markeredgecolor="white", markeredgewidth=0.6, zorder=4,
            )  # fmt: skip

    @property
    def head(self) -> pl.Series:
        """Which layers are the head; a curve of one layer has none set apart."""
        return self.curve.select(is_head().fill_null(False) & pl.lit(len(self.curve) > 1)).to_series()

    def furnish(self, ax: Axes, title: str, ylabel: str) -> None:
        """Title, units, layer names, the 0-1 scale, and the shaded head."""
        ax.set_title(title)
        ax.set_ylabel(ylabel)
        ax.set_xlabel("layer and its depth (relative depth: 0 first, 1 last)")
        labels = [f"{layer} · {depth}" for layer, depth in self.curve.select("layer", "depth").iter_rows()]
        shown = thinned(labels, MOST_TICKS)
        ax.set_xticks(self.curve["x"].gather(shown).to_list(), [labels[i] for i in shown], rotation=40, ha="right")
        for label in ax.get_xticklabels():
            label.set_rotation_mode("anchor")
        first, last = float(self.curve["x"].min()), float(self.curve["x"].max())  # type: ignore[arg-type]
        ax.set_xlim(first - 0.7 * self.slot, last + 0.7 * self.slot)
        for x in self.curve.filter(self.head)["x"]:
            ax.axvspan(x - 0.65 * self.slot, x + 0.65 * self.slot, color=HEAD_COLOUR, zorder=0, linewidth=0)
        ax.grid(axis="y", color="0.9", linewidth=0.6, zorder=0)
        ax.set_axisbelow(True)


def _numbers(frame: pl.DataFrame, column: str) -> Float[np.ndarray, " layer"]:
    return frame[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def with_rotated(by_depth: pl.DataFrame, controls: pl.DataFrame | None) -> pl.DataFrame:
    """Add ``rotated_label_proportion_mean``: mean over object models of what denoting rotated directions denote."""
    name = "rotated_label_proportion_mean"
    if controls is None or controls.is_empty():
        return by_depth.with_columns(pl.lit(None, pl.Float64).alias(name))
    rotated = (
        controls.filter(pl.col("control") == "rotated", pl.col("denotes"))
        .group_by("layer", "object_model")
        .agg(pl.col("label_proportion").mean())
        .group_by("layer")
        .agg(pl.col("label_proportion").mean().alias(name))
    )
    return by_depth.join(rotated, on="layer", how="left", maintain_order="left")


@styled
def draw_label_proportion_by_depth(
    neurons: pl.DataFrame,
    by_depth: pl.DataFrame,
    controls: pl.DataFrame | None = None,
    *,
    family: str | None = None,
    architecture: str | None = None,
    dataset: str | None = None,
    trained: bool | None = True,
    epoch: int | None = None,
) -> Figure:
    """Draw label proportion, its folded value, the on-proportion of live neurons and the share denoting over depth.

    Args:
        neurons: Rows of ``neurons.parquet``; every denoting neuron is a dot, coloured and marked by object model.
        by_depth: Rows of ``label_proportion_by_depth.parquet``; a null mean is a gap and its note is printed.
        controls: Rows of ``controls.parquet``, for the label proportion of rotated directions.
        family: Which family; needed where the tables hold several. Likewise the other choices.
        architecture: Which architecture.
        dataset: Which dataset.
        trained: False draws the curve of untrained networks.
        epoch: Which checkpoint; the last where None.

    Returns:
        A figure that pyplot does not know of; where nothing was observed or nothing denotes it says so.

    Raises:
        DenoteError: if the choices leave no curve or more than one.
    """
    if by_depth.is_empty():
        return message("No layer was searched: the by-depth table is empty.", "Label proportion by depth")
    curve = choose(
        by_depth, family=family, architecture=architecture, dataset=dataset, trained=trained, epoch=epoch
    )
    own = curve.of(by_depth)
    if own["depth"].is_null().all():
        return message("Only layer=state was observed, which has no depth.", f"Label proportion: {curve.title}")
    rows = curve.of(neurons).filter(pl.col("depth").is_not_null())
    canvas = _canvas(with_rotated(own, None if controls is None else curve.of(controls)), rows)
    figure = new_figure(13, 7.6)
    axes = figure.subplots(2, 3)
    _draw_panels(canvas, axes, rows)
    _draw_key(axes[1, 2], canvas)
    n = len(canvas.models) or own["n_models"].max() or 0
    figure.suptitle(
        f"Label proportion of what neurons denote: {curve.title}, {n} object model{'s' * (n != 1)}",
        fontsize=12, x=0.01, ha="left",
    )  # fmt: skip
    return figure


def _canvas(by_depth: pl.DataFrame, neurons: pl.DataFrame) -> Canvas:
    layers = depth_order(by_depth)
    curve = by_depth.filter(pl.col("depth").is_not_null()).sort("depth", "layer")
    x = curve["relative_depth"].fill_null(0.0)
    steps = x.diff().drop_nulls()
    models = neurons.select("object_model", "seed").unique("object_model").sort("seed", "object_model", nulls_last=True)
    step = steps.filter(steps > 0).min() if len(layers) > 1 else None
    return Canvas(
        curve=curve.with_columns(x.alias("x")),
        models=models["object_model"].to_list(),
        names=[f"seed {seed}" if seed is not None else key[:8] for key, seed in models.iter_rows()],
        slot=0.72 * (float(step) if step is not None else 1.0),  # type: ignore[arg-type]
    )


def _draw_panels(canvas: Canvas, axes: np.ndarray, neurons: pl.DataFrame) -> None:
    denoting, live = neurons.filter(pl.col("denotes")), neurons.filter(pl.col("live"))
    (proportion, folded, on), (share, majority, _) = axes

    canvas.scatter(proportion, denoting, "label_proportion")
    canvas.line(proportion, "unconditional_label_proportion_mean", UNCONDITIONAL)
    canvas.line(proportion, "untrained_label_proportion_mean", UNTRAINED)
    canvas.line(proportion, "rotated_label_proportion_mean", ROTATED)
    canvas.line(proportion, "label_proportion_mean", TRAINED, "label_proportion_low", "label_proportion_high", 2)
    canvas.furnish(proportion, "a  Label proportion p of denoted properties", "label proportion (share of test rows)")

    canvas.scatter(folded, denoting, "folded_label_proportion")
    canvas.line(folded, "unconditional_folded_mean", UNCONDITIONAL)
    canvas.line(folded, "untrained_folded_mean", UNTRAINED)
    canvas.line(folded, "rotated_folded_mean", ROTATED)
    canvas.line(folded, "folded_mean", TRAINED, "folded_low", "folded_high", 2)
    canvas.furnish(folded, "b  Folded: min(p, 1 - p), free of polarity", "min(p, 1 - p) (share of test rows)")

    canvas.scatter(on, live, "on_proportion")
    canvas.line(on, "on_proportion_mean", TRAINED, width=2)
    canvas.furnish(on, "c  How often all live neurons are on", "on-proportion (share of test rows)")

    canvas.line(share, "untrained_share_denoting", UNTRAINED)
    canvas.line(share, "rotated_share_denoting", ROTATED)
    canvas.line(share, "share_denoting", TRAINED, width=2)
    canvas.furnish(share, "d  Share of live neurons that denote", "share of live neurons")

    canvas.line(majority, "majority_side_share", TRAINED, width=2)
    canvas.furnish(majority, "e  Denoted properties on the majority side, p > .5", "share of denoted properties")

    for ax, top in ((proportion, 1.0), (folded, 0.5), (on, 1.0), (share, 1.0), (majority, 1.0)):
        ax.set_ylim(-0.03 * top, 1.03 * top)
    if denoting.is_empty():
        for ax in (proportion, folded, majority):
            ax.text(
                0.5, 0.5, "no neuron denotes", ha="center", va="center", fontsize=12, transform=ax.transAxes,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.9},
            )  # fmt: skip


def _draw_key(ax: Axes, canvas: Canvas) -> None:
    """Legends and remarks in a panel of their own, where they cover no data."""
    ax.set_axis_off()
    place = {"loc": "upper left", "borderaxespad": 0}
    lines = ax.legend(handles=_line_handles(canvas), bbox_to_anchor=(0, 1.02), **place)
    ax.add_artist(lines)
    shown = thinned(canvas.models, MOST_MODELS_NAMED)
    title = "one dot per neuron, by object model"
    title += f" ({len(shown)} of {len(canvas.models)} named)" if len(shown) < len(canvas.models) else ""
    ax.legend(
        handles=[_model_handle(canvas, index) for index in shown], bbox_to_anchor=(0, 0.58), ncols=4, title=title,
        alignment="left", title_fontsize=8, handletextpad=0.2, columnspacing=1.2, **place,
    )  # fmt: skip
    wrapped = [line for remark in remarks(canvas.curve) for line in textwrap.wrap(remark, 68, subsequent_indent="  ")]
    ax.text(
        0, 0.3, "\n".join(wrapped), fontsize=7.5, va="top", color="0.2", linespacing=1.35, transform=ax.transAxes
    )  # fmt: skip


def _line_handles(canvas: Canvas) -> list[Artist]:
    columns = {
        TRAINED: "on_proportion_mean",
        UNTRAINED: "untrained_share_denoting",
        ROTATED: "rotated_share_denoting",
        UNCONDITIONAL: "unconditional_label_proportion_mean",
    }
    handles: list[Artist] = [
        Line2D([], [], color=line.colour, linestyle=line.dash, marker=line.marker, label=line.label)
        for line, column in columns.items()
        if canvas.curve[column].is_not_null().any()
    ]
    if canvas.head.any():
        handles.append(Patch(color=HEAD_COLOUR, label="head: not tested"))
    return handles


def _model_handle(canvas: Canvas, index: int) -> Artist:
    colour = model_colour(index, len(canvas.models))
    return Line2D([], [], linestyle="", marker=model_marker(index), color=colour, label=canvas.names[index])


def remarks(curve: pl.DataFrame) -> list[str]:
    """What the reader of a by-depth curve must know: gaps with their reasons, controls that are missing, the source."""
    notes = ["Our operationalisation of Allen, Neural Networks and Denotation (arXiv 2103.08315)."]
    gaps = curve.filter(pl.col("label_proportion_mean").is_null())
    for reason, part in gaps.group_by(pl.col("note").fill_null("no reason given"), maintain_order=True):
        where = "every layer" if len(part) == len(curve) else some(part["layer"].to_list(), 6)
        notes.append(f"Gap at {where}: {reason[0]}.")
    if curve["rotated_share_denoting"].is_null().all():
        notes.append("Rotated control not computed: that single neurons are special is not shown here.")
    if curve["untrained_share_denoting"].is_null().all():
        notes.append("Untrained control not computed.")
    elif curve["untrained_label_proportion_mean"].is_null().all():
        notes.append("Untrained networks: too few neurons denote for a label proportion.")
    notes.append("The raw curve (a) mostly follows how often neurons are on (c): read (b) first.")
    return notes


def curve_data(by_depth: pl.DataFrame, curve: Curve) -> pl.DataFrame:
    """The numbers of one curve's lines, to be saved beside its figure."""
    return curve.of(by_depth).sort("depth", nulls_last=True)
