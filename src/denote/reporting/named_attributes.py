"""The few attributes of a sweep that have keys of their own, however many there are and whichever job comes first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from denote.config.keys import digest
from denote.files import write_text
from denote.locks import locked
from denote.reporting.curve_records import MOST_NAMED


def named(folder: Path, sweep: str, attributes: Sequence[str]) -> list[str]:
    """Return the attributes that have keys of their own: the first ones that jobs of the sweep came with.

    Args:
        folder: Where the sweep's runs are, and under ``WANDB_DIR`` those of others.
        sweep: The sweep's name.
        attributes: Those of a job, or of all.
    """
    file = folder / f".attributes-{digest(sweep)}.json"
    try:
        with locked(file.with_suffix(".lock"), "names of attributes in W&B"):
            first: list[str] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
            together = list(dict.fromkeys([*first, *attributes]))[:MOST_NAMED]
            if together != first:
                write_text(file, json.dumps(together))
    except (OSError, ValueError):  # the folder is none, or full: nothing can be tracked there
        return list(attributes)[:MOST_NAMED]
    return together
