"""What repeats the results of a page: of every job what was typed, its seeds and its own page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from denote.reporting.sheet import Section, Sheet

MOST_JOBS = 1000
"""Jobs of which is listed how each is run again."""


@dataclass(frozen=True)
class Recipe:
    """What runs one job again.

    Attributes:
        job: Its folder's name.
        overrides: What was typed, and what the sweep added.
        seeds: By key: ``seed probe_seed split``.
        evidence: Level of its evidence.
        report: Its own page; None where it has none.
    """

    job: str
    overrides: Sequence[str]
    seeds: Mapping[str, int]
    evidence: str = ""
    report: Path | None = None


def repeat(recipes: Sequence[Recipe]) -> Section:
    """Return what runs every job again: what was typed for all of them, and what is each one's own.

    Args:
        recipes: One per job.
    """
    if not recipes:
        return Section("Jobs")
    common = [one for one in recipes[0].overrides if all(one in recipe.overrides for recipe in recipes)]
    shown: list[tuple[str, ...]] = [
        (
            recipe.job,
            " ".join(one for one in recipe.overrides if one not in common) or "-",
            ", ".join(f"{key} {seed}" for key, seed in recipe.seeds.items()),
            recipe.evidence,
        )
        for recipe in recipes[:MOST_JOBS]
    ]
    left = len(recipes) - len(shown)
    caption = f"Overrides that all jobs share: {' '.join(common) or 'none'}."
    header = ("job", "its own overrides", "seeds", "evidence")
    more = f"{left:,} more in the run.json of each job" if left > 0 else ""
    return Section("Jobs", (), [Sheet("Jobs and their overrides", caption, header, shown, more)])
