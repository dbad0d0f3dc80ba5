"""The kinds of probe that a config may name, and what their settings may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from importlib import import_module
from itertools import pairwise
from typing import Any

from denote.errors import ConfigError, one_of
from denote.observers.kinds import KINDS
from denote.observers.observer import BuiltInProbe


def _class_of(kind: str) -> type[BuiltInProbe]:
    """Return the probe of a kind, from the module of that name."""
    module = import_module(f"denote.observers.{kind}")
    classes = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, BuiltInProbe)]
    return next(each for each in classes if each.__module__ == module.__name__)


PROBES: Mapping[str, type[BuiltInProbe]] = {kind: _class_of(kind) for kind in KINDS}


def probe_from(kind: str, settings: Mapping[str, Any]) -> BuiltInProbe:
    """The probe that a config asks for.

    Args:
        kind: One of `KINDS`.
        settings: Its keys; what is left out keeps its default.

    Raises:
        ConfigError: naming ``probe.<kind>.<key>``, what came and what is allowed.
    """
    if kind not in PROBES:
        raise ConfigError("probe", f"there is no probe '{kind}'", one_of(kind, PROBES))
    known = [field.name for field in fields(PROBES[kind])]  # type: ignore[arg-type] # all are dataclasses
    for key, value in settings.items():
        where = f"probe.{kind}.{key}"
        if key not in known:
            raise ConfigError(where, "there is no such key", one_of(key, known) if known else "this probe has none")
        allowed, fits = _ALLOWED.get((kind, key)) or _ALLOWED["", key]
        if not fits(value):
            raise ConfigError(where, f"{value!r} came", f"allowed: {allowed}")
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    return PROBES[kind](**given)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf")


def _above_zero(value: Any) -> bool:
    return _number(value) and value > 0


def _whole(value: Any) -> bool:
    return type(value) is int and value >= 1


def _each(value: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(fits(each) for each in value)


def _strengths(value: Any) -> bool:
    return _above_zero(value) or (_each(value, _above_zero) and len(set(value)) == len(value))


def _increasing(sizes: Any) -> bool:
    return _each(sizes, _whole) and all(low < high for low, high in pairwise(sizes))


_ABOVE_ZERO = ("a number > 0", _above_zero)
_WHOLE = ("an integer >= 1", _whole)
_FLAG = ("true or false", lambda value: isinstance(value, bool))

_ALLOWED: dict[tuple[str, str], tuple[str, Callable[[Any], bool]]] = {
    ("linear", "l2"): ("a number > 0, or a list of different ones", _strengths),
    ("", "l2"): _ABOVE_ZERO,
    ("", "tolerance"): _ABOVE_ZERO,
    ("", "lr"): _ABOVE_ZERO,
    ("", "weight_decay"): ("a number >= 0", _number),
    ("", "max_iterations"): _WHOLE,
    ("", "width"): _WHOLE,
    ("", "batch_size"): _WHOLE,
    ("", "max_epochs"): _WHOLE,
    ("", "patience"): _WHOLE,
    ("", "balance"): _FLAG,
    ("", "standardise"): _FLAG,
    ("", "sizes"): ("a list of increasing whole numbers >= 1", _increasing),
}
"""What a setting may be, of one kind of probe or of all that have it."""
