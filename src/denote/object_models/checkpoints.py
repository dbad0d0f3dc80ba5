"""Checkpoints of a training under the name of their digest, so that no training goes on from a damaged one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError  # only the error
from typing import Any

from denote.digests import described, set_aside
from denote.errors import first_line
from denote.files import flush_file, flush_folder

_NAME = "last-{}.ckpt"

NAMED = _NAME.format("*")
"""Names of checkpoints from which a training goes on."""

ANY = "*.ckpt"
"""Names of all checkpoints, those that are being written among them."""

UNNAMED = "new.ckpt"
"""Name of a checkpoint that is being written."""


def keep(written: Path) -> Path:
    """Give a checkpoint that was just written its name, and remove those before it.

    Args:
        written: The file, in the folder of the training.

    Returns:
        Where it is now.
    """
    flush_file(written)
    place = written.with_name(_NAME.format(described(written)["sha256"]))
    written.replace(place)
    flush_folder(place.parent)
    for former in place.parent.glob(NAMED):
        if former != place:
            former.unlink()
    return place


def newest(folder: Path, refusal: Callable[[dict[str, Any]], str | None]) -> Path | None:
    """Return the newest checkpoint from which a training can go on; None where there is none. Others are moved aside.

    Args:
        folder: Of the training.
        refusal: Says of a checkpoint's content why it cannot be used; None if it can.
    """
    for file in sorted(folder.glob(NAMED), key=lambda file: file.stat().st_mtime_ns, reverse=True):
        if (problem := _damage(file, refusal)) is None:
            return file
        set_aside(file, problem)
    return None


def _damage(file: Path, refusal: Callable[[dict[str, Any]], str | None]) -> str | None:
    import torch  # whoever only reads the store waits for no library

    if file.name != _NAME.format(described(file)["sha256"]):
        return "is damaged: its content is not what was written"
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, OSError) as error:
        return f"cannot be resumed from ({first_line(error)})"
    try:
        return refusal(content)
    except (KeyError, TypeError, AttributeError):
        return "is of another version of denote"


def has_checkpoint(folder: Path) -> bool:
    """Return whether a training left something to go on from."""
    return any(folder.glob(ANY))


def remove_checkpoints(folder: Path) -> None:
    """Remove all checkpoints of a training that is over."""
    for file in folder.glob(ANY):
        file.unlink()
