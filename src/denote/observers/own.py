"""Probes of the user's own, under the name by which they were asked for."""

from __future__ import annotations

from dataclasses import replace

from denote.errors import ConfigError
from denote.observers.observer import BuiltInProbe, FitData, Observer, Probe
from denote.settings import PROBES as KINDS


class OwnProbe(BuiltInProbe):
    """A user's probe, whose results have the option's name in tables and files.

    Args:
        name: Of the option.
        probe: The user's.
    """

    def __init__(self, name: str, probe: Probe) -> None:
        if name in KINDS:
            raise ConfigError(f"probe.{name}", "the name is taken", f"another name than {', '.join(KINDS)}")
        self.name, self.probe = name, probe

    @property
    def kind(self) -> str:
        """See `Probe`."""
        return self.name

    @property
    def joint(self) -> bool:
        """See `Probe`."""
        return self.probe.joint

    @property
    def reads_neurons(self) -> bool:
        """See `Probe`."""
        return self.probe.reads_neurons

    @property
    def has_map(self) -> bool:
        """See `Probe`."""
        return self.probe.has_map

    @property
    def is_baseline(self) -> bool:
        """See `Probe`."""
        return self.probe.is_baseline

    def fit_data(self, data: FitData) -> Observer:
        """See `Probe`.

        Raises:
            ConfigError: if the user's probe gives no observers of this state and these attributes.
        """
        found = self.probe.fit_data(data)
        where, needed = f"probe.{self.name}", (data.state.shape[1], data.labels.shape[1])
        if not isinstance(found, Observer):
            raise ConfigError(where, f"fit gave a {type(found).__name__}", "needed: an Observer")
        if (found.n_neurons, len(found.bias)) != needed:
            problem = f"fit gave observers of {found.n_neurons} neurons and {len(found.bias)} attributes"
            raise ConfigError(where, problem, f"needed: {needed[0]} and {needed[1]}")
        return replace(found, probe=self.name)
