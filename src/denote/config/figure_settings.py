"""Which figures are drawn, how they look, and into which kinds of files: no part of a result's key.

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

BY_LAYER, SHARED = "layer", "shared"
"""Values of ``figure_scale``: every layer of a relevance map has its own colour scale, or all layers have one."""

LIGHT, DARK = "light", "dark"
"""Values of ``figure_style``: ink on white, or light ink on a dark ground."""

NETWORKS = 4
"""Networks of a sweep with figures of their own, unless ``figure_networks`` says otherwise."""


@dataclass(frozen=True)
class FigureSettings:
    """The keys of a config that begin with ``figure``.

    Attributes:
        figures: One of `SWEEP`, `ALL` and `NONE`.
        formats: Some of `FORMATS`. PNG is among them always, as the report and W&B show it.
        scale: `BY_LAYER` or `SHARED`.
        style: `LIGHT` or `DARK`.
        networks: How many networks of a sweep have figures of their own: relevance maps, atlases, examples.
    """

    figures: str = SWEEP
    formats: tuple[str, ...] = ("png",)
    scale: str = BY_LAYER
    style: str = LIGHT
    networks: int = NETWORKS

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> FigureSettings:
        """Read the settings of a resolved config; a config of an older denote has only some of the keys."""
        asked = config.get("figure_formats") or ()
        return cls(
            str(config.get("figures") or SWEEP),
            ("png", *(name for name in asked if name != "png")),
            str(config.get("figure_scale") or BY_LAYER),
            str(config.get("figure_style") or LIGHT),
            int(config.get("figure_networks") or NETWORKS),
        )

    @classmethod
    def again(cls, config: Mapping[str, Any], asked: Mapping[str, Any]) -> FigureSettings:
        """Return the settings for drawing saved results again: those of their config, but for what is asked now.

        Args:
            config: That of the job or of a sweep's jobs; its ``figures`` does not count, as a report draws.
            asked: Keys that were given to ``denote-report``.
        """
        return cls.of({key: value for key, value in config.items() if key != "figures"} | dict(asked))

    @property
    def is_asked(self) -> bool:
        """Return whether a sweep or a single job draws."""
        return self.figures != NONE

    @property
    def is_asked_of_jobs(self) -> bool:
        """Return whether a job of a sweep draws."""
        return self.figures == ALL

    @property
    def is_dark(self) -> bool:
        """Return whether figures have light ink on a dark ground."""
        return self.style == DARK

    def is_met(self, drawn: Mapping[str, Any] | None) -> bool:
        """Return whether the figures that were drawn before are enough.

        Args:
            drawn: What `as_drawn` gave when they were drawn; None where nothing was.
        """
        if not self.is_asked or drawn is None:
            return not self.is_asked
        looks = {**FigureSettings()._look(), **(drawn.get("look") or {})}
        return set(self.formats) <= set(drawn["formats"]) and looks == self._look()

    def adding(self, formats: Iterable[str]) -> FigureSettings:
        """Return the settings with the formats of figures that are there besides."""
        return replace(self, formats=(*self.formats, *(name for name in formats if name not in self.formats)))

    def as_drawn(self) -> dict[str, Any] | None:
        """Return what a record says of the figures that are drawn under these settings."""
        return {"formats": list(self.formats), "look": self._look()} if self.is_asked else None

    def _look(self) -> dict[str, Any]:
        return {"scale": self.scale, "style": self.style, "networks": self.networks}
