"""``report.html``: one file that holds everything, opens without a network and can be printed."""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, StrictUndefined

from denote.figures.atomic import write_atomically
from denote.figures.curves import curves
from denote.reporting.findings import PAPER, findings
from denote.reporting.jobs import Job, tally
from denote.reporting.sheets import Sheet, cells_sheet, depth_sheet, frame_sheet, jobs_sheet, neurons_sheet

NAME = "report.html"


@dataclass(frozen=True)
class Picture:
    """A saved figure.

    Attributes:
        path: A PNG or SVG file; its bytes go into the report.
        caption: What it shows and how to read it.
        alt: What someone who cannot see it must know; the caption where empty.
    """

    path: Path
    caption: str
    alt: str = ""

    @property
    def uri(self) -> str:
        """The file as a ``data:`` address."""
        kind = mimetypes.guess_type(self.path.name)[0] or "application/octet-stream"
        return f"data:{kind};base64,{base64.b64encode(self.path.read_bytes()).decode()}"


def write_report(
    folder: Path,
    *,
    title: str,
    status: Sequence[Job],
    tables: Mapping[str, pl.DataFrame],
    figures: Sequence[Picture],
    warnings: Sequence[str] = (),
    config: Mapping[str, Any] | None = None,
    versions: Mapping[str, str] | None = None,
    command: str = "",
) -> Path:
    """Write ``folder/report.html``.

    Args:
        folder: The sweep's folder; made where it is missing.
        title: The sweep's name.
        status: What became of its jobs.
        tables: ``cells``, ``neurons``, ``label_proportion_by_depth`` and, where there is one, ``sensitivity`` (how many
            neurons denote over a grid of rules).
        figures: In the order to be shown.
        warnings: What makes the numbers doubtful: a null check that rang, an object model at chance. One sentence each.
        config: The resolved configuration, JSON-like.
        versions: Package -> version.
        command: The command that runs it again.

    Returns:
        The file written.
    """
    cells, neurons, by_depth = (tables[name] for name in ("cells", "neurons", "label_proportion_by_depth"))
    html = _template().render(
        title=title,
        paper=PAPER,
        tally=tally(status),
        failed=[job for job in status if job.failed],
        findings=findings(cells, neurons, by_depth),
        warnings=warnings,
        figures=figures,
        sheets=_sheets(tables, status),
        config=json.dumps(config, indent=2, default=str, ensure_ascii=False) if config is not None else "",
        versions=versions or {},
        command=command,
        rotated=by_depth["rotated_share_denoting"].is_not_null().any(),
    )
    return write_atomically(folder / NAME, html.encode())


def _sheets(tables: Mapping[str, pl.DataFrame], status: Sequence[Job]) -> dict[str, list[Sheet]]:
    """The report's tables under their headings; a heading without tables is left out."""
    by_depth, sensitivity = tables["label_proportion_by_depth"], tables.get("sensitivity")
    caption = "How many neurons would denote under other rules; the rule in force is the one in the configuration."
    sheets = {
        "Label proportion by depth": [depth_sheet(curve, curve.of(by_depth)) for curve in curves(by_depth)],
        "Attributes": [] if tables["cells"].is_empty() else [cells_sheet(tables["cells"])],
        "Neurons": [] if tables["neurons"].is_empty() else [neurons_sheet(tables["neurons"])],
        "Sensitivity": [] if sensitivity is None else [frame_sheet("Other rules", caption, sensitivity)],
        "Jobs": [jobs_sheet(status)] if status else [],
    }
    return {heading: some for heading, some in sheets.items() if some}


def _template() -> Any:
    # Names of attributes and classes come from users' files: everything is escaped.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(files("denote.reporting").joinpath(NAME).read_text(encoding="utf-8"))
