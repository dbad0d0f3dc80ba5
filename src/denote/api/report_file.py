"""The report of a result in Python, written to where the caller wants it."""

from __future__ import annotations

from pathlib import Path

from denote.errors import StoreError
from denote.reporting.report import NAME, Report
from denote.runs.merge_status import STATUS
from denote.runs.record import RECORD

MARK = '<meta name="generator" content="denote">'
"""Stands near the beginning of every report, by which it is known."""
BEGINNING = 4096
"""Bytes in which it is looked for."""


def write_report(report: Report, path: Path | str) -> Path:
    """Write a report and return its path.

    Args:
        report: Its contents.
        path: The file, whose folder is made where it is missing; a folder that is there gets a ``report.html``. A
            report that was written here before is replaced.

    Raises:
        StoreError: if something else lies there, which would be lost, or the folder is that of a job or of a sweep's
            results, whose record holds the digest of its own report.
    """
    return report.write_to(writable(path))


def writable(path: Path | str, name: str = NAME) -> Path:
    """Return where a page can be written, in a folder that is there.

    Args:
        path: The file; a folder that is there gets one.
        name: What that is called.

    Raises:
        StoreError: as `write_report`.
    """
    path = Path(path)
    path = path / name if path.is_dir() else path
    for record, of in ((RECORD, "a job"), (STATUS, "a sweep")):
        if (path.parent / record).is_file():
            problem = f"lies in a folder of {of}'s results, which has a report of its own"
            raise StoreError(str(path), problem, "a path outside of it; denote-report writes its own again")
    if path.exists() and not _is_report(path):
        raise StoreError(str(path), "is no report of denote and would be lost", "another path, or a folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _is_report(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return MARK.encode() in file.read(BEGINNING)
