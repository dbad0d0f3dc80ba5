"""Simulations on the terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from simulations.row import Row

WIDTH = 180
"""Where the output is no terminal."""

VERDICTS = {True: "PASS", False: "MISSED", None: ""}


def shown(case: str, rows: Sequence[Row]) -> None:
    """Print one table: the goal beside what was measured."""
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=WIDTH)
    table = Table(title=case, title_justify="left", box=box.SIMPLE)
    for head, side in (("what", "left"), ("goal", "right"), ("measured", "right"), ("", "left"), ("note", "left")):
        table.add_column(head, justify=side)  # type: ignore[arg-type]
    for row in rows:
        table.add_row(row.what, row.goal, f"{row.measured:.4g}", VERDICTS[row.passed], row.note)
    console.print(table)


def write(file: Path, rows: Sequence[Row]) -> None:
    """Save all numbers; an undefined one is null."""
    records = [{k: None if v != v else v for k, v in row.record().items()} for row in rows]
    file.write_text(json.dumps(records, indent=1, default=float) + "\n", encoding="utf-8")
