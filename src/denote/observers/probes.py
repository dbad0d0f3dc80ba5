"""The kinds of probe that a config may name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from denote.errors import ConfigError, one_of
from denote.observers.closed_form import CentroidProbe, MajorityProbe
from denote.observers.linear import LinearProbe
from denote.observers.mlp import MlpProbe
from denote.observers.neuron import NeuronProbe
from denote.observers.observer import Probe
from denote.observers.sparse import SparseProbe
from denote.settings import PROBES as SETTINGS
from denote.settings import check_keys

PROBES: dict[str, type[LinearProbe | NeuronProbe | CentroidProbe | SparseProbe | MlpProbe | MajorityProbe]] = {
    probe.kind: probe for probe in (LinearProbe, NeuronProbe, CentroidProbe, SparseProbe, MlpProbe, MajorityProbe)
}


def probe_from(kind: str, settings: Mapping[str, Any]) -> Probe:
    """The probe that a config asks for.

    Args:
        kind: One of `KINDS`.
        settings: Its keys; what is left out keeps its default.

    Raises:
        ConfigError: naming ``probe.<kind>.<key>``, what came and what is allowed.
    """
    if kind not in PROBES:
        raise ConfigError("probe", f"there is no probe '{kind}'", one_of(kind, PROBES))
    check_keys(settings, SETTINGS[kind], f"probe.{kind}.")
    for key, value in settings.items():
        SETTINGS[kind][key].check(value, f"probe.{kind}.{key}")
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    return PROBES[kind](**given)
