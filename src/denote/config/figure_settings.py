"""Which figures are drawn, and into which kinds of files: no part of a result's key.

One rule holds for jobs, sweeps and ``denote-report``. Formats add up: whoever draws anew draws in the formats of the
figures that are there, too, so that no file shows older numbers than its neighbours. Who asks for no figures draws none
anew: those that are there stay while the tables are as they were, and go where the tables changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

SWEEP, ALL, NONE = "sweep", "all", "none"
"""Values of ``figures``: a sweep and a single job draw; every job of a sweep, too; nothing is drawn."""

FORMATS = ("png", "svg", "pdf")
"""Values of ``figure_formats``."""


@dataclass(frozen=True)
class FigureSettings:
    """``figures`` and ``figure_formats``.

    Attributes:
        figures: One of `SWEEP`, `ALL` and `NONE`.
        formats: Some of `FORMATS`. PNG is among them always, as the report and W&B show it.
    """

    figures: str = SWEEP
    formats: tuple[str, ...] = ("png",)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> FigureSettings:
        """Read the settings of a resolved config; a config of before has neither key."""
        asked = config.get("figure_formats") or ()
        return cls(str(config.get("figures") or SWEEP), ("png", *(name for name in asked if name != "png")))

    @property
    def is_asked(self) -> bool:
        """Return whether a sweep or a single job draws."""
        return self.figures != NONE

    @property
    def is_asked_of_jobs(self) -> bool:
        """Return whether a job of a sweep draws."""
        return self.figures == ALL

    def is_met(self, drawn: Mapping[str, Any] | None) -> bool:
        """Return whether the figures that were drawn before are enough.

        Args:
            drawn: What `as_drawn` gave when they were drawn; None where nothing was.
        """
        return not self.is_asked or (drawn is not None and set(self.formats) <= set(drawn["formats"]))

    def adding(self, formats: Iterable[str]) -> FigureSettings:
        """Return the settings with the formats of figures that are there besides."""
        return replace(self, formats=(*self.formats, *(name for name in formats if name not in self.formats)))

    def as_drawn(self) -> dict[str, Any] | None:
        """Return what a record says of the figures that are drawn under these settings."""
        return {"formats": list(self.formats)} if self.is_asked else None
