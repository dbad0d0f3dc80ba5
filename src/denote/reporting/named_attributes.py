"""The few attributes of a sweep that have keys of their own, however many there are and whichever job comes first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from denote.attributes.family_words import NAMED
from denote.config.keys import digest
from denote.files import write_text
from denote.locks import locked
from denote.reporting.curve_records import MOST_NAMED

Families = Mapping[str, str]
"""The family of each attribute."""


def families_of(cells: pl.DataFrame) -> dict[str, str]:
    """Return the family of each attribute, in the order of the cells."""
    return dict(cells.select("attribute", "family").unique(maintain_order=True).iter_rows())


def first_of(families: Families) -> list[str]:
    """Return the attributes of a job alone that have keys: those asked for by name stand before members of families."""
    return sorted(families, key=lambda attribute: families[attribute] != NAMED)[:MOST_NAMED]


def named(folder: Path, sweep: str, families: Families) -> list[str]:
    """Return the attributes that have keys of their own: the first ones that jobs of the sweep came with.

    Those asked for by name stand before members of families, also where a job comes with them later.

    Args:
        folder: Where the sweep's runs are, and under ``WANDB_DIR`` those of others.
        sweep: The sweep's name.
        families: Attributes of a job, or of all.
    """
    file = folder / f".attributes-{digest(sweep)}.json"
    try:
        with locked(file.with_suffix(".lock"), "names of attributes in W&B"):
            before = _held(file)
            first = first_of({**before, **{each: family for each, family in families.items() if each not in before}})
            together = {attribute: before.get(attribute) or families[attribute] for attribute in first}
            if together != before:
                write_text(file, json.dumps(together))
    except (OSError, ValueError):  # the folder is none, or full: nothing can be tracked there
        return first_of(families)
    return first


def _held(file: Path) -> dict[str, str]:
    """Read the families of attributes that have keys; a list is of attributes whose families were not kept."""
    held = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return dict.fromkeys(held, "") if isinstance(held, list) else dict(held)
