"""What ``denote-report`` writes, and how wide figures on paper are: no part of a result's key, as figures are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PAPER = "paper"
"""Folder of what is for a paper, inside that of a job or of merged results, and its key in their record."""

HTML = "html"
"""The page with the report's figures, which is written where no format is asked for."""
FIGURE_FORMATS, TABLE_FORMATS = ("pdf", "svg"), ("latex", "markdown")
PAPER_FORMATS = (*FIGURE_FORMATS, *TABLE_FORMATS)
FORMATS = (HTML, *PAPER_FORMATS)
"""Values of ``format``."""

WIDTH_KEY, WIDTH = "paper_width", 3.3
"""The key of a figure's width on paper, and its default in inches: one column of two."""
NARROWEST, WIDEST = 2.5, 12
"""Inches between which a figure on paper can be read, and fits on one."""


EPOCHS_KEY = "paper_epochs"
"""The key of ``denote-report`` that says which epochs of a network layers, tests and verdicts are told of."""
LAST, ALL = "last", "all"
EPOCHS = (LAST, ALL)
"""Its values: the best or last epoch that was observed, or every one."""


@dataclass(frozen=True)
class PaperSettings:
    """What is written for a paper.

    Attributes:
        formats: Some of `PAPER_FORMATS`; none where nothing is written.
        width: Of a figure, in inches.
        epochs: One of `EPOCHS`.
    """

    formats: tuple[str, ...] = ()
    width: float = WIDTH
    epochs: str = LAST

    @classmethod
    def of(cls, record: Mapping[str, Any], config: Mapping[str, Any], asked: Mapping[str, Any]) -> PaperSettings:
        """Return the settings for writing a paper again: those it was written with, but for what is asked now.

        Args:
            record: Of the results; what it says under `PAPER` is that of the paper beside them.
            config: That of the results, which gives the width of a paper that was not written before.
            asked: Keys that were given to ``denote-report``; formats add up.
        """
        held = record.get(PAPER) or {}
        formats = {*(held.get("formats") or ()), *(asked.get("format") or ())}
        width = asked.get(WIDTH_KEY) or held.get("width") or config.get(WIDTH_KEY) or WIDTH
        epochs = asked.get(EPOCHS_KEY) or held.get("epochs") or LAST
        return cls(tuple(name for name in PAPER_FORMATS if name in formats), float(width), epochs)

    def as_written(self) -> dict[str, Any] | None:
        """Return what a record says of a paper that was written under these settings."""
        written = {"formats": list(self.formats), "width": self.width, "epochs": self.epochs}
        return written if self.formats else None

    @property
    def figures(self) -> tuple[str, ...]:
        """Formats of figures."""
        return tuple(name for name in self.formats if name in FIGURE_FORMATS)

    @property
    def tables(self) -> tuple[str, ...]:
        """Formats of tables."""
        return tuple(name for name in self.formats if name in TABLE_FORMATS)
