"""The kinds of probe that a config may name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from denote.errors import ConfigError, one_of
from denote.observers.observer import BuiltInProbe
from denote.settings import PROBES as SETTINGS
from denote.settings import check_keys


def _class_of(kind: str) -> type[BuiltInProbe]:
    """Return the probe of a kind, from the module of that name."""
    module = import_module(f"denote.observers.{kind}")
    classes = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, BuiltInProbe)]
    return next(each for each in classes if each.__module__ == module.__name__)


PROBES: Mapping[str, type[BuiltInProbe]] = {kind: _class_of(kind) for kind in SETTINGS}


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
    check_keys(settings, SETTINGS[kind], f"probe.{kind}.")
    for key, value in settings.items():
        SETTINGS[kind][key].check(value, f"probe.{kind}.{key}")
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    return PROBES[kind](**given)
