"""Files that killed processes left in a job's folder, and their removal by whoever comes next."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from denote.config.paper_settings import PAPER
from denote.files import NEW, OLD, TEMPORARY, remove_folder, remove_temporaries, settle_folder
from denote.locks import TIDYING, HeldError, locked
from denote.runs.figure_folder import FIGURES
from denote.runs.record import LOCK

RESULTS_ASIDE, ADDED_ASIDE = f".results{NEW}", f".added{NEW}"
"""Folders inside a job's folder where results, and the tables that a sweep adds, are written first."""


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed process left half-written in a job's folder; nobody else may be working there.

    Args:
        folder: The job's folder.
    """
    remove_temporaries(folder)
    for name in (FIGURES, PAPER):
        settle_folder(folder / name)
    for name in (RESULTS_ASIDE, ADDED_ASIDE):
        remove_folder(folder / name)


def clear_leftovers(folder: Path) -> None:
    """Remove what a killed process left in the folder of a job that may have nothing to do any more.

    Nothing is done where another process works there, or the folder cannot be written to.

    Args:
        folder: The job's folder.
    """
    if any(map(_is_leftover, os.listdir(folder))):  # noqa: PTH208 # names alone: a large sweep has many folders
        with suppress(HeldError, OSError), locked(folder / LOCK, TIDYING, wait=False):
            remove_leftovers(folder)


def _is_leftover(name: str) -> bool:
    return name.startswith(".") and (name.startswith(LOCK) or name.endswith((TEMPORARY, NEW, OLD)))
