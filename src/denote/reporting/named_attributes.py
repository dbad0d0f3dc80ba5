"""The few attributes of a sweep that have keys of their own, however many there are and whichever job comes first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from denote.files import write_text
from denote.locks import locked
from denote.reporting.curve_records import MOST_NAMED

FILE = ".attributes.json"
"""File beside a sweep's runs."""


def named(folder: Path, attributes: Sequence[str]) -> list[str]:
    """Return the attributes that have keys of their own: the first ones that jobs of the sweep came with.

    Args:
        folder: Where the sweep's runs are.
        attributes: Those of a job, or of all.
    """
    try:
        with locked(folder / f"{FILE}.lock", "names of attributes in W&B"):
            file = folder / FILE
            first: list[str] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
            together = list(dict.fromkeys([*first, *attributes]))[:MOST_NAMED]
            if together != first:
                write_text(file, json.dumps(together))
    except (OSError, ValueError):  # the folder is none, or full: nothing can be tracked there
        return list(attributes)[:MOST_NAMED]
    return together
