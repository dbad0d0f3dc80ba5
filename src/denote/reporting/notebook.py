"""Frames and figures as a terminal and a notebook show them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from denote.numbers import proportion

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS = 90
"""Of a figure in a notebook, per inch."""


def as_text(frame: pl.DataFrame) -> str:
    """Every row of a small frame; fractions with three decimals, nothing where a number is undefined."""
    with pl.Config(
        tbl_rows=-1,
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        tbl_width_chars=-1,
        fmt_str_lengths=200,
    ):
        return str(frame.select(pl.Series(column.name, map(_shown, column), pl.String) for column in frame))


def as_html(frame: pl.DataFrame) -> str:
    """The same as a table."""
    head = "".join(f"<th>{escape(name)}</th>" for name in frame.columns)
    rows = ("".join(f"<td>{escape(_shown(value))}</td>" for value in row) for row in frame.iter_rows())
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"


def as_lines(lines: Sequence[str]) -> str:
    """A paragraph for every line."""
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def as_image(figure: Figure, alt: str) -> str:
    """A figure within the page."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS)
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def _shown(value: Any) -> str:
    return proportion(value, 3) if isinstance(value, float) else "" if value is None else str(value)
