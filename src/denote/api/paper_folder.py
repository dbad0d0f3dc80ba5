"""The folder of a paper of a result in Python, written to where the caller wants it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from denote.config.paper_settings import EPOCHS, NARROWEST, PAPER_FORMATS, WIDEST, PaperSettings
from denote.errors import ConfigError, StoreError, one_of
from denote.files import atomic_folder
from denote.reporting.paper.methods import Done
from denote.runs.paper import METHODS, fill_paper


def write_paper(done: Done, folder: Path | str, formats: Sequence[str], width: float, epochs: str) -> Path:
    """Write figures, tables and methods into a folder, and return its path.

    Args:
        done: What was done.
        folder: Made where it is missing; a paper that was written here before is replaced.
        formats: Some of ``pdf``, ``svg``, ``latex`` and ``markdown``.
        width: Of a figure, in inches.
        epochs: ``last`` or ``all``.

    Raises:
        ConfigError: for another format, none, other epochs, or a width outside of [2.5, 12].
        StoreError: if something else lies in the folder, which would be lost, or there is nothing to show.
    """
    folder = Path(folder)
    if not formats:
        raise ConfigError("formats", "is empty", one_of("", PAPER_FORMATS))
    for name in formats:
        ConfigError.refuse_unknown(name, PAPER_FORMATS, "formats")
    if not NARROWEST <= width <= WIDEST:
        raise ConfigError("width", f"{width} inches", f"allowed: {NARROWEST} to {WIDEST}")
    ConfigError.refuse_unknown(epochs, EPOCHS, "epochs")
    is_paper = folder.is_dir() and ((folder / METHODS).is_file() or not any(folder.iterdir()))
    if folder.exists() and not is_paper:
        raise StoreError(str(folder), "holds other things than a paper, which would be lost", "another folder")
    settings = PaperSettings(tuple(name for name in PAPER_FORMATS if name in formats), width, epochs)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(folder) as fresh:
        fill_paper(fresh, done, settings, formats)
    return folder
