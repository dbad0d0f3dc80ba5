"""Files of artifacts, held beside the runs until they are sent: tables are replaced by the next merge, runs are not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

MOST_BYTES = 1 << 30
"""Size of a file above which it is left out."""


def stage(files: Mapping[str, Path], folder: Path) -> tuple[dict[str, str], list[str]]:
    """Link files into a folder, or copy them where they lie on another disk.

    Nothing here fails a job: a file that cannot be held is left out.

    Args:
        files: Files by name.
        folder: Where they are held; what is there of the same names is replaced.

    Returns:
        Paths of the held files by name, and the names of those that are left out.
    """
    held: dict[str, str] = {}
    for name, file in files.items():
        target = folder / name
        try:
            if file.stat().st_size > MOST_BYTES:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            _link(file, target)
        except OSError:
            continue
        held[name] = str(target.absolute())  # who sends it may stand elsewhere
    return held, sorted(files.keys() - held.keys())


def _link(file: Path, target: Path) -> None:
    """Give a file a second name: whoever replaces it writes a new one, so that it stays as it is."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)
