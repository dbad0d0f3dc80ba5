"""The p-value of a neuron in groups: how often it calls a true balanced accuracy of .90 more than that.

Every group has a rate of its own, beta-distributed around .90, so that rows of a group are right or wrong together.
The engine lets the rates count as fewer rows (`design_effect`), which has to be estimated from the groups there are. No
goal was set: the numbers say from how many groups on the p-value can be taken at its word.
"""

from __future__ import annotations

import numpy as np

from denote.evidence.intervals import balanced_accuracy_p_value, design_effect
from denote.evidence.rule import Rule
from denote.streams import stream
from simulations.row import Row

TRUE = Rule().null
GROUPS = (20, 60, 200)
ALIKE = 0.5
"""Correlation of two rows of a group in being right."""
SIZES = (2, 30)
"""Smallest and largest group, every size in between alike."""
LEVELS = (0.05, 0.001)
"""The second is where the correction over many neurons looks."""


def run(draws: int) -> list[Row]:
    """Share of draws whose p-value is at most a level."""
    rows = []
    for within in (False, True):
        for n_groups in GROUPS:
            drawn = np.array([counted(n_groups, within, draw) for draw in range(draws)]).T
            plain = balanced_accuracy_p_value(*drawn[:4], TRUE)
            grouped = balanced_accuracy_p_value(*drawn[:4], TRUE, (drawn[4], drawn[5]))
            place = f"{n_groups} groups, property {'varies inside' if within else 'constant'}"
            for level in LEVELS:
                note = f"{(plain <= level).mean():.4g} if groups are ignored"
                rows.append(Row("grouped_neurons", f"{place}: p <= {level:g}", (grouped <= level).mean(), note=note))
    return rows


def counted(n_groups: int, within: bool, draw: int) -> tuple[float, ...]:
    """One neuron: true positives, positives, true negatives, negatives, and the design effect of either rate.

    Args:
        n_groups: Number of groups.
        within: Whether groups hold rows with and without the property, else half of the groups have it.
        draw: Which draw.
    """
    draws = stream("grouped neurons", n_groups, str(within), draw)
    groups = np.repeat(np.arange(n_groups), draws.integers(SIZES[0], SIZES[1] + 1, n_groups))
    positive = draws.random(len(groups)) < 0.5 if within else groups % 2 == 0
    spread = (1 - ALIKE) / ALIKE
    rates = draws.beta(TRUE * spread, (1 - TRUE) * spread, (2, n_groups))
    right = draws.random(len(groups)) < rates[positive.astype(int), groups]
    kinds = positive, ~positive
    counts = [float(number) for kind in kinds for number in (right[kind].sum(), kind.sum())]
    return *counts, *(design_effect(right[kind].astype(np.int64), groups[kind]) for kind in kinds)
