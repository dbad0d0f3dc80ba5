"""Figures on disk: PNG to look at, SVG to print, CSV to draw again; equal figures give equal bytes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl
from matplotlib.figure import Figure

from denote.figures.atomic import write_atomically
from denote.figures.style import styled

# matplotlib writes the date and its version into files unless told not to.
_METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
}


def save_figure(figure: Figure, folder: Path, name: str, data: pl.DataFrame | None = None) -> list[Path]:
    """Write ``name.png``, ``name.svg`` and, where its data are given, ``name.csv`` into ``folder``.

    Args:
        figure: What to save; it is not changed or closed.
        folder: Made where it is missing.
        name: File name without its ending.
        data: The numbers that are drawn; no nested columns.

    Returns:
        The files written, in that order.
    """
    files = [write_atomically(folder / f"{name}.{kind}", _render(figure, kind)) for kind in _METADATA]
    if data is not None:
        files.append(write_atomically(folder / f"{name}.csv", data.write_csv().encode()))
    return files


@styled
def _render(figure: Figure, kind: str) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=kind, metadata=_METADATA[kind], facecolor="white")
    return buffer.getvalue()
