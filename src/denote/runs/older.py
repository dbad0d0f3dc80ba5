"""Results of an older schema, which are told apart from today's and never mixed with them."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from denote.keys import SCHEMA
from denote.numbers import count

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
