"""What can be known to be wrong from the values of a config alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from denote.byte_units import byte_count
from denote.denotation.analysis import LEAST_LAYERS
from denote.errors import ConfigError, one_of
from denote.evidence.controls import built_in_controls
from denote.limits import (
    AT_LEAST_ONE,
    COUNT,
    EVIDENCE,
    SHARE,
    SWITCHES,
    WHOLE,
    Limit,
    check_evidence,
    check_switch,
)
from denote.observers.kinds import KINDS
from denote.targets import check_places, is_own
from denote.trust import CODE_DIR, TRUSTED


def check(config: Mapping[str, Any]) -> None:
    """Find what can be known to be wrong from the config alone, before any job starts.

    Raises:
        ConfigError: naming the key, what came and what is allowed.
    """
    _check_known(config)
    check_places(config)
    for key in ("seed", "probe_seed"):
        _number(config, key, WHOLE)
    for name in (*EVIDENCE, *SWITCHES, "null"):
        _lookup(config, f"evidence.{name}")
    check_evidence(config["evidence"], lambda name: f"evidence.{name}")
    _check_rivals(config["evidence"])
    _check_analysis(config)
    for part in ("object", "fit", "test"):
        _number(config, f"split.fractions.{part}", SHARE)
    _number(config, "trainer.batch_size", AT_LEAST_ONE)
    _number(config, "trainer.extract_batch_size", AT_LEAST_ONE)
    _choice(config, "on_existing", ("skip", "redo", "fail"))
    _choice(config, "store.extract", ("all", "asked"))
    _choice(config, "layer.pooling", ("mean", "max", "flatten", "centre", "first", "last", "cls"))
    _choice(config, "layer.of", ("blocks", "leaves", "modules"))
    _choice(config, "logger.kind", ("wandb", "none"))
    byte_count(config["memory_limit"])
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", str(config["device"])):
        raise ConfigError("device", f"{config['device']!r} is unknown", "allowed: auto, cpu, cuda, cuda:N")
    if not isinstance(config["tags"], list):
        raise ConfigError("tags", f"{config['tags']!r} is no list", "allowed: tags=[first,second]")
    _check_layer(config["layer"].get("select"))
    if not config["attribute"].get("where") and not [k for k in config["attribute"] if k != "where"]:
        raise ConfigError("attribute", "names no attribute", "choose an option: attribute=classes, or attribute.where")
    for name, option in config["attribute"].items():
        if name != "where" and is_own(option):
            _check_own_name("attribute", name, FAMILIES)
    _check_columns(config["attribute"])
    _check_probes(config["probe"])
    _check_controls(config["control"])
    if config["architecture"].get("epoch") is not None:
        _number(config, "architecture.epoch", COUNT)


KEYS = (
    "attribute", "probe", "control", "seed", "probe_seed", "split", "evidence", "analysis", "sweep_name", "store",
    "device", "memory_limit", "on_existing", "tags", "dataset", "architecture", "layer", "trainer", "logger",
)  # fmt: skip
"""Top-level keys of the configuration."""


def _check_known(config: Mapping[str, Any]) -> None:
    for key in config:
        if key not in KEYS:
            only = "on the command line only, never in a config" if key in (CODE_DIR, TRUSTED) else one_of(key, KEYS)
            raise ConfigError(key, "there is no such key", only)
    for group in GROUP_KEYS:
        for key in config[group]:
            if key not in GROUP_KEYS[group]:
                raise ConfigError(f"{group}.{key}", "there is no such key", one_of(key, GROUP_KEYS[group]))


GROUP_KEYS = {
    "split": ("seed", "group", "column", "fractions"),
    "evidence": (
        "decisive",
        "null",
        "q",
        "min_rows",
        "on_tolerance",
        "thresholds",
        "permutations",
        "bootstraps",
        "rivals",
        "randomisation",
        "stability",
        "curves",
        "equal_rows",
        "examples",
    ),
    "analysis": ("family", "layers", "equivalence", "level"),
    "store": ("path", "extract"),
    "layer": ("select", "pooling", "of", "kind"),
}


FAMILIES = ("subsets", "classes", "columns", "quantiles", "formulas", "named")
"""What the kinds of attributes call their families; those of ``attribute.where`` are ``named``."""

SEARCHES = ("second_fit", "thresholds")
"""What `denote.denotation.stability` calls its rows in the table of controls."""


def _check_controls(control: Mapping[str, Any]) -> None:
    kinds = {name: [field.name for field in fields(kind)] for name, kind in built_in_controls().items()}
    for name, settings in control.items():
        if is_own(settings):
            _check_own_name("control", name, (*kinds, *SEARCHES))
            continue
        if name not in kinds:
            raise ConfigError(f"control.{name}", "no such control", one_of(name, kinds))
        for key in settings or {}:
            if key not in kinds[name]:
                raise ConfigError(f"control.{name}.{key}", "no such key", one_of(key, sorted(kinds[name])))
    if "control_task" in control and (control["control_task"] or {}).get("column") is None:
        key = "control.control_task.column"
        raise ConfigError(key, "is missing", f"name a column whose values recur, such as an id: {key}=NAME")
    for group, settings in kinds.items():
        given = {name: value for name, value in (control.get(group) or {}).items() if name in settings}
        given.pop("column", None)
        if "enabled" in given:
            check_switch(given.pop("enabled"), f"control.{group}.enabled")
        # A control that is asked for does something; whoever wants none leaves it out of control=[...].
        does = any(COUNT.fits(value) and value > 0 for value in given.values())
        for name, value in given.items():
            (COUNT if does else AT_LEAST_ONE).check(value, f"control.{group}.{name}")


def _check_columns(attribute: Mapping[str, Any]) -> None:
    for name, option in attribute.items():
        if not attribute.get("where") and isinstance(option, Mapping) and option.get("names") == []:
            hint = "allowed: all, or a list of columns; experiment=audit takes those of dataset.attributes=[NAME,NAME]"
            raise ConfigError(f"attribute.{name}.names", "names no column", hint)


def _check_analysis(config: Mapping[str, Any]) -> None:
    family, layers = (config["analysis"].get(key) for key in ("family", "layers"))
    known = list(dict.fromkeys([*FAMILIES, *(name for name in config["attribute"] if name != "where")]))
    if family is not None and family not in known:
        raise ConfigError("analysis.family", f"there is no family {family!r}", f"{one_of(str(family), known)}, or null")
    depths = isinstance(layers, list) and all(type(depth) is int and depth >= 0 for depth in layers)
    if layers is not None and (not depths or len(set(layers)) < LEAST_LAYERS):
        allowed = f"allowed: a list of {LEAST_LAYERS} depths or more, from 0, or null"
        raise ConfigError("analysis.layers", f"{layers!r} came", allowed)
    _number(config, "analysis.equivalence", Limit(low=0, high=0.5, above=True))
    _number(config, "analysis.level", SHARE)


def _check_rivals(evidence: Mapping[str, Any]) -> None:
    rivals = evidence.get("rivals")
    if rivals != "all" and not (isinstance(rivals, list) and all(isinstance(name, str) for name in rivals)):
        raise ConfigError("evidence.rivals", f"{rivals!r} came", "allowed: all, or a list of columns")


def _check_probes(options: Mapping[str, Any]) -> None:
    if not options:
        raise ConfigError("probe", "names no option", f"choose at least one: probe={KINDS[0]}")
    for name, settings in options.items():
        if is_own(settings):
            _check_own_name("probe", name, KINDS)
            continue
        kind = settings.get("kind") if isinstance(settings, Mapping) else None
        if kind not in KINDS:
            raise ConfigError(f"probe.{name}.kind", f"{kind!r} is unknown", one_of(kind, KINDS))
        if kind != name:  # tables tell observers apart by their kind
            raise ConfigError(f"probe.{name}", f"is of kind {kind!r}", f"allowed: probe.{kind}, one of each kind")


def _check_own_name(group: str, name: str, taken: Collection[str]) -> None:
    """Refuse a name for an option of the user's own class under which its rows could not be told apart from ours."""
    if name in taken:
        raise ConfigError(f"{group}.{name}", "the name is taken", f"another name than {', '.join(taken)}")
    if not name.isidentifier():
        raise ConfigError(f"{group}.{name}", "is no name for tables and files", "letters, digits and underscores")


def _check_layer(select: Any) -> None:
    wanted = select if isinstance(select, list) else [select]
    bad = [item for item in wanted if isinstance(item, bool) or not isinstance(item, (int, str))]
    if bad or not wanted:
        raise ConfigError(
            "layer.select", f"{select!r} selects nothing",
            "allowed: a depth, a name or glob, a list of those, all, first, middle, last, state",
        )  # fmt: skip


def _lookup(config: Mapping[str, Any], key: str) -> Any:
    value: Any = config
    for name in key.split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise ConfigError(key, "is missing")
        value = value[name]
    return value


def _number(config: Mapping[str, Any], key: str, limit: Limit) -> None:
    limit.check(_lookup(config, key), key)


def _choice(config: Mapping[str, Any], key: str, allowed: tuple[object, ...]) -> None:
    value = _lookup(config, key)
    if value not in allowed:
        raise ConfigError(key, f"{value!r} is unknown", one_of(value, allowed))
