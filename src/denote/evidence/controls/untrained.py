"""The untrained control: the same observation of the same network at initialisation."""

from __future__ import annotations

from dataclasses import dataclass

from denote.config.settings import Count
from denote.evidence.control import StateControl
from denote.notes import Note


@dataclass(frozen=True)
class Untrained(StateControl):
    """Untrained networks of the same architecture.

    Attributes:
        twins: How many; the first is the model's own initialisation.
    """

    twins: Count = 3

    name = "untrained"
    column = "untrained_auroc"
    columns = ("untrained_auroc",)
    order = 40
    too_few = "few_untrained_neurons"
    states_only = Note.of("states_only", column=column, missing="network")
