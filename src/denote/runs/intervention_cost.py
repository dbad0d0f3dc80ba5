"""Count the forward passes that interventions take, and the memory, before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from denote.interventions.ablation import HELD
from denote.interventions.comparing import LEVEL, RESERVE
from denote.interventions.kinds import Ablate, Erase, Intervention, Steer
from denote.interventions.passes import BYTES_HELD, BYTES_PASSED, KEPT, STACKED
from denote.interventions.steering import HELD as MEASURED
from denote.interventions.words import MEAN, RESAMPLE, ZERO
from denote.observation.ablated import n_donors
from denote.observers.threads import threads_available
from denote.reporting.forecast import InterventionCost
from denote.states.layers import Layer

OF_EVERY_NEURON = (ZERO, MEAN, RESAMPLE)
"""What is done to every neuron of a layer, once."""

NUMBER = 4
"""Bytes of a number of a state."""


@dataclass(frozen=True)
class Planned:
    """What a job would intervene on.

    Attributes:
        interventions: Those that it asks for.
        layers: The layers that it observes.
        n_probes: Probes with one observer per attribute.
        n_attributes: Attributes that may be read decisively.
        n_rows: Rows of *test*.
        memory: Bytes of states that may be held at once.
    """

    interventions: Sequence[Intervention]
    layers: Sequence[Layer]
    n_probes: int
    n_attributes: int
    n_rows: int
    memory: float

    def cost(self) -> InterventionCost | None:
        """Return what that takes; None where nothing is intervened on."""
        if not self.interventions:
            return None
        widest = max((abs(prod(layer.shape)) for layer in self.layers), default=0)
        of_states = min(self.memory, (BYTES_HELD + BYTES_PASSED) * widest * STACKED * threads_available())
        held = HELD + KEPT + NUMBER * widest * n_donors(widest) + of_states
        found = InterventionCost(n_rows=self.n_rows, memory_bytes=int(held))
        for each in self.interventions:
            if isinstance(each, Ablate):
                found = self._ablated(found, each)
            elif isinstance(each, Erase):
                # per attribute the states before and after, the outputs, and random ones of equal rank and norm
                of_attribute = 3 + 2 * each.draws
                found = replace(
                    found, of_erasures=len(self.layers) * min(each.attributes, self.n_attributes) * of_attribute
                )
            elif isinstance(each, Steer):
                of_layer = min(each.observers, self.n_probes * self.n_attributes) * len(each.doses) + 2 * each.neurons
                n_layers = sum(not layer.is_head for layer in self.layers)  # outputs are not steered
                n_passes, held = n_layers * of_layer * (1 + each.directions), found.memory_bytes + MEASURED
                found = replace(found, of_steering=n_passes, memory_bytes=held)
        return found

    def _ablated(self, found: InterventionCost, ablate: Ablate) -> InterventionCost:
        # zero, mean, mean of the other value, and one pass per resampling and random direction; the subjects of a layer
        # together get more of these where a correction over those of all layers asks for them
        directions = ablate.directions + int(RESERVE / LEVEL) * len(self.layers)
        of_neuron = 3 + ablate.draws + directions
        of_observer = ablate.draws + directions + (of_neuron if ablate.top else 0)
        observers = self.n_probes * min(ablate.observers, self.n_attributes)
        return replace(
            found,
            passes=len(OF_EVERY_NEURON) * sum(layer.n_neurons for layer in self.layers),
            of_observers=len(self.layers) * observers * of_observer,
            of_neuron=of_neuron,
        )
