"""Columns of ``tables.COMPARISON`` that rows of several scopes have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from denote.comparison.differences import PerTest
from denote.comparison.matching import LayerPair
from denote.numbers import Estimate

Row = dict[str, Any]


def layer_columns(layer: LayerPair) -> Row:
    """Return the columns that say which layers a row is about."""
    return {
        "layer": layer.baseline, "other_layer": layer.other, "relative_depth": layer.depth,
        "other_relative_depth": layer.other_depth, "is_head": layer.is_head,
    }  # fmt: skip


def sides(means: Sequence[Estimate[PerTest]], place: int) -> Row:
    """Return the means of both results with their t-intervals over networks.

    Args:
        means: Of all tests, those of the baseline first.
        place: Of the test.
    """
    ours, others = (Estimate(*(float(end[place]) for end in (each.value, each.low, each.high))) for each in means)
    return ours.columns("baseline_value", "baseline") | others.columns("other_value", "other")


def plain_sides(baseline: Float[np.ndarray, " network"], other: Float[np.ndarray, " network"]) -> Row:
    """Return the means of both results and their difference, which nothing is tested of."""
    means = [float(np.mean(side[np.isfinite(side)])) if np.isfinite(side).any() else None for side in (baseline, other)]
    change = None if means[0] is None or means[1] is None else means[1] - means[0]
    return {"baseline_value": means[0], "other_value": means[1], "difference": change}
