"""Objects of the user's own classes that a job is given besides its config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from denote.attributes.families import AttributeFamily
from denote.evidence.own import Control
from denote.observers.observer import Probe


@dataclass(frozen=True)
class Own:
    """What stands in the place of an option's settings, by option.

    Attributes:
        attributes: Families.
        probes: Probes.
        controls: Controls.
    """

    attributes: Mapping[str, AttributeFamily] = field(default_factory=dict)
    probes: Mapping[str, Probe] = field(default_factory=dict)
    controls: Mapping[str, Control] = field(default_factory=dict)
