"""Figures of denote: their size, panels and headlines, and how they are saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from denote.figures import style
from denote.figures.curves import depth_order, finite, is_untested, layer_labels
from denote.figures.style import STYLE, styled
from denote.files import write_bytes

MOST_TICKS = 12
PNG_LEVEL = 1
"""Of compression: a third of the time of Pillow's own level, for files that are a tenth larger."""
HEAD_COLOUR = "0.92"
UNDETECTABLE: dict[str, Any] = {
    "facecolor": "none",
    "edgecolor": "0.72",
    "hatch": "////",
    "linewidth": 0,
    "zorder": 0.5,
}
"""Look of the label proportions at which no neuron can be found to denote."""


@dataclass(frozen=True)
class Points:
    """One dot per neuron of one object model, in data coordinates."""

    x: Float[np.ndarray, " neuron"]
    y: Float[np.ndarray, " neuron"]


@dataclass(frozen=True)
class Canvas:
    """The x axis of layers and the object models, which all panels share.

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

    def with_columns(self, columns: pl.DataFrame) -> Canvas:
        """The same canvas with more numbers per layer."""
        return replace(self, curve=self.curve.with_columns(columns))

    def points(self, neurons: pl.DataFrame, column: str) -> list[Points]:
        """Dots per object model, side by side inside each layer's slot and spread inside each model's share of it."""
        place = dict(self.curve.select("layer", "x").iter_rows())
        rows = neurons.filter(pl.col(column).is_not_null(), pl.col("layer").is_in(list(place)))
        points, share = [], self.slot / max(len(self.models), 1)
        for index, model in enumerate(self.models):
            own = rows.filter(pl.col("object_model") == model)
            centre = np.array([place[layer] for layer in own["layer"]]) - self.slot / 2 + (index + 0.5) * share
            points.append(Points(centre + 0.9 * share * style.spread(len(own)), own[column].to_numpy().astype(float)))
        return points

    def scatter(self, ax: Axes, neurons: pl.DataFrame, column: str) -> None:
        """Draw every neuron."""
        points = self.points(neurons, column)
        many = sum(len(p.x) for p in points) > style.MANY
        size = float(np.clip(4_000 / max(sum(len(p.x) for p in points), 1), 4, 16))
        for index, dots in enumerate(points):
            look = style.model_look(index, len(points)) | {"s": size, "rasterized": many}
            ax.scatter(dots.x, dots.y, alpha=0.35, linewidths=0, zorder=1, **look)

    def line(self, ax: Axes, column: str, line: style.Line, low: str = "", high: str = "", width: float = 1.4) -> None:
        """Draw a summary; a null is a gap and the head stands apart from the line."""
        for part in (self.curve.filter(~self.head), self.curve.filter(self.head)):
            x, y = part["x"].to_numpy(), finite(part, column)
            if low and np.isfinite(y).any():
                style.interval_bars(ax, x, part, (column, low, high), ecolor=line.colour, elinewidth=1.2)
            style.plot_line(ax, x, y, line, linewidth=width, zorder=4)

    def band(self, ax: Axes, low: str, high: str, line: style.Line) -> None:
        """Shade a control's interval over object models, in its dash along both ends; a null is a gap."""
        for part in (self.curve.filter(~self.head), self.curve.filter(self.head)):
            x, ends = part["x"].to_numpy(), (finite(part, low), finite(part, high))
            if len(x) == 1:
                ax.vlines(x, *ends, color=line.colour, linewidth=6, alpha=0.25, zorder=2)
                continue
            ax.fill_between(x, *ends, color=line.colour, alpha=0.14, linewidth=0, zorder=1.5)
            for end in ends:
                ax.plot(x, end, line.dash, color=line.colour, linewidth=0.6, alpha=0.7, zorder=2)

    def undetectable(self, ax: Axes, column: str, *, both_sides: bool) -> None:
        """Hatch the label proportions that the rows could not show: below the limit, and above 1 - it if unfolded."""
        limit, half = finite(self.curve, column), self.slot / 2
        for x, end in zip(self.curve["x"], limit, strict=True):
            for low, high in ((-0.1, end), (1 - end, 1.1))[: 1 + both_sides]:
                if np.isfinite(end):
                    ax.fill_between([x - half, x + half], low, high, **UNDETECTABLE)

    @property
    def head(self) -> pl.Series:
        """Return which layers are the head; a curve of one layer has none."""
        return self.curve.select(is_untested() & pl.lit(len(self.curve) > 1)).to_series()

    def furnish(self, ax: Axes, title: str, ylabel: str, column: str = "") -> None:
        """Title, units, layer names with the classes of their modules, and the shaded head.

        Args:
            ax: The panel.
            title: Its title.
            ylabel: What is measured, with its unit.
            column: Of the numbers drawn: layers before the first and after the last of them are left out.
        """
        shown = self.known_layers(column)
        x, names = shown["x"].to_list(), layer_labels(self.curve)
        ax.set(title=title, ylabel=ylabel, xlabel="layer and class of its module, by depth")
        labels = [names[layer] for layer in shown["layer"]]
        style.slanted_ticks(ax, x, labels, MOST_TICKS)
        ax.set_xlim(min(x) - 0.7 * self.slot, max(x) + 0.7 * self.slot)
        for middle in self.curve.filter(self.head)["x"]:
            ax.axvspan(middle - 0.65 * self.slot, middle + 0.65 * self.slot, color=HEAD_COLOUR, zorder=0, linewidth=0)
        style.faint_grid(ax)

    def known_layers(self, column: str) -> pl.DataFrame:
        """Return the layers from the first to the last with a number in a column, all without a column or a number."""
        known = self.curve.filter(pl.col(column).is_not_null())["x"] if column else self.curve["x"]
        known = known if len(known) else self.curve["x"]
        return self.curve.filter(pl.col("x").is_between(known.min(), known.max()))


def depth_canvas(by_depth: pl.DataFrame, neurons: pl.DataFrame) -> Canvas:
    """The shared x axis of one curve's by-depth rows and the object models that its neurons belong to."""
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


# matplotlib writes the date and its version into files unless told not to.
_METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def save_figure(figure: Figure, folder: Path, name: str, formats: Sequence[str] = ("png",)) -> list[Path]:
    """Write a figure into ``folder`` in some formats: ``name.png``, ``name.svg``, ``name.pdf``.

    Args:
        figure: What to save; it is not closed.
        folder: Made where it is missing.
        name: File name without its ending.
        formats: Some of ``config.figure_settings.FORMATS``.

    Returns:
        The files written, in the order of the formats.
    """
    return [write_bytes(folder / f"{name}.{kind}", content) for kind, content in _render(figure, formats).items()]


def save_numbers(folder: Path, name: str, data: pl.DataFrame, beside: Mapping[str, pl.DataFrame]) -> list[Path]:
    """Write the numbers that a figure draws.

    Args:
        folder: Made where it is missing.
        name: That of the figure.
        data: Rows of ``name.csv``; no nested columns.
        beside: What else is drawn, with rows of another kind: ``neurons`` is written as ``name-neurons.csv``.
    """
    tables = {name: data} | {f"{name}-{kind}": rows for kind, rows in beside.items()}
    return [write_bytes(folder / f"{file}.csv", rows.write_csv().encode()) for file, rows in tables.items()]


@styled
def _render(figure: Figure, formats: Sequence[str]) -> dict[str, bytes]:
    """The figure in every format; its layout, a third of the work, is computed once.

    It is computed at the resolution of the file: letters are a little wider in another, and the last would be cut off.
    """
    engine, dpi, files = figure.get_layout_engine(), figure.dpi, {}
    figure.set_dpi(STYLE["savefig.dpi"])
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine(None)
    try:
        for kind in formats:
            buffer = BytesIO()
            look: dict[str, Any] = {"pil_kwargs": {"compress_level": PNG_LEVEL}} if kind == "png" else {}
            figure.savefig(buffer, format=kind, metadata=_METADATA[kind], **look)
            files[kind] = buffer.getvalue()
    finally:
        figure.set_layout_engine(engine)
        figure.set_dpi(dpi)
    return files
