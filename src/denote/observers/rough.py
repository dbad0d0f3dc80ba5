"""Refits that need not be exact, since what is reported of them has noise of its own."""

from enum import Enum


class Rough(Enum):
    """What a refit is for; the value is the share at which a linear one ends (``SolverSettings.decrement``).

    That moves what is reported by less than a tenth of its standard error (``scripts/simulations/rough_refits.py``).
    """

    SCORES = 0.03
    BAND = 0.001
    """Scores and the largest weight: weights move longer than scores do, most where neurons are rarely on."""
