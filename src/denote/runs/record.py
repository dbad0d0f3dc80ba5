"""A job's own account: ``run.json``, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from denote.errors import StoreError
from denote.files import write_json

RECORD = "run.json"
RECORD_SCHEMA = 1
FINISHED, FAILED, RUNNING, INTERRUPTED = "finished", "failed", "running", "interrupted"

_PACKAGES = (
    "denote", "torch", "pytorch-lightning", "hydra-core", "omegaconf", "torchmetrics", "polars", "numpy", "scipy",
    "scikit-learn", "seaborn", "wandb",
)  # fmt: skip


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        StoreError: if the file is not JSON, naming it.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(str(path), f"cannot be read ({error})", "remove it and run the job again") from error
    if not isinstance(value, dict):
        raise StoreError(str(path), "holds no JSON object", "remove it and run the job again")
    return value


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record of the job in ``folder``, or None where no job left one."""
    path = folder / RECORD
    return read_json(path) if path.is_file() else None


def has_results(folder: Path) -> bool:
    """Whether the job's tables are there, as a finished job leaves them."""
    from denote.tables import JOB_TABLES, has_tables  # here, as what answers at once reads records without tables

    return has_tables(folder, JOB_TABLES)


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Save the record of the job in ``folder``."""
    write_json(folder / RECORD, {"record_schema": RECORD_SCHEMA, **record})


def now() -> str:
    """Date and time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Installed versions of what shapes results."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed as a package"
    return found
