"""The rotated control: the same search in random bases of a layer. Are single neurons special?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from denote.config.settings import Count
from denote.evidence.control import StateControl

if TYPE_CHECKING:
    from denote.observers.observer import Probe

ROTATED_ALIKE = "rotated_auroc: a rotation changes nothing that this probe can read"
"""A control that does not apply is not one that is missing."""


@dataclass(frozen=True)
class Rotated(StateControl):
    """Random orthogonal mixtures of a layer's live neurons.

    Attributes:
        rotations: How many of every layer; each is searched like the layer itself.
    """

    rotations: Count = 3

    name = "rotated"
    column = "rotated_auroc"
    columns = ("rotated_auroc",)
    order = 50
    too_few = "no rotation has more than {} live neurons"

    @classmethod
    def inapplicable(cls, probe: Probe) -> str | None:
        """Only a probe that picks single neurons depends on the basis."""
        return None if probe.reads_neurons else ROTATED_ALIKE
