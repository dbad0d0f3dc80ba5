"""Settings by which tracked runs are grouped and filtered: scalars, or sorted comma lists, under the tables' names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from denote.config.levels import level_of

SETTINGS = "settings"
"""Key under which a resolved config stands as it is."""

EPOCH = "epoch"
"""Key of the epoch: the x axis of training curves."""

NONE = "none"
"""What a list without entries is called."""

STATE = "state"
"""Name of all layers side by side, which have no depth."""

MOST_LISTED = 100
"""Entries of a comma list; a longer one ends with the number of the others."""

FLAT = (
    *("dataset", "architecture", "epoch", "attribute", "probe", "control", "intervention", "layer", "depth", "seed"),
    *("object_model", "network", "evidence", "sweep"),
)
"""Keys of a run's config beside `SETTINGS`; what a run has none of is left out."""

Config = Mapping[str, Any]


def comma_list(values: Iterable[Any]) -> Any:
    """Return the only value as it is, and several as one text: sorted, each once, separated by commas.

    Args:
        values: Numbers or texts; None is left out.

    Returns:
        None where nothing is left.
    """
    known = {value for value in values if value is not None}
    if len(known) <= 1:
        return next(iter(known), None)
    ordered = sorted(known, key=lambda value: (isinstance(value, str), value))
    more = len(ordered) - MOST_LISTED
    shown = [str(value) for value in ordered[:MOST_LISTED]]
    return ",".join([*shown, f"and {more} more"] if more > 0 else shown)


def flat(values: Mapping[str, Iterable[Any]]) -> dict[str, Any]:
    """Return comma lists by key; a key without a value is left out."""
    listed = {key: comma_list(of) for key, of in values.items()}
    return {key: value for key, value in listed.items() if value is not None}


def options(config: Config) -> dict[str, list[Any]]:
    """Return what a job's config names: attributes, probes, controls and interventions as typed, seed and evidence.

    Args:
        config: A resolved config.
    """
    attribute = config["attribute"]
    where = attribute.get("where")
    named = list(where) if isinstance(where, Mapping) else [where] if where else list(attribute)
    return {
        "attribute": [name for name in named if name != "where"],
        "probe": list(config["probe"]),
        "control": list(config["control"]) or [NONE],
        "intervention": list(config.get("intervention") or {}) or [NONE],
        "seed": [config["seed"]],
        "evidence": [level_of(config).name],
    }


def swept(overrides: Iterable[Sequence[str]]) -> dict[str, Any]:
    """Return the keys in which the jobs of a sweep differ, with their values as comma lists.

    Args:
        overrides: What was typed for each job, ``KEY=VALUE``.
    """
    values: dict[str, set[str]] = defaultdict(set)
    for typed in overrides:
        for override in typed:
            key, _, value = override.lstrip("+~").partition("=")
            values[key].add(value)
    return {key: comma_list(map(_number, values[key])) for key in sorted(values) if len(values[key]) > 1}


def _number(text: str) -> Any:
    """Return a whole number as one, so that 10 comes after 9."""
    return int(text) if text.isdecimal() else text


def common(configs: Iterable[Config]) -> dict[str, Any]:
    """Return the settings in which all configs agree."""
    agreed: dict[str, Any] | None = None
    for config in configs:
        agreed = dict(config) if agreed is None else _common(agreed, config)
    return agreed or {}


_ABSENT = object()


def _common(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in one.items():
        theirs = other.get(key, _ABSENT)
        if isinstance(value, Mapping) and isinstance(theirs, Mapping):
            kept[key] = _common(value, theirs)
        elif value == theirs:
            kept[key] = value
    return kept
