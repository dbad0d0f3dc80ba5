"""The thresholds of the decision rule, in one place (METHOD section 3); every one is a key of ``evidence.*``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """When a cell is decisive and when a neuron denotes.

    Attributes:
        decisive: Least balanced accuracy on test, in [.5, 1].
        null: Balanced accuracy that is *not* enough; a neuron is tested against it and a cell's lower bound must
            reach it, in [.5, decisive).
        q: Largest false discovery rate, in (0, 1).
        min_rows: Least number of positive and of negative rows, in *fit* and in *test*.
        on_tolerance: Largest distance of the share of rows where the neuron is on from the label proportion p, as a
            share of min(p, 1 - p).
    """

    decisive: float = 0.95
    null: float = 0.90
    q: float = 0.05
    min_rows: int = 25
    on_tolerance: float = 0.25


def rule_of(config: Mapping[str, Any]) -> Rule:
    """The decision rule of a job's ``evidence.*``."""
    evidence = config["evidence"]
    return Rule(**{name: evidence[name] for name in ("decisive", "null", "q", "min_rows", "on_tolerance")})
