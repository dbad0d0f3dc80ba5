"""The report of a result in Python, written to where the caller wants it."""

from __future__ import annotations

from pathlib import Path

from denote.errors import StoreError
from denote.reporting.report import NAME, Report

MARK = '<meta name="generator" content="denote">'
"""Stands near the beginning of every report, by which it is known."""
BEGINNING = 4096
"""Bytes in which it is looked for."""


def write_report(report: Report, path: Path | str) -> Path:
    """Write a report and return its path.

    Args:
        report: Its contents.
        path: The file, whose folder is made where it is missing; a folder that is there gets a ``report.html``. An
            older report is replaced.

    Raises:
        StoreError: if something else lies there, which would be lost.
    """
    path = Path(path)
    path = path / NAME if path.is_dir() else path
    if path.exists() and not _is_report(path):
        raise StoreError(str(path), "is no report of denote and would be lost", "another path, or a folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    return report.write_to(path)


def _is_report(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return MARK.encode() in file.read(BEGINNING)
