"""Find what can be known to be wrong from the values of a config alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from denote.cli.targets import check_places, is_own
from denote.config.settings import COUNT, SOME, Settings, Weights, check_group, check_keys, declared
from denote.config.trust import CODE_DIR, TRUSTED
from denote.denotation.depth.plan import LEAST_LAYERS
from denote.errors import ConfigError, one_of
from denote.evidence.controls import built_in_controls
from denote.files import check_can_be_folder
from denote.interventions.kinds import INTERVENTIONS
from denote.observers.kinds import built_in_probes
from denote.reporting import wandb_environment
from denote.reporting.local_runs import check_installed

FAMILIES = ("subsets", "classes", "columns", "quantiles", "formulas", "named")
"""What the kinds of attributes call their families; those of ``attribute.where`` are ``named``."""

SEARCHES = ("second_fit", "thresholds")
"""What `denote.denotation.judging.search_stability` calls its rows in the table of controls."""


def check(config: Mapping[str, Any]) -> None:
    """Find what can be known to be wrong from the config alone, before any job starts.

    Raises:
        ConfigError: naming the key, what came and what is allowed.
    """
    for key in (CODE_DIR, TRUSTED):
        if key in config:
            raise ConfigError(key, "there is no such key", "on the command line only, never in a config")
    check_places(config)
    check_group(Settings, config)
    chosen = config["architecture"]
    check_group(Weights, {key: chosen[key] for key in declared(Weights) if key in chosen}, "architecture")
    options = {name: option for name, option in config["attribute"].items() if name != "where"}
    _check_attributes(config["attribute"].get("where"), options)
    _check_analysis(config["analysis"], options)
    _check_probes(config["probe"])
    _check_controls(config["control"])
    _check_interventions(config["intervention"])
    _check_store(config["store"]["path"])
    wandb_environment.check(config)
    check_installed(wandb_environment.kinds_of(config["logger"]))


def _check_store(path: str) -> None:
    if not path:
        raise ConfigError("store.path", "is empty", "needed: a folder, such as multirun/.store")
    check_can_be_folder(Path(path), "store.path")


def _check_attributes(where: Any, options: Mapping[str, Any]) -> None:
    if where and not isinstance(where, (str, Mapping)):
        raise ConfigError("attribute.where", f"{where!r} came", "allowed: an SQL expression, or {NAME: EXPRESSION}")
    if not where and not options:
        raise ConfigError("attribute", "names no attribute", "choose an option: attribute=classes, or attribute.where")
    for name, option in options.items():
        if is_own(option):
            _check_own_name("attribute", name, FAMILIES)
        elif not where and isinstance(option, Mapping) and option.get("names") == []:
            hint = "allowed: all, or a list of columns; experiment=audit takes those of dataset.attributes=[NAME,NAME]"
            raise ConfigError(f"attribute.{name}.names", "names no column", hint)


def _check_analysis(analysis: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    family, layers = analysis["family"], analysis["layers"]
    families = list(dict.fromkeys([*FAMILIES, *options]))
    if family is not None and family not in families:
        raise ConfigError("analysis.family", f"there is no family {family!r}", f"{one_of(family, families)}, or null")
    if layers is not None and len(set(layers)) < LEAST_LAYERS:
        allowed = f"allowed: a list of {LEAST_LAYERS} depths or more, from 0, or null"
        raise ConfigError("analysis.layers", f"{layers!r} came", allowed)


def _check_probes(options: Mapping[str, Any]) -> None:
    kinds = tuple(built_in_probes())
    if not options:
        raise ConfigError("probe", "names no option", f"choose at least one: probe={kinds[0]}")
    for name, settings in options.items():
        if is_own(settings):
            _check_own_name("probe", name, kinds)
            continue
        kind = settings.get("kind") if isinstance(settings, Mapping) else None
        if kind not in kinds:
            raise ConfigError(f"probe.{name}.kind", f"{kind!r} is unknown", one_of(kind, kinds))
        if kind != name:  # tables tell observers apart by their kind
            raise ConfigError(f"probe.{name}", f"is of kind {kind!r}", f"allowed: probe.{kind}, one of each kind")


def _check_controls(control: Mapping[str, Any]) -> None:
    controls = built_in_controls()
    for name, settings in control.items():
        if is_own(settings):
            _check_own_name("control", name, (*controls, *SEARCHES))
            continue
        check_keys({name: settings}, controls, "control.")
        given, prefix = settings or {}, f"control.{name}."
        settings_of = declared(controls[name])
        check_keys(given, settings_of, prefix)
        if not controls[name].bare and given.get("column") is None:
            key = f"{prefix}column"
            raise ConfigError(key, "is missing", f"name a column whose values recur, such as an id: {key}=NAME")
        # A control that is asked for does something; whoever wants none leaves it out of control=[...].
        counts = [value for key, value in given.items() if settings_of[key] is COUNT]
        does = any(COUNT.fits(value) and value > 0 for value in counts)
        for key, value in given.items():
            allowed = settings_of[key]
            (SOME if allowed is COUNT and not does else allowed).check(value, prefix + key)


def _check_interventions(options: Mapping[str, Any]) -> None:
    check_keys(options, INTERVENTIONS, "intervention.")
    for name, settings in options.items():
        kind: Any = INTERVENTIONS[name]
        check_keys(settings or {}, declared(kind), f"intervention.{name}.")
        for key, value in (settings or {}).items():
            declared(kind)[key].check(value, f"intervention.{name}.{key}")


def _check_own_name(group: str, name: str, taken: Collection[str]) -> None:
    """Refuse a name for an option of the user's own class under which its rows could not be told apart from ours."""
    if name in taken:
        raise ConfigError(f"{group}.{name}", "the name is taken", f"another name than {', '.join(taken)}")
    if not name.isidentifier():
        raise ConfigError(f"{group}.{name}", "is no name for tables and files", "letters, digits and underscores")
