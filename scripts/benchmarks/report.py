"""Results on the terminal and as JSON."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.machine import processor
from benchmarks.measure import Row

COLUMNS = {
    "state": "state", "what": "ours", "ours_s": "s", "ours_cpu_s": "cpu s", "alternative": "alternative",
    "alternative_s": "s", "alternative_cpu_s": "cpu s", "ratio": "ratio", "cpu_ratio": "cpu ratio", "floor": "floor",
    "floor_s": "s", "times_floor": "x floor", "times_one": "x one", "times_one_cpu": "cpu x one", "goal": "goal",
    "objective_gap": "gap", "coefficient_error": "coef. error", "alternative_gap": "gap of alternative",
    "difference": "difference", "ours_accuracy": "accuracy", "alternative_accuracy": "of alternative",
    "peak_mib": "peak MiB", "alternative_peak_mib": "of alternative",
}  # fmt: skip
"""A column is shown where a section has any number for it."""

POINTS = {
    "seconds": "s", "per_product": "s per product, relative", "wall_s": "s", "cpu_s": "cpu s",
    "exponent": "exponent", "peak_mib": "peak MiB",
}  # fmt: skip
"""The same of a point of a curve."""

WIDTH = 200
"""Where the output is no terminal."""


def shown(section: str, rows: Sequence[Row]) -> None:
    """Print one section's table and below it the notes, which are too long for a column."""
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=WIDTH)
    records = [row.record() for row in rows]
    used = {key: head for key, head in COLUMNS.items() if any(record.get(key) is not None for record in records)}
    table = Table(title=section, title_justify="left", box=box.SIMPLE)
    for head in used.values():
        table.add_column(head, justify="left" if head in ("state", "ours", "alternative", "floor") else "right")
    for record in records:
        table.add_row(*(_cell(record.get(key)) for key in used))
    console.print(table)
    for note in dict.fromkeys(_said(record) for record in records if record["note"]):
        console.print(f"  {note}", highlight=False, markup=False)
    for record in records:
        if "points" in record:
            console.print(_curve(record))


def _said(record: dict[str, Any]) -> str:
    about = [record["state"], record["what"], record["alternative"] or record["floor"]]
    return f"{', '.join(part for part in about if part)}: {record['note']}"


def _curve(record: dict[str, Any]) -> Table:
    table = Table(title=f"{record['state']}, {record['what']}", title_justify="left", box=box.SIMPLE)
    heads = {key: head for key, head in POINTS.items() if any(key in point for point in record["points"])}
    for head in (record["axis"], *heads.values()):
        table.add_column(head, justify="right")
    for point in record["points"]:
        table.add_row(*(_cell(point.get(key)) for key in ("size", *heads)))
    return table


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "" if value is None else str(value)


def write(file: Path, arguments: Namespace, rows: Sequence[Row]) -> None:
    """Save everything."""
    said = {key: str(value) if isinstance(value, Path) else value for key, value in vars(arguments).items()}
    content = {"machine": machine(), "arguments": said, "rows": [row.record() for row in rows]}
    file.write_text(json.dumps(content, indent=1, default=float) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    names = ("denote", "torch", "scikit-learn", "torchmetrics", "numpy", "scipy")
    return {
        **processor(), "torch_threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in names}, "blas": _blas(),
    }  # fmt: skip


def _blas() -> list[dict[str, Any]]:
    """Libraries behind NumPy's and torch's products."""
    try:
        from threadpoolctl import threadpool_info  # type: ignore[import-untyped]
    except ImportError:
        return []
    kept = ("internal_api", "version", "num_threads", "architecture")
    return [{key: each[key] for key in kept if key in each} for each in threadpool_info()]
