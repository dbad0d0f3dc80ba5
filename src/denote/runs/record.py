"""A job's own account, ``run.json``, and results of an older schema, which are never mixed with today's."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from denote.config.keys import SCHEMA
from denote.config.levels import STANDARD, holds, level_of
from denote.digests import FILES, DamagedError, damaged_files, digests_of, read_sealed, write_sealed
from denote.errors import ConfigError, type_in_words
from denote.numbers import count

RECORD = "run.json"
LOCK = ".lock"
"""Lock of a job's folder while the job runs."""

REPORT_FILE = "report.html"
"""A job's report, which shows its tables, figures and inputs."""
PAGE = "page"
"""Key of a record under which size and digest of that report stand: results are whole without it."""

RECORD_SCHEMA = 2
"""2: with digests, of its files and of itself."""


class Status(StrEnum):
    """State of a job, as its record says it."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    TIMED_OUT = "timed out"
    KILLED = "killed"


_PACKAGES = (
    *("denote", "torch", "pytorch-lightning", "hydra-core", "omegaconf", "torchmetrics", "polars", "numpy", "scipy"),
    *("scikit-learn", "matplotlib", "seaborn", "wandb"),
)


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return the record of the job in ``folder``, or None where no job left one.

    Raises:
        DamagedError: naming the file, if it is not as it was written.
    """
    path = folder / RECORD
    record = read_sealed(path) if path.is_file() else None
    for key, kinds in _KINDS.items():
        if record is not None and not isinstance(record.get(key), (*kinds, type(None))):
            raise DamagedError(path, f"is no record of a job: {key} is {type_in_words(record[key])}")
    return record


_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("config", "agreement", "analysis", "error", "figures", "seeds", "timings", "redo"), (dict,)),
    **dict.fromkeys(("status", "name", "fingerprint", "evidence_level"), (str,)),
    **dict.fromkeys(("layers", "attributes", "overrides"), (list,)),
    "schema": (int,),
}
"""Types of the values of a record, where they are there."""


def sound_record(folder: Path) -> dict[str, Any] | None:
    """Return the record of the job in ``folder``, or None where there is none or it is damaged."""
    try:
        return read_record(folder)
    except DamagedError:
        return None


def finished_jobs(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give folder and record of every finished job of a sweep, by name, one record at a time."""
    for path in sorted(folder.glob(f"*/{RECORD}")):
        record = sound_record(path.parent)
        if record and record.get("status") == Status.FINISHED:
            yield path.parent, record


def damage_of_results(folder: Path, record: Mapping[str, Any]) -> str | None:
    """Return how the results of a finished job are damaged, or that they are gone; None where they are whole."""
    from denote.tables import JOB_TABLES, has_tables  # here, as what answers at once reads records without tables

    for file, problem in damaged_files(folder, record).items():
        return f"{file.name} {problem}"
    return None if has_tables(folder, JOB_TABLES) else "its tables are gone"


def finished_before(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """Return the record of a job that finished in ``folder`` with equal settings and has its results, else None."""
    record = sound_record(folder)
    if record is None or (record.get("status"), record.get("fingerprint")) != (Status.FINISHED, fingerprint):
        return None
    return record if damage_of_results(folder, record) is None else None


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
    write_sealed(folder / RECORD, {"record_schema": RECORD_SCHEMA, **record})


def with_digests(record: Mapping[str, Any], folder: Path, names: Iterable[str]) -> dict[str, Any]:
    """Return a record that holds the digests of further files, which were just written.

    Args:
        record: The record.
        folder: The job's folder.
        names: The files.
    """
    return {**record, FILES: {**(record.get(FILES) or {}), **digests_of(folder, names)}}


RESULTS = ("*.parquet", "*.safetensors", "*.png")
"""Files of a job's results: tables, observers, inputs that are shown."""


def result_files(folder: Path) -> list[str]:
    """Return the names of a job's tables, observers and inputs."""
    return sorted(file.name for kind in RESULTS for file in folder.glob(kind))


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


def schema_in(record: Mapping[str, Any]) -> int | None:
    """Return the schema of a network or of recorded states; None where their record does not say it.

    Args:
        record: ``model.json`` or ``manifest.json``.
    """
    try:
        return int((record.get("spec") or record.get("origin") or {})["schema"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def schemas_in_store(root: Path) -> Counter[int]:
    """Count a store's networks and recorded states by the schema that they were made under.

    Args:
        root: The store's folder.
    """
    found: Counter[int] = Counter()
    for file in root.glob("*/*/m*.json"):  # model.json, manifest.json
        try:
            schema = schema_in(json.loads(file.read_bytes()))
        except (OSError, ValueError, AttributeError):
            continue  # being written, or broken: whoever needs it says so
        if schema is not None:
            found[schema] += 1
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
        f"reads schema {SCHEMA} and makes its own beside); denote-store prune path={root} removes it"
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
