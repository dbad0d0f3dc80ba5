"""What of the depth analysis was fixed before the sweep: the configuration's ``analysis``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Analysis:
    """The planned analysis of depth (METHOD section 6).

    Attributes:
        family: The family that the question is about; what is found in others, and in all where it is None, is
            exploratory.
        layers: Depths that are analysed; None for all before the logits where no object model has a gap.
        equivalence: Half-width of the region within which a dependence counts as none, a share of the rows.
        level: Of all tests of depth, in (0, 1).
    """

    family: str | None = None
    layers: tuple[int, ...] | None = None
    equivalence: float = 0.05
    level: float = 0.05


def analysis_of(config: Mapping[str, Any]) -> Analysis:
    """The plan of a job's ``analysis``; the default one where the config is from before there was one."""
    plan = config.get("analysis") or {}
    layers = plan.get("layers")
    return Analysis(
        family=plan.get("family"), layers=None if layers is None else tuple(layers),
        equivalence=plan.get("equivalence", Analysis.equivalence), level=plan.get("level", Analysis.level),
    )  # fmt: skip
