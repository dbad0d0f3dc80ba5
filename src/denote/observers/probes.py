"""The kinds of probe that a config may name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from denote.errors import ConfigError, one_of
from denote.observers.linear import LinearProbe
from denote.observers.majority import MajorityProbe
from denote.observers.mlp import MlpProbe
from denote.observers.neuron import NeuronProbe
from denote.observers.observer import Probe

PROBES: dict[str, type[LinearProbe] | type[NeuronProbe] | type[MlpProbe] | type[MajorityProbe]] = {
    probe.kind: probe for probe in (LinearProbe, NeuronProbe, MlpProbe, MajorityProbe)
}

_ALLOWED = {
    "l2": "a number > 0",
    "tolerance": "a number > 0",
    "max_iterations": "an integer >= 1",
    "balance": "true or false",
    "standardise": "true or false",
    "width": "an integer >= 1",
    "weight_decay": "a number >= 0",
    "lr": "a number > 0",
    "batch_size": "an integer >= 1",
    "max_epochs": "an integer >= 1",
    "patience": "an integer >= 1",
}


def probe_from(kind: str, settings: Mapping[str, Any]) -> Probe:
    """The probe that a config asks for.

    Args:
        kind: ``linear``, ``neuron``, ``mlp`` or ``majority``.
        settings: Its keys; what is left out keeps its default.

    Raises:
        ConfigError: naming ``probe.<kind>.<key>``, what came and what is allowed.
    """
    if kind not in PROBES:
        raise ConfigError("probe", f"there is no probe '{kind}'", one_of(kind, PROBES))
    known = [field.name for field in fields(PROBES[kind])]
    for key, value in settings.items():
        where = f"probe.{kind}.{key}"
        if key not in known:
            raise ConfigError(where, "there is no such key", one_of(key, known) if known else "this probe has none")
        if not _valid(key, value):
            raise ConfigError(where, f"{value!r} came", f"allowed: {_ALLOWED[key]}")
    return PROBES[kind](**settings)


def _valid(key: str, value: Any) -> bool:
    if _ALLOWED[key] == "true or false":
        return isinstance(value, bool)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if _ALLOWED[key] == "an integer >= 1":
        return isinstance(value, int) and value >= 1
    if _ALLOWED[key] == "a number >= 0":
        return 0 <= value < float("inf")
    return 0 < value < float("inf")
