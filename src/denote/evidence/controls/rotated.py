"""The rotated control: the same search in random bases of a layer. Are single neurons special?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from denote.config.settings import Count
from denote.evidence.control import StateControl
from denote.notes import Note

if TYPE_CHECKING:
    from denote.data.parts import Halves
    from denote.observers.observer import Probe
    from denote.observers.reading import State
    from denote.states.layers import Layer


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
    too_few = "few_rotated_neurons"

    @classmethod
    def inapplicable(cls, probe: Probe) -> str | None:
        """Only a probe that picks single neurons depends on the basis."""
        return None if probe.reads_neurons else Note.of("rotated_alike")

    @property
    def n_made(self) -> int:
        """See `StateControl`."""
        return self.rotations

    def states(
        self, layer: Layer, state: Halves[State], probe_seed: int, recorded: Sequence[Halves[State]]
    ) -> Sequence[Halves[State]]:
        """See `StateControl`."""
        from denote.evidence.rotation import rotated  # here, as it loads torch
        from denote.observers.threads import own_threads

        with own_threads(self.rotations) as threads:
            draws = range(self.rotations)
            return list(threads.in_order(lambda draw: rotated(state, layer, draw, probe_seed), draws))
