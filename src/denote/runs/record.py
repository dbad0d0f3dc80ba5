"""A job's own account, ``run.json``, and results of an older schema, which are never mixed with today's."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from denote.config.keys import SCHEMA
from denote.config.levels import STANDARD, holds, level_of
from denote.errors import ConfigError, StoreError
from denote.files import write_json
from denote.numbers import count

RECORD = "run.json"
RECORD_SCHEMA = 1


class Status(StrEnum):
    """State of a job, as its record says it."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


_PACKAGES = (
    *("denote", "torch", "pytorch-lightning", "hydra-core", "omegaconf", "torchmetrics", "polars", "numpy", "scipy"),
    *("scikit-learn", "matplotlib", "seaborn", "wandb"),
)


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


def finished_jobs(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Return folder and record of every finished job of a sweep, by name."""
    records = ((path.parent, read_record(path.parent)) for path in sorted(folder.glob(f"*/{RECORD}")))
    return [(job, record) for job, record in records if record and record.get("status") == Status.FINISHED]


def has_results(folder: Path) -> bool:
    """Return whether the job's tables are there, as a finished job leaves them."""
    from denote.tables import JOB_TABLES, has_tables  # here, as what answers at once reads records without tables

    return has_tables(folder, JOB_TABLES)


def finished_before(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """Return the record of a job that finished in ``folder`` with equal settings and has its results, else None."""
    record = read_record(folder)
    known = record is not None and (record.get("status"), record.get("fingerprint")) == (Status.FINISHED, fingerprint)
    return record if known and has_results(folder) else None


def evidence_level(record: Mapping[str, Any]) -> str:
    """Return how much evidence a job made; before there were levels it was what ``standard`` makes."""
    return str(record.get("evidence_level") or STANDARD.name)


def refused_as_finished(folder: Path, record: Mapping[str, Any], settings: Mapping[str, Any]) -> ConfigError:
    """Return the mistake of asking for a finished job with ``on_existing=fail``.

    Args:
        folder: The job's folder.
        record: Its record.
        settings: The resolved config of what is asked for.
    """
    asked = level_of(settings).name
    skipped = "leaves it" if holds(record["config"], settings) else f"adds what evidence={asked} asks for"
    problem = f"{folder} is finished at evidence={evidence_level(record)}"
    return ConfigError("on_existing", problem, f"allowed: on_existing=skip, which {skipped}, or on_existing=redo")


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


log = logging.getLogger(__name__)

UNSTAMPED = 4
"""The last schema whose jobs did not say it in their record."""


def schema_of(record: Mapping[str, Any]) -> int:
    """Return the schema of a job's results: equal settings of another schema may give other numbers."""
    return int(record.get("schema", UNSTAMPED))


def schemas_in_store(root: Path) -> Counter[int]:
    """Count a store's networks and recorded states by the schema that they were made under.

    Args:
        root: The store's folder.
    """
    found: Counter[int] = Counter()
    for path, key in ((root / "models", "spec"), (root / "states", "origin")):
        for manifest in path.glob("*/m*.json"):  # model.json, manifest.json
            try:
                found[int(json.loads(manifest.read_text(encoding="utf-8"))[key]["schema"])] += 1
            except (OSError, ValueError, KeyError, TypeError):
                continue  # being written, or broken: whoever needs it says so
    return found


def older_in_store(root: Path) -> str | None:
    """Say in one line what a store holds of other schemas; None where it holds nothing of them."""
    found = schemas_in_store(root)
    number = sum(n for schema, n in found.items() if schema != SCHEMA)
    if not number:
        return None
    schemas = ", ".join(str(schema) for schema in sorted(found) if schema != SCHEMA)
    return (
        f"{root}: {count(number, 'folder')} of schema {schemas}, made by another version of denote, not used (this one "
        f"reads schema {SCHEMA} and makes its own beside); it may be removed, as everything in it can be made again"
    )


@cache
def tell_of_older(root: Path) -> None:
    """Log what a store holds of other schemas, once per process."""
    if (said := older_in_store(root)) is not None:
        log.warning("%s", said)


def older_jobs(records: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the jobs of a sweep's folder that cannot be merged with its newest ones, with the reason.

    Args:
        records: Of finished jobs, by name.
    """
    newest = max((schema_of(record) for record in records.values()), default=SCHEMA)
    return {
        name: f"of schema {schema_of(record)}, made by an older denote: not merged with the jobs of schema {newest}"
        for name, record in records.items()
        if schema_of(record) < newest
    }
