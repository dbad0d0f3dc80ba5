"""The kinds of probe that a config may name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from itertools import pairwise
from typing import Any

from denote.errors import ConfigError, one_of
from denote.observers.centroid import CentroidProbe
from denote.observers.linear import LinearProbe
from denote.observers.majority import MajorityProbe
from denote.observers.neuron import NeuronProbe
from denote.observers.observer import Probe
from denote.observers.sparse import SparseProbe

PROBES: dict[str, type[LinearProbe | NeuronProbe | CentroidProbe | SparseProbe | MajorityProbe]] = {
    probe.kind: probe for probe in (LinearProbe, NeuronProbe, CentroidProbe, SparseProbe, MajorityProbe)
}

_ALLOWED = {
    "l2": "a number > 0, or a list of them",
    "tolerance": "a number > 0",
    "max_iterations": "an integer >= 1",
    "balance": "true or false",
    "standardise": "true or false",
    "sizes": "increasing whole numbers >= 1",
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
    known = [field.name for field in fields(PROBES[kind])]
    for key, value in settings.items():
        where = f"probe.{kind}.{key}"
        if key not in known:
            raise ConfigError(where, "there is no such key", one_of(key, known) if known else "this probe has none")
        if not _valid(key, value):
            raise ConfigError(where, f"{value!r} came", f"allowed: {_ALLOWED[key]}")
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    return PROBES[kind](**given)


def _valid(key: str, value: Any) -> bool:
    if key == "l2" and isinstance(value, (list, tuple)):
        return len(value) > 0 and all(not isinstance(each, (list, tuple)) and _valid(key, each) for each in value)
    if _ALLOWED[key] == "true or false":
        return isinstance(value, bool)
    if key == "sizes":
        return _increasing(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    if _ALLOWED[key] == "an integer >= 1":
        return isinstance(value, int) and value >= 1
    return 0 < value < float("inf")


def _increasing(sizes: Any) -> bool:
    if not isinstance(sizes, (list, tuple)) or not sizes or not all(type(size) is int for size in sizes):
        return False
    return sizes[0] >= 1 and all(low < high for low, high in pairwise(sizes))
