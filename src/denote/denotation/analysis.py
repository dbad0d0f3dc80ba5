"""What was fixed about the test of depth before a sweep ran: the keys of ``analysis.*`` (METHOD section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEAST_LAYERS = 3
"""Layers that a test of depth needs."""


@dataclass(frozen=True)
class Analysis:
    """The plan of the depth analysis.

    Attributes:
        family: The family whose tests are planned; None: those of every family are exploratory.
        layers: Depths that are tested, without those where a network has a gap; None: all before the logits.
        equivalence: Half width of the range that counts as no dependence, in units of label proportion, above 0.
        level: Chance of a false positive, in (0, 1).
    """

    family: str | None = None
    layers: tuple[int, ...] | None = None
    equivalence: float = 0.05
    level: float = 0.05


def analysis_of(config: Mapping[str, Any]) -> Analysis:
    """The plan in a job's ``analysis.*``; the default one where a config has none."""
    planned = config.get("analysis") or {}
    layers = planned.get("layers")
    return Analysis(
        planned.get("family"),
        None if layers is None else tuple(layers),
        float(planned.get("equivalence", Analysis.equivalence)),
        float(planned.get("level", Analysis.level)),
    )
