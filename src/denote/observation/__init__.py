"""One observation: states, attributes and probes in; tables and observers out. The command line and Python share it."""

from denote.observation.asked import NO_NETWORK, Asked, Beside, Controls, Facts, Subject
from denote.observation.found import INPUT, Observation
from denote.observation.observe import observe_states

__all__ = ["INPUT", "NO_NETWORK", "Asked", "Beside", "Controls", "Facts", "Observation", "Subject", "observe_states"]
