"""The kinds of probe that a config may name, and probes of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from denote.config.settings import check_keys, check_values, declared
from denote.errors import ConfigError, one_of, type_in_words
from denote.observers.kinds import built_in_probes
from denote.observers.observer import BuiltInProbe, FitData, Observer, Probe
from denote.observers.threads import given_back

PROBES: Mapping[str, type[BuiltInProbe]] = {
    name: getattr(import_module(f"denote.observers.{kind.module}"), kind.class_name)
    for name, kind in built_in_probes().items()
}


def probe_from(kind: str, settings: Mapping[str, Any]) -> BuiltInProbe:
    """The probe that a config asks for.

    Args:
        kind: One of `PROBES`.
        settings: Its keys; what is left out keeps its default.

    Raises:
        ConfigError: naming ``probe.<kind>.<key>``, what came and what is allowed.
    """
    if kind not in PROBES:
        raise ConfigError("probe", f"there is no probe '{kind}'", one_of(kind, PROBES))
    check_keys(settings, declared(PROBES[kind]), f"probe.{kind}.")
    check_values(PROBES[kind], settings, lambda key: f"probe.{kind}.{key}")
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    return PROBES[kind](**given)


class OwnProbe(BuiltInProbe):
    """A user's probe, whose results have the option's name in tables and files.

    Args:
        name: Of the option.
        probe: The user's.
    """

    def __init__(self, name: str, probe: Probe) -> None:
        if name in PROBES:
            raise ConfigError(f"probe.{name}", "the name is taken", f"another name than {', '.join(PROBES)}")
        self.name, self.probe = name, probe
        self.joint, self.reads_neurons, self.is_baseline = probe.joint, probe.reads_neurons, probe.is_baseline

    @property
    def kind(self) -> str:
        """See `Probe`."""
        return self.name

    @property
    def has_map(self) -> bool:
        """See `Probe`."""
        return self.probe.has_map

    def fit_data(self, data: FitData) -> Observer:
        """See `Probe`.

        Raises:
            ConfigError: if the user's probe gives no observers of this state and these attributes.
        """
        with given_back():
            found = self.probe.fit_data(data)
        where, needed = f"probe.{self.name}", (data.state.shape[1], data.labels.shape[1])
        if not isinstance(found, Observer):
            raise ConfigError(where, f"fit gave {type_in_words(found)}", "needed: an Observer")
        if (found.n_neurons, len(found.bias)) != needed:
            problem = f"fit gave observers of {found.n_neurons} neurons and {len(found.bias)} attributes"
            raise ConfigError(where, problem, f"needed: {needed[0]} and {needed[1]}")
        return replace(found, probe=self.name)
