"""One observation: states, attributes and probes in; tables and observers out. The command line and Python share it."""

from denote.observation.arguments import NO_NETWORK, Controls, ControlStates, ObservationSettings, SampleInfo, Subject
from denote.observation.observe import observe_states
from denote.observation.result import INPUT, Observation

__all__ = [
    "INPUT",
    "NO_NETWORK",
    "ControlStates",
    "Controls",
    "Observation",
    "ObservationSettings",
    "SampleInfo",
    "Subject",
    "observe_states",
]
