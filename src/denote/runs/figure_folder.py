"""The folder of figures of a job or a sweep: their formats, and whether they show the tables beside them."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from denote.config.figure_settings import FORMATS

log = logging.getLogger(__name__)

FIGURES = "figures"
"""Folder of figures inside that of a job or of merged results."""

TABLES, INPUTS_SHOWN = "the tables", "report.inputs"
"""What may change so that figures of before show what the results do not hold."""


def formats_in(results: Path) -> tuple[str, ...]:
    """Return the formats in which figures lie beside some results."""
    return tuple(kind for kind in FORMATS if any((results / FIGURES).glob(f"*.{kind}")))


def show_others(results: Path, fresh: Path) -> bool:
    """Return whether the figures of some results would be stale beside fresh ones.

    Args:
        results: The folder of the results whose figures these are.
        fresh: The folder of what is to take their place; tables that are not in both are not compared.
    """
    if not formats_in(results):
        return False
    import polars as pl  # here, as what answers at once has no figures to compare

    def read(file: Path) -> pl.DataFrame | None:
        try:
            return pl.read_parquet(file, glob=False)
        except (OSError, pl.exceptions.PolarsError):
            return None  # a broken table is another one

    for file in fresh.glob("*.parquet"):
        if (earlier := results / file.name).is_file():
            one, other = read(earlier), read(file)
            if one is None or other is None or not one.equals(other):
                return True
    return False


def remove_stale(results: Path, name: str, changed: str = TABLES) -> None:
    """Remove figures of before, and say so; see `say_stale`.

    Args:
        results: The folder of the results that changed.
        name: That of the job or the sweep.
        changed: What did.
    """
    shutil.rmtree(results / FIGURES, ignore_errors=True)
    say_stale(name, changed)


def say_stale(name: str, changed: str = TABLES) -> None:
    """Say in one line that figures of before are gone.

    Args:
        name: That of the job or the sweep.
        changed: What did.
    """
    log.warning("%s: %s changed, so figures of before are gone (figures=none draws no others)", name, changed)
