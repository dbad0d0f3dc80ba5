"""Figures on disk: PNG to look at, SVG to print, CSV to draw again; equal figures give equal bytes."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import polars as pl
from matplotlib.figure import Figure

from denote.figures.style import STYLE, styled
from denote.files import write_bytes

# matplotlib writes the date and its version into files unless told not to.
_METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
}


def save_figure(
    figure: Figure,
    folder: Path,
    name: str,
    data: pl.DataFrame | None = None,
    beside: Mapping[str, pl.DataFrame] | None = None,
) -> list[Path]:
    """Write ``name.png``, ``name.svg`` and, where its data are given, ``name.csv`` into ``folder``.

    Args:
        figure: What to save; it is not closed.
        folder: Made where it is missing.
        name: File name without its ending.
        data: The numbers that are drawn; no nested columns.
        beside: What else is drawn, with rows of another kind: ``neurons`` is written as ``name-neurons.csv``.

    Returns:
        The files written, in that order.
    """
    files = [write_bytes(folder / f"{name}.{kind}", content) for kind, content in _render(figure).items()]
    tables = {} if data is None else {name: data}
    tables |= {f"{name}-{kind}": rows for kind, rows in (beside or {}).items()}
    files += [write_bytes(folder / f"{file}.csv", rows.write_csv().encode()) for file, rows in tables.items()]
    return files


@styled
def _render(figure: Figure) -> dict[str, bytes]:
    """The figure in every format; its layout, half of the work, is computed once.

    It is computed at the resolution of the file: letters are a little wider in another, and the last would be cut off.
    """
    engine, dpi, files = figure.get_layout_engine(), figure.dpi, {}
    figure.set_dpi(STYLE["savefig.dpi"])
    figure.draw_without_rendering()
    figure.set_layout_engine(None)
    try:
        for kind, metadata in _METADATA.items():
            buffer = BytesIO()
            figure.savefig(buffer, format=kind, metadata=metadata, facecolor="white")
            files[kind] = buffer.getvalue()
    finally:
        figure.set_layout_engine(engine)
        figure.set_dpi(dpi)
    return files
