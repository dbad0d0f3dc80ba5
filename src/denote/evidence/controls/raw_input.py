"""The raw-input control: the same observers on the flattened input."""

from __future__ import annotations

from dataclasses import dataclass

from denote.config.settings import Switch
from denote.evidence.control import StateControl
from denote.notes import Note


@dataclass(frozen=True)
class RawInput(StateControl):
    """The input in the place of the state; `denote.evidence.audit` reads it once for all layers.

    Attributes:
        enabled: False leaves it out.
    """

    enabled: Switch = True

    name = "raw_input"
    column = "input_auroc"
    columns = ("input_auroc", "input_gain", "input_gain_low", "input_gain_high", "input_name")
    order = 60
    too_few = "few_input_values"
    states_only = Note.of("states_only", column=column, missing="inputs")
