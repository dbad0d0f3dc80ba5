"""Names that W&B takes: of runs, groups and artifacts, ids, and the command that sends what is kept."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from denote.config.keys import digest
from denote.files import slug

LONGEST = 128
"""Most characters that W&B takes as the name of a run, a group or an artifact."""


def shortened(name: str, most: int = LONGEST) -> str:
    """A name that W&B takes; the end of a longer one is replaced by its digest."""
    return name if len(name) <= most else f"{name[: most - 9]}-{digest(name)[:8]}"


def artifact_name(kind: str, of: str) -> str:
    """Return the name of an artifact: ``network-4f1a``; W&B takes letters, digits, dots and dashes.

    Args:
        kind: What it is.
        of: Key or name of what it is of.
    """
    return shortened(slug(f"{kind}-{of}", join=True))


def run_id(sweep: str, job_type: str, key: str) -> str:
    """Id of a run: the same work in the same sweep continues the same run."""
    return digest([sweep, job_type, key])


def sync_command(place: Path) -> str:
    """Return what sends the runs in a folder, whatever the version of W&B: its own command takes folders since 0.30.

    Args:
        place: The folder ``wandb/``.
    """
    folder = place if place.parent.name == place.name else place.parent  # denote-sync takes wandb/ for what it says
    return f"denote-sync {shlex.quote(shown_path(folder))}"


def shown_path(folder: Path) -> str:
    """Return a folder as it is named from here, where it lies below."""
    return os.path.relpath(folder) if folder.is_relative_to(Path.cwd()) else str(folder)
